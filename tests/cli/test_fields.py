"""``linearscope fields``: its pictures, arrays and numbers."""

import json

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.analysis.fields import fields
from linearscope.analysis.points import interesting_points
from linearscope.models import load_model, read_image

FIELDS = ["fields", "photo.png", "--model", "models.py:upscaler"]


def interpreted(dtype=torch.float32):
    model = load_model("models.py:upscaler")
    image = model.preprocessing(read_image("photo.png")).to(dtype)
    return ls.interpret(model.module.to(dtype), image)


def test_the_numbers_are_those_of_the_library(run, work):
    code, out, err = run(*FIELDS, "--at", "7,5", "--at", "0,23", "--near", "4", "--out", "found", "--dtype", "float64")
    assert code == 0, err
    result = json.loads((work / "found" / "result.json").read_text())
    it = interpreted(torch.float64)
    assert [point["input_row_column"] for point in result["points"]] == [[7, 5], [0, 23]]
    assert [point["output_row_column"] for point in result["points"]] == [[15, 11], [1, 47]]
    for point in result["points"]:
        for kind, place in (("row", "output"), ("column", "input")):
            expected = fields(it, (1, *point[f"{place}_row_column"]), kind, near=4)
            found = point[kind]
            assert found["energy"] == pytest.approx(expected.energy, rel=1e-12)
            assert list(found["energy_radius_pixels"].values()) == pytest.approx(list(expected.radii.values()))
            assert found["far_share_of_energy"] == pytest.approx(expected.far, abs=1e-12)
            with np.load(work / "found" / found["values"]) as file:
                assert np.allclose(file["values"], expected.values.numpy(), rtol=0, atol=1e-12)
                assert tuple(file["start"]) == expected.start
                assert tuple(file["shape"]) == expected.shape
    assert {path.name for path in (work / "found" / "figures").iterdir()} == {
        *("rows.png", "columns.png", "7-5-row.png", "7-5-column.png", "0-23-row.png", "0-23-column.png"),
    }
    assert str((work / "found").resolve()) in out


def test_without_places_it_takes_those_worth_a_look(run, work):
    code, _, err = run(*FIELDS, "--kind", "column")
    assert code == 0, err
    result = json.loads((work / "linearscope-fields" / "result.json").read_text())
    found = {point["name"]: tuple(point["input_row_column"]) for point in result["points"]}
    assert found == interesting_points(interpreted().image)
    assert not any("row" in point for point in result["points"])


def test_options_take_effect_and_running_again_replaces(run, work):
    texts = []
    for options in ([], ["--channel", "0"], ["--kind", "row"], ["--near", "0"], ["--interpretation", "taylor"]):
        code, _, err = run(*FIELDS, "--at", "7,5", *options)
        assert code == 0, err
        result = json.loads((work / "linearscope-fields" / "result.json").read_text())
        texts.append(json.dumps({key: result[key] for key in ("points", "certificate", "colour_scale_limit")}))
    assert len(set(texts)) == len(texts)
    code, _, err = run(*FIELDS, "--at", "7,5", "--colours", "colour")
    assert code == 0, err


def test_a_grey_network_that_makes_an_image_of_the_same_size(run, work):
    (work / "grey.py").write_text("import torch\n\n\ndef make():\n    return torch.nn.Conv2d(1, 1, 3, padding=1)\n")
    code, _, err = run("fields", "photo.png", "--model", "grey.py:make", "--preprocess", "channels=L", "--at", "3,3")
    assert code == 0, err


BAD = {
    "row outside": (["--at", "20,3"], "row from 0 to 19 and a column from 0 to 23"),
    "column outside": (["--at", "3,24"], "row from 0 to 19 and a column from 0 to 23"),
    "negative": (["--at", "-1,3"], "row from 0 to 19 and a column from 0 to 23"),
    "no pixel": (["--at", "3"], "row and column"),
    "no numbers": (["--at", "a,b"], "row and column"),
    "no such channel": (["--at", "3,3", "--channel", "3"], "from 0 to 2"),
    "no such kind": (["--kind", "rows"], "'row'"),
    "no such colours": (["--colours", "grey"], "'signed'"),
    "negative near": (["--at", "3,3", "--near", "-1"], "near"),
    "a classifier": (["--model", "models.py:classifier"], "tour"),
    "other things in the folder": (["--out", "."], "other things"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(run, work, case):
    options, words = BAD[case]
    before = {path for path in work.rglob("*") if "__pycache__" not in path.parts}
    code, _, err = run(*FIELDS, *options)
    assert code == 2, err
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert {path for path in work.rglob("*") if "__pycache__" not in path.parts} == before

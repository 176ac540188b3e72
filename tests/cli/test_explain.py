"""``linearscope explain``: the page, the numbers and values beside it, the tables, and every way to ask wrongly."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.attribution import METHODS, register_method
from linearscope.attribution import methods as registry
from linearscope.cli.explain_options import DEFAULTS
from tests.report.conftest import Page

SMALL = ["explain", "photo.png", "--model", "models.py:classifier", "--out", "found"]
FEW = [*SMALL, "--method", "gradient,gradient-x-input,contributions"]


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are fastest alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def method():
    """A method that shows the image's own brightness, with an option of each kind."""
    seen = {}

    @register_method(
        "brightness", "brightness", "none", family="baseline", heatmap="positive", layer="may",
        times="how often", factor="by how much", on="whether", how="a word", units="a file", size="two sides",
    )  # fmt: skip
    def brightness(explainer, images, targets, layer, times=1, factor=1.0, on=True, how="plain", units=None, size=None):
        seen.update(layer=layer, times=times, factor=factor, on=on, how=how, units=units, size=size)
        return registry.Made(images.abs(), layer=layer)

    yield seen
    del registry._METHODS["brightness"]


def numbers(work):
    return json.loads((work / "found" / "result.json").read_text())


def test_the_page_its_figures_its_values_and_its_numbers(work, run):
    code, out, err = run(*FEW, "--dtype", "float64")
    assert code == 0, err
    folder = work / "found"
    assert {path.name for path in folder.iterdir()} == {"index.html", "result.json", "figures", "values"}
    assert "sum checked: error" in out
    assert "gradient: no sum to check" in out
    found = numbers(work)
    assert found["schema"] == "linearscope.explain/1"
    assert [one["name"] for one in found["methods"]] == ["gradient", "gradient-x-input", "contributions"]
    (target,) = found["targets"]
    for one in found["methods"]:
        values = np.load(folder / one["values"])
        assert values["values"].shape == (1, *found["image_shape"][1:])
        assert values["targets"].tolist() == [target["index"]]
        heatmap = values["heatmaps"][0]
        assert heatmap.max() == pytest.approx(one["largest"][0])
        sizes = np.sort(np.abs(heatmap).ravel())[::-1]
        tenth = sizes[: round(len(sizes) / 10)].sum() / sizes.sum()
        assert one["share_in_top_tenth"][0] == pytest.approx(tenth)
        if one["check"]:
            assert one["check"]["error"][0] < 1e-12
            assert one["check"]["expected"][0] == pytest.approx(target["score"])
    for file in found["figures"]:
        with Image.open(folder / file) as picture:
            assert np.asarray(picture).std() > 2
    assert {f"figures/{one['name']}-1.png" for one in found["methods"]} <= set(found["figures"])
    Page((folder / "index.html").read_text())


def test_a_row_for_every_label(work, run):
    (work / "names.txt").write_text("cat\ndog\ncow\nhen\npig\n")
    code, out, err = run(*FEW, "--labels", "names.txt", "--target", "Dog", "--target", "4", "--target", "dog")
    assert code == 0, err
    found = numbers(work)
    assert [(one["index"], one["name"]) for one in found["targets"]] == [(1, "dog"), (4, "pig")]
    assert np.shape(found["labels"]) == (3, 2, 2)
    assert np.shape(found["agreement"]) == (2, 3, 3)
    values = np.load(work / "found" / "values" / "gradient.npz")["values"]
    assert values.shape[0] == 2
    assert not np.array_equal(values[0], values[1])
    assert (work / "found" / "figures" / "contributions-2.png").exists()
    page = Page((work / "found" / "index.html").read_text()).text
    assert "Do they tell the labels apart?" in page
    assert "dog and pig" in page
    assert "dog: score" in out


def test_methods_by_default(work, run):
    code, _, err = run("explain", "--model", "small_vgg", "--out", "found", "--option", "occlusion.window=16")
    assert code == 0, err
    made = [one["name"] for one in numbers(work)["methods"]]
    assert made == [name for name in DEFAULTS if name in METHODS]
    assert len(made) >= 12


def test_all_says_what_could_not_be_asked_and_why(work, run, monkeypatch):
    few = {name: METHODS[name] for name in ("gradient", "cam", "occlusion") if name in METHODS}
    monkeypatch.setattr(registry, "_METHODS", few)
    monkeypatch.setattr("linearscope.attribution.METHODS", few)
    monkeypatch.setattr("linearscope.attribution.comparison.METHODS", few)
    monkeypatch.setattr("linearscope.attribution.explainer.METHODS", few)
    code, _, err = run("explain", "--model", "small_vgg", "--method", "all", "--out", "found")
    assert code == 0, err
    assert "cam is left out: CAM needs" in err
    assert list(numbers(work)["left_out"]) == ["cam"]
    page = Page((work / "found" / "index.html").read_text()).text
    assert "What could not be asked" in page
    assert "CAM needs" in page


def test_a_named_method_that_does_not_apply_is_an_error(work, run):
    code, _, err = run("explain", "--model", "small_vgg", "--method", "gradient,cam", "--out", "found")
    assert code == 2
    assert err.startswith("Error: CAM needs")
    assert not (work / "found").exists()


def test_options_reach_the_method_as_what_they_are(work, run, method):
    options = ["times=3", "factor=2", "brightness.on=false", "how=1e3", "units=a/b.npz", "size=4,6"]
    flags = [flag for option in options for flag in ("--option", option)]
    code, _, err = run(*SMALL, "--method", "brightness,gradient", *flags)
    assert code == 0, err
    wanted = {"times": 3, "factor": 2, "on": False, "how": "1e3", "units": "a/b.npz", "size": (4, 6), "layer": None}
    assert method == wanted
    assert numbers(work)["methods"][0]["options"]["times"] == 3
    assert numbers(work)["methods"][1]["options"] == {}


def test_a_plain_layer_is_for_those_that_need_one_and_others_are_named(work, run, method):
    arguments = [*SMALL, "--method", "grad-cam,gradient,brightness"]
    code, _, err = run(*arguments, "--layer", "features.0", "--layer", "brightness=features.2")
    assert code == 0, err
    assert [one["layer"] for one in numbers(work)["methods"]] == ["features.0", None, "features.2"]
    assert "coarse" in np.load(work / "found" / "values" / "grad-cam.npz")


def test_signed_maps(work, run):
    code, _, err = run(*FEW, "--heatmap", "signed")
    assert code == 0, err
    found = numbers(work)
    assert {one["heatmap"] for one in found["methods"]} == {"signed"}
    assert min(one["least"][0] for one in found["methods"]) < 0
    assert "against the score" in Page((work / "found" / "index.html").read_text()).text


def test_a_place_of_a_network_that_makes_an_image(work, run):
    arguments = ["explain", "--model", "espcn_x2", "--method", "gradient,contributions", "--out", "found"]
    code, _, err = run(*arguments, "--crop", "16", "--target", "0,20,11", "--target", "5")
    assert code == 0, err
    found = numbers(work)
    height, width = found["output_shape"][1:]
    assert (height, width) == (32, 32)
    assert [one["index"] for one in found["targets"]] == [20 * 32 + 11, 5]
    assert found["targets"][0]["name"] == "output (0, 20, 11)"
    assert any("Only the middle 16" in note for note in found["about"]["notes"])
    row = np.load(work / "found" / "values" / "gradient.npz")["values"][0]
    assert np.abs(row).sum(0).max() == np.abs(row).sum(0)[8:13, 3:8].max() > 0


def test_a_table_of_layers(work, run):
    code, out, _ = run("explain", "photo.png", "--model", "models.py:classifier", "--layers")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[1] == ["features.0", "6", "9", "x", "11"]
    assert not (work / "linearscope-explain").exists()


def test_a_table_of_methods(work, run):
    code, out, _ = run("explain", "--methods")
    assert code == 0
    for name, one in METHODS.items():
        assert name in out
        for option in one.options:
            assert f"{option}: " in out


def test_interrupted_nothing_is_left(work, run, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("linearscope.report.explain.agreement_chart", stop)
    assert run(*FEW)[0] == 130
    assert not (work / "found").exists()
    assert not list(work.glob(".*.part"))


BAD = {
    "method": (["--method", "gradcam"], "no method 'gradcam'; the nearest are 'grad-cam'"),
    "no method": (["--method", ""], "no method ''"),
    "all among others": (["--method", "all,gradient"], "no method 'all'"),
    "label": (["--target", "cat"], "no class names"),
    "index": (["--target", "7"], "no class 7"),
    "layer": (["--method", "grad-cam", "--layer", "featurs.0"], "no layer 'featurs.0'"),
    "layer without a size": (["--method", "grad-cam", "--layer", "head"], "no spatial extent"),
    "layer of none": (["--layer", "features.0", "--method", "gradient"], "None of the methods needs a layer"),
    "layer of one that reads none": (["--method", "votes", "--layer", "votes=features.0"], "reads no layer"),
    "layer of one that is not asked": (["--method", "votes", "--layer", "gradient=features.0"], "is not asked"),
    "layer of nothing": (["--method", "votes", "--layer", "vote=features.0"], "no method 'vote'"),
    "two layers": (["--layer", "features.0", "--layer", "features.1"], "for the same methods"),
    "option without a value": (["--option", "epsilon"], "'epsilon' is no option"),
    "option of none": (
        ["--method", "gradient", "--option", "epsilon=1"],
        "no option of the methods asked for 'epsilon'",
    ),
    "option": (["--option", "lrp-epsilon.epsilom=1"], "no option of lrp-epsilon 'epsilom'; the nearest is 'epsilon'"),
    "option not asked": (["--method", "gradient", "--option", "votes.labels=2"], "is not asked"),
    "option twice": (["--option", "votes.labels=2", "--option", "votes.labels=3"], "twice"),
    "option no number": (["--option", "lrp-epsilon.epsilon=much"], "lrp-epsilon.epsilon is 'much'. Give a number."),
    "option no whole number": (["--option", "votes.labels=2.5"], "votes.labels is '2.5'. Give a whole number."),
    "option no number at all": (
        ["--option", "occlusion.window=wide"],
        "Give a whole number or numbers between commas.",
    ),
    "option a number": (["--method", "relevant-units", "--option", "units=5"], "no file 5"),
    "option nan": (["--option", "lrp-epsilon.epsilon=nan"], "Give a number."),
    "option out of range": (["--method", "lrp-epsilon", "--option", "epsilon=-1"], "epsilon is -1"),
    "heat map": (["--heatmap", "absolute"], "no kind of heat map 'absolute'"),
    "crop": (["--crop", "-1"], "--crop is -1"),
    "dtype": (["--dtype", "half"], "no type of numbers 'half'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, work, run):
    extra, message = BAD[name]
    code, _, err = run(*SMALL, *extra)
    assert code == 2, err
    assert message in err
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    assert not (work / "found").exists()
    assert not list(work.glob(".*.part"))


@pytest.mark.parametrize("target", ["0,20", "9,0,0", "x", "100000"])
def test_bad_places(target, work, run):
    code, _, err = run(
        "explain", "--model", "espcn_x2", "--crop", "16", "--method", "gradient", "--out", "found", "--target", target
    )
    assert code == 2
    assert "no output" in err


def test_a_folder_with_other_things_is_refused_before_anything(work, run):
    (work / "found").mkdir()
    (work / "found" / "mine.txt").write_text("mine")
    code, _, err = run(*FEW)
    assert code == 2
    assert "other things" in err
    assert [path.name for path in (work / "found").iterdir()] == ["mine.txt"]


def test_again_into_the_same_folder(work, run):
    assert run(*FEW, "--target", "1", "--target", "2")[0] == 0
    assert run(*FEW)[0] == 0
    assert not (work / "found" / "figures" / "gradient-2.png").exists()

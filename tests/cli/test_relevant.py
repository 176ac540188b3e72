"""``linearscope relevant``: the page, the file of units, going on after an interruption, and bad input."""

import json

import numpy as np
import pytest
from PIL import Image

import linearscope as ls
from linearscope.sweep import labelled_images, unit_sweep

MODEL = """
import torch
from torch import nn


class Colours(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, bias=False)
        self.relu = nn.ReLU()
        weight = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.3]])
        self.conv.weight.data = weight[:, :, None, None]

    def forward(self, x):
        return self.relu(self.conv(x)).mean((2, 3))[:, :3]


def colours():
    return Colours()
"""
NAMES = ("Red", "green_things", "Blue")


@pytest.fixture
def classes(tmp_path, monkeypatch):
    """A folder of three classes of photos, a model and its labels; and in it."""
    generator = np.random.default_rng(0)
    for place, name in enumerate(NAMES):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(4):
            pixels = generator.integers(0, 40, (8, 8, 3), dtype=np.uint8)
            row, column = generator.integers(0, 5, 2)
            pixels[row : row + 3, column : column + 3, place] = 255
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "names.txt").write_text("red\ngreen things\nblue\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(*more):
    return ("relevant", "data", "-m", "model.py:colours", "--labels", "names.txt", "--preprocess", "crop=8", *more)


def test_the_page_and_the_units(classes, run):
    code, out, err = run(*options("--mu", "2", "--layer", "relu", "--out", "made"))
    assert code == 0
    assert err == "Some class has 4 images: with fewer than 20, units may tell these images and no classes.\n"
    assert "red: relu 0" in out
    units = ls.load_relevant_units("made/report/values/units.npz")
    assert units.names == ("red", "green things", "blue")
    for c in range(3):
        assert units.of_class(c, 1)[0].channel == c
    page = (classes / "made/report/index.html").read_text()
    numbers = json.loads((classes / "made/report/result.json").read_text())
    for name in units.names:
        assert name in page
    assert numbers["accuracy"] == 1.0
    assert numbers["images"] == 12
    assert [one["output"] for one in numbers["classes"]] == [0, 1, 2]
    assert all((classes / "made/report" / file).is_file() for file in numbers["figures"])
    assert "http" not in page.split("<main>")[1]
    assert not list(classes.glob("**/*.part"))


def test_another_mu_uses_the_scores_again_and_an_interruption_goes_on(classes, run, monkeypatch):
    monkeypatch.setattr(unit_sweep, "_PORTION", 5)
    scored = []
    score = unit_sweep.UnitSweep._score

    def counted(self, images, numbers):
        if len(scored) == 2:
            scored.append(None)
            raise KeyboardInterrupt
        scored.append(numbers)
        return score(self, images, numbers)

    monkeypatch.setattr(unit_sweep.UnitSweep, "_score", counted)
    code, _, err = run(*options("--out", "made"))
    assert code == 130
    assert "goes on where it stopped" in err
    assert len(list((classes / "made/scores").iterdir())) == 2
    assert run(*options("--out", "made"))[0] == 0
    assert [len(one) for one in scored if one] == [5, 5, 2]
    first = ls.load_relevant_units("made/report/values/units.npz")
    assert run(*options("--out", "made", "--mu", "0.5"))[0] == 0
    assert len(scored) == 4
    assert ls.load_relevant_units("made/report/values/units.npz").mu == 0.5
    (classes / "made/scores/00001.npz").write_bytes(b"damaged")
    Image.new("RGB", (8, 8), "red").save(classes / "data/Red/3.png")
    assert run(*options("--out", "made"))[0] == 0
    assert len(scored) == 4 + 1  # the damaged portion; the changed image lies in it or in one that is made again
    assert first.mu == 10.0
    code, _, err = run(*options("--out", "made", "--score", "norm"))
    assert code == 2
    assert "other settings (score)" in err


def test_an_unreadable_image_is_skipped_and_said(classes, run):
    (classes / "data/Red/2.png").write_bytes(b"no image")
    code, _, err = run(*options("--out", "made"))
    assert code == 0
    assert "Skipped Red/2.png" in err
    assert "was skipped" in (classes / "made/report/index.html").read_text()


def test_classes_are_matched_by_name_by_index_or_in_order(classes):
    images = labelled_images("data")
    assert images.labels(("blue", "red", "green things"), 3) == ((0,) * 4 + (1,) * 4 + (2,) * 4, ())
    (classes / "data/Blue").rename(classes / "data/0")
    (classes / "data/Red").rename(classes / "data/2")
    (classes / "data/green_things").rename(classes / "data/1")
    assert labelled_images("data").labels(None, 5)[0] == (0,) * 4 + (1,) * 4 + (2,) * 4
    for name in "012":
        (classes / "data" / name).rename(classes / "data" / f"sort {name}")
    labels, notes = labelled_images("data").labels(("a", "b", "c"), 3)
    assert labels == (0,) * 4 + (1,) * 4 + (2,) * 4
    assert "in their order, from 'sort 0' for 'a'" in notes[0]
    with pytest.raises(ls.InputError, match="The class 'sort 0' of data is none of the model's"):
        labelled_images("data").labels(("a", "b", "c", "d"), 4)


def test_a_choice_takes_as_many_of_each_class(classes):
    images = labelled_images("data", count=6)
    assert [images.of.count(place) for place in range(3)] == [2, 2, 2]
    assert images.files == labelled_images("data", count=6).files
    assert labelled_images("data", count=6, seed=1).files != images.files


def test_rendered_plants(classes, run):
    images = labelled_images("an8flower-double-12c", count=24, side=48)
    assert images.photo(3).size == (48, 48)
    assert images.labels(None, 12)[0] == tuple(i % 12 for i in range(24))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--mu", "0"), "mu is 0"),
        (("--mu", "-2"), "mu is -2"),
        (("--score", "spectral"), "There is no score of units 'spectral'"),
        (("--layer", "rely"), "There is no layer 'rely'; the nearest is 'relu'"),
        (("--top", "0"), "--top is 0"),
        (("--count", "1"), "cannot tell classes apart"),
        (("--labels", "two.txt"), "--labels holds 2 names and the model has 3 scores"),
        (("--out", "data"), "holds other files"),
    ],
)
def test_bad_options_are_one_sentence(classes, run, more, said):
    (classes / "two.txt").write_text("a\nb\n")
    code, _, err = run(*options(*more))
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (classes / "linearscope-relevant").exists()


def test_bad_data_is_one_sentence(classes, run):
    def error(folder):
        code, _, err = run(
            "relevant", folder, "-m", "model.py:colours", "--labels", "names.txt", "--preprocess", "crop=8"
        )
        assert code == 2
        return err

    (classes / "one" / "red").mkdir(parents=True)
    assert "one sub-folder" in error("one")
    (classes / "one" / "blue").mkdir()
    assert "holds no images" in error("one")
    assert "There is no folder" in error("./nothing")
    assert "an8flower-single-6c" in error("an8flower-single")
    assert "There is no folder" in error("names.txt")
    Image.new("RGB", (8, 8), "red").save(classes / "one/red/a.png")
    Image.new("RGB", (8, 8), "blue").save(classes / "one/blue/a.png")
    (classes / "one" / "RED").mkdir()
    Image.new("RGB", (8, 8), "red").save(classes / "one/RED/a.png")
    assert "are the same class of the model" in error("one")
    Image.new("RGB", (12, 9), "red").save(classes / "data/Red/1.png")
    code, _, err = run("relevant", "data", "-m", "model.py:colours", "--preprocess", "scale=1", "--labels", "names.txt")
    assert code == 2
    assert "Red/1.png becomes 12 x 9 pixels and the first image 8 x 8" in err

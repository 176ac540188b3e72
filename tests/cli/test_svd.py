"""``linearscope svd``: files whole or not at all, and what has converged after Ctrl-C."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.analysis.svd_solver import Products


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are fastest alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SVD = ["svd", "photo.png", "--model", "models.py:upscaler", "--crop", "12", "--out", "found"]


def test_files(work, run):
    code, out, err = run(*SVD, "-k", 3, "--dtype", "float64")
    assert code == 0, err
    folder = work / "found"
    assert {path.name for path in folder.iterdir()} == {"figures", "values", "result.json"}
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures == {"overview.png", "singular-values.png", *(f"triplet-0{i}.png" for i in (1, 2, 3))}
    for path in (folder / "figures").iterdir():
        with Image.open(path) as picture:
            assert min(picture.size) > 200
    numbers = json.loads((folder / "result.json").read_text())
    values = np.load(folder / "values" / "vectors.npz")
    assert values["eigen_inputs"].shape == (3, 3, 12, 12)
    assert values["eigen_outputs"].shape == (3, 3, 24, 24)
    assert np.allclose(values["singular_values"], numbers["singular_values"])
    assert max(numbers["residuals"]) <= 1e-6 * numbers["singular_values"][0]
    assert numbers["complete"]
    assert numbers["certificate"]
    assert f"{numbers['products']} products" in out


def test_again_into_the_same_folder(work, run):
    assert run(*SVD, "-k", 2)[0] == 0
    assert run(*SVD, "-k", 1)[0] == 0
    assert not (work / "found" / "figures" / "triplet-02.png").exists()


def test_a_classifier(work, run):
    code, _, err = run("svd", "photo.png", "--model", "models.py:classifier", "-k", 2, "--out", "found")
    assert code == 0, err
    assert json.loads((work / "found" / "result.json").read_text())["eigen_output_shape"] == [5]


def test_interrupted_with_what_has_converged(work, run, monkeypatch):
    product, seen = Products.forward, []

    def forward(self, v):
        seen.append(len(v))
        if self.limit < float("inf") and len(seen) > 26:
            raise KeyboardInterrupt
        return product(self, v)

    monkeypatch.setattr(Products, "forward", forward)
    code, _, err = run(*SVD, "-k", 40, "--tol", "1e-3")
    assert code == 130
    assert "Interrupted" in err
    numbers = json.loads((work / "found" / "result.json").read_text())
    assert not numbers["complete"]
    assert 0 < len(numbers["singular_values"]) < 40
    assert any("Interrupted" in note for note in numbers["about"]["notes"])


def test_interrupted_before_anything(work, run, monkeypatch):
    def forward(self, v):
        raise KeyboardInterrupt

    monkeypatch.setattr(Products, "forward", forward)
    code, _, err = run(*SVD)
    assert code == 130
    assert "Nothing is written" in err
    assert not (work / "found").exists()


def test_what_does_not_converge_is_said(work, run):
    code, _, err = run(*SVD, "-k", 3, "--tol", "1e-12")
    assert code == 0
    assert "float32" in err
    assert not json.loads((work / "found" / "result.json").read_text())["complete"]


BAD = {
    "k": (["-k", 0], "k is 0"),
    "k too large": (["-k", 1000], "432 singular values"),
    "tol": (["--tol", -1], "tol is -1"),
    "method": (["--method", "lanczos"], "no method 'lanczos'"),
    "crop": (["--crop", -1], "--crop is -1"),
    "products": (["--max-products", 3], "max_products is 3"),
    "interpretation": (["--interpretation", "frozen"], "frozen"),
    "image": (["--model", "models.py:grey"], "1, 3, 12, 12"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, work, run):
    extra, message = BAD[name]
    code, _, err = run(*SVD, *extra)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (work / "found").exists()
    assert not list(work.glob(".*.part"))


def test_a_folder_with_other_things_is_refused(work, run):
    (work / "found").mkdir()
    (work / "found" / "mine.txt").write_text("mine")
    code, _, err = run(*SVD)
    assert code == 2
    assert "other things" in err
    assert [path.name for path in (work / "found").iterdir()] == ["mine.txt"]

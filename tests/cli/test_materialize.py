"""``linearscope materialize``: the matrix of the network on the photo, resumed, refused, drawn."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import load_npz

import linearscope as ls
from linearscope.analysis import store_files as stores
from linearscope.cli.materialize import read_bytes
from linearscope.errors import InputError
from linearscope.models import load_model, read_image

COMMAND = ["materialize", "photo.png", "--model", "models.py:upscaler", "--dtype", "float64", "--out", "f"]


@pytest.fixture
def photo(work):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(work / "photo.png")
    return work


def interpreter():
    loaded = load_model("models.py:upscaler")
    x = loaded.preprocessing(read_image("photo.png")).double()
    return ls.interpret(loaded.module.double(), x)


def test_a_file_for_scipy(photo, run):
    code, out, err = run(*COMMAND)
    assert code == 0, err
    assert "27 probes of columns, the least possible" in out
    assert sorted(path.name for path in (photo / "f").iterdir()) == ["matrix.npz", "matrix.png", "result.json"]
    F, it = load_npz(photo / "f" / "matrix.npz"), interpreter()
    assert F.shape == it.shape
    want = it.matvec(it.point)[0].numpy().ravel()
    assert np.abs(F @ it.point.numpy().ravel() - want).max() <= 1e-12
    assert Image.open(photo / "f" / "matrix.png").size[0] > 1000
    result = json.loads((photo / "f" / "result.json").read_text())
    assert result["schema"] == "linearscope.matrix/1"
    assert (result["probes"], result["least_probes"], result["nonzeros"]) == (27, 27, F.nnz)
    assert result["relative_error_of_products"] <= 1e-12


def test_over_the_limit_it_stays_a_store_and_an_earlier_file_goes(photo, run):
    assert run(*COMMAND)[0] == 0
    assert run(*COMMAND, "--limit", "10kB", "--rows")[0] == 0
    assert sorted(path.name for path in (photo / "f").iterdir()) == ["matrix.png", "matrix.zarr", "result.json"]
    stored, it = ls.load_matrix(photo / "f" / "matrix.zarr"), interpreter()
    assert stored.probing.kind == "rows"
    assert (stored.matvec(it.point) - it.matvec(it.point)).abs().max() <= 1e-12


def test_interrupted_the_same_command_goes_on(photo, run, monkeypatch):
    def stop(self, measured):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stores.Writer, "finish", stop)
        code, _, err = run(*COMMAND)
    assert code == 130
    assert "The same command goes on" in err
    assert [path.name for path in (photo / "f").iterdir()] == ["matrix.zarr"]
    write, written = stores.Writer.write, []
    monkeypatch.setattr(stores.Writer, "write", lambda self, band, x: (written.append(band), write(self, band, x)))
    assert run(*COMMAND)[0] == 0
    assert written == []
    assert (photo / "f" / "matrix.npz").exists()


def test_what_a_killed_run_left_is_cleared_away(photo, run):
    (photo / "f" / ".matrix.zarr.17.part").mkdir(parents=True)
    (photo / "f" / ".matrix.npz.17.part").write_bytes(b"half")
    assert run(*COMMAND)[0] == 0
    assert sorted(path.name for path in (photo / "f").iterdir()) == ["matrix.npz", "matrix.png", "result.json"]


def test_a_store_of_another_photo_is_refused(photo, run):
    assert run(*COMMAND, "--limit", "10kB")[0] == 0
    Image.new("RGB", (11, 9)).save(photo / "photo.png")
    code, _, err = run(*COMMAND)
    assert code == 2
    assert "matrix of another image" in err


def test_an_estimate_writes_nothing(photo, run):
    code, out, _ = run(*COMMAND, "--estimate")
    assert code == 0
    assert "27 probes" in out
    assert not (photo / "f").exists()


def test_effective_mode_says_its_bound(photo, run):
    code, out, _ = run(*COMMAND, "--mode", "effective", "--tolerance", "0.5")
    assert code == 0
    assert "F differs by at most" in out
    assert json.loads((photo / "f" / "result.json").read_text())["aliasing"]["confidence"] == 0.999


def test_a_classifier_is_dense_and_takes_rows(photo, run):
    code, out, _ = run("materialize", "photo.png", "--model", "models.py:classifier", "--out", "c")
    assert code == 0
    assert "it is dense" in out
    assert "5 probes, one for each of its rows" in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--mode", "exakt"], "mode 'exakt'"),
        (["--limit", "much"], "'much' is no size"),
        (["--mode", "effective", "--tolerance", "2"], "tolerance"),
        (["--interpretation", "frozen"], "interpretation"),
        (["--out", "photo.png"], "is a file"),
        (["--out", "."], "holds other things"),
    ],
)
def test_bad_input(photo, run, more, message):
    before = sorted(photo.iterdir())
    code, _, err = run(*COMMAND, *more)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert sorted(photo.iterdir()) == before


@pytest.mark.parametrize("text", ["", "GB", "2 giga", "-1", "2G", "1e3"])
def test_what_is_no_size(text):
    with pytest.raises(InputError, match="no size"):
        read_bytes(text)

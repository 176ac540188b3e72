"""F on disk: what was written is never lost, and never read when it is not whole or not one's own."""

import json
import os
import subprocess
import sys
import textwrap
from functools import cache
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis import store_files as stores
from linearscope.analysis.probing import KINDS
from linearscope.errors import InputError
from tests.analysis.networks import randomised

# The package has a function of that name.
making = import_module("linearscope.analysis.materialize")


def network(seed=0):
    return randomised(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.PixelShuffle(2)), seed
    )


@cache
def interpreter(seed=0, lights=0.0, **options):
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(1, 2, 10, 9, generator=generator, dtype=torch.float64) + lights
    return ls.interpret(network(seed).double(), x, **options)


@pytest.fixture
def small(monkeypatch):
    """Few probes a part and small chunks, so that there are many of both."""
    monkeypatch.setattr(making, "_BAND", 6)
    monkeypatch.setattr(making, "_BAND_SECONDS", 1e9)
    monkeypatch.setattr(stores, "_CHUNK", 1 << 12)


class Stop(BaseException):
    """Stands for Ctrl-C."""


def interrupted(it, path, after, monkeypatch, **options):
    """Begin a store and be interrupted after some parts; returns how often the network was asked."""
    write, count = stores.Writer.write, 0

    def stop(self, band, values):
        nonlocal count
        if count == after:
            raise Stop
        write(self, band, values)
        count += 1

    with monkeypatch.context() as patch:
        patch.setattr(stores.Writer, "write", stop)
        with pytest.raises(Stop):
            ls.materialize(it, out=path, **options)
    return count


def dense(matrix):
    whole = np.zeros(matrix.shape)
    for rows, columns, values in matrix.entries():
        whole[rows, columns] += values
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_is_the_matrix(kind, small, tmp_path):
    it = interpreter()
    truth = ls.materialize(it, kind=kind).matrix
    made = ls.materialize(it, kind=kind, out=tmp_path / "f")
    stored = ls.load_matrix(tmp_path / "f", it)
    assert isinstance(made.matrix, ls.StoredMatrix)
    assert len(list((tmp_path / "f" / "answers" / "c").rglob("*"))) > 20
    for one in (made, stored):
        assert np.array_equal(dense(one), truth.toarray())
        v, u = (torch.randn(3, *shape, dtype=torch.float64) for shape in (it.input_shape, it.output_shape))
        assert (one.matvec(v) - it.matvec(v)).abs().max() <= 1e-12
        assert (one.rmatvec(u) - it.rmatvec(u)).abs().max() <= 1e-12
        assert (one.columns([0, 17, (1, 9, 8)]) - it.columns([0, 17, -1])).abs().max() <= 1e-12
        assert (one.rows([3, -1]) - it.rows([3, -1])).abs().max() <= 1e-12
    sparse = stored.to_scipy()
    assert np.array_equal(sparse.toarray(), truth.toarray())
    assert sparse.nnz == made.plan.nonzeros
    stored.verify()


def test_svd_of_a_store(tmp_path):
    it = interpreter()
    made = ls.materialize(it, out=tmp_path / "f")
    truth = np.linalg.svd(made.matrix.to_scipy().toarray(), compute_uv=False)[:3]
    found = ls.svd(ls.load_matrix(tmp_path / "f"), 3, tol=1e-9)
    assert np.abs(found.singular_values.numpy() - truth).max() <= 1e-8 * truth[0]


@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_it_goes_on_with_nothing_lost_or_done_twice(kind, small, tmp_path, monkeypatch):
    it, path = interpreter(), tmp_path / "f"
    done = interrupted(it, path, 3, monkeypatch, kind=kind)
    with pytest.raises(InputError, match="not whole: 3 of"):
        ls.load_matrix(path)
    done += interrupted(it, path, 2, monkeypatch)  # the kind that was begun is gone on with
    write, rest = stores.Writer.write, []
    monkeypatch.setattr(stores.Writer, "write", lambda self, band, x: (rest.append(band), write(self, band, x)))
    made = ls.materialize(it, out=path)
    parts = -(-made.plan.probes // 6)
    assert made.plan.kind == kind
    assert rest == list(range(done, parts))
    assert np.array_equal(dense(ls.load_matrix(path, it)), ls.materialize(it, kind=kind).matrix.toarray())
    rest.clear()
    ls.materialize(it, out=path)
    assert rest == []


def test_killed_it_goes_on(tmp_path):
    script = textwrap.dedent("""
        import os, sys, torch, linearscope as ls
        from linearscope.analysis import store_files as store
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(3, 1, 3))
        it = ls.interpret(model.double(), torch.rand(1, 1, 12, 12, dtype=torch.float64))
        write, asked, making = store.Writer.write, [], sys.modules["linearscope.analysis.materialize"]
        making._BAND, making._BAND_SECONDS = 4, 1e9
        def dies(self, band, values):
            asked.append(band)
            write(self, band, values)
            if band == int(sys.argv[2]):
                os.kill(os.getpid(), 9)
        store.Writer.write = dies
        made = ls.materialize(it, kind="columns", out=sys.argv[1])
        v = torch.rand(2, 1, 12, 12, dtype=torch.float64)
        print(asked, float((made.matvec(v) - it.matvec(v)).abs().max()) < 1e-12)
    """)
    path = tmp_path / "f"
    once = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-c", script, str(path)]
    assert subprocess.run([*run, "2"], capture_output=True, env=once).returncode == -9
    again = subprocess.run([*run, "-1"], capture_output=True, text=True, env=once)
    assert again.stdout.strip() == "[3, 4, 5, 6] True", again.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_begun_in_the_middle_of_making_the_folder_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "_tile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ls.materialize(interpreter(), out=tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_is_refused(tmp_path):
    path = tmp_path / "f"
    ls.materialize(interpreter(), out=path)
    for other, what in (
        (interpreter(seed=1), "network"),
        (interpreter(lights=0.1), "image"),
        (interpreter(interpretation="taylor"), "interpretation"),
        (interpreter().at("1"), "source"),
    ):
        with pytest.raises(InputError, match=f"matrix of another .*{what}"):
            ls.load_matrix(path, other)
        with pytest.raises(InputError, match=f"matrix of another .*{what}"):
            ls.materialize(other, out=path)
    with pytest.raises(InputError, match="other settings"):
        ls.materialize(interpreter(), mode="effective", out=path)
    with pytest.raises(InputError, match="other probes"):
        ls.materialize(interpreter(), kind="rows", out=path)
    assert np.array_equal(dense(ls.load_matrix(path, interpreter())), ls.materialize(interpreter()).matrix.toarray())


def chunks(path):
    return sorted(one for one in (path / "answers" / "c").rglob("*") if one.is_file())


def cut(file):
    file.write_bytes(file.read_bytes()[:-5])


def flipped(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("harm", [cut, flipped, lambda file: file.unlink(), lambda file: file.write_bytes(b"")])
def test_a_damaged_chunk_is_noticed_and_made_again(harm, small, tmp_path):
    it, path = interpreter(), tmp_path / "f"
    ls.materialize(it, out=path)
    harm(chunks(path)[3])
    stored = ls.load_matrix(path, it)
    for read in (
        lambda: stored.matvec(torch.rand(1, *it.input_shape, dtype=torch.float64)),
        stored.to_scipy,
        stored.verify,
    ):
        with pytest.raises(InputError, match="damaged"):
            read()
    ls.materialize(it, out=path)
    # Which side is probed follows what was measured, so that the two may round differently.
    made = dense(ls.load_matrix(path, it)), ls.materialize(it).matrix.toarray()
    assert np.allclose(*made, rtol=0, atol=1e-14)


def test_a_chunk_in_the_place_of_another_is_noticed(small, tmp_path):
    it, path = interpreter(), tmp_path / "f"
    ls.materialize(it, out=path)
    one, other = chunks(path)[0], chunks(path)[-1]
    other.write_bytes(one.read_bytes())
    with pytest.raises(InputError, match="damaged"):
        ls.load_matrix(path, it).verify()


def test_a_ledger_cut_short_costs_one_part(small, tmp_path, monkeypatch):
    it, path = interpreter(), tmp_path / "f"
    interrupted(it, path, 4, monkeypatch)
    cut(path / "ledger.jsonl")
    made = ls.materialize(it, out=path)
    assert np.array_equal(dense(made), ls.materialize(it).matrix.toarray())
    assert [json.loads(line)["band"] for line in (path / "ledger.jsonl").read_text().splitlines()][:4] == [0, 1, 2, 3]


@pytest.mark.parametrize("what", ["absent", "file", "empty", "other zarr", "broken", "no answers"])
def test_what_is_no_store_is_refused(what, tmp_path):
    import zarr

    path = tmp_path / "f"
    if what == "file":
        path.write_text("x")
    elif what == "empty":
        path.mkdir()
    elif what == "other zarr":
        zarr.create_array(str(path), shape=(3,), dtype="f4")
    elif what in ("broken", "no answers"):
        ls.materialize(interpreter(), out=path)
        (path / ("zarr.json" if what == "broken" else "answers/zarr.json")).write_text("{")
    with pytest.raises(InputError):
        ls.load_matrix(path)
    if what != "absent":
        before = sorted(path.rglob("*")) if path.is_dir() else path.read_text()
        with pytest.raises(InputError):
            ls.materialize(interpreter(), out=path)
        assert before == (sorted(path.rglob("*")) if path.is_dir() else path.read_text())


def test_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(InputError, match="on disk and 100 bytes are free"):
        ls.materialize(interpreter(), out=tmp_path / "f")
    assert list(tmp_path.iterdir()) == []

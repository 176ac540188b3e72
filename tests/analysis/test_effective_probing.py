"""Effective mode: fewer probes, and a bound on what they mix up that holds."""

from functools import cache
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis.effective import aligned, windowed
from linearscope.analysis.probing import KINDS, probing
from tests.analysis.networks import randomised


class Residual(nn.Module):
    """Residual blocks whose reach is far wider than what counts."""

    def __init__(self, blocks, width=6, scale=2):
        super().__init__()
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(blocks)
        )
        self.tail = nn.Sequential(nn.Conv2d(width, scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, x):
        x = self.head(x)
        for block in self.body:
            x = x + 0.2 * block(x)
        return self.tail(x)


def residual(seed=0):
    return randomised(Residual(4).double(), seed)


def normed(seed=0):
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    return randomised(model.double(), seed)


def strided(seed=0):
    model = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), Residual(3, scale=1), nn.Conv2d(1, 2, 3, padding=1))
    model[2].head = nn.Conv2d(4, 6, 3, padding=1)
    return randomised(model.double(), seed)


NETWORKS = {"residual": (residual, "freeze"), "normed": (normed, "taylor"), "strided": (strided, "freeze")}


@cache
def interpreter(name, seed=0):
    make, interpretation = NETWORKS[name]
    generator = torch.Generator().manual_seed(7 + seed)
    x = torch.rand(1, 1, 24, 22, generator=generator, dtype=torch.float64)
    return ls.interpret(make(seed), x, interpretation=interpretation)


@cache
def exact(name, seed=0):
    """F, and how many probes of either kind it takes."""
    it = interpreter(name, seed)
    probes = {kind: probing(it.support(), kind).probes for kind in KINDS}
    return ls.materialize(it).matrix.toarray(), probes


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tolerance", [0.1, 1e-3])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bound_holds(name, tolerance, kind, seed):
    it = interpreter(name, seed)
    truth, probes = exact(name, seed)
    made = ls.materialize(it, mode="effective", tolerance=tolerance, kind=kind)
    error = np.linalg.norm(made.matrix.toarray() - truth) / np.linalg.norm(truth)
    assert made.plan.probes <= probes[kind]
    assert error <= made.aliasing.bound + 1e-14
    # Not so loose that it says nothing: the bound is 2.3 times what is likely, and that is close to what is.
    assert made.aliasing.bound <= 5 * error + 1e-12
    assert made.aliasing.estimate == pytest.approx(error, rel=0.5, abs=1e-12)
    assert made.aliasing.checked <= made.aliasing.bound + 1e-14


@pytest.mark.parametrize("name", ["residual", "strided"])
def test_fewer_probes_for_a_coarser_tolerance(name):
    it = interpreter(name)
    plans = [ls.estimate(it, mode="effective", tolerance=t, kind="columns") for t in (0.1, 1e-2, 1e-4)]
    assert plans[0].probes < plans[1].probes <= plans[2].probes <= ls.estimate(it, kind="columns").probes
    assert all(plan.probes == plan.least for plan in plans)


def test_probed_again_with_a_wider_stride_it_differs_within_both_bounds(monkeypatch):
    it = interpreter("residual")
    one = ls.materialize(it, mode="effective", tolerance=0.05, kind="columns")
    monkeypatch.setattr(
        import_module("linearscope.analysis.matrix_plan"), "decay_radius", lambda *_: one.plan.radius + 2
    )
    other = ls.materialize(it, mode="effective", tolerance=0.05, kind="columns")
    assert one.plan.probes < other.plan.probes
    a, b = one.matrix.toarray(), other.matrix.toarray()
    apart = np.linalg.norm(a - b) / np.linalg.norm(exact("residual")[0])
    assert 0 < apart <= one.aliasing.bound + other.aliasing.bound


def test_windows_lie_in_the_support_and_hold_its_middle():
    it = interpreter("strided")
    support = it.support()
    cut = windowed(support, 3)
    for axis, whole in zip(cut.axes[1:], support.axes[1:], strict=True):
        assert not (axis.matrix & ~whole.matrix).any()
        assert axis.matrix.any(0).all()
        assert axis.matrix.sum(0).max() <= 7
    assert probing(cut, "columns").probes < probing(support, "columns").probes


def test_dense_images_are_matched_by_position_and_scores_are_not():
    it = interpreter("normed")
    assert [axis.output_axis for axis in it.support().axes] == [None, None, None]
    assert [axis.output_axis for axis in aligned(it.support()).axes] == [None, 1, 2]
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
    scores = ls.interpret(randomised(model.double()), torch.rand(1, 1, 8, 8, dtype=torch.float64))
    made = ls.materialize(scores, mode="effective")
    assert made.plan.radius is None
    assert made.aliasing is None
    assert made.error <= 1e-12


def test_a_store_of_effective_mode_is_gone_on_with(tmp_path):
    it = interpreter("residual")
    made = ls.materialize(it, mode="effective", tolerance=0.05, out=tmp_path / "f")
    again = ls.materialize(it, mode="effective", tolerance=0.05, out=tmp_path / "f")
    assert again.aliasing == made.aliasing
    assert ls.load_matrix(tmp_path / "f", it).settings["radius"] == made.plan.radius

"""Energies between areas against the whole matrix; copy-move found; what lies beyond the convolutions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import linearscope as ls
from linearscope.analysis.off_diagonal import structural_field
from linearscope.interpreter.plan import INTERPRETATIONS


def net(norm: bool = True) -> nn.Module:
    """An image of the same size by way of half the size."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1), *([nn.InstanceNorm2d(4, affine=True)] if norm else []), nn.ReLU(),
        nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1),
    ).double()  # fmt: skip


def image(side: int = 18, channels: int = 2) -> Tensor:
    return torch.rand(1, channels, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 0.3


@cache
def program(norm: bool = True) -> ls.Program:
    return ls.capture(net(norm), image())


def interpreted(way: str = "freeze", norm: bool = True) -> ls.LinearInterpreter:
    return ls.interpret(program(norm), image(), interpretation=way)


def dense(it: ls.LinearInterpreter) -> np.ndarray:
    rows, columns = it.shape
    return it.columns(range(columns)).reshape(columns, rows).numpy().T


def by_hand(it: ls.LinearInterpreter, blocks: int, near: int) -> tuple[np.ndarray, np.ndarray]:
    """Energies and far energies, entry by entry of the squared matrix."""
    squares = dense(it).reshape(*it.output_shape, *it.input_shape) ** 2
    squares = squares.sum((0, 3))
    height, width = squares.shape[2:]
    edges = [[b * size // blocks for b in range(blocks + 1)] for size in (height, width)]
    energy, far = np.zeros((blocks,) * 4), np.zeros((blocks,) * 4)
    place = [np.searchsorted(e, np.arange(e[-1]), side="right") - 1 for e in edges]
    for y in range(height):
        for x in range(width):
            for b in range(blocks):
                for c in range(blocks):
                    part = squares[y, x, edges[0][b] : edges[0][b + 1], edges[1][c] : edges[1][c + 1]].sum()
                    energy[place[0][y], place[1][x], b, c] += part
                    down = max(edges[0][b] - y, y - edges[0][b + 1] + 1, 0)
                    across = max(edges[1][c] - x, x - edges[1][c + 1] + 1, 0)
                    if max(down, across) > near:
                        far[place[0][y], place[1][x], b, c] += part
    return energy, far


@pytest.mark.parametrize("way", INTERPRETATIONS)
def test_energies_are_those_of_the_whole_matrix(way: str) -> None:
    it = interpreted(way)
    found = ls.off_diagonal(it, blocks=4, near=3, probes=None)
    energy, far = by_hand(it, 4, 3)
    np.testing.assert_allclose(found.energy, energy, rtol=1e-12, atol=1e-12 * energy.max())
    np.testing.assert_allclose(found.far, far, rtol=1e-12, atol=1e-12 * energy.max())
    assert found.share == pytest.approx(far.sum() / energy.sum(), rel=1e-12)
    assert found.total == pytest.approx((dense(it) ** 2).sum(), rel=1e-12)
    assert found.probes is None
    assert found.error.max() == found.share_error == 0


def test_probes_estimate_within_the_error_they_state() -> None:
    it = interpreted("taylor")
    exact = ls.off_diagonal(it, blocks=3, near=3, probes=None)
    found = ls.off_diagonal(it, blocks=3, near=3, probes=24)
    assert found.probes == 24
    z = (found.energy - exact.energy)[found.error > 0] / found.error[found.error > 0]
    assert 0.5 < z.std() < 2
    assert np.mean(np.abs(z) < 3) > 0.95
    assert abs(found.share - exact.share) < 4 * found.share_error
    assert found.outside is not None
    assert exact.outside is not None
    assert abs(found.outside - exact.outside) < 4 * found.outside_error
    again = ls.off_diagonal(it, blocks=3, near=3, probes=24)
    assert (again.energy == found.energy).all()
    assert (ls.off_diagonal(it, blocks=3, near=3, probes=24, seed=1).energy != found.energy).any()


def test_a_few_columns_are_computed_and_not_estimated() -> None:
    it = interpreted()
    assert ls.off_diagonal(it, blocks=9, probes=8).probes is None
    assert ls.off_diagonal(it, blocks=8, probes=8).probes == 8


class CopyMove(nn.Module):
    """Add the upper left corner to every place: one area feeds the whole output."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * x[..., :4, :4].repeat(1, 1, 4, 4)


def test_an_area_that_is_copied_everywhere_is_found() -> None:
    found = ls.off_diagonal(ls.interpret(CopyMove(), image(16)), blocks=4, near=3, probes=None)
    assert found.commonest == (0, 0)
    assert found.agreement == 1
    (source,) = found.sources()
    assert (source.block, source.share) == ((0, 0), 1)
    far_blocks = 16 - 4  # of the three that touch the corner a rim of one pixel is far
    assert far_blocks <= source.outputs <= far_blocks + 3
    pairs = found.pairs(100)
    assert {pair.input for pair in pairs} == {(0, 0)}
    assert max(pair.distance for pair in pairs) == pytest.approx(12 * 2**0.5)
    assert sum(pair.share for pair in pairs) == pytest.approx(1)
    assert found.share == pytest.approx(found.far.sum() / found.energy.sum())


def test_only_a_moving_mean_or_deviation_goes_beyond_the_convolutions() -> None:
    shares = {}
    for way in INTERPRETATIONS:
        found = ls.off_diagonal(interpreted(way), blocks=6, near=1, probes=None)
        shares[way] = found.outside
    assert shares["freeze"] == 0.0
    assert shares["freeze-deviation"] > 1e-4
    assert shares["taylor"] > 1e-4


def test_without_norms_nothing_does() -> None:
    for way in INTERPRETATIONS:
        it = interpreted(way, norm=False)
        assert ls.off_diagonal(it, blocks=6, near=1, probes=None).outside == 0.0


def test_where_every_output_can_use_every_input_nothing_lies_outside() -> None:
    class Pooled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x.mean((2, 3), keepdim=True)

    it = ls.interpret(Pooled(), image())
    assert structural_field(it) is None
    found = ls.off_diagonal(it, blocks=3, probes=None)
    assert found.outside is None
    assert found.numbers()["outside_share"] is None


def test_the_output_may_be_larger() -> None:
    it = ls.interpret(nn.Upsample(scale_factor=2, mode="nearest"), image(8))
    found = ls.off_diagonal(it, blocks=4, near=1, probes=None)
    assert found.share == 0
    assert np.count_nonzero(found.energy) == 16
    assert found.pairs() == ()
    assert found.agreement == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [({"blocks": 19}, "19 blocks"), ({"blocks": 0}, "0 blocks"), ({"probes": 1}, "2 probes"), ({"near": -1}, "near")],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, int], text: str) -> None:
    it = interpreted()
    with pytest.raises(ls.InputError, match=text):
        ls.off_diagonal(it, **options)


def test_scores_have_no_off_diagonals() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    with pytest.raises(ls.InputError, match="image"):
        ls.off_diagonal(ls.interpret(model, image(4)))
    with pytest.raises(ls.InputError, match="image"):
        ls.coupling(ls.capture(model, image(4)), image(4))


def test_coupling_measures_rows_of_the_whole_matrix() -> None:
    x = image()
    points = [(0, 3, 4), (1, 17, 9), (0, 0, 0)]
    results = ls.coupling(program(), x, points=points, near=2)
    assert [one.interpretation for one in results] == list(INTERPRETATIONS)
    for one in results:
        it = interpreted(one.interpretation)
        field = structural_field(it)
        assert field is not None
        matrix = dense(it).reshape(*it.output_shape, *it.input_shape)
        for place, (channel, row, column) in enumerate(points):
            values = matrix[channel, row, column]
            inside = np.zeros((18, 18), bool)
            near = np.zeros((18, 18), bool)
            for y in range(18):
                for c in range(18):
                    inside[y, c] = field[0][row, y] and field[1][column, c]
                    near[y, c] = abs(y - row) <= 2 and abs(c - column) <= 2
            energy, added = (values**2).sum(0), np.abs((values * x[0].numpy()).sum(0))
            assert one.outside[place] == pytest.approx(energy[~inside].sum() / energy.sum(), abs=1e-12)
            assert one.far[place] == pytest.approx(energy[~near].sum() / energy.sum(), abs=1e-12)
            assert one.outside_contribution[place] == pytest.approx(added[~inside].sum() / added.sum(), abs=1e-12)
            assert one.far_contribution[place] == pytest.approx(added[~near].sum() / added.sum(), abs=1e-12)
            assert one.area[place] == pytest.approx((~inside).mean())
    assert (results[0].outside == 0).all()
    assert (results[1].outside > 0).all()
    assert (results[2].outside > 0).all()


def test_drawn_points_are_the_same_for_every_interpretation_and_seed() -> None:
    x = image()
    results = ls.coupling(program(), x, points=5, seed=2)
    assert len({one.points for one in results}) == 1
    assert ls.coupling(program(), x, points=5, seed=2, interpretations=["freeze"])[0].points == results[0].points
    with pytest.raises(ls.InputError, match="at least one point"):
        ls.coupling(program(), x, points=0)

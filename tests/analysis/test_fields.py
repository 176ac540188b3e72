"""Fields against the whole row or column of F, and against filters whose reach and direction are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import linearscope as ls
from tests.analysis.networks import image, randomised


def net() -> nn.Module:
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 12, 5, padding=2), nn.PixelShuffle(2)
        ).double()
    )  # fmt: skip


@pytest.fixture(scope="module")
def it() -> ls.LinearInterpreter:
    return ls.interpret(net(), image(size=20))


@pytest.mark.parametrize(("kind", "index"), [("row", (1, 21, 18)), ("column", (2, 7, 9)), ("row", (0, 0, 39))])
def test_a_field_is_its_row_or_column_and_so_are_its_numbers(
    it: ls.LinearInterpreter, kind: str, index: tuple[int, ...]
) -> None:
    field = ls.fields(it, index, kind)  # type: ignore[arg-type]
    assert isinstance(field, ls.Field)
    whole = (it.rows if kind == "row" else it.columns)(index)[0]
    torch.testing.assert_close(field.window.whole(), whole, rtol=0, atol=1e-13)
    energy = whole.square().sum(0).numpy()
    ratio = whole.shape[1] / (it.output_shape if kind == "row" else it.input_shape)[1]
    assert field.point == tuple((i + 0.5) * ratio - 0.5 for i in index[1:])
    down, right = np.mgrid[: whole.shape[1], : whole.shape[2]]
    down, right = down - field.point[0], right - field.point[1]
    assert field.energy == pytest.approx(energy.sum(), rel=1e-12)
    assert field.centroid == pytest.approx([(energy * d).sum() / energy.sum() for d in (down, right)], rel=1e-9)
    for share, radius in field.radii.items():
        away = np.hypot(down, right)
        assert energy[away <= radius + 1e-9].sum() >= share * energy.sum() * (1 - 1e-12)
        assert energy[away < radius - 1e-9].sum() < share * energy.sum()


def test_far_is_what_lies_beyond_the_near_window(it: ls.LinearInterpreter) -> None:
    field = ls.fields(it, (2, 7, 9), "column", near=2)
    whole = it.columns((2, 7, 9))[0].square().sum(0)
    inside = whole[13:17, 17:21].sum()  # the column's point is (14.5, 18.5)
    assert field.far == pytest.approx(float(1 - inside / whole.sum()), rel=1e-9)
    assert ls.fields(it, (2, 7, 9), "column", near=100).far == 0


def test_several_at_once_are_those_one_by_one(it: ls.LinearInterpreter) -> None:
    indices = [(0, 4, 4), (1, 4, 4), (2, 30, 11)]
    for index, field in zip(indices, ls.fields(it, indices), strict=True):
        alone = ls.fields(it, index)
        torch.testing.assert_close(field.window.whole(), alone.window.whole(), rtol=0, atol=1e-13)
        assert field.index == index
        assert field.far == pytest.approx(alone.far)


def test_negative_indices_count_from_the_end(it: ls.LinearInterpreter) -> None:
    assert ls.fields(it, (-1, -1, -2)).index == (2, 39, 38)


@pytest.mark.parametrize(("degrees", "cycles"), [(0, 0.25), (90, 0.125), (45, 0.2), (120, 0.3)])
def test_direction_and_frequency_of_stripes_are_found(degrees: float, cycles: float) -> None:
    size, turn = 31, math.radians(degrees + 90)  # frequency runs across the stripes
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) - size // 2] * 2, indexing="ij")
    wave = torch.cos(2 * math.pi * cycles * (x * math.cos(turn) - y * math.sin(turn)))
    conv = nn.Conv2d(1, 1, size, padding=size // 2, bias=False).double()
    with torch.no_grad():
        conv.weight.copy_((wave * torch.exp(-(x**2 + y**2) / 100))[None, None])
    field = ls.fields(ls.interpret(conv, torch.zeros(1, 1, 64, 64, dtype=torch.float64)), (0, 32, 32))
    assert field.orientation is not None
    assert abs((field.orientation - degrees + 90) % 180 - 90) < 1.0
    assert field.frequency == pytest.approx(cycles, abs=0.02)


def test_a_round_filter_has_no_direction_and_a_zero_filter_no_frequency() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([nn.functional.avg_pool2d(x, 3, 1, 1), 0 * x], 1)

    it = ls.interpret(Two(), image(size=9, channels=1))
    assert ls.fields(it, (0, 4, 4)).orientation is None
    nothing = ls.fields(it, (1, 4, 4))
    assert (nothing.energy, nothing.frequency, nothing.far, nothing.radii[0.99]) == (0, None, 0, 0)
    assert nothing.outside(((0, 1), (0, 1), (0, 1))) == 0


def test_energy_outside_a_box_of_another_interpretation() -> None:
    model = randomised(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.Conv2d(4, 3, 1)).double())
    frozen, taylor = (ls.interpret(model, image(size=12), interpretation=name) for name in ("freeze", "taylor"))
    here, there = (ls.fields(it, (0, 6, 6)) for it in (frozen, taylor))
    assert here.outside(here.window.box) == 0
    box = here.window.box
    whole = there.window.whole().square()
    expected = 1 - float(whole[tuple(slice(*ends) for ends in box)].sum() / whole.sum())
    assert expected > 0
    assert there.outside(box) == pytest.approx(expected, rel=1e-9)


def test_bad_questions_are_refused(it: ls.LinearInterpreter) -> None:
    with pytest.raises(ls.InputError, match="0 to 2, 0 to 39, 0 to 39"):
        ls.fields(it, (0, 40, 0))
    with pytest.raises(ls.InputError, match="near is -1"):
        ls.fields(it, (0, 0, 0), near=-1)
    with pytest.raises(ls.InputError, match="There is no kind of field 'diagonal'"):
        ls.fields(it, (0, 0, 0), "diagonal")  # type: ignore[arg-type]
    with pytest.raises(ls.InputError, match="between two images"):
        ls.fields(ls.interpret(nn.Flatten(), image()), (0, 0, 0))
    with pytest.raises(ls.InputError, match="2 axes"):
        ls.fields(it, (0, 0, 0)).outside(((0, 1), (0, 1)))

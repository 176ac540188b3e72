"""Segments are what they are said to be; their triggers are the pixels that make them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import linearscope as ls


class Box(nn.Module):
    """A square of the output whose colour is one pixel of the input, on a ground of the input's mean elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        mask = torch.zeros(1, 1, 24, 24, dtype=torch.float64)
        mask[..., 10:18, 12:20] = 1
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return 5 * x[..., 2:3, 3:4] * self.mask + 0.01 * x


def image(channels: int = 3, side: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.rand(1, channels, side, side, dtype=torch.float64, generator=generator) + 0.5


@cache
def boxed() -> ls.LinearInterpreter:
    return ls.interpret(Box(), image())


@cache
def smooth() -> ls.Program:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 6, 3, padding=1), nn.InstanceNorm2d(6), nn.SiLU(), nn.Conv2d(6, 3, 3, padding=1)
    return ls.capture(nn.Sequential(*layers).double(), image())


def test_the_pixel_that_makes_a_segment_is_its_trigger() -> None:
    it = boxed()
    segments = (Box().mask[0, 0] > 0).long().numpy()
    found = ls.templates(it, segments, near=4)
    (one,) = found.items
    assert (one.label, one.area) == (1, 64)
    assert one.centre == (13.5, 15.5)
    assert np.argwhere(one.triggers).tolist() == [[2, 3]]
    assert one.half == 1
    assert one.far > 0.99
    assert one.on_edges == float(found.edges[2, 3])
    near = np.zeros((24, 24), bool)
    near[6:22, 8:24] = True
    assert one.chance == pytest.approx(found.edges[near].mean())


def test_a_segment_is_found_by_its_colour() -> None:
    found = ls.templates(boxed(), ls.output_segments(boxed().output, colours=2))
    inside = found.segments[11:17, 13:19]
    assert inside[0, 0] > 0
    assert (inside == inside[0, 0]).all()
    assert any(np.argwhere(one.triggers).tolist() == [[2, 3]] for one in found.items if one.label == inside[0, 0])


@pytest.mark.parametrize("way", ["freeze", "freeze-deviation", "taylor"])
def test_the_colour_is_what_image_and_constants_give(way: str) -> None:
    it = ls.interpret(smooth(), image(), interpretation=way)
    segments = np.arange(24 * 24).reshape(24, 24) // 100
    found = ls.templates(it, segments, count=4)
    assert len(found.items) == 4
    for one in found.items:
        colour = it.output[0][:, torch.from_numpy(segments == one.label)].mean(1)
        direction = torch.tensor(one.direction, dtype=torch.float64)
        assert torch.allclose(colour, torch.tensor(one.colour, dtype=torch.float64), atol=1e-12)
        assert float(direction.norm()) == pytest.approx(1)
        assert one.value == pytest.approx(float(colour @ direction), abs=1e-12)
        assert one.input + one.residual == pytest.approx(one.value, abs=1e-12)
        assert float(one.contribution.sum()) == pytest.approx(one.input, abs=1e-12)
        energy = one.row.square().sum(0).numpy()
        held = energy[one.triggers].sum()
        assert held >= energy.sum() / 2 > held - energy[one.triggers].min()
        assert energy[one.triggers].min() >= energy[~one.triggers].max()
    assert found.summary()["segments"] == 4


def test_segments_are_connected_areas_of_one_colour_by_size() -> None:
    picture = torch.zeros(3, 30, 30)
    picture[0, 2:8, 2:8] = 1  # 36 pixels
    picture[0, 8:14, 8:18] = 1  # touches it at a corner only: another segment
    picture[1, 20:28, 20:28] = 1
    picture[2, 25, 5] = 1  # a single pixel
    palette = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    found = ls.output_segments(picture, palette=palette)
    assert found.max() == 4
    sizes = np.bincount(found.ravel())
    assert list(sizes[1:]) == sorted(sizes[1:], reverse=True)
    assert found[4, 4] != found[10, 12]
    assert found[25, 5] == found[0, 0] == 1
    assert (ls.output_segments(picture) == found).all()
    assert (ls.output_segments(picture[None]) == found).all()
    assert ls.output_segments(picture, least=50, palette=palette).max() == 3
    assert ls.output_segments(picture, least=1000).max() == 0


def test_what_does_not_fit_is_refused() -> None:
    it = boxed()
    with pytest.raises(ls.InputError, match="segments have shape"):
        ls.templates(it, np.ones((3, 3), np.int64))
    with pytest.raises(ls.InputError, match="at least 1"):
        ls.templates(it, count=0)
    with pytest.raises(ls.InputError, match="palette"):
        ls.output_segments(it.output, palette=[[0.0, 1.0]])
    with pytest.raises(ls.InputError, match="no image"):
        ls.output_segments(torch.zeros(4))
    with pytest.raises(ls.InputError, match="same size"):
        ls.templates(ls.interpret(nn.Upsample(scale_factor=2), image()))


def test_no_segment_is_no_template() -> None:
    found = ls.templates(boxed(), np.zeros((24, 24), np.int64))
    assert found.items == ()
    assert found.summary()["segments"] == 0

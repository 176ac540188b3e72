"""Checkerboards: what strided transposed convolutions leave, in closed form, and what they do not."""

import pytest
import torch
from torch.nn import functional as F

import linearscope as ls
from linearscope.errors import InputError
from linearscope.evaluation import checkerboard_energy


def taps(kernel, stride):
    """How many taps of a transposed convolution meet each output place, by its place in the stride."""
    return torch.tensor([len(range(place, kernel, stride)) for place in range(stride)], dtype=torch.float64)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 2), (11, 4), (7, 3), (1, 2)])
def test_a_constant_map_through_an_all_ones_kernel_has_the_closed_form(kernel, stride):
    signal, ones = torch.ones(1, 1, 12, 12).double(), torch.ones(1, 1, kernel, kernel).double()
    out = F.conv_transpose2d(signal, ones, stride=stride)
    edge = kernel + (-kernel) % stride
    inside = out[:, 0, edge:-edge, edge:-edge]
    inside = inside[:, : inside.shape[1] // stride * stride, : inside.shape[2] // stride * stride]
    found = checkerboard_energy(inside, stride)
    counts = taps(kernel, stride)
    expected = counts.square().mean() ** 2 - counts.mean() ** 4
    assert found.power.item() == pytest.approx(float(expected), abs=1e-12)
    assert found.values.item() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (6, 3)])
def test_a_kernel_that_the_stride_divides_leaves_none(kernel, stride):
    ones = torch.ones(1, 1, kernel, kernel).double()
    out = F.conv_transpose2d(torch.ones(1, 1, 12, 12).double(), ones, stride=stride)
    found = checkerboard_energy(out[:, 0, kernel:-kernel, kernel:-kernel], stride)
    assert found.values.item() == found.power.item() == 0


def test_share_is_that_of_the_part_with_the_period():
    """Power splits between a periodic part and a wave that is not periodic: amplitudes give both."""
    at = torch.arange(24).double()
    board = torch.cos(torch.pi * at)[:, None] * torch.ones(24)
    wave = torch.cos(2 * torch.pi * at / 24)[None, :] * torch.ones(24, 1)
    found = checkerboard_energy((5 + 2 * board + 3 * wave)[None], 2)
    assert found.power.item() == pytest.approx(4, abs=1e-12)
    assert found.values.item() == pytest.approx(4 / (4 + 4.5), abs=1e-12)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_periodic_part_is_the_mean_over_periods(stride):
    maps = torch.randn(3, 4 * stride, 5 * stride).double()
    folded = maps.reshape(3, 4, stride, 5, stride).mean((1, 3))
    found = checkerboard_energy(maps, stride)
    assert torch.allclose(found.power, folded.var((1, 2), correction=0), atol=1e-12)
    assert torch.allclose(found.values, found.power / maps.var((1, 2), correction=0), atol=1e-12)


def test_stretching_does_not_change_the_share():
    maps = torch.rand(2, 12, 12).double()
    assert torch.allclose(checkerboard_energy(maps, 3).values, checkerboard_energy(4 * maps - 9, 3).values, atol=1e-12)


def test_a_constant_map_has_none_in_either_precision():
    for dtype in (torch.float32, torch.float64):
        assert checkerboard_energy(torch.full((1, 9, 9), 0.1, dtype=dtype), 3).values.item() == 0


def test_resampled_deconvnet_leaves_no_board_where_deconvnet_does():
    """One strided convolution with an all-ones kernel, every output asked for: only the plain transpose repeats."""
    conv = torch.nn.Conv2d(1, 1, 3, stride=2, bias=False).double()
    torch.nn.init.ones_(conv.weight)
    model = torch.nn.Sequential(conv, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    image = torch.rand(1, 1, 33, 33, dtype=torch.float64)
    plain, resampled = (
        ls.explain(model, image, 0, method=method).values[:, 0, 6:-7, 6:-7]
        for method in ("deconvnet", "resampled-deconvnet")
    )
    assert checkerboard_energy(plain, 2).values.item() == pytest.approx(1, abs=1e-12)
    assert checkerboard_energy(resampled, 2).power.item() == pytest.approx(0, abs=1e-24)
    assert checkerboard_energy(resampled, 2).values.item() == 0


def test_bad_input_is_named():
    with pytest.raises(InputError, match="smaller than two strides"):
        checkerboard_energy(torch.rand(1, 5, 9), 3)
    with pytest.raises(InputError, match="The stride"):
        checkerboard_energy(torch.rand(1, 8, 8), 1)

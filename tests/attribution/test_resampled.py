"""Going back through strided convolutions without the grid they leave: shapes, a slow reference, and the spectrum."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.attribution import DECONVNET, GRADIENT, GUIDED, Resampled
from tests.attribution.networks import images, plain, randomised


def slow_resampled(signal, weight, inner, padding, dilation, groups):
    """The map at the layer's input: every place by name, in double loops."""
    _, outputs, *coarse = signal.shape
    _, per, *kernel = weight.shape
    fine = [n + 2 * p - d * (k - 1) for n, p, d, k in zip(inner[2:], padding, dilation, kernel, strict=True)]
    result = torch.zeros(inner, dtype=signal.dtype)
    for i, j in itertools.product(range(fine[0]), range(fine[1])):
        source = [  # the place of the coarse map whose cell holds the centre of the fine one
            min(int((place + 0.5) * c / f), c - 1) for place, c, f in zip((i, j), coarse, fine, strict=True)
        ]
        value = signal[:, :, source[0], source[1]]
        for a, b in itertools.product(range(kernel[0]), range(kernel[1])):
            y, x = i - padding[0] + a * dilation[0], j - padding[1] + b * dilation[1]
            if not (0 <= y < inner[2] and 0 <= x < inner[3]):
                continue
            for group in range(groups):
                rows = slice(group * outputs // groups, (group + 1) * outputs // groups)
                columns = slice(group * per, (group + 1) * per)
                result[:, columns, y, x] += value[:, rows] @ weight[rows, :, a, b]
    return result


#: Sizes, kernel, stride, padding, dilation and groups: strides wider than kernels, and another setting on each axis.
CASES = [
    (size, kernel, stride, padding, dilation, groups)
    for size in ((9, 9), (8, 11))
    for kernel, padding, dilation in (
        ((3, 3), (1, 1), (1, 1)), ((1, 1), (0, 0), (1, 1)), ((2, 3), (1, 0), (1, 2)), ((5, 4), (2, 1), (1, 1)),
        ((2, 2), (2, 2), (3, 1)),
    )
    for stride, groups in (((2, 2), 1), ((3, 2), 2), ((4, 4), 1), ((1, 3), 2))
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_map_has_the_inputs_shape_and_is_the_slow_one(case):
    size, kernel, stride, padding, dilation, groups = case
    layer = randomised(nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups).double())
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    explainer = ls.Explainer(layer, x)
    signal = torch.randn(explainer.program.output_shape, dtype=torch.float64)
    found = explainer.back(x, signal, Resampled(GRADIENT)).values
    assert found.shape == x.shape
    expected = slow_resampled(signal, layer.weight.detach(), x.shape, padding, dilation, groups)
    assert float((found - expected).abs().max()) <= 1e-12 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("rules", [GRADIENT, GUIDED, DECONVNET])
def test_at_stride_1_nothing_changes(rules):
    model = randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3, dilation=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(64, 5),
        ).double()
    )  # fmt: skip
    explainer, target = ls.Explainer(model, images()), torch.tensor([2, 0])
    found, expected = (explainer.back(images(), target, one).values for one in (Resampled(rules), rules))
    assert torch.equal(found, expected)


def test_with_a_stride_it_is_another_map_of_the_same_shape():
    explainer, target = ls.Explainer(plain(), images()), torch.tensor([2, 0])
    found, expected = (explainer.back(images(), target, one).values for one in (Resampled(GUIDED), GUIDED))
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) > 1e-3 * float(expected.abs().max())


def grid_energy(line, stride):
    """Power at the multiples of 1/stride, of a signal whose length the stride divides."""
    spectrum = torch.fft.fft(line).abs() ** 2
    return float(spectrum[len(line) // stride :: len(line) // stride].sum() / len(line) ** 2)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 2), (5, 3), (7, 4), (1, 2), (2, 3)])
def test_a_constant_signal_leaves_no_grid(kernel, stride):
    """With an all-ones kernel every place gets kernel/stride copies of a constant, rounded up or down by its phase:
    kernel = m stride + q gives q phases m + 1 and the others m, whose variance is q (stride - q) / stride^2.
    """
    period, margin = 12, kernel + stride
    layer = nn.Conv2d(1, 1, (kernel, 1), (stride, 1), bias=False).double()
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, stride * (period + 2 * margin) + kernel, 1, dtype=torch.float64)
    explainer = ls.Explainer(layer, x)
    signal = torch.ones(explainer.program.output_shape, dtype=torch.float64)
    middle = slice(stride * margin, stride * (margin + period))
    plain_map, resampled = (
        explainer.back(x, signal, rules).values[0, 0, middle, 0] for rules in (GRADIENT, Resampled(GRADIENT))
    )
    q = kernel % stride
    assert grid_energy(plain_map, stride) == pytest.approx(q * (stride - q) / stride**2, abs=1e-12)
    assert grid_energy(plain_map, stride) > 0.1
    assert grid_energy(resampled, stride) <= 1e-20

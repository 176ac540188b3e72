"""Occlusion: captum's numbers, every pixel covered, and batches that do not matter."""

import pytest
import torch
from captum import attr
from torch import nn

import linearscope as ls
from linearscope.errors import InputError
from tests.attribution.networks import images, plain


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("window", "stride"), [(4, 4), (4, 3), ((5, 4), (3, 4)), (16, 1), ((16, 2), (5, 2)), (7, 5)], ids=str
)
def test_occlusion_is_captums(window, stride):
    model, x = plain(), images(3)
    targets = torch.tensor([1, 0, 4])
    found = ls.Explainer(model, x[:2])(x, targets, method="occlusion", window=window, stride=stride, baseline=0.25)
    height, width = (window, window) if isinstance(window, int) else window
    strides = (stride, stride) if isinstance(stride, int) else stride
    expected = attr.Occlusion(model).attribute(
        x, (3, height, width), strides=(3, *strides), baselines=0.25, target=targets
    )
    # captum counts in single precision.
    scale = float(expected.abs().max())
    torch.testing.assert_close(found.values.expand_as(expected).float(), expected.detach(), rtol=0, atol=1e-6 * scale)


def test_occlusion_is_its_formula():
    model, x = plain(), images(1)
    found = ls.explain(model, x, 3, method="occlusion", window=(6, 5), stride=(5, 3), baseline=0.25)
    falls, covered = torch.zeros(16, 16, dtype=torch.float64), torch.zeros(16, 16, dtype=torch.float64)
    for top in (0, 5, 10):
        for left in (0, 3, 6, 9, 12):
            copy = x.clone()
            copy[:, :, top : top + 6, left : left + 5] = 0.25
            falls[top : top + 6, left : left + 5] += (model(x) - model(copy))[0, 3].detach()
            covered[top : top + 6, left : left + 5] += 1
    assert covered.min() == 1
    close(found.values[0, 0], falls / covered)


def test_what_covers_may_be_a_colour_or_an_image():
    model, x = plain(), images(2)
    explainer = ls.Explainer(model, x)
    sizes = {"window": 8, "stride": 8}
    colour = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64).reshape(1, 3, 1, 1)
    found = explainer(x, 1, method="occlusion", **sizes, baseline=colour)
    close(found.values, explainer(x, 1, method="occlusion", **sizes, baseline=colour.expand(1, 3, 16, 16)).values)
    assert float((found.values - explainer(x, 1, method="occlusion", **sizes).values).abs().max()) > 1e-3


def test_of_a_linear_score_it_is_the_window_means_of_the_contributions():
    weights = images(1)[0]
    model = nn.Sequential(nn.Flatten(), nn.Linear(768, 1)).double()
    model[1].weight.data[:] = weights.flatten()
    x = images(1, seed=5)
    found = ls.explain(model, x, 0, method="occlusion", window=1, stride=1)
    close(found.values[0, 0], (weights * x[0]).sum(0))
    assert ls.explain(model, x, 0, method="occlusion", window=4, stride=4).values[0, 0].unique().numel() == 16


def test_the_image_is_not_changed():
    x = images(1)
    before = x.clone()
    ls.explain(plain(), x, method="occlusion", window=8)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 17}, "window of 17 x 17 pixels is larger than the image, 16 x 16"),
        ({"window": 3, "stride": 4}, "stride of 4 x 4 leave pixels out"),
        ({"window": 0}, "window is 0; give a number of pixels"),
        ({"window": (3, 3, 3)}, "window is .*; give a number of pixels"),
        ({"stride": 1.5}, "stride is 1.5; give a number of pixels"),
        ({"baseline": torch.zeros(2)}, r"baseline of shape \(2,\) does not fit"),
        ({"baseline": float("nan")}, "baseline holds NaN"),
        ({"size": 4}, "no option 'size'; it has window, stride, baseline"),
    ],
    ids=str,
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(InputError, match=words):
        ls.explain(nn.Sequential(nn.Flatten(), nn.Linear(768, 2)).double(), images(1), method="occlusion", **options)

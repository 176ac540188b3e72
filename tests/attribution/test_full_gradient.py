"""FullGrad: every bias at its place, and nothing missing from the score."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from tests.analysis.networks import randomised
from tests.attribution.networks import Rectified, images, plain


def rescaled_and_enlarged(share, size):
    """One map ``(h, w)`` at a time."""
    share = share.abs()
    if share.numel() == 1 or float(share.max() - share.min()) <= 1e-14 * float(share.max()):
        return torch.zeros(size, dtype=share.dtype)
    share = (share - share.min()) / (share.max() - share.min())
    return F.interpolate(share[None, None], size, mode="bilinear", align_corners=False)[0, 0]


def by_hand(model, x, target):
    """Autograd to the output of every layer with a bias, image by image."""
    maps, sums = [], []
    for image in x:
        values, biases, v = [], [], image.unsqueeze(0).requires_grad_()
        values.append(v)
        for layer in model:
            v = layer(v)
            if getattr(layer, "bias", None) is not None:
                values.append(v)
                biases.append(layer.bias.detach())
        score = v[0, target]
        gradients = torch.autograd.grad(score, values)
        product = (gradients[0] * image)[0]
        total, map_ = product.sum(), sum(rescaled_and_enlarged(channel, image.shape[1:]) for channel in product)
        for gradient, bias in zip(gradients[1:], biases, strict=True):
            shares = gradient[0] * bias.reshape(-1, *[1] * (gradient.dim() - 2))
            total = total + shares.sum()
            if shares.dim() == 3:
                map_ = map_ + sum(rescaled_and_enlarged(channel, image.shape[1:]) for channel in shares)
        torch.testing.assert_close(total, score, rtol=1e-11, atol=1e-12)
        maps.append(map_.detach())
        sums.append(score.detach())
    return torch.stack(maps).unsqueeze(1), torch.stack(sums)


def test_full_grad_is_every_bias_gradient_at_its_place():
    model, x = plain(), images(3)
    maps, scores = by_hand(model, x, 2)
    found = ls.Explainer(model, x[:2])(x, 2, method="full-grad")
    torch.testing.assert_close(found.values, maps, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found.scores, scores)
    assert float(found.check.error.max()) < 1e-12


@pytest.mark.parametrize("unit", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Sigmoid], ids=lambda unit: unit.__name__)
def test_the_shares_of_all_constants_sum_to_the_score(unit):
    found = ls.explain(randomised(Rectified(unit()).double()), images(), 1, method="full-grad")
    assert float(found.check.error.max()) < 1e-12
    assert float(found.values.min()) >= 0


def test_a_bias_share_that_is_constant_over_places_adds_nothing():
    model = randomised(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).double())
    x = images(1)
    gradient = torch.autograd.functional.jacobian(lambda v: model(v)[0, 1], x)
    expected = sum(rescaled_and_enlarged(channel, x.shape[2:]) for channel in (gradient * x)[0])
    found = ls.explain(model, x, 1, method="full-grad").values[0, 0]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)

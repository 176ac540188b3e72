"""Activation maps: captum, slow references, and what a map needs of a network."""

from functools import cache

import pytest
import torch
from captum import attr
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.attribution import METHODS
from linearscope.errors import InputError, UnknownNameError
from tests.analysis.networks import randomised
from tests.attribution.networks import Rectified, images, plain, spelled

CAMS = [name for name, method in METHODS.items() if method.family == "activation map"]
TARGETS = torch.tensor([1, 4])


def pooled() -> nn.Sequential:
    """Global average pooling and one dense layer."""
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 7, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 5),
        ).double()
    )  # fmt: skip


@cache
def explainer(batch: int) -> ls.Explainer:
    return ls.Explainer(pooled(), images(batch))


@cache
def written(spelling: str) -> ls.Explainer:
    return ls.Explainer(spelled(spelling), images())


def gradient_and_maps(model, layer, x, targets):
    """By autograd, from a copy of the layer's output."""
    inner = model[: int(layer) + 1](x).detach().requires_grad_()
    scores = model[int(layer) + 1 :](inner.clone()).gather(1, targets.unsqueeze(1)).sum()
    return torch.autograd.grad(scores, inner)[0], inner.detach()


def larger(coarse, x):
    return F.interpolate(coarse, x.shape[2:], mode="bilinear", align_corners=False)


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


# -- against captum and slow references ------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["0", "2", "5", "6"])
def test_grad_cam_is_captums(layer):
    model, x = plain(), images()
    found = ls.explain(model, x, TARGETS, method="grad-cam", layer=layer)
    expected = attr.LayerGradCam(model, model[int(layer)]).attribute(x, TARGETS, relu_attributions=True).detach()
    close(found.coarse, expected)
    close(found.values, larger(expected, x))


@pytest.mark.parametrize("layer", ["2", "6"])
def test_guided_grad_cam_is_captums(layer):
    model, x = plain(), images()
    expected = attr.GuidedGradCam(model, model[int(layer)]).attribute(x, TARGETS, interpolate_mode="bilinear")
    close(ls.explain(model, x, TARGETS, method="guided-grad-cam", layer=layer).values, expected.detach())


def plus_by_hand(gradient, maps, epsilon):
    """Place by place."""
    n, channels, height, width = maps.shape
    coarse = torch.zeros(n, 1, height, width, dtype=maps.dtype)
    for i in range(n):
        for k in range(channels):
            weight = 0.0
            for g in gradient[i, k].flatten().tolist():
                if g != 0:
                    alpha = g**2 / (2 * g**2 + float(maps[i, k].sum()) * g**3 + epsilon)
                    weight += alpha * max(g, 0.0)
            coarse[i, 0] += weight * maps[i, k]
    return coarse.clamp_min(0)


@pytest.mark.parametrize("epsilon", [1e-6, 0.0])
def test_grad_cam_plus_is_its_formula(epsilon):
    model, x = plain(), images()
    gradient, maps = gradient_and_maps(model, "3", x, TARGETS)
    expected = plus_by_hand(gradient, maps, epsilon)
    assert float(expected.abs().max()) > 0
    found = ls.explain(model, x, TARGETS, method="grad-cam++", layer="3", epsilon=epsilon)
    close(found.coarse, expected)
    guided = ls.explain(model, x, TARGETS, method="guided-backprop").values
    both = ls.explain(model, x, TARGETS, method="guided-grad-cam++", layer="3", epsilon=epsilon)
    close(both.values, guided * larger(expected, x))


def test_hires_cam_is_its_formula_and_sums_to_the_score():
    model, x = plain(), images()
    gradient, maps = gradient_and_maps(model, "3", x, TARGETS)
    found = ls.explain(model, x, TARGETS, method="hires-cam", layer="3")
    close(found.coarse, (gradient * maps).sum(1, keepdim=True))
    assert float(found.check.error.max()) < 1e-12


def test_layer_cam_is_its_formula():
    model, x = plain(), images()
    gradient, maps = gradient_and_maps(model, "3", x, TARGETS)
    expected = (gradient.clamp_min(0) * maps).sum(1, keepdim=True).clamp_min(0)
    close(ls.explain(model, x, TARGETS, method="layer-cam", layer="3").coarse, expected)


def test_activations_are_the_layers_own():
    model, x = plain(), images()
    maps = model[:4](x).detach()
    found = ls.explain(model, x, method="activations", layer="3")
    close(found.coarse, maps.mean(1, keepdim=True))
    close(found.values, larger(maps.mean(1, keepdim=True), x))
    close(ls.explain(model, x, method="activations", layer="3", channel=5).coarse, maps[:, 5:6])
    with pytest.raises(InputError, match="no channel 8 in layer '3'; it has 8"):
        ls.explain(model, x, method="activations", layer="3", channel=8)


# -- CAM -------------------------------------------------------------------------------------------------------------


class Squared(nn.Module):
    def forward(self, x):
        return x * x.mean((2, 3), keepdim=True)


def after(*layers):
    """Convolution and rectifier, then ``layers``."""
    return randomised(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), *layers).double())


def test_cam_is_the_dense_layers_weights_times_the_maps():
    model, x = pooled(), images()
    maps, weights = model[:6](x).detach(), model[8].weight[TARGETS].detach()
    found = ls.explain(model, x, TARGETS, method="cam")
    assert found.layer == "5"
    close(found.coarse[:, 0], torch.einsum("nk,nkhw->nhw", weights, maps))
    assert float(found.check.error.max()) < 1e-12
    close(found.coarse.mean((1, 2, 3)), found.scores - model[8].bias[TARGETS].detach())


def test_cam_is_grad_cam_times_the_places():
    x = images()
    cam, grad_cam = (explainer(2)(x, TARGETS, method=name).coarse for name in ("cam", "grad-cam"))
    assert float(grad_cam.abs().max()) > 0
    close(cam.clamp_min(0), grad_cam * cam.shape[2] * cam.shape[3])


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(4, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        (nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6), nn.Dropout(), nn.Linear(6, 3)),
    ],
    ids=["a convolution to classes, pooled", "two dense layers without a unit between"],
)
def test_cam_works_wherever_the_score_is_linear_in_averages(layers):
    found = ls.explain(after(*layers), images(), 1, method="cam", layer="1")
    assert float(found.check.error.max()) < 1e-12


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3)), "adaptive_max_pool2d"),
        ((nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3)), "relu"),
        ((Squared(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), "mul"),
        ((nn.AdaptiveAvgPool2d(1), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(4, 3)), "group_norm"),
    ],
    ids=["maximum", "rectifier", "product of two values", "norm"],
)
def test_cam_refuses_what_is_not_linear(layers, words):
    with pytest.raises(InputError, match=rf"CAM needs .*{words}.* is not linear; choose .* grad-cam"):
        ls.explain(after(*layers), images(), method="cam", layer="1")


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Flatten(), nn.Linear(784, 3)),
        (nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    ],
    ids=["no pooling", "borders that count less"],
)
def test_cam_refuses_weights_that_differ_from_place_to_place(layers):
    with pytest.raises(InputError, match="weights differ from place to place"):
        ls.explain(after(*layers), images(), 1, method="cam", layer="1")


# -- layers, batches, files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", CAMS)
def test_three_images_through_a_program_of_two_are_three_single_images(method):
    x = images(3)
    together = explainer(2)(x, [0, 3, 2], method=method)
    for i, target in enumerate([0, 3, 2]):
        alone = explainer(1)(x[i : i + 1], target, method=method)
        close(together.coarse[i : i + 1], alone.coarse)
        close(together.values[i : i + 1], alone.values)


def test_a_program_from_a_file(tmp_path):
    x = images()
    explainer(2).program.save(tmp_path / "net.pt2")
    loaded = ls.Explainer(tmp_path / "net.pt2", x)
    for method in CAMS:
        close(loaded(x, TARGETS, method=method).values, explainer(2)(x, TARGETS, method=method).values)


@pytest.mark.parametrize("method", CAMS)
def test_layers_that_cannot_be_read(method):
    with pytest.raises(UnknownNameError, match="no layer 'last'"):
        explainer(2)(images(), method=method, layer="last")
    with pytest.raises(InputError, match=r"no spatial extent; choose a feature map, such as .*'5'"):
        explainer(2)(images(), method=method, layer="6")
    with pytest.raises(InputError, match="has no option 'sigma'"):
        explainer(2)(images(), method=method, sigma=1)


def test_a_layer_beside_a_skip():
    model, x = randomised(Rectified(nn.ReLU()).double()), images()
    asked = ls.Explainer(model, x)
    for layer in asked.layers:
        assert float(asked(x, 2, method="hires-cam", layer=layer).check.error.max()) < 1e-12


def test_a_negative_epsilon_is_refused():
    with pytest.raises(InputError, match="epsilon is -1"):
        ls.explain(pooled(), images(), method="grad-cam++", epsilon=-1.0)


@pytest.mark.parametrize("spelling", ["nn.ReLU in place", "one nn.ReLU reused", "F.relu", "x.relu_()", "clamp(min=0)"])
def test_however_the_rectifier_is_written(spelling):
    x, reference = images(), written("nn.ReLU")
    others = {"occlusion": {"window": 8}, "integrated-gradients": {"steps": 2}}
    for method in [*(name for name in CAMS if name != "cam"), *others]:
        for layer in ("down", "lone") if method in CAMS else (None,):
            expected = reference(x, 1, method=method, layer=layer, **others.get(method, {}))
            found = written(spelling)(x, 1, method=method, layer=layer, **others.get(method, {}))
            close(found.values, expected.values)
            assert float(expected.values.abs().max()) > 0

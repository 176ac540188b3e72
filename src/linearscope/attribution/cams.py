"""Class activation maps: the channels of a feature map, weighted by what they mean to the score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.affine import is_affine
from linearscope.attribution.backward_rules import GRADIENT, GUIDED, BackwardRules
from linearscope.attribution.engine import Back, at_targets
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.attribution.sums import Constants, enlarged, product_with_point
from linearscope.errors import InputError
from linearscope.program import Node
from linearscope.rules import Call, LinearMap, Rule

__all__: list[str] = []

_FAMILY: Final = "activation map"
_CHATTOPADHAY: Final = "Chattopadhay et al., 2018"
_SELVARAJU: Final = "Selvaraju et al., 2017"
_EPSILON: Final = "added to the denominators of the weights; 0 is the paper's formula"


def _made(coarse: Tensor, images: Tensor, layer: str, scores: Tensor, check: Check | None = None) -> Made:
    return Made(enlarged(coarse, images), coarse, check, layer, scores)


# -- CAM -------------------------------------------------------------------------------------------------------------


class _Affine(BackwardRules):
    """The derivative, where all that comes after the layer is affine in it; a refusal elsewhere."""

    def __init__(self, layer: str) -> None:
        self._layer = layer

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:
        if not is_affine(call, rule):
            raise InputError(
                f"CAM needs a score that is a weighted sum of the averages of layer {self._layer!r}, and after that "
                f"layer {call.node.operation} in {call.node.name!r} is not linear; choose a later layer, or grad-cam, "
                "which works on every model."
            )
        return plain()


@register_method("cam", "class activation map", "Zhou et al., 2016", family=_FAMILY, heatmap="positive", layer="yes")
def _cam(explainer: Explainer, images: Tensor, targets: Tensor, layer: str) -> Made:
    constants = Constants(images, explainer.program)
    back = explainer.back(images, targets, _Affine(layer), source=layer, visit=constants)
    gradient, maps = back.values, back.point
    span = gradient.amax((2, 3)) - gradient.amin((2, 3))
    if bool((span > 100 * torch.finfo(gradient.dtype).eps * gradient.abs().amax((2, 3))).any()):
        raise InputError(
            f"CAM needs a score that is a weighted sum of the averages of layer {layer!r}, and here its weights differ "
            "from place to place, as without global average pooling; choose grad-cam, which works on every model."
        )
    places = maps.shape[2] * maps.shape[3]
    coarse = (gradient * maps).sum(1, keepdim=True) * places
    mean = coarse.flatten(1).mean(1, dtype=torch.float64)
    name = "the mean of the map and what every constant is worth sum to the score"
    largest = torch.maximum(mean.abs(), constants.largest)
    scores = back.scores(targets)
    check = Check.of(name, scores, mean + constants.total, largest)
    return _made(coarse, images, layer, scores, check)


# -- weights from the gradient ---------------------------------------------------------------------------------------


def _weighted(weights: Tensor, maps: Tensor) -> Tensor:
    return (weights * maps).sum(1, keepdim=True).clamp_min(0)


def _mean_weights(back: Back) -> Tensor:
    return _weighted(back.values.mean((2, 3), keepdim=True), back.point)


def _plus_weights(back: Back, epsilon: float) -> Tensor:
    if not epsilon >= 0:
        raise InputError(f"epsilon is {epsilon:g}; give a number that is not negative.")
    gradient, maps = back.values, back.point
    squared = gradient**2
    below = 2 * squared + maps.sum((2, 3), keepdim=True) * squared * gradient + epsilon
    share = torch.where((gradient == 0) | (below == 0), 0.0, squared / torch.where(below == 0, 1.0, below))
    return _weighted((share * gradient.clamp_min(0)).sum((2, 3), keepdim=True), maps)


@register_method("grad-cam", "Grad-CAM", _SELVARAJU, family=_FAMILY, heatmap="positive", layer="yes")
def _grad_cam(explainer: Explainer, images: Tensor, targets: Tensor, layer: str) -> Made:
    back = explainer.back(images, targets, GRADIENT, source=layer)
    return _made(_mean_weights(back), images, layer, back.scores(targets))


@register_method(
    "grad-cam++", "Grad-CAM++", _CHATTOPADHAY, family=_FAMILY, heatmap="positive", layer="yes", epsilon=_EPSILON
)
def _grad_cam_plus(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str, epsilon: float = 1e-6
) -> Made:  # fmt: skip
    back = explainer.back(images, targets, GRADIENT, source=layer)
    return _made(_plus_weights(back, epsilon), images, layer, back.scores(targets))


@register_method(
    "hires-cam", "HiResCAM", "Draelos and Carin, 2020", family=_FAMILY, heatmap="positive", layer="yes"
)  # fmt: skip
def _hires_cam(explainer: Explainer, images: Tensor, targets: Tensor, layer: str) -> Made:
    return product_with_point(explainer, images, targets, layer, GRADIENT)


@register_method("layer-cam", "LayerCAM", "Jiang et al., 2021", family=_FAMILY, heatmap="positive", layer="yes")
def _layer_cam(explainer: Explainer, images: Tensor, targets: Tensor, layer: str) -> Made:
    back = explainer.back(images, targets, GRADIENT, source=layer)
    return _made(_weighted(back.values.clamp_min(0), back.point), images, layer, back.scores(targets))


# -- with guided backpropagation -------------------------------------------------------------------------------------


def _guided(explainer: Explainer, images: Tensor, targets: Tensor, layer: str, coarse: Tensor) -> Made:
    back = explainer.back(images, targets, GUIDED)
    return Made(back.values * enlarged(coarse, images), coarse, layer=layer, scores=back.scores(targets))


@register_method(
    "guided-grad-cam", "guided Grad-CAM", _SELVARAJU, family=_FAMILY, heatmap="magnitude", layer="yes"
)  # fmt: skip
def _guided_grad_cam(explainer: Explainer, images: Tensor, targets: Tensor, layer: str) -> Made:
    back = explainer.back(images, targets, GRADIENT, source=layer)
    return _guided(explainer, images, targets, layer, _mean_weights(back))


@register_method(
    "guided-grad-cam++", "guided Grad-CAM++", _CHATTOPADHAY, family=_FAMILY, heatmap="magnitude", layer="yes",
    epsilon=_EPSILON,
)  # fmt: skip
def _guided_grad_cam_plus(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str, epsilon: float = 1e-6
) -> Made:  # fmt: skip
    back = explainer.back(images, targets, GRADIENT, source=layer)
    return _guided(explainer, images, targets, layer, _plus_weights(back, epsilon))


# -- without a score -------------------------------------------------------------------------------------------------


@register_method(
    "activations", "upsampled activations", "Zhou et al., 2015", family=_FAMILY, heatmap="positive", layer="yes",
    channel="which channel of the layer; the mean of all by default",
)  # fmt: skip
def _activations(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str, channel: int | None = None
) -> Made:  # fmt: skip
    at, found = explainer.program.find(layer).index, {}

    def keep(node: Node, value: Any) -> None:
        if node.index == at:
            found[at] = value

    scores = at_targets(explainer.program.run(images, keep), targets)
    maps: Tensor = found[at]
    if channel is None:
        return _made(maps.mean(1, keepdim=True), images, layer, scores)
    if channel not in range(maps.shape[1]):
        raise InputError(f"There is no channel {channel!r} in layer {layer!r}; it has {maps.shape[1]}.")
    return _made(maps[:, channel : channel + 1], images, layer, scores)

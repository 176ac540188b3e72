"""Layer-wise relevance propagation by name: one rule throughout, or a rule for each kind of layer."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution import lrp
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.relevance import Relevance, WeightRule
from linearscope.attribution.result import Check
from linearscope.attribution.sums import enlarged
from linearscope.errors import InputError, UnknownNameError

__all__: list[str] = []

_EPSILON: Final = "added to every denominator, away from zero"
_BACH: Final = "Bach et al., 2015"
_MONTAVON: Final = "Montavon et al., 2017"
_OVERVIEW: Final = "Montavon et al., 2019"
_SUM: Final = "the relevance and what constants and denominators took sum to the score"


def _relevance(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, rules: Relevance) -> Made:
    back = explainer.back(images, targets, rules, source=layer)
    assert isinstance(back.rules, Relevance)
    ledger = back.rules.ledger
    own = back.values.flatten(1).sum(1, dtype=torch.float64)
    scores = back.scores(targets)
    check = Check.of(_SUM, scores, own + ledger.absorbed, torch.maximum(own.abs(), ledger.largest))
    if layer is None:
        return Made(back.values, check=check, scores=scores)
    coarse = back.values.sum(1, keepdim=True)
    return Made(enlarged(coarse, images), coarse, check, layer, scores)


def _box(explainer: Explainer, images: Tensor, epsilon: float, layer: str | None) -> WeightRule | None:
    if layer is not None:
        return None  # the walk ends before the layer at the image
    if explainer.bounds is None:
        raise InputError(
            "The zB rule of the first layer needs to know the least and the largest value of a pixel; give "
            "bounds=(lower, upper), of shape (1, C, 1, 1), in the model's units."
        )
    lower, upper = explainer.bounds
    room = 1e-4 * (upper - lower)
    if bool((images < lower - room).any()) or bool((images > upper + room).any()):
        raise InputError("A pixel lies outside the bounds; give bounds=(lower, upper) that hold the images.")
    return lrp.box(lower, upper, epsilon)


def _not_negative(**options: float) -> None:
    for name, value in options.items():
        if not value >= 0:
            raise InputError(f"{name} is {value:g}; give a number that is not negative.")


@register_method("lrp-0", "LRP-0", _BACH, family="relevance", heatmap="positive", layer="may")
def _zero(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
    rule = lrp.epsilon_rule(0.0)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule))


@register_method(
    "lrp-epsilon", "LRP-epsilon", _BACH, family="relevance", heatmap="positive", layer="may", epsilon=_EPSILON
)
def _epsilon(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, epsilon: float = 1e-6
) -> Made:  # fmt: skip
    _not_negative(epsilon=epsilon)
    rule = lrp.epsilon_rule(epsilon)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-gamma", "LRP-gamma", _OVERVIEW, family="relevance", heatmap="positive", layer="may",
    gamma="how much more positive weights count", definition=" or ".join(lrp.GAMMAS), epsilon=_EPSILON,
)  # fmt: skip
def _gamma(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, gamma: float = 0.25,
    definition: lrp.Gamma = "generalised", epsilon: float = 0.0,
) -> Made:  # fmt: skip
    _not_negative(gamma=gamma, epsilon=epsilon)
    if definition not in lrp.GAMMAS:
        raise UnknownNameError("definition of the gamma rule", definition, lrp.GAMMAS)
    rule = lrp.gamma(gamma, definition, epsilon)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-alpha-beta", "LRP-alpha-beta", _BACH, family="relevance", heatmap="positive", layer="may",
    alpha="weight of what speaks for", beta="weight of what speaks against; alpha - 1", epsilon=_EPSILON,
)  # fmt: skip
def _alpha_beta(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, alpha: float = 2.0, beta: float = 1.0,
    epsilon: float = 0.0,
) -> Made:  # fmt: skip
    _not_negative(epsilon=epsilon)
    rule = lrp.alpha_beta(alpha, beta, epsilon)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-z-plus", "LRP-z+", _MONTAVON, family="relevance", heatmap="positive", layer="may",
    bias="whether positive biases take their share", epsilon=_EPSILON,
)  # fmt: skip
def _z_plus(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, bias: bool = True, epsilon: float = 0.0
) -> Made:
    _not_negative(epsilon=epsilon)
    rule = lrp.alpha_beta(1.0, 0.0, epsilon, bias)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-w2", "LRP-w2", _MONTAVON, family="relevance", heatmap="positive", layer="may", epsilon=_EPSILON
)  # fmt: skip
def _squared(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, epsilon: float = 0.0) -> Made:
    _not_negative(epsilon=epsilon)
    rule = lrp.squared_weights(epsilon)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-flat", "LRP-flat", "Lapuschkin et al., 2019", family="relevance", heatmap="positive", layer="may",
    epsilon=_EPSILON,
)  # fmt: skip
def _flat(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, epsilon: float = 0.0) -> Made:
    _not_negative(epsilon=epsilon)
    rule = lrp.flat(epsilon)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, epsilon=epsilon))


@register_method(
    "lrp-z-box", "LRP-z+ with zB at the image", _MONTAVON, family="relevance", heatmap="positive", layer="may",
    epsilon=_EPSILON,
)  # fmt: skip
def _z_box(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, epsilon: float = 0.0) -> Made:
    _not_negative(epsilon=epsilon)
    rule = lrp.alpha_beta(1.0, 0.0, epsilon)
    first = _box(explainer, images, epsilon, layer)
    return _relevance(explainer, images, targets, layer, Relevance(rule, rule, first=first, epsilon=epsilon))


@register_method(
    "deep-taylor", "deep Taylor decomposition", _MONTAVON, family="relevance", heatmap="positive", layer="may",
)  # fmt: skip
def _deep_taylor(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
    rule = lrp.alpha_beta(1.0, 0.0, 0.0, bias=False)
    return _relevance(
        explainer, images, targets, layer, Relevance(rule, rule, first=_box(explainer, images, 0.0, layer))
    )


_COMPOSITES: Final[dict[str, tuple[str, str]]] = {
    "lrp-epsilon-plus": ("LRP composite: z+ convolutions, epsilon dense", "Montavon et al., 2019"),
    "lrp-epsilon-plus-flat": (
        "LRP composite: z+ convolutions, epsilon dense, flat at the image",
        "Lapuschkin et al., 2019",
    ),
    "lrp-epsilon-gamma-box": ("LRP composite: gamma convolutions, epsilon dense, zB at the image", _OVERVIEW),
    "lrp-epsilon-alpha2-beta1": (
        "LRP composite: alpha 2 beta 1 convolutions, epsilon dense",
        "Lapuschkin et al., 2019",
    ),
    "lrp-epsilon-alpha2-beta1-flat": (
        "LRP composite: alpha 2 beta 1 convolutions, epsilon dense, flat at the image",
        "Lapuschkin et al., 2019",
    ),
}


def _composite(name: str, title: str, source: str) -> None:
    @register_method(name, title, source, family="relevance", heatmap="positive", layer="may", epsilon=_EPSILON)
    def ask(
        explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, epsilon: float = 1e-6
    ) -> Made:  # fmt: skip
        _not_negative(epsilon=epsilon)
        convolution = (
            lrp.gamma(0.25, "generalised", epsilon)
            if "gamma" in name
            else lrp.alpha_beta(2.0, 1.0, epsilon)
            if "alpha2" in name
            else lrp.alpha_beta(1.0, 0.0, epsilon)
        )
        first: Any = None
        if name.endswith("flat"):
            first = lrp.flat(epsilon)
        elif name.endswith("box"):
            first = _box(explainer, images, epsilon, layer)
        rules = Relevance(convolution, lrp.epsilon_rule(epsilon), first=first, epsilon=epsilon)
        return _relevance(explainer, images, targets, layer, rules)


for _name, _words in _COMPOSITES.items():
    _composite(_name, *_words)

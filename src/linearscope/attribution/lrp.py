"""The rules of layer-wise relevance propagation for layers with weights, and which layer takes which.

Notation: ``z = a w + b`` is a layer's output, ``w+`` and ``w-`` its positive and negative weights. Where a rule has no
``epsilon`` of its own, one may be added to its denominators; at 0 a denominator of 0 absorbs its relevance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor

from linearscope.attribution.relevance import Share, Weighted, WeightRule
from linearscope.errors import InputError

__all__ = ["GAMMAS", "Gamma", "alpha_beta", "box", "epsilon_rule", "flat", "gamma", "squared_weights"]

Gamma = Literal["generalised", "positive", "positive-weights"]
GAMMAS: Final[tuple[Gamma, ...]] = ("generalised", "positive", "positive-weights")


def _split(value: Tensor) -> tuple[Tensor, Tensor]:
    return value.clamp_min(0), value.clamp_max(0)


def _with_bias(total: Tensor, bias: Tensor | None) -> Tensor:
    return total if bias is None else total + bias


def epsilon_rule(epsilon: float) -> WeightRule:
    """``a w / (z + epsilon sign z)`` (Bach et al., 2015, eq. 58); 0 is LRP-0."""
    return lambda own: [Share(1.0, [([own.x], own.layer)], own.z, own.bias, epsilon)]


def gamma(strength: float, definition: Gamma, epsilon: float) -> WeightRule:
    """Positive weights count ``1 + gamma`` times (Montavon et al., 2019), in one of three definitions that differ.

    ``"positive"``: weights and bias, as printed. ``"positive-weights"``: weights only. ``"generalised"``: for outputs
    of either sign, what has the output's sign is favoured (Andeol et al., 2022).
    """

    def plain(own: Weighted) -> Sequence[Share]:
        weight, bias = own.layer.weight, own.bias
        weight = weight + strength * weight.clamp_min(0)
        if bias is not None and definition == "positive":
            bias = bias + strength * bias.clamp_min(0)
        return [
            Share(1.0, [([own.x], own.layer.with_weight(weight))], _with_bias(own.run(own.x, weight), bias), bias,
                  epsilon)
        ]  # fmt: skip

    def generalised(own: Weighted) -> Sequence[Share]:
        weight = own.layer.weight
        raised, lowered = (weight + strength * part for part in _split(weight))
        high, low = _split(own.x)
        result = []
        for at, first, second, sign in ((own.z >= 0, raised, lowered, 0), (own.z < 0, lowered, raised, 1)):
            parts = [([high], own.layer.with_weight(first))]
            total = own.run(high, first)
            if bool(low.any()):
                parts.append(([low], own.layer.with_weight(second)))
                total = total + own.run(low, second)
            bias = None if own.bias is None else own.bias + strength * _split(own.bias)[sign]
            result.append(Share(1.0, parts, _with_bias(total, bias), bias, epsilon, at))
        return result

    return generalised if definition == "generalised" else plain


def alpha_beta(alpha: float, beta: float, epsilon: float, bias: bool = True) -> WeightRule:
    """``alpha`` of the positive terms ``a w`` and ``-beta`` of the negative ones (Bach et al., 2015, eq. 60).

    1 and 0 is the z+ rule, which on layers after a rectifier and without ``bias`` is deep Taylor's.
    """
    if abs(alpha - beta - 1) > 1e-9 or beta < 0:
        raise InputError(f"alpha - beta has to be 1 and beta not negative; they are {alpha:g} and {beta:g}.")

    def share(own: Weighted) -> Sequence[Share]:
        positive, negative = _split(own.layer.weight)
        high, low = _split(own.x)
        constants = (None, None) if own.bias is None or not bias else _split(own.bias)
        result = []
        for strength, first, second, rest in (
            (alpha, positive, negative, constants[0]),
            (-beta, negative, positive, constants[1]),
        ):
            if not strength:
                continue
            parts = [([high], own.layer.with_weight(first))]
            total = own.run(high, first)
            if bool(low.any()):
                parts.append(([low], own.layer.with_weight(second)))
                total = total + own.run(low, second)
            result.append(Share(strength, parts, _with_bias(total, rest), rest, epsilon))
        return result

    return share


def box(lower: Tensor, upper: Tensor, epsilon: float) -> WeightRule:
    """zB, for the layer at the image: ``a w - lower w+ - upper w-`` (Montavon et al., 2017, Table 1)."""

    def share(own: Weighted) -> Sequence[Share]:
        weight = own.layer.weight
        positive, negative = _split(weight)
        try:
            low, high = (bound.to(own.x).expand_as(own.x) for bound in (lower, upper))
        except RuntimeError as error:
            raise InputError(
                f"The bounds of the zB rule have shape {tuple(lower.shape)} and the first layer takes "
                f"{tuple(own.x.shape)}; give bounds (1, C, 1, 1) of the pixels in the model's units."
            ) from error
        total = own.run(own.x, weight) - own.run(low, positive) - own.run(high, negative)
        parts = [([own.x], own.layer), ([-low], own.layer.with_weight(positive)),
                 ([-high], own.layer.with_weight(negative))]  # fmt: skip
        return [Share(1.0, parts, total, None, epsilon)]

    return share


def _of_weights(own: Weighted, weight: Tensor, epsilon: float) -> Sequence[Share]:
    ones = torch.ones_like(own.x)
    return [Share(1.0, [([ones], own.layer.with_weight(weight))], own.run(ones, weight), None, epsilon)]


def squared_weights(epsilon: float) -> WeightRule:
    """w2: in proportion to the squared weights, whatever the input (Montavon et al., 2017, Table 1)."""
    return lambda own: _of_weights(own, own.layer.weight.square(), epsilon)


def flat(epsilon: float) -> WeightRule:
    """The same share to every input (Lapuschkin et al., 2019)."""
    return lambda own: _of_weights(own, torch.ones_like(own.layer.weight), epsilon)

"""Pointwise units: switches, gates with bounds, and smooth activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from linearscope.rules.maps import Branch, FirstOrder, LinearMap, Slope
from linearscope.rules.registry import Call, register

__all__ = ["SMALL", "derivative"]

aten = torch.ops.aten

#: Below this magnitude of x0, h(x0)/x0 of an activation with h(0) != 0 is replaced by its Taylor expansion.
SMALL = 1.0


# -- one slope on either side of a threshold -------------------------------------------------------------------------


@register(aten.relu.default, kind="relu", frozen="1 where x0 > 0, else 0")
def _relu(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x > 0, x)


@register(aten.leaky_relu.default, kind="leaky_relu", frozen="1 where x0 > 0, else the negative slope")
def _leaky_relu(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x > 0, x, call["negative_slope"])


@register(aten.rrelu.default, kind="rrelu", frozen="1 where x0 > 0, else (lower + upper) / 2, its slope in evaluation")
def _rrelu(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x > 0, x, (call["lower"] + call["upper"]) / 2)


@register(aten.prelu.default, aten._prelu_kernel.default, kind="prelu", frozen="1 where x0 > 0, else the learned slope")
def _prelu(call: Call) -> LinearMap:
    x, weight = call["self"], call["weight"]
    if weight.numel() > 1 and weight.dim() == 1:
        weight = weight.reshape(-1, *[1] * max(x.dim() - 2, 0))
    return Branch(x > 0, x, weight)


@register(aten.abs.default, kind="abs", frozen="the sign of x0")
def _abs(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x > 0, x, -1.0)


@register(aten.hardshrink.default, kind="hardshrink", frozen="1 where abs(x0) > lambda, else 0")
def _hardshrink(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x.abs() > call["lambd"], x)


# -- bounds ----------------------------------------------------------------------------------------------------------


def _bounded(x: Tensor, low: Any, high: Any) -> LinearMap:
    inside = torch.ones_like(x, dtype=torch.bool)
    above = None
    if low is not None:
        inside &= x > low
    if high is not None:
        inside &= x < high
        above = x >= high
    return Branch(inside, x, 0.0, above, (0.0 if low is None else low, 0.0 if high is None else high))


_BOUND: dict[str, Any] = {"frozen": "1 strictly between the bounds, else 0", "constant": "the bound, outside"}


@register(aten.hardtanh.default, kind="hardtanh (relu6)", **_BOUND)
def _hardtanh(call: Call) -> LinearMap:
    return _bounded(call["self"], call["min_val"], call["max_val"])


@register(aten.relu6.default, kind="hardtanh (relu6)", **_BOUND)
def _relu6(call: Call) -> LinearMap:
    return _bounded(call["self"], 0.0, 6.0)


@register(aten.clamp.default, aten.clamp.Tensor, kind="clamp", **_BOUND)
def _clamp(call: Call) -> LinearMap:
    return _bounded(call["self"], call["min"], call["max"])


@register(aten.clamp_min.default, aten.clamp_min.Tensor, kind="clamp", **_BOUND)
def _clamp_min(call: Call) -> LinearMap:
    return _bounded(call["self"], call["min"], None)


@register(aten.clamp_max.default, aten.clamp_max.Tensor, kind="clamp", **_BOUND)
def _clamp_max(call: Call) -> LinearMap:
    return _bounded(call["self"], None, call["max"])


@register(aten.threshold.default, kind="threshold", frozen="1 above the threshold, else 0", constant="the value, below")
def _threshold(call: Call) -> LinearMap:
    x = call["self"]
    return Branch(x > call["threshold"], x, 0.0, None, (call["value"], 0.0))


@register(aten.softshrink.default, kind="softshrink", frozen="1 where abs(x0) > lambda, else 0", constant="-+ lambda")
def _softshrink(call: Call) -> LinearMap:
    x, bound = call["self"], call["lambd"]
    return Slope((x.abs() > bound).to(x), -bound * torch.sign(x) * (x.abs() > bound))


@register(
    aten.floor.default, aten.ceil.default, aten.round.default, aten.trunc.default, aten.sign.default,
    kind="step",
    frozen="0",
    constant="h(x0)",
)  # fmt: skip
def _step(call: Call) -> LinearMap:
    return Slope(torch.zeros_like(call.output), call.output)


# -- smooth units ----------------------------------------------------------------------------------------------------


def derivative(function: Callable[[Tensor], Any], x: Tensor) -> Tensor:
    """h'(x) of a pointwise function, and 0 where it is infinite (the constant then holds the whole value)."""
    with torch.enable_grad():
        pulled = torch.func.vjp(function, x)
        result: Tensor = pulled[1](torch.ones_like(pulled[0]))[0]
    return torch.where(torch.isfinite(result), result, torch.zeros_like(result))


def _taylor(call: Call) -> LinearMap:
    x = call.moving[0]
    slope = derivative(call.function(), x)
    return Slope(slope, call.output - slope * x)


def _smooth(*targets: Any, kind: str, through_zero: bool) -> None:
    """Register pointwise units.

    Those that pass through zero are h(x0)/x0 times x, with h'(0) at 0. The others would blow up near zero, where their
    first-order expansion is taken.
    """

    def freeze(call: Call) -> LinearMap:
        x, y = call.moving[0], call.output
        if through_zero:
            ratio = y / torch.where(x == 0, torch.ones_like(x), x)
            at_zero = derivative(call.function(), torch.zeros_like(x)) if bool((x == 0).any()) else ratio
            return Slope(torch.where(x == 0, at_zero, ratio))
        small = x.abs() < SMALL
        slope = torch.where(small, derivative(call.function(), x), y / torch.where(small, torch.ones_like(x), x))
        return Slope(slope, torch.where(small, y - slope * x, torch.zeros_like(x)))

    words = "h(x0)/x0, and h'(0) at 0" if through_zero else f"h(x0)/x0 where abs(x0) >= {SMALL:g}, else h'(x0)"
    constant = "0" if through_zero else f"h(x0) - h'(x0) x0 where abs(x0) < {SMALL:g}"
    register(*targets, kind=kind, frozen=words, constant=constant, smooth=_taylor)(freeze)


for _kind, _targets in {
    "silu": (aten.silu.default,),
    "gelu": (aten.gelu.default,),
    "mish": (aten.mish.default,),
    "hardswish": (aten.hardswish.default,),
    "elu": (aten.elu.default,),
    "selu": (aten.selu.default,),
    "celu": (aten.celu.default,),
    "tanh": (aten.tanh.default,),
    "erf": (aten.erf.default,),
    "sin": (aten.sin.default, aten.asinh.default, aten.atan.default, aten.expm1.default, aten.log1p.default),
}.items():
    _smooth(*_targets, kind=_kind, through_zero=True)

for _kind, _targets in {
    "sigmoid": (aten.sigmoid.default,),
    "hardsigmoid": (aten.hardsigmoid.default,),
    "softplus": (aten.softplus.default, aten.log_sigmoid.default),
    "exp": (aten.exp.default, aten.exp2.default, aten.cos.default, aten.log.default),
    "reciprocal": (aten.reciprocal.default, aten.rsqrt.default),
    "sqrt": (aten.sqrt.default,),
}.items():
    _smooth(*_targets, kind=_kind, through_zero=False)


@register(
    aten.pow.Tensor_Scalar, aten.square.default,
    kind="power",
    frozen="x0^(p-1) for p >= 1, else as exp",
    constant="0 for p >= 1",
    smooth=_taylor,
)  # fmt: skip
def _power(call: Call) -> LinearMap:
    x = call["self"]
    exponent = call["exponent"] if call.node.target is aten.pow.Tensor_Scalar else 2
    if exponent >= 1:
        return Slope(torch.pow(x, exponent - 1) if exponent != 1 else torch.ones_like(x))
    return _taylor(call)


@register(
    aten.softmax.int, aten._softmax.default, aten.log_softmax.int, aten._log_softmax.default, aten.logsumexp.default,
    kind="softmax (no gate)",
    frozen="Dh(x0)",
    constant="h(x0) - Dh(x0) x0",
    smooth=True,
)  # fmt: skip
def _softmax(call: Call) -> LinearMap:
    return FirstOrder(call.function(), call.moving, call.output)

"""Normalisations: in evaluation a batch norm is linear; the others keep the mean and deviation they took on x0.

Under ``interpretation="freeze-deviation"`` they keep the deviation only, and the mean is that of the lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from linearscope.rules.maps import Composite, FirstOrder, Lane, LinearMap, Slope
from linearscope.rules.registry import Call, register
from linearscope.rules.structure import Box, Shape, Structure, cut, pointwise

__all__: list[str] = []

aten = torch.ops.aten

_MAP = "gamma / sigma, mean and deviation frozen (freeze-deviation: gamma / sigma times x1 - its mean)"
_SHIFT = "beta - gamma mu / sigma (freeze-deviation: beta)"


def _per_channel(value: Tensor | None, dim: int, default: float, like: Tensor) -> Tensor:
    if value is None:
        return like.new_full((), default)
    return value.reshape(1, -1, *[1] * (dim - 2))


@register(
    aten._native_batch_norm_legit_no_training.default, aten.batch_norm.default, aten.native_batch_norm.default,
    kind="linear",
    frozen="gamma / sqrt(running variance + eps)",
    constant="beta - gamma running mean / sqrt(running variance + eps)",
)  # fmt: skip
def _batch_norm(call: Call) -> LinearMap:
    x = call["input"]
    scale = _per_channel(call["weight"], x.dim(), 1.0, x) * torch.rsqrt(
        _per_channel(call["running_var"], x.dim(), 1.0, x) + call["eps"]
    )
    shift = _per_channel(call["bias"], x.dim(), 0.0, x) - scale * _per_channel(call["running_mean"], x.dim(), 0.0, x)
    result = Slope(scale, shift, decision=False)
    return result if isinstance(call.output, Tensor) else Composite(result)


def _moments(x: Tensor, axes: list[int], eps: float) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return mean, torch.rsqrt(variance + eps)


class _Centred(LinearMap):
    """Take the mean over ``axes`` away, in the shape ``view``, and multiply by factors that broadcast to the input."""

    def __init__(
        self, factors: Sequence[Tensor], bias: Tensor | None, view: Sequence[int], axes: Sequence[int]
    ) -> None:
        super().__init__(bias)
        self._factors, self._view = tuple(factors), tuple(view)
        self._axes = [axis + 1 for axis in axes]

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        (lane,) = lanes
        assert lane is not None
        return self._scaled(self._centred(lane, reuse), reuse=True)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [self._centred(self._scaled(u, reuse), reuse=True)]

    def _centred(self, lane: Tensor, reuse: bool) -> Tensor:
        grouped = lane.reshape(len(lane), *self._view)
        mean = grouped.mean(self._axes, keepdim=True)
        return (grouped.sub_(mean) if reuse else grouped - mean).reshape(lane.shape)

    def _scaled(self, lane: Tensor, reuse: bool) -> Tensor:
        for factor in self._factors:
            lane = lane.mul_(factor) if reuse else lane * factor
            reuse = True
        return lane

    @property
    def nbytes(self) -> int:
        return self._factors[0].numel() * self._factors[0].element_size()


def _instance_deviation(call: Call) -> LinearMap:
    x = call["input"]
    if not call["use_input_stats"]:
        return _instance_norm(call)
    axes = list(range(2, x.dim()))
    _, inverse = _moments(x, axes, call["eps"])
    weight, bias = _per_channel(call["weight"], x.dim(), 1.0, x), _per_channel(call["bias"], x.dim(), 0.0, x)
    return _Centred([inverse, weight], bias, x.shape, axes)


@register(
    aten.instance_norm.default,
    kind="instance_norm",
    frozen=_MAP,
    constant=_SHIFT,
    smooth=True,
    deviation=_instance_deviation,
)
def _instance_norm(call: Call) -> LinearMap:
    x = call["input"]
    weight, bias = _per_channel(call["weight"], x.dim(), 1.0, x), _per_channel(call["bias"], x.dim(), 0.0, x)
    if not call["use_input_stats"]:
        scale = weight * torch.rsqrt(_per_channel(call["running_var"], x.dim(), 1.0, x) + call["eps"])
        return Slope(scale, bias - scale * _per_channel(call["running_mean"], x.dim(), 0.0, x))
    mean, inverse = _moments(x, list(range(2, x.dim())), call["eps"])
    return Slope(weight * inverse, bias - weight * mean * inverse)


def _batch_deviation(call: Call) -> LinearMap:
    x = call["input"]
    axes = [0, *range(2, x.dim())]
    _, inverse = _moments(x, axes, call["eps"])
    weight, bias = _per_channel(call["weight"], x.dim(), 1.0, x), _per_channel(call["bias"], x.dim(), 0.0, x)
    return Composite(_Centred([inverse, weight], bias, x.shape, axes))


@register(
    aten._native_batch_norm_legit.no_stats,
    kind="instance_norm",
    frozen=_MAP,
    constant=_SHIFT,
    smooth=True,
    deviation=_batch_deviation,
)
def _batch_statistics(call: Call) -> LinearMap:
    x = call["input"]
    mean, inverse = _moments(x, [0, *range(2, x.dim())], call["eps"])
    weight, bias = _per_channel(call["weight"], x.dim(), 1.0, x), _per_channel(call["bias"], x.dim(), 0.0, x)
    return Composite(Slope(weight * inverse, bias - weight * mean * inverse))


def _groups(call: Call) -> tuple[Tensor, Tensor, Tensor, Tensor, list[int]]:
    """Mean and 1 / sigma spread over the channels of their groups, weight and bias, and the shape with groups apart."""
    x = call["input"]
    groups = call["num_groups"] if call.node.target is aten.group_norm.default else call["group"]
    view = [x.shape[0], groups, x[0].numel() // groups]
    mean, inverse = _moments(x.reshape(view), [2], call["eps"])

    def spread(value: Tensor) -> Tensor:
        wide = value.repeat_interleave(x.shape[1] // groups, 1)
        return wide.reshape(x.shape[0], x.shape[1], *[1] * (x.dim() - 2))

    weight, bias = _per_channel(call["weight"], x.dim(), 1.0, x), _per_channel(call["bias"], x.dim(), 0.0, x)
    return spread(mean), spread(inverse), weight, bias, view


def _group_deviation(call: Call) -> LinearMap:
    _, inverse, weight, bias, view = _groups(call)
    result = _Centred([inverse, weight], bias, view, [2])
    return result if isinstance(call.output, Tensor) else Composite(result)


@register(
    aten.group_norm.default,
    aten.native_group_norm.default,
    kind="group_norm",
    frozen=_MAP,
    constant=_SHIFT,
    smooth=True,
    deviation=_group_deviation,
)
def _group_norm(call: Call) -> LinearMap:
    mean, inverse, weight, bias, _ = _groups(call)
    result = Slope(weight * inverse, bias - weight * mean * inverse)
    return result if isinstance(call.output, Tensor) else Composite(result)


class _TokenNorm(LinearMap):
    """gamma / sigma with one sigma a token: kept as two factors, so that a decision is two numbers a token."""

    def __init__(self, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, inverse: Tensor) -> None:
        super().__init__()
        self._weight, self._bias, self._mean, self._inverse = weight, bias, mean, inverse

    @property
    def constant(self) -> Tensor | None:
        if self._mean is None:
            return None
        shift = -self._mean * self._inverse
        shift = shift * self._weight if self._weight is not None else shift
        return shift + self._bias if self._bias is not None else shift

    def forward(self, lanes, reuse: bool = False):  # type: ignore[no-untyped-def]
        slope = self._inverse if self._weight is None else self._inverse * self._weight
        return lanes[0].mul_(slope) if reuse else lanes[0] * slope

    def transpose(self, u, reuse: bool = False):  # type: ignore[no-untyped-def]
        return [self.forward([u], reuse)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        return [pointwise(inputs[0], inputs[0])]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        slope = cut(self._inverse, output)
        return Slope(slope if self._weight is None else slope * cut(self._weight, output))

    @property
    def nbytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (self._mean, self._inverse) if t is not None)


def _layer_deviation(call: Call) -> LinearMap:
    x, weight = call["input"], call["weight"]
    axes = list(range(x.dim() - len(call["normalized_shape"]), x.dim()))
    _, inverse = _moments(x, axes, call["eps"])
    result = _Centred([inverse] if weight is None else [inverse, weight], call["bias"], x.shape, axes)
    return result if isinstance(call.output, Tensor) else Composite(result)


@register(
    aten.layer_norm.default,
    aten.native_layer_norm.default,
    kind="layer_norm",
    frozen=_MAP,
    constant=_SHIFT,
    smooth=True,
    deviation=_layer_deviation,
)
def _layer_norm(call: Call) -> LinearMap:
    x = call["input"]
    axes = list(range(x.dim() - len(call["normalized_shape"]), x.dim()))
    mean, inverse = _moments(x, axes, call["eps"])
    result = _TokenNorm(call["weight"], call["bias"], mean, inverse)
    return result if isinstance(call.output, Tensor) else Composite(result)


@register(aten.rms_norm.default, kind="rms_norm", frozen="gamma / root mean square, frozen", constant="0", smooth=True)
def _rms_norm(call: Call) -> LinearMap:
    x = call["input"]
    axes = list(range(x.dim() - len(call["normalized_shape"]), x.dim()))
    eps = call["eps"] if call["eps"] is not None else torch.finfo(x.dtype).eps
    inverse = torch.rsqrt(x.square().mean(axes, keepdim=True) + eps)
    return _TokenNorm(call["weight"], None, None, inverse)


@register(
    aten.linalg_vector_norm.default, aten.norm.ScalarOpt_dim,
    kind="vector_norm",
    frozen="x0 / |x0| (the norm is homogeneous, so that its first order has no constant)",
    smooth=True,
)  # fmt: skip
def _vector_norm(call: Call) -> LinearMap:
    return FirstOrder(call.function(), call.moving, call.output)


@register(
    aten.var_mean.correction, aten.var_mean.default, aten.var_mean.dim,
    kind="variance",
    frozen="Dh(x0)",
    constant="h(x0) - Dh(x0) x0",
)  # fmt: skip
def _variance_and_mean(call: Call) -> LinearMap:
    return FirstOrder(call.function(), call.moving, call.output)


@register(
    aten.var.correction, aten.var.default, aten.var.dim, aten.std.correction, aten.std.default, aten.std.dim,
    kind="variance",
    frozen="Dh(x0)",
    constant="h(x0) - Dh(x0) x0",
    smooth=True,
)  # fmt: skip
def _variance(call: Call) -> LinearMap:
    return FirstOrder(call.function(), call.moving, call.output)

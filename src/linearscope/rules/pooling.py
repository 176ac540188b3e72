"""Selections: the element that x0 selected stays selected."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.rules.convolutions import per_axis
from linearscope.rules.decisions import Integers, Window
from linearscope.rules.maps import Composite, LinearMap, Operation, Selection, Slope
from linearscope.rules.registry import Call, register

__all__: list[str] = []

aten = torch.ops.aten

_SELECTS = "selects what x0 selected"


def _windows(call: Call, axes: int) -> Selection:
    x = call["self"]
    kernel = per_axis(call["kernel_size"], axes)
    stride = per_axis(call["stride"] or kernel, axes)
    padding, dilation = per_axis(call["padding"], axes), per_axis(call["dilation"], axes)
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[axes]
    _, indices = pool(x, kernel, stride, padding, dilation, call["ceil_mode"], return_indices=True)
    plane = tuple(x.shape[-axes:])
    return Selection(Window(indices, plane, kernel, stride, padding, dilation), x.shape, axes)


@register(aten.max_pool1d.default, kind="max_pool", frozen=_SELECTS)
def _max_pool1d(call: Call) -> LinearMap:
    return _windows(call, 1)


@register(aten.max_pool2d.default, kind="max_pool", frozen=_SELECTS)
def _max_pool2d(call: Call) -> LinearMap:
    return _windows(call, 2)


@register(aten.max_pool3d.default, kind="max_pool", frozen=_SELECTS)
def _max_pool3d(call: Call) -> LinearMap:
    return _windows(call, 3)


@register(aten.max_pool2d_with_indices.default, kind="max_pool", frozen=_SELECTS)
def _max_pool2d_with_indices(call: Call) -> LinearMap:
    return Composite(_windows(call, 2))


@register(aten.adaptive_max_pool2d.default, kind="max_pool", frozen=_SELECTS)
def _adaptive_max_pool2d(call: Call) -> LinearMap:
    x = call["self"]
    return Composite(Selection(Integers(call.output[1], x.shape[-1] * x.shape[-2]), x.shape, 2))


class AlongAxis(LinearMap):
    """Picks elements along one axis."""

    def __init__(self, indices: Tensor, shape: torch.Size, axis: int, keep: bool) -> None:
        super().__init__()
        self._indices, self._shape = Integers(indices, shape[axis]), shape
        self._axis, self._keep = axis % len(shape) + 1, keep

    @property
    def decision(self) -> Tensor:
        return self._indices.get()

    def forward(self, lanes, reuse: bool = False):  # type: ignore[no-untyped-def]
        indices = self._indices.get().unsqueeze(0)
        picked = lanes[0].gather(self._axis, indices.expand(lanes[0].shape[0], *indices.shape[1:]))
        return picked if self._keep else picked.squeeze(self._axis)

    def transpose(self, u, reuse: bool = False):  # type: ignore[no-untyped-def]
        indices = self._indices.get().unsqueeze(0)
        u = u if self._keep else u.unsqueeze(self._axis)
        back = u.new_zeros(u.shape[0], *self._shape)
        return [back.scatter_add_(self._axis, indices.expand(u.shape[0], *indices.shape[1:]), u)]

    def compact(self) -> None:
        self._indices.compact()

    @property
    def nbytes(self) -> int:
        return self._indices.nbytes


@register(
    aten.max.dim, aten.min.dim, aten.topk.default, aten.sort.default, aten.median.dim, kind="select", frozen=_SELECTS
)
def _extremum(call: Call) -> LinearMap:
    indices = call.output[1]
    keep = call["keepdim"] if call.node.target not in (aten.topk.default, aten.sort.default) else True
    x, axis = call.moving[0], call["dim"]
    return Composite(AlongAxis(indices if keep else indices.unsqueeze(axis % x.dim()), x.shape, axis, keep))


@register(aten.amax.default, aten.amin.default, kind="select", frozen=_SELECTS)
def _amax(call: Call) -> LinearMap:
    x = call["self"]
    dims = [axis % x.dim() for axis in (call["dim"] or range(x.dim()))]
    rest = [axis for axis in range(x.dim()) if axis not in dims]
    order = [*rest, *dims]
    moved = x.permute(order)
    flat = moved.flatten(len(rest))
    indices = (flat.argmax(-1) if call.node.target is aten.amax.default else flat.argmin(-1)).unsqueeze(-1)
    shape = call.output.shape

    def pick(value: Tensor) -> Tensor:
        return value.permute(order).flatten(len(rest)).gather(-1, indices).reshape(shape)

    return Operation(pick, [x], None, [indices])


@register(aten.max.default, aten.min.default, kind="select", frozen=_SELECTS)
def _max(call: Call) -> LinearMap:
    x = call["self"]
    index = x.argmax() if call.node.target is aten.max.default else x.argmin()
    return Operation(lambda value: value.flatten()[index], [x], None, [index])


@register(
    aten.maximum.default, aten.minimum.default, kind="select", frozen=_SELECTS, constant="the side that is no lane"
)
def _maximum(call: Call) -> LinearMap:
    a, b = call["self"], call["other"]
    first = (a >= b) if call.node.target is aten.maximum.default else (a <= b)
    mask = first.to(call.output.dtype)
    if call.carried("self") and call.carried("other"):
        return Operation(lambda p, q: p * mask + q * (1 - mask), [a, b], None, [first])
    moving, still, chosen = (a, b, mask) if call.carried("self") else (b, a, 1 - mask)
    return Slope(chosen, still * (1 - chosen), moving.shape)

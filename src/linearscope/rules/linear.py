"""Operations that are linear in what moves: most entries are one line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from linearscope.program import Node, Program
from linearscope.rules.maps import Batched, Composite, Lane, LinearMap, Operation, Together, align, unbroadcast
from linearscope.rules.registry import Call, first_order, place, register
from linearscope.rules.structure import Along, Box, Shape, Structure, extent, pointwise

__all__ = ["Reshape", "Sum"]

aten = torch.ops.aten


# -- operations taken as they are ------------------------------------------------------------------------------------


def _linear(*targets: Any, zero: Sequence[str] = (), joint: bool = False, batched: bool = False) -> None:
    """Register operations whose lanes are the operation itself, with the arguments ``zero`` set to zero.

    ``joint`` operations are linear in all their tensors together (a concatenation); in a ``batched`` one the first axis
    of its input is nothing but a batch.
    """

    def freeze(call: Call) -> LinearMap:
        function = call.function(zero=zero, joint=joint)
        moving = call.moving
        constant = None
        if isinstance(call.output, Tensor) and (zero or (joint and len(moving) < len(call.inputs))):
            constant = call.function()(*[m.new_zeros(()).expand(m.shape).contiguous() for m in moving])
            constant = constant if constant.any() else None
        if batched and call.carries == (0,) and moving[0].dim() == 4:
            return Batched(function, moving, constant)
        return Operation(function, moving, constant, call.decided)

    words = "the operation itself" + (f", {' and '.join(zero)} left out" if zero else "")
    register(*targets, kind="linear", frozen=words, constant="what was left out" if zero or joint else "0")(freeze)


_linear(
    aten.expand.default, aten.repeat.default, aten.select.int, aten.unbind.int,
    aten.split.Tensor, aten.split_with_sizes.default, aten.chunk.default, aten.tensor_split.indices,
    aten.unfold.default, aten.roll.default, aten.flip.default, aten.rot90.default, aten.diagonal.default,
    aten.as_strided.default, aten.index.Tensor, aten.index_select.default, aten.gather.default,
    aten.take_along_dim.default, aten.tril.default, aten.triu.default, aten.cumsum.default, aten.trace.default,
    aten.movedim.intlist, aten.diag_embed.default, aten.repeat_interleave.self_int, aten.unsafe_split.Tensor,
)  # fmt: skip
_linear(
    aten.stack.default, aten.select_scatter.default,
    aten.where.self, aten.index_add.default, aten.scatter_add.default, aten.hstack.default, aten.vstack.default,
    aten.scatter.src, aten.lerp.Scalar, aten.index_put.default,
    joint=True,
)  # fmt: skip
_linear(aten.masked_fill.Scalar, aten.scatter.value, zero=["value"])
_linear(aten.where.ScalarSelf, aten.where.ScalarOther, zero=["self", "other"])
_linear(
    aten.avg_pool1d.default, aten.avg_pool3d.default, aten.adaptive_avg_pool1d.default,
    aten.adaptive_avg_pool3d.default, aten.channel_shuffle.default,
    aten.upsample_nearest1d.vec, aten.upsample_nearest3d.vec, aten.upsample_linear1d.vec,
    aten.upsample_trilinear3d.vec, aten.reflection_pad1d.default, aten.reflection_pad3d.default,
    aten.replication_pad1d.default, aten.replication_pad3d.default, aten.im2col.default, aten.col2im.default,
    batched=True,
)  # fmt: skip

_linear(aten.affine_grid_generator.default)


def _sampled_at(node: Node, program: Program) -> Collection[int]:
    """Where a value is sampled is a decision, when the value itself depends on the image."""
    value, grid = place(node, "input"), place(node, "grid")
    return (grid,) if program.nodes[node.inputs[value]].live else ()


@register(
    aten.grid_sampler.default, aten.grid_sampler_2d.default,
    kind="sampling",
    frozen="the operation itself, the places frozen",
    smooth=True,
    decisions=_sampled_at,
)  # fmt: skip
def _sample(call: Call) -> LinearMap:
    if not call.carried("input"):
        return first_order(call)
    return Operation(call.function(), call.moving, None, call.decided)


# -- additions -------------------------------------------------------------------------------------------------------


class Sum(LinearMap):
    """Weighted sum of inputs that broadcast to the output."""

    def __init__(
        self, weights: Sequence[float], shapes: Sequence[Sequence[int]], output: Sequence[int], constant: Tensor | None
    ) -> None:
        super().__init__(constant)
        self._weights, self._shapes, self._output = tuple(weights), tuple(shapes), tuple(output)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        total: Tensor | None = None
        for lane, weight in zip(lanes, self._weights, strict=True):
            if lane is None:
                continue
            lane = align(lane, len(self._output))
            if total is None:
                total = lane if weight == 1 else lane * weight
            elif reuse and tuple(total.shape[1:]) == self._output and weight == 1:
                total = total.add_(lane)
            else:
                total = torch.add(total, lane, alpha=weight)
        assert total is not None
        return total.expand(total.shape[0], *self._output)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return [
            unbroadcast(u if weight == 1 else u * weight, shape)
            for weight, shape in zip(self._weights, self._shapes, strict=True)
        ]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        return [pointwise(shape, self._output) for shape in inputs]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        shapes = [extent(box) for box in inputs if box is not None]
        return Sum(self._weights, shapes, extent(output), None)


def _sum(call: Call, signs: tuple[float, float], names: tuple[str, str] = ("self", "other")) -> LinearMap:
    weights, shapes, still = [], [], None
    for name, weight in zip(names, signs, strict=True):
        value = call[name]
        if call.carried(name):
            weights.append(weight)
            shapes.append(value.shape)
        else:
            still = torch.as_tensor(value, dtype=call.output.dtype, device=call.output.device) * weight
    return Sum(weights, shapes, call.output.shape, still)


_ADD = {"kind": "linear", "frozen": "the operation itself", "constant": "the side that is no lane"}


@register(aten.add.Tensor, aten.add.Scalar, **_ADD)  # type: ignore[arg-type]
def _add(call: Call) -> LinearMap:
    return _sum(call, (1.0, float(call["alpha"])))


@register(aten.sub.Tensor, aten.sub.Scalar, **_ADD)  # type: ignore[arg-type]
def _sub(call: Call) -> LinearMap:
    return _sum(call, (1.0, -float(call["alpha"])))


@register(aten.rsub.Scalar, aten.rsub.Tensor, **_ADD)  # type: ignore[arg-type]
def _rsub(call: Call) -> LinearMap:
    return _sum(call, (-float(call["alpha"]), 1.0))


@register(aten.neg.default, kind="linear", frozen="the operation itself")
def _neg(call: Call) -> LinearMap:
    return Sum((-1.0,), (call.output.shape,), call.output.shape, None)


@register(
    aten.slice_scatter.default,
    kind="linear",
    frozen="the operation itself",
    constant="the side that is no lane",
)
def _slice_scatter(call: Call) -> LinearMap:
    dim, start, step = call["dim"], call["start"], call["step"]
    whole, part = call["self"], call["src"]
    end = call["end"] if call["end"] is None else min(call["end"], whole.shape[dim])  # vmap overflows on an open end

    def around(value: Tensor) -> Tensor:
        return torch.slice_scatter(value, torch.zeros_like(part), dim, start, end, step)

    def within(value: Tensor) -> Tensor:
        return torch.slice_scatter(torch.zeros_like(whole), value, dim, start, end, step)

    parts: list[tuple[LinearMap, list[int]]] = []
    constant = torch.zeros_like(call.output)
    for name, value, function in (("self", whole, around), ("src", part, within)):
        if call.carried(name):
            parts.append((Operation(function, [value]), [call.carries.index(call.place(name))]))
        else:
            constant = constant + function(value)
    return Together(parts, constant if len(parts) < 2 else None)


class Slice(LinearMap):
    """Every ``step``-th place of one axis, between two of them."""

    def __init__(self, axis: int, start: int, step: int, inner: Sequence[int], outer: Sequence[int]) -> None:
        super().__init__()
        self._axis, self._start, self._step = axis, start, step
        self._inner, self._outer = tuple(inner), tuple(outer)

    def _within(self, lanes: Tensor) -> Tensor:
        length = self._outer[self._axis]
        stop = self._start + (length - 1) * self._step + 1 if length else self._start
        return lanes[(slice(None),) * (self._axis + 1) + (slice(self._start, stop, self._step),)]

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        return self._within(lane)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        back = u.new_zeros(len(u), *self._inner)
        self._within(back).copy_(u)
        return [back]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        places = (np.arange(self._outer[self._axis]) * self._step + self._start)[:, None]
        return [tuple(Along(i, places if i == self._axis else None) for i in range(len(self._inner)))]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        (inner,) = inputs
        assert inner is not None
        return Slice(self._axis, 0, self._step, extent(inner), extent(output))


@register(aten.slice.Tensor, kind="linear", frozen="the operation itself")
def _slice(call: Call) -> LinearMap:
    shape = call.moving[0].shape
    axis = call["dim"] % len(shape)
    start, _, step = slice(call["start"], call["end"], call["step"]).indices(shape[axis])
    return Slice(axis, start, step, shape, call.output.shape)


# -- the same numbers in another shape -------------------------------------------------------------------------------


class Cast(LinearMap):
    """The same numbers in another type."""

    def __init__(self, inner: torch.dtype, outer: torch.dtype) -> None:
        super().__init__()
        self._inner, self._outer = inner, outer

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        lane = lanes[0]
        assert lane is not None
        return lane.to(self._outer)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [u.to(self._inner)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        return [pointwise(inputs[0], inputs[0])]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        return self


class Reshape(LinearMap):
    """The numbers of the first input, in order, in another shape; further inputs give their type or shape only."""

    def __init__(self, inner: Sequence[int], outer: Sequence[int], inputs: int = 1) -> None:
        super().__init__()
        self._inner, self._outer, self._inputs = tuple(inner), tuple(outer), inputs

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        lane = lanes[0]
        if lane is None:
            other = next(other for other in lanes if other is not None)
            return other.new_zeros(other.shape[0], *self._outer)
        return lane.reshape(lane.shape[0], *self._outer)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return [u.reshape(u.shape[0], *self._inner), *[None] * (self._inputs - 1)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        kept = [i for i, size in enumerate(self._outer) if size > 1]
        if self._inputs > 1 or [size for size in self._inner if size > 1] != [self._outer[i] for i in kept]:
            return None
        axes = iter(kept)
        return [tuple(Along(next(axes)) if size > 1 else None for size in self._inner)]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        (inner,) = inputs
        assert inner is not None
        return Reshape(extent(inner), extent(output))


@register(
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.flatten.using_ints, aten.unflatten.int,
    aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.unsqueeze.default, aten.clone.default,
    aten.alias.default, aten.detach.default, aten.contiguous.default, aten.lift_fresh_copy.default,
    aten.view_as.default,
    aten.dropout.default, aten.native_dropout.default, aten.feature_dropout.default, aten._to_copy.default,
    aten.type_as.default, aten.to.dtype,
    kind="linear",
    frozen="the operation itself",
)  # fmt: skip
def _reshape(call: Call) -> LinearMap:
    if not isinstance(call.output, Tensor):
        return Composite(Reshape(call.moving[0].shape, call.output[0].shape))
    if call.moving[0].dtype != call.output.dtype:
        return Cast(call.moving[0].dtype, call.output.dtype)
    return Reshape(call.moving[0].shape, call.output.shape, len(call.moving))


@register(
    aten.copy.default, aten.fill.Tensor,
    kind="linear",
    frozen="what is copied, broadcast",
    constant="what is copied, when it is no lane",
)  # fmt: skip
def _copy(call: Call) -> LinearMap:
    source = "src" if call.node.target is aten.copy.default else "value"
    weights = [float(place == call.place(source)) for place in call.carries]
    constant = None if call.carried(source) else call.output
    return Sum(weights, [value.shape for value in call.moving], call.output.shape, constant)


class Permute(LinearMap):
    """Axes in another order."""

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        self._order = [0, *(axis + 1 for axis in order)]
        self._back = [self._order.index(i) for i in range(len(self._order))]

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        return lane.permute(self._order)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [u.permute(self._back)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        return [tuple(Along(axis - 1) for axis in self._back[1:])]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        return self


@register(
    aten.permute.default, aten.transpose.int, aten.t.default, aten.numpy_T.default,
    kind="linear",
    frozen="the operation itself",
)  # fmt: skip
def _permute(call: Call) -> LinearMap:
    dim = call.moving[0].dim()
    order = list(range(dim))
    if call.node.target is aten.permute.default:
        order = [axis % dim for axis in call["dims"]]
    else:
        a, b = (call["dim0"], call["dim1"]) if call.node.target is aten.transpose.int else (0, dim - 1)
        order[a], order[b] = order[b], order[a]
    return Permute(order)


class Concatenate(LinearMap):
    """Values side by side along one axis; its transpose cuts them apart without a copy."""

    def __init__(
        self, sizes: Sequence[int], carries: Sequence[int], axis: int, shape: Sequence[int], constant: Tensor | None
    ) -> None:
        super().__init__(constant)
        self._sizes, self._carries, self._axis, self._shape = tuple(sizes), tuple(carries), axis + 1, tuple(shape)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        given = dict(zip(self._carries, lanes, strict=True))
        one = next(lane for lane in lanes if lane is not None)
        parts = []
        for i, size in enumerate(self._sizes):
            lane = given.get(i)
            if lane is None:
                shape = [len(one), *self._shape]
                shape[self._axis] = size
                lane = one.new_zeros(()).expand(shape)
            parts.append(lane)
        return torch.cat(parts, self._axis)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        parts = u.split(self._sizes, self._axis)
        return [parts[i] for i in self._carries]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        axis = self._axis - 1
        starts = [sum(self._sizes[:i]) for i in self._carries]
        own = [
            np.where((np.arange(self._shape[axis]) >= start) & (np.arange(self._shape[axis]) < start + size),
                     np.arange(self._shape[axis]) - start, -1)[:, None]
            for start, size in zip(starts, (self._sizes[i] for i in self._carries), strict=True)
        ]  # fmt: skip
        return [tuple(Along(i, places if i == axis else None) for i in range(len(self._shape))) for places in own]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        start, stop = output[self._axis - 1]
        ends = [(sum(self._sizes[:i]), sum(self._sizes[: i + 1])) for i in range(len(self._sizes))]
        sizes = [max(0, min(stop, b) - max(start, a)) for a, b in ends]
        return Concatenate(sizes, self._carries, self._axis - 1, extent(output), None)


@register(aten.cat.default, kind="linear", frozen="the operation itself", constant="the sides that are no lanes")
def _concatenate(call: Call) -> LinearMap:
    output, axis = call.output, call["dim"] % call.output.dim()
    constant = None
    if len(call.carries) < len(call.inputs):
        constant = torch.cat(
            [torch.zeros_like(one) if i in call.carries else one for i, one in enumerate(call.inputs)], axis
        )
    return Concatenate([one.shape[axis] for one in call.inputs], call.carries, axis, output.shape, constant)


# -- averages and sums -----------------------------------------------------------------------------------------------


class Reduction(LinearMap):
    """Sum over axes, times a weight."""

    def __init__(self, shape: Sequence[int], output: Sequence[int], dims: Sequence[int], weight: float) -> None:
        super().__init__()
        self._shape, self._output, self._weight = tuple(shape), tuple(output), weight
        self._dims = sorted(axis % max(len(shape), 1) for axis in dims)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        total = lane.sum([axis + 1 for axis in self._dims])
        return total.mul_(self._weight).reshape(lane.shape[0], *self._output)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        kept = [1 if axis in self._dims else size for axis, size in enumerate(self._shape)]
        return [(u * self._weight).reshape(u.shape[0], *kept).expand(u.shape[0], *self._shape)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        axes: Iterable[int] = range(len(self._output))
        if len(self._output) < len(self._shape):
            left = iter(axes)
            axes = [0 if i in self._dims else next(left) for i in range(len(self._shape))]
        return [tuple(None if i in self._dims else Along(axis) for i, axis in enumerate(axes))]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        (inner,) = inputs
        assert inner is not None
        return Reduction(extent(inner), extent(output), self._dims, self._weight)


@register(
    aten.mean.dim, aten.mean.default, aten.sum.dim_IntList, aten.sum.default,
    kind="linear",
    frozen="the operation itself",
)  # fmt: skip
def _reduction(call: Call) -> LinearMap:
    (value,) = call.moving
    dims = call["dim"] if call.node.target in (aten.mean.dim, aten.sum.dim_IntList) else None
    dims = [dims] if isinstance(dims, int) else list(dims) if dims else list(range(value.dim()))
    weight = call.output.numel() / value.numel() if "mean" in call.node.operation else 1.0
    return Reduction(value.shape, call.output.shape, dims, weight)

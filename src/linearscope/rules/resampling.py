"""Padding, interpolation, averages over windows, and pixel shuffles: the same for every image, and axis by axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.rules.convolutions import per_axis
from linearscope.rules.maps import Batched, Lane, LinearMap, Operation
from linearscope.rules.registry import Call, register
from linearscope.rules.structure import Along, Box, Places, Shape, Structure, fit, gather, scatter

__all__: list[str] = []

aten = torch.ops.aten

#: What an output place takes from the places of one axis: one of them (-1 for zero), or a weighted sum, as a matrix.
Axis = Places | Tensor


class Resampling(Batched):
    """An operation that works on rows and on columns, one after the other, of each channel of a batch.

    ``axis`` gives for the rows (0) and the columns (1) what the operation does along them; it is asked only when
    windows are.
    """

    def __init__(self, call: Call, axis: Callable[[int], Axis], zero: Sequence[str] = ()) -> None:
        (value,) = call.moving
        function = call.function(zero=zero)
        constant = None
        if zero:
            constant = call.function()(torch.zeros_like(value))
        super().__init__(function, [value], constant if constant is not None and constant.any() else None)
        self._axis = axis

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        return [(Along(0), Along(1), *(Along(i + 2, _places(self._axis(i))) for i in (0, 1)))]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        (inner,) = inputs
        assert inner is not None
        parts: list[Axis] = []
        for i in (0, 1):
            (start, stop), (first, last) = output[i + 2], inner[i + 2]
            axis = self._axis(i)[start:stop]
            parts.append(axis[:, first:last] if isinstance(axis, Tensor) else np.where(axis >= 0, axis - first, -1))
        return _AxisByAxis(parts, [last - first for first, last in inner[2:]])


class _AxisByAxis(LinearMap):
    """Rows, then columns."""

    def __init__(self, parts: Sequence[Axis], lengths: Sequence[int]) -> None:
        super().__init__()
        self._parts, self._lengths = parts, lengths

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        rows, columns = self._parts
        lane = rows @ lane if isinstance(rows, Tensor) else gather(lane, -2, rows)
        return lane @ columns.T if isinstance(columns, Tensor) else gather(lane, -1, columns)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        rows, columns = self._parts
        u = u @ columns if isinstance(columns, Tensor) else scatter(u, u.dim() - 1, columns, self._lengths[1])
        return [rows.T @ u if isinstance(rows, Tensor) else scatter(u, u.dim() - 2, rows, self._lengths[0])]


def _places(axis: Axis) -> Places:
    if not isinstance(axis, Tensor):
        return axis[:, None]
    used = (axis != 0).cpu().numpy()
    order = np.argsort(~used, axis=1, kind="stable")[:, : max(1, int(used.sum(1).max()))]
    return np.where(np.take_along_axis(used, order, 1), order, -1)


@lru_cache(maxsize=128)
def _measured(function: Callable[[Tensor], Tensor], length: int, dtype: torch.dtype, device: torch.device) -> Axis:
    """What ``function`` of ``(1, channels, length)`` does, found by giving it every place alone."""
    with torch.no_grad():
        matrix = function(torch.eye(length, dtype=dtype, device=device).unsqueeze(0))[0].T
    one = (matrix != 0).sum(1) == 1
    if bool(one.all()) and bool((matrix.sum(1) == 1).all()):
        return matrix.argmax(1).cpu().numpy()
    return matrix.contiguous()


# -- padding ---------------------------------------------------------------------------------------------------------

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padding(call: Call, mode: str, sides: Sequence[int], zero: Sequence[str] = ()) -> LinearMap:
    value = call.moving[0]
    deep = any(sides[4:]) or (mode != "constant" and min(sides) < 0)  # channels, or cut away and padded at once
    if call.carries != (0,) or value.dim() != 4 or deep:
        return _whole(call, zero)
    lengths, pads = value.shape[2:], [*sides, 0, 0][:4]

    def axis(i: int) -> Places:
        before, after = pads[2 - 2 * i : 4 - 2 * i]
        kept = np.arange(max(0, -before), lengths[i] - max(0, -after))
        extra = {"constant_values": -1} if mode == "constant" else {}
        padded: Places = np.pad(kept, (max(0, before), max(0, after)), mode=_MODES[mode], **extra)  # type: ignore[call-overload]
        return padded

    return Resampling(call, axis, zero)


def _whole(call: Call, zero: Sequence[str] = ()) -> LinearMap:
    function, constant = call.function(zero=zero), None
    if zero:
        constant = call.function()(*[torch.zeros_like(m) for m in call.moving])
        constant = constant if constant.any() else None
    return Operation(function, call.moving, constant, call.decided)


@register(
    aten.pad.default, aten.constant_pad_nd.default,
    kind="linear",
    frozen="the operation itself, value left out",
    constant="what was left out",
)  # fmt: skip
def _pad(call: Call) -> LinearMap:
    mode = call["mode"] if call.node.target is aten.pad.default else "constant"
    return _padding(call, mode, call["pad"], ("value",))


@register(aten.reflection_pad2d.default, kind="linear", frozen="the operation itself")
def _reflect(call: Call) -> LinearMap:
    return _padding(call, "reflect", call["padding"])


@register(aten.replication_pad2d.default, kind="linear", frozen="the operation itself")
def _replicate(call: Call) -> LinearMap:
    return _padding(call, "replicate", call["padding"])


# -- interpolation ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _stretch(target: Any, size: int | None, settings: tuple[tuple[str, Any], ...]) -> Callable[[Tensor], Tensor]:
    def run(value: Tensor) -> Tensor:
        # Two equal columns, since torch 2.13 antialiases images of one column wrongly.
        twice = torch.stack([value, value], -1)
        return target(twice, None if size is None else [size, 2], **dict(settings))[..., 0]  # type: ignore[no-any-return]

    return run


@register(
    aten.upsample_nearest2d.vec, aten.upsample_nearest2d.default, aten._upsample_nearest_exact2d.vec,
    aten.upsample_bilinear2d.vec, aten.upsample_bilinear2d.default, aten.upsample_bicubic2d.vec,
    aten.upsample_bicubic2d.default, aten._upsample_bilinear2d_aa.vec, aten._upsample_bicubic2d_aa.vec,
    kind="linear",
    frozen="the operation itself",
)  # fmt: skip
def _interpolation(call: Call) -> LinearMap:
    (value,) = call.moving
    target, sizes, dtype, device = call.node.target, call.output.shape[2:], value.dtype, value.device
    lengths = value.shape[2:]
    given = {argument.name: call[argument.name] for argument in target._schema.arguments[1:]}  # type: ignore[union-attr]
    given.pop("output_size")

    def axis(i: int) -> Axis:
        settings, size = dict(given), sizes[i]
        if given.get("scale_factors") is not None:
            # The scale that was given, not the ratio of the sizes, is what the places are worked out from.
            settings["scale_factors"], size = (given["scale_factors"][i], 1.0), None
        elif "scales_h" in given:
            settings["scales_h"], settings["scales_w"] = given["scales_w" if i else "scales_h"], None
        return _measured(_stretch(target, size, tuple(settings.items())), lengths[i], dtype, device)

    return Resampling(call, axis)


# -- averages --------------------------------------------------------------------------------------------------------


class AveragePool(Resampling):
    """Two-dimensional average pooling; its transpose is the library's own, which needs no values."""

    def __init__(self, call: Call) -> None:
        names = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
        self._settings = kernel, stride, padding, ceil, counts, divisor = [call[name] for name in names]
        sides = [per_axis(value, 2) for value in (kernel, stride or kernel, padding)]
        (value,) = call.moving
        lengths, dtype, device = value.shape[2:], value.dtype, value.device

        def axis(i: int) -> Axis:
            # A divisor that was given replaces the product of both windows' sizes.
            weight = 1.0 if divisor is None else sides[0][i] / (divisor if i else 1)
            window = (sides[0][i], sides[1][i], sides[2][i], ceil, counts or divisor is not None)
            return _measured(_average(window, weight), lengths[i], dtype, device)

        super().__init__(call, axis)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        shape = self._like[0].shape
        folded = u.flatten(0, 1)
        like = folded.new_zeros(()).expand(len(folded), *shape[1:])
        back = aten.avg_pool2d_backward(folded, like, *self._settings)
        return [back.unflatten(0, (u.shape[0], shape[0]))]


@lru_cache(maxsize=128)
def _average(window: tuple[Any, ...], weight: float) -> Callable[[Tensor], Tensor]:
    return lambda value: F.avg_pool1d(value, *window) * weight


@register(aten.avg_pool2d.default, kind="linear", frozen="the operation itself")
def _average_pool(call: Call) -> LinearMap:
    override_at_border = call["divisor_override"] is not None and call["ceil_mode"]
    if call.moving[0].dim() == 4 and not override_at_border:
        return AveragePool(call)
    return Operation(call.function(), call.moving)


@lru_cache(maxsize=128)
def _adaptive(size: int) -> Callable[[Tensor], Tensor]:
    return lambda value: F.adaptive_avg_pool1d(value, size)


@register(
    aten.adaptive_avg_pool2d.default, aten._adaptive_avg_pool2d.default, kind="linear", frozen="the operation itself"
)
def _adaptive_pool(call: Call) -> LinearMap:
    (value,) = call.moving
    if value.dim() != 4:
        return Operation(call.function(), call.moving)
    sizes, lengths, dtype, device = call.output.shape[2:], value.shape[2:], value.dtype, value.device
    return Resampling(call, lambda i: _measured(_adaptive(sizes[i]), lengths[i], dtype, device))


# -- channels into places, places into channels ----------------------------------------------------------------------


class Shuffle(Batched):
    """A pixel shuffle, or with ``up`` off its inverse: ``factor`` squared channels are places of a square."""

    def __init__(self, call: Call, factor: int, up: bool) -> None:
        super().__init__(call.function(), call.moving)
        self._factor, self._up = factor, up
        self._inner, self._outer = call.moving[0].shape, call.output.shape

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        r, outer = self._factor, self._outer
        if self._up:
            channels = np.arange(outer[1])[:, None] * r * r + np.arange(r * r)
            sides = [np.arange(outer[i])[:, None] // r for i in (2, 3)]
        else:
            channels = np.arange(outer[1])[:, None] // (r * r)
            sides = [np.arange(outer[i])[:, None] * r + np.arange(r) for i in (2, 3)]
        return [(Along(0), Along(1, channels), *(Along(i + 2, side) for i, side in enumerate(sides)))]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        (inner,) = inputs
        assert inner is not None
        return _ShuffledWindow(self._factor, self._up, output, inner)


class _ShuffledWindow(LinearMap):
    """A shuffle of a window, cut to the window of the output."""

    def __init__(self, factor: int, up: bool, output: Box, inner: Box) -> None:
        super().__init__()
        square = factor * factor
        (first, last), sides = inner[1], inner[2:]
        if up:
            made = (first // square, last // square), *((start * factor, stop * factor) for start, stop in sides)
        else:
            made = (first * square, last * square), *((start // factor, stop // factor) for start, stop in sides)
        self._made, self._output = (inner[0], *made), output
        self._factor, self._up = factor, up

    def _run(self, lanes: Tensor, up: bool) -> Tensor:
        return F.pixel_shuffle(lanes, self._factor) if up else F.pixel_unshuffle(lanes, self._factor)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        return fit(self._run(lane, self._up), self._made, self._output)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [self._run(fit(u, self._output, self._made), not self._up)]


@register(aten.pixel_shuffle.default, kind="linear", frozen="the operation itself")
def _pixel_shuffle(call: Call) -> LinearMap:
    return _shuffle(call, call["upscale_factor"], True)


@register(aten.pixel_unshuffle.default, kind="linear", frozen="the operation itself")
def _pixel_unshuffle(call: Call) -> LinearMap:
    return _shuffle(call, call["downscale_factor"], False)


def _shuffle(call: Call, factor: int, up: bool) -> LinearMap:
    if call.moving[0].dim() != 4:
        return Operation(call.function(), call.moving)
    return Shuffle(call, factor, up)

"""Convolutions and dense layers; a layer whose weight is itself a value of the image is a product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.rules.maps import Batched, Lane, LinearMap, Operation, Product, Together
from linearscope.rules.registry import Call, register
from linearscope.rules.structure import Along, Box, Shape, Structure, fit, reversed_taps, taps

__all__ = ["Convolution", "Dense", "added_product", "per_axis"]

aten = torch.ops.aten


class Dense(LinearMap):
    """``x W^T``: a linear layer without its bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__(bias)
        self._weight = weight

    @property
    def weight(self) -> Tensor:
        """The weights ``(outputs, inputs)``."""
        return self._weight

    def with_weight(self, weight: Tensor) -> Dense:
        """The same layer with other weights and no constant."""
        return Dense(weight, None)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        return F.linear(lane, self._weight)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return [u @ self._weight]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        return [(*(Along(i) for i in range(len(inputs[0]) - 1)), None)]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        return Dense(self._weight[slice(*output[-1])], None)


def _layer_taylor(call: Call) -> LinearMap:
    if len(call.moving) > 1:
        return _both(call, taylor=True)
    return _dense(call) if call.node.target is aten.linear.default else _convolution(call)


@register(
    aten.linear.default,
    kind="linear",
    frozen="the operation itself, bias left out",
    constant="bias",
    smooth=_layer_taylor,
)
def _dense(call: Call) -> LinearMap:
    if call.carries != (0,):
        return _both(call)
    return Dense(call["weight"], call["bias"])


_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class Convolution(LinearMap):
    """A convolution, or a transposed one, of 1 to 3 axes, without its bias. Each is the other's transpose."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int],
        dilation: Sequence[int], groups: int, transposed: bool, inner: Sequence[int], outer: Sequence[int],
    ) -> None:  # fmt: skip
        axes = weight.dim() - 2
        super().__init__(bias.reshape(-1, *[1] * axes) if bias is not None else None)
        self._weight, self._groups, self._transposed, self._axes = weight, groups, transposed, axes
        self._stride, self._padding, self._dilation = (per_axis(v, axes) for v in (stride, padding, dilation))
        self._inner, self._outer = tuple(inner), tuple(outer)

    @property
    def weight(self) -> Tensor:
        """The weights, as the operation takes them."""
        return self._weight

    def with_weight(self, weight: Tensor) -> Convolution:
        """The same layer with other weights of the same shape and no constant."""
        return Convolution(
            weight, None, self._stride, self._padding, self._dilation, self._groups, self._transposed, self._inner,
            self._outer,
        )  # fmt: skip

    def resampled(self) -> Convolution | None:
        """The convolution with stride 1 whose transpose gives the same shape, or ``None`` where the stride is 1.

        Its output is larger: ``inner + 2 padding - dilation (kernel - 1)`` places along every axis.
        """
        if self._transposed or all(stride == 1 for stride in self._stride):
            return None
        sizes = [
            size + 2 * p - d * (k - 1)
            for size, p, d, k in zip(
                self._inner[2:], self._padding, self._dilation, self._weight.shape[2:], strict=True
            )
        ]
        return Convolution(
            self._weight, None, [1], self._padding, self._dilation, self._groups, False, self._inner,
            (*self._outer[:2], *sizes),
        )  # fmt: skip

    @property
    def plane(self) -> tuple[int, ...]:
        """Size of the output along the axes that the kernel slides over."""
        return self._outer[2:]

    def _run(self, lanes: Tensor, up: bool, size: Sequence[int]) -> Tensor:
        folded = lanes.flatten(0, 1)
        one_place = all(extent == 1 for extent in self._weight.shape[2:]) and not any(self._padding)
        if up and one_place and any(s > 1 for s in self._stride):
            # A kernel of one place on a stride leaves gaps; filling zeros is faster than what the library does.
            result = folded.new_empty(len(folded), *size[1:])
            if result.dim() == 4 and folded.is_contiguous(memory_format=torch.channels_last):
                result = result.contiguous(memory_format=torch.channels_last)
            result.zero_()
            places = (slice(None), slice(None), *(slice(None, None, s) for s in self._stride))
            result[places] = _CONV_TRANSPOSE[self._axes](folded, self._weight, None, groups=self._groups)
        elif up:
            extra = [
                size[2 + i] - ((folded.shape[2 + i] - 1) * s - 2 * p + d * (self._weight.shape[2 + i] - 1) + 1)
                for i, (s, p, d) in enumerate(zip(self._stride, self._padding, self._dilation, strict=True))
            ]
            result = _CONV_TRANSPOSE[self._axes](
                folded, self._weight, None, self._stride, self._padding, extra, self._groups, self._dilation
            )
        else:
            result = _CONV[self._axes](
                folded, self._weight, None, self._stride, self._padding, self._dilation, self._groups
            )
        return result.reshape(*lanes.shape[:2], *result.shape[1:])

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        return self._run(lane, self._transposed, self._outer)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return [self._run(u, not self._transposed, self._inner)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        channels = None
        if self._groups > 1:
            places = np.arange(self._inner[1]).reshape(self._groups, -1)
            channels = Along(1, places.repeat(self._outer[1] // self._groups, 0))
        find = reversed_taps if self._transposed else taps
        return [
            (
                Along(0),
                channels,
                *(
                    Along(i + 2, find(self._outer[i + 2], self._inner[i + 2], self._weight.shape[i + 2], *setting))
                    for i, setting in enumerate(zip(self._stride, self._padding, self._dilation, strict=True))
                ),
            )
        ]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        (inner,) = inputs
        assert inner is not None
        return _Windowed(self, output, inner)


class _Windowed(LinearMap):
    """A convolution, or a transposed one, from a window of its input to a window of its output.

    Strides relate a small grid and a large one; each place of the small grid covers a kernel on the large one. On the
    large side the window is fitted to what the places of the small window cover.
    """

    def __init__(self, of: Convolution, output: Box, inner: Box) -> None:
        super().__init__()
        small, large = (inner, output) if of._transposed else (output, inner)
        each, per = len(of._weight) // of._groups, of._weight.shape[1]
        first, last = small[1][0] // each, -(-small[1][1] // each)  # whole groups
        covered = [
            (start * s - p, (stop - 1) * s - p + d * (k - 1) + 1)
            for (start, stop), s, p, d, k in zip(
                small[2:], of._stride, of._padding, of._dilation, of._weight.shape[2:], strict=True
            )
        ]
        self._transposed, self._stride, self._dilation = of._transposed, of._stride, of._dilation
        self._weight, self._groups = of._weight[first * each : last * each], last - first
        self._small, self._large = small, large
        self._filled: Box = (small[0], (first * each, last * each), *small[2:])
        self._covered: Box = (large[0], (first * per, last * per), *covered)

    def _down(self, lanes: Tensor) -> Tensor:
        lanes = fit(lanes, self._large, self._covered)
        convolve = _CONV[self._weight.dim() - 2]
        result = convolve(lanes.flatten(0, 1), self._weight, None, self._stride, 0, self._dilation, self._groups)
        return fit(result.reshape(*lanes.shape[:2], *result.shape[1:]), self._filled, self._small)

    def _up(self, lanes: Tensor) -> Tensor:
        lanes = fit(lanes, self._small, self._filled)
        spread = _CONV_TRANSPOSE[self._weight.dim() - 2]
        result = spread(lanes.flatten(0, 1), self._weight, None, self._stride, 0, 0, self._groups, self._dilation)
        return fit(result.reshape(*lanes.shape[:2], *result.shape[1:]), self._covered, self._large)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:
        (lane,) = lanes
        assert lane is not None
        return self._up(lane) if self._transposed else self._down(lane)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [self._down(u) if self._transposed else self._up(u)]


def per_axis(value: int | Sequence[int], axes: int) -> list[int]:
    """A setting given once, or once an axis, as one number an axis."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def _both(call: Call, taylor: bool = False) -> LinearMap:
    """A layer whose weight is itself a value of the image: a product, with the bias as a term added."""
    trailing = 0 if "linear" in call.node.operation else call.output.dim() - 2

    def term(bias: Tensor) -> Tensor:
        return bias.reshape(-1, *[1] * trailing)

    return added_product(call, call.function(zero=("bias",)), "bias", term, taylor)


def added_product(
    call: Call, function: Callable[..., Tensor], name: str, term: Callable[[Tensor], Tensor], taylor: bool
) -> LinearMap:
    """``function`` of the moving inputs but one, a product of them, plus ``term`` of that one, the argument ``name``.

    ``function`` takes all moving inputs and leaves the term out. A term that does not move is the constant.
    """
    place = call.place(name)
    slot = call.carries.index(place) if place in call.carries else -1
    places = [i for i in range(len(call.moving)) if i != slot]
    factors = [call.moving[i] for i in places]
    nothing = torch.zeros_like(call.moving[slot])

    def product(*values: Tensor) -> Tensor:
        return function(*values[:slot], nothing, *values[slot:]) if slot >= 0 else function(*values)

    constant = term(call[name]) if slot < 0 and isinstance(call[name], Tensor) else None
    parts: list[tuple[LinearMap, list[int]]] = []
    if len(factors) > 1:
        value = product(*factors)
        parts.append((Product.of(product, factors, value, taylor), places))
    elif factors:
        parts.append((Operation(product, factors, None, call.decided), places))
    else:
        value = product()
        constant = value if constant is None else constant + value
    if slot >= 0:
        parts.append((Operation(lambda value: term(value).expand(call.output.shape), [call.moving[slot]]), [slot]))
    return Together(parts, constant)


@register(
    aten.conv1d.default, aten.conv2d.default, aten.conv3d.default, aten.convolution.default,
    aten.conv_transpose1d.default, aten.conv_transpose2d.input, aten.conv_transpose3d.input,
    aten.conv1d.padding, aten.conv2d.padding, aten.conv3d.padding,
    kind="linear",
    frozen="the operation itself, bias left out",
    constant="bias",
    smooth=_layer_taylor,
)  # fmt: skip
def _convolution(call: Call) -> LinearMap:
    if call.carries != (0,):
        return _both(call)
    value, weight = call.moving[0], call["weight"]
    padding, bias = call["padding"], call["bias"]
    batched = value.dim() == weight.dim()
    if isinstance(padding, str):
        spans = [
            d * (k - 1) for d, k in zip(per_axis(call["dilation"], weight.dim() - 2), weight.shape[2:], strict=True)
        ]
        if padding == "valid" or all(span % 2 == 0 for span in spans):
            padding = [0 if padding == "valid" else span // 2 for span in spans]
    if not batched or isinstance(padding, str):
        constant = bias.reshape(-1, *[1] * (weight.dim() - 2)) if bias is not None else None
        function = call.function(zero=("bias",))
        return (Batched if batched else Operation)(function, call.moving, constant)
    transposed = "transpose" in call.node.operation
    if call.node.target is aten.convolution.default:
        transposed = call["transposed"]
    return Convolution(
        weight, bias, call["stride"], padding, call["dilation"], call["groups"], transposed, value.shape,
        call.output.shape,
    )  # fmt: skip

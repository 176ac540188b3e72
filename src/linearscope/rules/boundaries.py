"""Where decisions end: how far lanes may be added to x0 before a switch or a selection changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.rules.convolutions import per_axis
from linearscope.rules.registry import Call

__all__ = ["first_change"]

aten = torch.ops.aten


def first_change(call: Call, lanes: Sequence[Tensor | None]) -> Tensor | None:
    """The smallest step t >= 0 at which ``x0 + t lane`` changes a decision of the node, for every lane ``(P,)``.

    Infinite where nothing changes; ``None`` for an operation without switches or selections.
    """
    boundary = _BOUNDARIES.get(call.node.target)
    if boundary is None:
        return None
    given = [lane for lane in lanes if lane is not None]
    if not given:
        return None
    return boundary(call, [torch.zeros_like(given[0]) if lane is None else lane for lane in lanes])


def _crossing(x: Tensor, lane: Tensor, threshold: Any, open_above: bool) -> Tensor:
    """Steps at which x crosses ``threshold``; at the threshold itself the switch counts as closed."""
    gap = threshold - x
    step = gap / lane
    opens = lane > 0 if open_above else lane < 0
    ahead = (step > 0) | ((gap == 0) & opens)
    return torch.where(ahead & (lane != 0), step, torch.inf).flatten(1).amin(1)


def _thresholds(*names_and_sides: tuple[str | float, bool]) -> Callable[[Call, Sequence[Tensor]], Tensor]:
    def boundary(call: Call, lanes: Sequence[Tensor]) -> Tensor:
        best: Tensor | None = None
        for name, open_above in names_and_sides:
            threshold = call[name] if isinstance(name, str) else name
            if threshold is None:
                continue
            step = _crossing(call.moving[0], lanes[0], threshold, open_above)
            best = step if best is None else torch.minimum(best, step)
        assert best is not None
        return best

    return boundary


def _shrink(call: Call, lanes: Sequence[Tensor]) -> Tensor:
    bound = call["lambd"]
    steps = [_crossing(call.moving[0], lanes[0], side, side > 0) for side in (bound, -bound)]
    return torch.minimum(*steps)


def _overtake(values: Tensor, lanes: Tensor, sign: float = 1.0) -> Tensor:
    """Steps at which another element of the last axis overtakes the largest (``sign`` -1: the smallest)."""
    values, lanes = values * sign, lanes * sign
    best, place = values.max(-1, keepdim=True)
    place = place.expand(lanes.shape[0], *place.shape)
    faster = lanes - lanes.gather(-1, place)
    step = (best - values) / faster
    return torch.where((faster > 0) & torch.isfinite(values), step, torch.inf).flatten(1).amin(1)


def _pool2d(call: Call, lanes: Sequence[Tensor]) -> Tensor:
    x, lane = call["self"], lanes[0]
    kernel = per_axis(call["kernel_size"], 2)
    stride, padding, dilation = (per_axis(v, 2) for v in (call["stride"] or kernel, call["padding"], call["dilation"]))
    out = (call.output if isinstance(call.output, Tensor) else call.output[0]).shape[-2:]
    after = [
        (size - 1) * s + d * (k - 1) + 1 - p - extent
        for size, s, d, k, p, extent in zip(out, stride, dilation, kernel, padding, x.shape[-2:], strict=True)
    ]
    sides = (padding[1], after[1], padding[0], after[0])

    def windows(value: Tensor, fill: float) -> Tensor:
        padded = F.pad(value, sides, value=fill)
        unfolded = F.unfold(padded.flatten(0, -3).unsqueeze(1), tuple(kernel), tuple(dilation), 0, tuple(stride))
        return unfolded.transpose(1, 2)

    values = windows(x, -torch.inf)
    moves = torch.stack([windows(one, 0.0) for one in lane])
    return _overtake(values, moves)


def _along(call: Call, lanes: Sequence[Tensor]) -> Tensor:
    x = call.moving[0]
    dims = call["dim"]
    dims = [dims] if isinstance(dims, int) else list(dims or range(x.dim()))
    dims = [axis % x.dim() for axis in dims]
    order = [axis for axis in range(x.dim()) if axis not in dims] + dims
    values = x.permute(order).flatten(x.dim() - len(dims))
    moves = lanes[0].permute([0, *(axis + 1 for axis in order)]).flatten(x.dim() - len(dims) + 1)
    smallest = call.node.target in (aten.amin.default, aten.min.dim)
    return _overtake(values, moves, -1.0 if smallest else 1.0)


_BOUNDARIES: dict[Any, Callable[[Call, Sequence[Tensor]], Tensor]] = {
    aten.relu.default: _thresholds((0.0, True)),
    aten.leaky_relu.default: _thresholds((0.0, True)),
    aten.rrelu.default: _thresholds((0.0, True)),
    aten.prelu.default: _thresholds((0.0, True)),
    aten._prelu_kernel.default: _thresholds((0.0, True)),
    aten.abs.default: _thresholds((0.0, True)),
    aten.relu6.default: _thresholds((0.0, True), (6.0, False)),
    aten.hardtanh.default: _thresholds(("min_val", True), ("max_val", False)),
    aten.clamp.default: _thresholds(("min", True), ("max", False)),
    aten.clamp_min.default: _thresholds(("min", True)),
    aten.clamp_max.default: _thresholds(("max", False)),
    aten.threshold.default: _thresholds(("threshold", True)),
    aten.hardshrink.default: _shrink,
    aten.softshrink.default: _shrink,
    aten.max_pool2d.default: _pool2d,
    aten.max_pool2d_with_indices.default: _pool2d,
    aten.max.dim: _along,
    aten.min.dim: _along,
    aten.amax.default: _along,
    aten.amin.default: _along,
}

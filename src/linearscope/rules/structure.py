"""Which places of an input an output can use, axis by axis: offsets, strides and extents of every linear map.

A :class:`Structure` holds for each axis of an input one :class:`Along`, or ``None`` where an output may use the whole
axis. It depends on shapes and settings alone, never on numbers of the image. A *box* is a range of places on each axis
of a value; windowed products carry lanes on boxes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "Along",
    "Box",
    "Shape",
    "Structure",
    "cut",
    "extent",
    "fit",
    "gather",
    "needs",
    "pointwise",
    "reaches",
    "reversed_taps",
    "scatter",
    "taps",
    "union",
    "whole",
]

Box = tuple[tuple[int, int], ...]
Places = npt.NDArray[np.int64]


class Along:
    """Which places of an input axis an output can use, given its own place on one axis of the output.

    Parameters
    ----------
    axis
        The axis of the output that decides.
    places
        ``(output length, K)``: the places that each output place can use, -1 for none; ``None``: the same place.

    Examples
    --------
    A convolution of three taps on five places, padded by one:

    >>> import numpy as np
    >>> taps = np.arange(5)[:, None] + np.array([-1, 0, 1])
    >>> along = Along(2, np.where(taps < 5, taps, -1))
    >>> along.needs(0, 2), along.reaches(4, 5)
    ((0, 3), (3, 5))
    """

    def __init__(self, axis: int, places: Places | None = None) -> None:
        self.axis, self.places = axis, places

    @cached_property
    def _ends(self) -> tuple[Places, Places]:
        assert self.places is not None
        none = self.places < 0
        first = np.where(none, np.iinfo(np.int64).max, self.places).min(1)
        return first, np.where(none, -1, self.places).max(1)

    def needs(self, start: int, stop: int) -> tuple[int, int]:
        """The input places that outputs ``start`` to ``stop`` use: first, and last plus one (0, 0 when none)."""
        if self.places is None:
            return start, stop
        first, last = self._ends
        end = int(last[start:stop].max(initial=-1)) + 1
        return (int(first[start:stop].min()), end) if end else (0, 0)

    def reaches(self, start: int, stop: int) -> tuple[int, int]:
        """The output places that inputs ``start`` to ``stop`` can reach, as in :meth:`needs`."""
        if self.places is None:
            return start, stop
        first, last = self._ends
        hit = np.flatnonzero((first < stop) & (last >= start))
        return (int(hit[0]), int(hit[-1]) + 1) if len(hit) else (0, 0)


Shape = Sequence[int]
Structure = tuple[Along | None, ...]


def pointwise(shape: Sequence[int], output: Sequence[int]) -> Structure:
    """Structure of a map from one place to the same place, of an input of ``shape`` that broadcasts to ``output``."""
    shift = len(output) - len(shape)
    return tuple(
        Along(i + shift, None if size == output[i + shift] else np.zeros((output[i + shift], 1), np.int64))
        for i, size in enumerate(shape)
    )


def whole(shape: Sequence[int]) -> Box:
    """The box of everything."""
    return tuple((0, size) for size in shape)


def extent(box: Box) -> tuple[int, ...]:
    """Lengths of a box."""
    return tuple(stop - start for start, stop in box)


def union(a: Box | None, b: Box | None) -> Box | None:
    """The smallest box around two; ``None`` is nothing."""
    if a is None or b is None:
        return a or b
    return tuple((min(s, t), max(e, f)) for (s, e), (t, f) in zip(a, b, strict=True))


def reaches(structure: Structure | None, box: Box, output: Sequence[int]) -> Box | None:
    """The smallest box of outputs that inputs on ``box`` can reach; ``None`` when they reach none."""
    found = list(whole(output))
    if structure is not None:
        for along, (start, stop) in zip(structure, box, strict=True):
            if along is not None:
                low, high = along.reaches(start, stop)
                before = found[along.axis]
                found[along.axis] = (max(before[0], low), min(before[1], high))
    return tuple(found) if all(start < stop for start, stop in found) else None


def needs(structure: Structure | None, box: Box, shape: Sequence[int]) -> Box | None:
    """The smallest box of an input of ``shape`` that outputs on ``box`` can use; ``None`` when they use nothing."""
    if structure is None:
        return whole(shape)
    found = tuple(
        (0, size) if along is None else along.needs(*box[along.axis])
        for along, size in zip(structure, shape, strict=True)
    )
    return found if all(start < stop for start, stop in found) else None


def fit(lanes: Tensor, given: Box, wanted: Box) -> Tensor:
    """Lanes on the box ``given`` as lanes on the box ``wanted``: cut where it is smaller, zeros where it is larger."""
    if given == wanted:
        return lanes
    pads = [side for (s, e), (t, f) in zip(given, wanted, strict=True) for side in (s - t, f - e)]
    order = [side for i in reversed(range(len(given))) for side in pads[2 * i : 2 * i + 2]]
    return F.pad(lanes, order)


def cut(value: Tensor, box: Box) -> Tensor:
    """The part of a value on a box; axes of length 1, or missing in front, are broadcast and stay."""
    own = box[len(box) - value.dim() :]
    return value[tuple(slice(None) if value.shape[i] == 1 else slice(*own[i]) for i in range(value.dim()))]


def taps(output: int, inner: int, kernel: int, stride: int, padding: int, dilation: int) -> Places:
    """Places ``(output, kernel)`` that a window slid along an axis uses."""
    places = np.arange(output)[:, None] * stride - padding + np.arange(kernel) * dilation
    return np.where((places >= 0) & (places < inner), places, -1)


def reversed_taps(output: int, inner: int, kernel: int, stride: int, padding: int, dilation: int) -> Places:
    """Places ``(output, kernel)`` that the transpose of such a window uses."""
    shifted = np.arange(output)[:, None] + padding - np.arange(kernel) * dilation
    places = shifted // stride
    return np.where((shifted % stride == 0) & (places >= 0) & (places < inner), places, -1)


def gather(lanes: Tensor, axis: int, places: Places) -> Tensor:
    """Places along an axis, -1 giving zero."""
    index = torch.as_tensor(places, device=lanes.device)
    picked = lanes.index_select(axis, index.clamp_min(0))
    return picked if (places >= 0).all() else picked * _kept(index, lanes, axis)


def scatter(u: Tensor, axis: int, places: Places, length: int) -> Tensor:
    """The transpose of :func:`gather`, onto an axis of ``length``."""
    index = torch.as_tensor(places, device=u.device)
    shape = list(u.shape)
    shape[axis] = length
    kept = u if (places >= 0).all() else u * _kept(index, u, axis)
    return u.new_zeros(shape).index_add_(axis, index.clamp_min(0), kept)


def _kept(index: Tensor, like: Tensor, axis: int) -> Tensor:
    return (index >= 0).to(like.dtype).reshape(-1, *[1] * (like.dim() - 1 - axis % like.dim()))

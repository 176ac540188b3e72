"""Which entries of an input or an output are meant, and impulses there."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from torch import Tensor

from linearscope.errors import InputError
from linearscope.rules.structure import Box

__all__ = ["Index", "around", "by_position", "impulses", "places"]

#: A flat index, or one number an axis.
Index = int | Sequence[int]
Place = tuple[int, ...]


def places(indices: Index | Sequence[Index] | Tensor, shape: Sequence[int], name: str) -> list[Place]:
    """One or several indices as tuples of numbers from 0, one an axis.

    Raises
    ------
    InputError
        When there is no such place; the message has the valid ranges.
    """
    given = _plain(indices)
    many: list[Any] = [given] if isinstance(given, int) else list(given)
    if isinstance(given, tuple) and len(given) == len(shape) > 1 and all(isinstance(i, int) for i in given):
        many = [given]
    return [_place(_plain(index), tuple(shape), name) for index in many]


def _plain(index: Any) -> Any:
    """Tensors and arrays as numbers and lists, also inside a tuple or list."""
    if hasattr(index, "tolist"):
        return index.tolist()
    if isinstance(index, list | tuple):
        return type(index)(_plain(i) for i in index)
    return index


def _place(index: Any, shape: Place, name: str) -> Place:
    size = prod(shape)
    if isinstance(index, int) and -size <= index < size:
        rest, axes = index % size, []
        for extent in reversed(shape):
            rest, last = divmod(rest, extent)
            axes.append(last)
        return tuple(reversed(axes))
    if isinstance(index, list | tuple) and len(index) == len(shape):
        axes = [i for i, extent in zip(index, shape, strict=True) if isinstance(i, int) and -extent <= i < extent]
        if len(axes) == len(shape):
            return tuple(i % extent for i, extent in zip(axes, shape, strict=True))
    ranges = ", ".join(f"0 to {extent - 1}" for extent in shape)
    flat = "" if len(shape) == 1 else f", or one flat index from 0 to {size - 1}"
    raise InputError(f"There is no {name} {index}; the shape is {shape}: give {ranges}{flat}.")


def impulses(at: Sequence[Place], shape: Sequence[int], like: Tensor) -> Tensor:
    """One-hot tensors ``(P, *shape)``."""
    result = like.new_zeros(len(at), *shape)
    for lane, place in enumerate(at):
        result[lane][place] = 1
    return result


def by_position(at: Sequence[Place], shape: Sequence[int]) -> dict[Place, list[int]]:
    """The numbers of the places, those together that differ in their channel only."""
    channel = len(shape) - 3
    groups: dict[Place, list[int]] = {}
    for number, place in enumerate(at):
        key = place[:channel] + place[channel + 1 :] if channel >= 0 else place
        groups.setdefault(key, []).append(number)
    return groups


def around(at: Sequence[Place], shape: Sequence[int], whole: Tensor) -> Box:
    """The smallest box around places, in the axes of the whole value."""
    own = tuple((min(axis), max(axis) + 1) for axis in zip(*at, strict=True))
    return ((0, 1),) * (whole.dim() - len(shape)) + own

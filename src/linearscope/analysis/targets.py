"""Which outputs are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from torch import Tensor

from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter

__all__ = ["Target", "flat_indices", "flat_targets", "is_one", "one_target"]

#: A flat index into the output, or an index tuple such as ``(channel, row, column)``.
Target = int | tuple[int, ...]


def _plain(targets: object) -> object:
    """Tensors and arrays of indices as integers and lists."""
    return targets.tolist() if hasattr(targets, "tolist") else targets


def is_one(targets: Target | Sequence[Target] | Tensor) -> bool:
    """Whether ``targets`` names one output: an integer or a tuple of integers. A list names several."""
    plain = _plain(targets)
    return isinstance(plain, int) or (isinstance(plain, tuple) and all(isinstance(i, int) for i in plain))


def flat_targets(it: LinearInterpreter, targets: Target | Sequence[Target] | Tensor) -> list[int]:
    """Flat output indices of one or several targets; a tensor of indices is taken as a list.

    Raises
    ------
    InputError
        When there is no such output.
    """
    found = flat_indices(targets, it.output_shape, "output", "target")
    if not found:
        raise InputError("No target was given; name at least one output.")
    return found


def flat_indices(
    indices: Target | Sequence[Target] | Tensor, shape: Sequence[int], name: str, asked: str = "place"
) -> list[int]:
    """Flat indices of one or several places in an array of ``shape``, whose messages call a place ``name``.

    Raises
    ------
    InputError
        When there is no such place.
    """
    plain = _plain(indices)
    if not is_one(indices) and not isinstance(plain, list | tuple | range):
        raise InputError(f"A {asked} is an index, an index tuple or a list of them, not {indices!r}.")
    many: list[Any] = [plain] if is_one(indices) else list(plain)  # type: ignore[call-overload]
    size = prod(shape)
    found = []
    for index in map(_plain, many):
        if isinstance(index, int) and not isinstance(index, bool) and -size <= index < size:
            found.append(index % size)
            continue
        place, fits = 0, isinstance(index, tuple) and len(index) == len(shape)
        if fits:
            for i, extent in zip(index, shape, strict=True):  # type: ignore[call-overload]
                fits = fits and -extent <= i < extent
                place = place * extent + i % extent
        if not fits:
            hint = " A tuple is one index; give a list for several." if isinstance(index, tuple) else ""
            raise InputError(f"There is no {name} {index}; the shape is {tuple(shape)}.{hint}")
        found.append(place)
    return found


def one_target(it: LinearInterpreter, target: Target | Tensor) -> int:
    """The flat index of one output.

    Raises
    ------
    InputError
        When there is no such output, or several were given.
    """
    if not is_one(target):
        raise InputError(f"One output is asked about at a time here, and {target} was given; give one index.")
    return flat_targets(it, target)[0]

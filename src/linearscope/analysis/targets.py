"""Which outputs are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter

__all__ = ["Target", "flat_targets", "is_one"]

#: A flat index into the output, or an index tuple such as ``(channel, row, column)``.
Target = int | tuple[int, ...]


def is_one(targets: Target | Sequence[Target]) -> bool:
    """Whether ``targets`` names one output: an integer or a tuple of integers. A list names several."""
    return isinstance(targets, int) or (isinstance(targets, tuple) and all(isinstance(i, int) for i in targets))


def flat_targets(it: LinearInterpreter, targets: Target | Sequence[Target]) -> list[int]:
    """Flat output indices of one or several targets.

    Raises
    ------
    InputError
        When there is no such output.
    """
    many: Sequence[Target] = [targets] if is_one(targets) else targets  # type: ignore[list-item,assignment]
    shape = it.output_shape
    size = prod(shape)
    found = []
    for target in many:
        place = target if isinstance(target, int) else 0
        fits = -size <= place < size if isinstance(target, int) else len(target) == len(shape)
        if not isinstance(target, int) and fits:
            for i, extent in zip(target, shape, strict=True):
                fits = fits and -extent <= i < extent
                place = place * extent + i % extent
        if not fits:
            raise InputError(f"There is no output {target}; the output has shape {shape}.")
        found.append(place % size)
    if not found:
        raise InputError("No target was given; name at least one output.")
    return found

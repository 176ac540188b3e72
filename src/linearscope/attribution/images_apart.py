"""Where the images of a batch lie in the value of each node, so that a sum can be taken for each of them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from math import prod
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from linearscope.program import Node, Program

__all__ = ["images_apart", "sums_apart"]

aten = torch.ops.aten

_VIEWS = {
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.unsqueeze.default, aten.squeeze.default,
    aten.squeeze.dim, aten.squeeze.dims, aten.flatten.using_ints, aten.unflatten.int, aten.clone.default,
    aten.alias.default,
}  # fmt: skip
_KNOWN: WeakKeyDictionary[Program, Mapping[str, int]] = WeakKeyDictionary()


def images_apart(program: Program) -> Mapping[str, int]:
    """For each live node by name, the count p of numbers that stand before the axis of the images.

    The value is ``(p, B, rest)`` in order of memory, whatever its shape: attention may be written with the sequence
    before the batch, and with both in one axis.
    """
    if program not in _KNOWN:
        found: dict[int, int] = {program.image.index: 1}
        for node in program.nodes:
            if node.live and node.index not in found:
                found[node.index] = _before(node, program, found)
        _KNOWN[program] = {program.nodes[index].name: before for index, before in found.items()}
    return _KNOWN[program]


def sums_apart(value: Tensor, before: int, images: int) -> Tensor:
    """Sum of the numbers of each image in a lane ``(1, *shape)`` of a node: ``(B,)`` in float64."""
    return value.reshape(before, images, -1).sum((0, 2), dtype=torch.float64)


def _before(node: Node, program: Program, found: Mapping[int, int]) -> int:
    origin = next((program.nodes[i] for i in node.inputs if i in found), None)
    if origin is None:
        return 1
    before, by, shape = found[origin.index], node, node.shape
    if node.target is operator.getitem:
        by = origin
        origin = next((program.nodes[i] for i in by.inputs if i in found), origin)
        before = found[origin.index]
    inner, images = origin.shape, program.input_shape[0]
    if inner is None or shape is None or by.target in _VIEWS:
        return before
    axis = _axis(inner, before, images)
    if axis is None:
        return before
    if by.target in (aten.permute.default, aten.transpose.int):
        order = list(range(len(inner)))
        if by.target is aten.permute.default:
            order = [i % len(inner) for i in by.args[1]]
        else:
            first, second = (i % len(inner) for i in by.args[1:3])
            order[first], order[second] = order[second], order[first]
        return prod(shape[: order.index(axis)])
    if by.target in (aten.select.int, aten.unbind.int):
        dim = (by.args[1] if len(by.args) > 1 else 0) % len(inner)
        return before // inner[dim] if dim < axis else before
    return prod(shape[:axis]) if len(shape) == len(inner) else before


def _axis(shape: Sequence[int], before: int, images: int) -> int | None:
    """The axis that begins with the images, if one does."""
    return next((i for i, size in enumerate(shape) if prod(shape[:i]) == before and size % images == 0), None)

"""Operations that take a tensor for its shape and type only: what they make does not depend on the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from linearscope.program.program import Node, Ref

__all__ = ["as_constant"]

aten = torch.ops.aten

# What the tensors these operations make are filled with.
_FILLED = {
    aten.new_zeros.default: 0, aten.zeros_like.default: 0, aten.zero.default: 0, aten.new_empty.default: 0,
    aten.empty_like.default: 0, aten.new_ones.default: 1, aten.ones_like.default: 1,
}  # fmt: skip
_GIVEN = {aten.new_full.default: 2, aten.full_like.default: 1, aten.fill.Scalar: 1}


def as_constant(node: Node, device: torch.device) -> Node:
    """Return ``node``, or the same numbers made by ``aten.full`` where it takes a tensor for its shape alone.

    A ``torch.zeros_like(x)`` would otherwise seem to depend on the image.
    """
    if node.target not in _FILLED and node.target not in _GIVEN:
        return node
    assert node.shape is not None
    value: Any = _FILLED[node.target] if node.target in _FILLED else _argument(node, _GIVEN[node.target])
    if isinstance(value, Ref):
        return node
    kwargs: Mapping[str, Any] = {"dtype": node.dtype, "device": node.kwargs.get("device") or device}
    return replace(node, target=aten.full.default, args=(list(node.shape), value), kwargs=kwargs)


def _argument(node: Node, place: int) -> Any:
    if place < len(node.args):
        return node.args[place]
    return node.kwargs.get("fill_value", node.kwargs.get("value"))

"""Stable human names for nodes, from the modules that made them."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from linearscope.errors import CaptureError
from linearscope.program.program import Node

__all__ = ["call_path", "name_nodes"]

_SHORT = {
    "_native_batch_norm_legit_no_training": "batch_norm",
    "_native_batch_norm_legit": "batch_norm",
    "scaled_dot_product_attention": "attention",
    "_unsafe_view": "view",
    "max_pool2d_with_indices": "max_pool2d",
    "convolution": "conv",
}


def call_path(key: str, path: str) -> str:
    """Name of one call of a module: its path, and ``#2``, ``#3`` ... from the second call on."""
    _, at, again = key.rpartition("@")
    return f"{path}#{int(again) + 1}" if at and again.isdigit() else path


def name_nodes(nodes: Sequence[Node], names: Sequence[str] | None = None) -> list[Node]:
    """Return ``nodes`` with their names (and layers) filled in.

    A call's name is the innermost module call it stands in, followed by the operation unless it is the only one there;
    repeats are numbered ``#2``, ``#3`` ... A picked result of an operation with several is ``name[i]``.
    """
    own = Counter(node.calls[-1] for node in nodes if node.calls and _counts(node))
    inner = {call for node in nodes for call in node.calls[:-1]}
    used: Counter[str] = Counter()
    given = iter(names) if names is not None else None
    done: list[Node] = []
    for node in nodes:
        layer = node.layer
        if node.kind == "image":
            name = "image"
        elif node.kind == "parameter":
            name = layer
        elif given is not None:
            name = next(given, "")
            if not name:
                raise CaptureError("The file's table of names does not fit its graph; save the program again.")
        elif node.target is operator.getitem:
            name = f"{done[node.inputs[0]].name}[{node.args[1]}]"
        else:
            call = node.calls[-1] if node.calls else ""
            short = node.operation.split(".")[1]
            short = _SHORT.get(short, short)
            alone = call and own[call] == 1 and call not in inner
            name = call if alone else f"{call}.{short}" if call else short
            used[name] += 1
            if used[name] > 1:
                name = f"{name}#{used[name]}"
        if node.kind == "call":
            layer = node.calls[-1].split("#")[0] if node.calls else ""
        done.append(replace(node, name=name, layer=layer))
    return done


def _counts(node: Node) -> bool:
    return node.kind == "call" and node.target is not operator.getitem

"""A batch norm that follows a layer is part of it: one linear layer with other weights."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from linearscope.program import Node, Program
from linearscope.program.program import Ref, substitute

__all__ = ["Merged", "merge"]

aten = torch.ops.aten

_LAYERS = {
    aten.linear.default, aten.conv1d.default, aten.conv2d.default, aten.conv3d.default, aten.conv1d.padding,
    aten.conv2d.padding, aten.conv3d.padding,
}  # fmt: skip
_NORMS = {
    aten._native_batch_norm_legit_no_training.default, aten.batch_norm.default, aten.native_batch_norm.default,
}  # fmt: skip
#: A view of memory that lies channel by channel may need a copy.
_VIEWS = {aten.view.default, aten._unsafe_view.default, aten.view_as.default}


@dataclass(frozen=True)
class Merged:
    """A Program whose batch norms are part of the layers before them, where they can be.

    Attributes
    ----------
    program
        The Program.
    places
        The place in it of every node of the original by name; a merged norm is found where its layer is.
    layers
        Names of the layers that took in a norm, whose own values are gone.
    layout
        How images are to lie in memory, as weights of 2-D convolutions do here: with the channels last, which
        convolutions read faster, unless the model reads its memory by strides.
    """

    program: Program
    places: Mapping[str, int]
    layers: frozenset[str]
    layout: torch.memory_format


def merge(program: Program, keep: str | None = None) -> Merged:
    """Merge every batch norm into the convolution or dense layer whose value nothing else takes.

    Parameters
    ----------
    program
        As captured.
    keep
        Name of a node whose value is asked for and must stay.
    """
    uses = Counter(index for node in program.nodes for index in node.inputs)
    pairs = [pair for node in program.nodes if (pair := _pair(node, program, uses, keep))]
    norms, gone = {layer.index: norm for layer, norm in pairs}, {norm.index: layer.index for layer, norm in pairs}
    nodes: list[Node] = []
    parameters: dict[int, Tensor] = {}
    place: dict[int, int] = {}
    strided = any(node.target is aten.as_strided.default for node in program.nodes)
    layout = torch.contiguous_format if strided else torch.channels_last

    def parameter(name: str, value: Tensor) -> Ref:
        index = len(nodes)
        nodes.append(Node(index, name, "parameter", None, (), {}, name, (), False, tuple(value.shape), value.dtype))
        parameters[index] = value.contiguous(memory_format=layout) if value.dim() == 4 else value
        return Ref(index)

    for node in program.nodes:
        if node.index in gone or (node.target is operator.getitem and node.inputs[0] in gone):
            place[node.index] = place[gone.get(node.index, node.inputs[0])]
            continue
        norm = norms.get(node.index)
        args = substitute(node.args, lambda index: Ref(place[index]))
        kwargs = substitute(dict(node.kwargs), lambda index: Ref(place[index]))
        calls = node.calls
        if norm is not None:
            weight, bias = _weights(node, norm, program)
            args = (args[0], parameter(f"{node.name}.weight", weight), parameter(f"{node.name}.bias", bias), *args[3:])
            calls = (*calls, *(call for call in norm.calls if call not in calls))
        elif _held(node, program):
            args = (args[0], parameter(f"{node.name}.weight", program.constants[node.inputs[1]]), *args[2:])
        elif node.target in _VIEWS and not strided:
            node, args = replace(node, target=aten.reshape.default), (args[0], list(node.shape or ()))
        place[node.index] = len(nodes)
        if node.kind == "parameter":
            parameters[len(nodes)] = program.parameters[node.index]
        nodes.append(replace(node, index=len(nodes), args=args, kwargs=kwargs, calls=calls))
    made = Program(nodes, parameters, place[program.output], program.notes, program.bound)
    places = {node.name: place[node.index] for node in program.nodes}
    return Merged(made, places, frozenset(layer.name for layer, _ in pairs), layout)


def _held(node: Node, program: Program) -> bool:
    """Whether a node is a 2-D convolution with constant weights."""
    return (
        node.target in (aten.conv2d.default, aten.conv2d.padding)
        and len(node.args) > 1
        and isinstance(node.args[1], Ref)
        and not program.nodes[node.args[1].index].live
    )


def _pair(node: Node, program: Program, uses: Mapping[int, int], keep: str | None) -> tuple[Node, Node] | None:
    """The layer before a batch norm and the norm, when they can be one."""
    if node.target not in _NORMS or not node.live or _argument(node, "training"):
        return None
    if not isinstance(node.args[0], Ref) or any(program.nodes[i].live for i in node.inputs[1:]):
        return None
    layer = program.nodes[node.args[0].index]
    fits = (
        layer.target in _LAYERS
        and layer.live
        and uses[layer.index] == 1
        and layer.name != keep
        and layer.index != program.output
        and not layer.kwargs
        and not any(program.nodes[i].live for i in layer.inputs[1:])
        and (layer.target is not aten.linear.default or len(layer.shape or ()) == 2)
    )
    return (layer, node) if fits else None


def _argument(node: Node, name: str) -> object:
    for position, argument in enumerate(node.target._schema.arguments):  # type: ignore[union-attr]
        if argument.name == name:
            return node.args[position] if position < len(node.args) else node.kwargs.get(name, argument.default_value)
    return None


def _weights(layer: Node, norm: Node, program: Program) -> tuple[Tensor, Tensor]:
    def value(node: Node, name: str) -> Tensor | None:
        found = _argument(node, name)
        return program.constants[found.index] if isinstance(found, Ref) else None

    weight, mean, variance = value(layer, "weight"), value(norm, "running_mean"), value(norm, "running_var")
    assert weight is not None
    assert mean is not None
    assert variance is not None
    eps = _argument(norm, "eps")
    assert isinstance(eps, float)
    scale = torch.rsqrt(variance + eps)
    gamma, beta, bias = value(norm, "weight"), value(norm, "bias"), value(layer, "bias")
    scale = scale if gamma is None else scale * gamma
    shift = ((0 if bias is None else bias) - mean) * scale
    return weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), shift if beta is None else shift + beta

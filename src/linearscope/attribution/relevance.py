"""Relevance: each node hands what came back to it on to its inputs, in proportion to what they gave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.backward_rules import RECTIFIERS, BackwardRules, rectified
from linearscope.attribution.images_apart import images_apart, sums_apart
from linearscope.interpreter.plan import Plan
from linearscope.program import Node
from linearscope.rules import Call, LinearMap, Rule
from linearscope.rules.convolutions import Convolution, Dense
from linearscope.rules.linear import Concatenate, Permute, Reshape, Slice
from linearscope.rules.maps import Composite, Lane, Selection, Slope

__all__ = ["Ledger", "Relevance", "WeightRule", "Weighted"]

#: Units whose input takes over all their relevance, whatever they did to it.
_PASS: Final = (*RECTIFIERS, "hardtanh (relu6)", "clamp", "threshold", "tanh", "sigmoid", "hardsigmoid", "softsign")
#: Maps that move values about without mixing them.
_CARRIERS: Final = (Concatenate, Permute, Reshape, Selection, Slice)

Layer = Convolution | Dense | Slope


class Ledger:
    """What constants, and denominators kept away from zero, took of the relevance: ``(B,)``."""

    def __init__(self, images: int, like: Tensor) -> None:
        self.absorbed = torch.zeros(images, dtype=torch.float64, device=like.device)
        self.largest = torch.zeros_like(self.absorbed)

    def add(self, u: Tensor, part: Tensor, before: int, weight: float = 1.0) -> None:
        """Add ``weight`` times the sum of ``u * part``, one lane ``(1, *shape)``; ``part`` broadcasts to ``shape``.

        ``before`` numbers stand before the axis of the images.
        """
        count = len(self.absorbed)
        own = u[0]
        if before != 1:
            each = sums_apart(own * part, before, count)
        elif part.shape != own.shape:
            kept = [axis for axis in range(1, own.dim()) if part.expand(own.shape).stride(axis) == 0]
            each = ((own.sum(kept, keepdim=True) if kept else own) * part).reshape(count, -1).sum(1)
        else:
            if own.dim() == 4 and not own.is_contiguous():  # channels last: in the order of the memory
                own, part = own.permute(0, 2, 3, 1), part.permute(0, 2, 3, 1)
            each = torch.linalg.vecdot(own.reshape(count, -1), part.reshape(count, -1))
        each = each.double() * weight
        self.absorbed += each
        self.largest = torch.maximum(self.largest, each.abs())


@dataclass(frozen=True)
class Weighted:
    """A layer with weights on the image.

    Attributes
    ----------
    x
        Its input.
    z
        Its output.
    bias
        Broadcasts to the output; ``None`` for none.
    layer
        Its linear map.
    """

    x: Tensor
    z: Tensor
    bias: Tensor | None
    layer: Layer

    def run(self, x: Tensor, weight: Tensor) -> Tensor:
        """The layer's linear map with other weights, on other values."""
        made: Tensor = self.layer.with_weight(weight).forward([x.unsqueeze(0)])
        return made.squeeze(0)


class Share:
    """One denominator and those who share what is divided by it.

    Parameters
    ----------
    weight
        Of the whole share: alpha, or -beta.
    parts
        Numerators: values ``a`` and a linear map each. The input ``a`` belongs to gets ``a * map^T (R / denominator)``.
    total
        The denominator before it is kept from zero.
    rest
        What of ``total`` belongs to no part: biases and constants.
    epsilon
        Added to the denominator away from zero.
    at
        The outputs whose relevance is shared so; ``None`` for all.
    """

    def __init__(
        self, weight: float, parts: Sequence[tuple[Sequence[Tensor], LinearMap]], total: Tensor, rest: Tensor | None,
        epsilon: float, at: Tensor | None = None,
    ) -> None:  # fmt: skip
        self._weight, self._parts, self._rest, self._at = weight, parts, rest, at
        self._added = self._empty = None
        if epsilon:
            # sign(0) is 1, so that nothing is divided by zero; -0.0 + 0.0 is 0.0.
            self._added = torch.copysign(total.new_tensor(epsilon), total + 0.0)
            self._total = total + self._added
            return
        # A quotient by far less than this, as silu gives of large negative numbers, is infinite.
        empty = total.abs() < torch.finfo(total.dtype).tiny ** 0.75
        self._total = total
        if bool(empty.any()):
            self._empty, self._total = empty, total.masked_fill(empty, torch.inf)

    def back(self, u: Tensor, ledger: Ledger, before: int) -> list[Lane]:
        """Hand on the relevance ``u``."""
        u = u if self._at is None else u * self._at
        if self._empty is not None:
            ledger.add(u, self._empty.to(u), before, self._weight)
        quotient = u / self._total
        if self._weight != 1:
            quotient *= self._weight
        for rest in (self._rest, self._added):
            if rest is not None:
                ledger.add(quotient, rest, before)
        result: list[Lane] = []
        for values, layer in self._parts:
            for slot, (value, lane) in enumerate(zip(values, layer.transpose(quotient), strict=True)):
                given = None if lane is None else lane * value
                if slot == len(result):
                    result.append(given)
                elif given is not None:
                    held = result[slot]
                    result[slot] = given if held is None else held.add_(given)
        return result


class _Shares(LinearMap):
    def __init__(self, shares: Sequence[Share], ledger: Ledger, before: int) -> None:
        super().__init__()
        self._shares, self._ledger, self._before = shares, ledger, before

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        found = [share.back(u, self._ledger, self._before) for share in self._shares]
        total = found[0]
        for other in found[1:]:
            total = [b if a is None else a if b is None else a + b for a, b in zip(total, other, strict=True)]
        return total


class _Pass(LinearMap):
    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return [u]


#: What a rule for weights gives on a layer: its shares.
WeightRule = Callable[[Weighted], Sequence[Share]]


class Relevance(BackwardRules):
    """Layer-wise relevance propagation through any Program.

    Layers with constant weights (convolutions, dense layers, batch norms that follow none) share by the rules given;
    activations pass relevance on whole; pooling by maximum gives it to the winner; everything else (sums, averages,
    interpolations, gated products, attention with its weights frozen, other norms) shares in proportion to what each
    input gives through its frozen map, so that skips, concatenations and reused layers conserve it.

    Parameters
    ----------
    convolution, dense
        Rule of either kind of layer.
    first
        Rule of the layers that take the image itself; default: as the others.
    epsilon
        Added to the denominators of everything else.
    """

    interpretation = "freeze"
    of_scores = True
    ledger: Ledger

    def __init__(
        self, convolution: WeightRule, dense: WeightRule, *, first: WeightRule | None = None, epsilon: float = 0.0
    ) -> None:
        self._convolution, self._dense, self._first, self._epsilon = convolution, dense, first, epsilon
        self._at_image: frozenset[int] = frozenset()
        self._before: Mapping[str, int] = {}

    def bound(self, plan: Plan, images: Tensor) -> Relevance:  # noqa: D102
        rules = copy(self)
        rules.ledger = Ledger(len(images), images)
        rules._before = images_apart(plan.program)
        rules._at_image = _first_layers(plan)
        return rules

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:  # noqa: D102
        passes = rule.kind in _PASS and len(call.moving) == 1 and call.moving[0].shape == call.output.shape
        if passes or rectified(call):
            return _Pass()
        found = plain()
        inner = found.first if isinstance(found, Composite) else found
        output = call.output if isinstance(call.output, Tensor) else call.output[0]
        if isinstance(inner, _CARRIERS) and inner.constant is None:
            return found
        shares: Sequence[Share]
        layered = isinstance(inner, Convolution | Dense) or "batch_norm" in call.node.operation
        if layered and call.carries == (0,) and isinstance(inner, Convolution | Dense | Slope):
            own = Weighted(call.moving[0], output, inner.constant, inner)
            shares = self._rule(call, inner)(own)
        else:
            if not isinstance(call.output, Tensor) and not isinstance(found, Composite):
                return found  # several results that each are a part of the input
            shares = [Share(1.0, [(call.moving, inner)], output, inner.constant, self._epsilon)]
        made = _Shares(shares, self.ledger, self._before.get(call.node.name, 1))
        return Composite(made) if isinstance(found, Composite) else made

    def _rule(self, call: Call, layer: Layer) -> WeightRule:
        if self._first is not None and call.node.index in self._at_image:
            return self._first
        if isinstance(layer, Slope):
            return lambda own: [Share(1.0, [([own.x], own.layer)], own.z, own.bias, self._epsilon)]
        return self._dense if isinstance(layer, Dense) else self._convolution


def _first_layers(plan: Plan) -> frozenset[int]:
    """The layers with weights that nothing but such operations without weights as pads stands before."""
    behind: set[int] = set()
    found = set()
    for step in plan.steps:
        if not step.moves:
            continue
        later = any(index in behind for index in step.sources)
        if is_layer(step.node):
            behind.add(step.node.index)
            if not later:
                found.add(step.node.index)
        elif later:
            behind.add(step.node.index)
    return frozenset(found)


def is_layer(node: Node) -> bool:
    """Whether a node is a convolution or a dense layer."""
    return "conv" in node.operation or "linear" in node.operation.split(".")[1:2]

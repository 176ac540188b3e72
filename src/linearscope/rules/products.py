"""Products of two values of the image: one side is a gate, or each side gives half."""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from linearscope.program import Node, Program
from linearscope.rules.convolutions import added_product
from linearscope.rules.maps import FirstOrder, Lane, LinearMap, Operation, Product, Slope, align, unbroadcast
from linearscope.rules.registry import Call, first_order, place, register
from linearscope.rules.structure import Box, Shape, Structure, cut, pointwise

__all__ = ["gate_strength"]

aten = torch.ops.aten

# What makes a gate of the side of a product it stands on, and how strongly: of two, the stronger is the gate.
_GATES = {
    aten.sigmoid.default: 3, aten.hardsigmoid.default: 3, aten.softmax.int: 3, aten._softmax.default: 3,
    aten.rsqrt.default: 2, aten.reciprocal.default: 2, aten.exp.default: 2, aten.sqrt.default: 2,
    aten.linalg_vector_norm.default: 2, aten.norm.ScalarOpt_dim: 2, aten.var.correction: 2, aten.std.correction: 2,
    aten.tanh.default: 1, aten.erf.default: 1, aten.hardtanh.default: 1, aten.relu6.default: 1,
}  # fmt: skip

# What a gate may pass through on its way to the product: other shapes, other scales, constants added.
_PASSES = {
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.expand.default, aten.permute.default,
    aten.transpose.int, aten.unsqueeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.slice.Tensor,
    aten.select.int, aten.clone.default, aten.alias.default, aten.dropout.default, aten.repeat.default,
    aten._to_copy.default, aten.split.Tensor, aten.split_with_sizes.default, aten.unbind.int, aten.chunk.default,
    aten.upsample_nearest2d.vec, aten.upsample_bilinear2d.vec, aten.add.Tensor, aten.add.Scalar, aten.sub.Tensor,
    aten.sub.Scalar, aten.rsub.Scalar, aten.mul.Tensor, aten.mul.Scalar, aten.div.Tensor, aten.div.Scalar,
    aten.neg.default, aten.masked_fill.Scalar, aten.cat.default, aten.stack.default, aten.clamp_min.default,
    operator.getitem,
}  # fmt: skip


# What mixes the weights of an attention among its heads, or among places: still weights of an attention.
_MIXES = {aten.linear.default, aten.conv2d.default, aten.conv2d.padding, aten.matmul.default, aten.einsum.default}
_SOFTMAX = {aten.softmax.int, aten._softmax.default}


def gate_strength(program: Program, index: int) -> int:
    """How strongly the value of a node is a gate: 0 unless everything of the image in it comes from gates.

    3 for sigmoid, hard sigmoid and softmax, 2 for the deviations and norms of a normalisation written by hand and for
    exponentials, 1 for tanh, erf and clamps with two bounds. A gate stays one through other shapes, scales, constants
    added and, at a softmax, through a layer with constant weights that mixes the heads; a quotient is what its
    numerator is.
    """
    return _strength(program, index, {}, mixed=False)


def _strength(program: Program, index: int, known: dict[tuple[int, bool], int], mixed: bool) -> int:
    if (index, mixed) in known:
        return known[index, mixed]
    node = program.nodes[index]
    live = [i for i in node.inputs if program.nodes[i].live]
    result = 0
    if node.target in _GATES:
        result = _GATES[node.target] if not mixed or node.target in _SOFTMAX else 0
    elif node.target is aten.div.Tensor and place(node, "self") == 0 and node.inputs[0] in live:
        result = _strength(program, node.inputs[0], known, mixed)
    elif node.target in _MIXES and len(live) == 1:
        result = _strength(program, live[0], known, mixed=True)
    elif node.target in _PASSES and live:
        result = min(_strength(program, i, known, mixed) for i in live)
    known[index, mixed] = result
    return result


def _product_decisions(node: Node, program: Program) -> Collection[int]:
    live = [i for i, index in enumerate(node.inputs) if program.nodes[index].live]
    return _stronger(node, program, live)


def _stronger(node: Node, program: Program, live: Sequence[int]) -> Collection[int]:
    """Of two live inputs the one that is the stronger gate, if one is."""
    if len(live) != 2:
        return ()
    first, second = (gate_strength(program, node.inputs[i]) for i in live)
    return () if first == second else (live[0],) if first > second else (live[1],)


def _denominator(node: Node, program: Program) -> Collection[int]:
    over, under = place(node, "self"), place(node, "other")
    both = over >= 0 and under >= 0
    return (under,) if both and program.nodes[node.inputs[over]].live else ()


_WORDS = "the gate frozen; with no gate, half from each side"


class Elementwise(LinearMap):
    """Half of (or all of) ``a0 b`` plus half of (or all of) ``a b0``."""

    def __init__(self, a: Tensor, b: Tensor, weight: float, constant: Tensor | None = None) -> None:
        super().__init__(constant)
        self._factors, self._weight = (a, b), weight

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        a, b = self._factors
        dim = max(a.dim(), b.dim())
        parts = [
            align(lane, dim) * (other * self._weight)
            for lane, other in zip(lanes, (b, a), strict=True)
            if lane is not None
        ]
        if len(parts) == 2:
            return parts[0] + parts[1]
        return parts[0].expand(-1, *(a * b).shape)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        a, b = self._factors
        scaled = u * self._weight
        return [unbroadcast(scaled * b, a.shape), unbroadcast(scaled * a, b.shape)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        assert output is not None
        return [pointwise(shape, output) for shape in inputs]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        a, b = (cut(factor, output) for factor in self._factors)
        return Elementwise(a, b, self._weight)

    @property
    def nbytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in self._factors)


def _mul_taylor(call: Call) -> LinearMap:
    if len(call.carries) == 2:
        return Elementwise(call["self"], call["other"], 1.0, -call.output)
    return _mul(call)


@register(
    aten.mul.Tensor, aten.mul.Scalar, kind="product", frozen=_WORDS, smooth=_mul_taylor, decisions=_product_decisions
)
def _mul(call: Call) -> LinearMap:
    a, b = call["self"], call["other"]
    if len(call.carries) == 2:
        return Elementwise(a, b, 0.5)
    moving, still = (a, b) if call.carried("self") else (b, a)
    still = torch.as_tensor(still, dtype=call.output.dtype, device=call.output.device)
    return Slope(still, None, moving.shape, decision=bool(call.decided))


def _div_taylor(call: Call) -> LinearMap:
    return _div(call) if call.carries == (0,) else first_order(call)


@register(
    aten.div.Tensor, aten.div.Scalar,
    kind="quotient",
    frozen="the denominator frozen",
    smooth=_div_taylor,
    decisions=_denominator,
)  # fmt: skip
def _div(call: Call) -> LinearMap:
    if not call.carried("self"):
        return _reciprocal(call)
    below = torch.as_tensor(call["other"], dtype=call.output.dtype, device=call.output.device)
    return Slope(1 / below, None, call["self"].shape, decision=bool(call.decided))


def _reciprocal(call: Call) -> LinearMap:
    """A constant over x0, as h(x0)/x0."""
    x = call.moving[0]
    return Slope(call.output / x, None, x.shape)


class MatrixProduct(LinearMap):
    """``a @ b`` with one side moving and the other a decision or a weight."""

    def __init__(self, other: Tensor, left: bool, shape: Sequence[int], decision: bool) -> None:
        super().__init__()
        self._other, self._left, self._shape, self._decision = other, left, tuple(shape), decision

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        (lane,) = lanes
        assert lane is not None
        lane = align(lane, self._other.dim())
        return lane @ self._other if self._left else self._other @ lane

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        turned = self._other.transpose(-1, -2)
        return [unbroadcast(u @ turned if self._left else turned @ u, self._shape)]

    @property
    def nbytes(self) -> int:
        return self._other.numel() * self._other.element_size() if self._decision else 0


def _matmul_taylor(call: Call) -> LinearMap:
    if len(call.carries) > 1:
        return Product.of(call.function(), call.moving, call.output, taylor=True)
    return _matmul(call)


@register(
    aten.matmul.default, aten.bmm.default, aten.mm.default, aten.mv.default, aten.dot.default, aten.einsum.default,
    kind="product",
    frozen=_WORDS,
    smooth=_matmul_taylor,
    decisions=_product_decisions,
)  # fmt: skip
def _matmul(call: Call) -> LinearMap:
    if len(call.carries) > 1:
        return Product.of(call.function(), call.moving, call.output, taylor=False)
    if call.node.target is not aten.einsum.default and all(v.dim() >= 2 for v in call.inputs):
        (moving,) = call.carries
        return MatrixProduct(call.inputs[1 - moving], moving == 0, call.inputs[moving].shape, bool(call.decided))
    return Operation(call.function(), call.moving, None, call.decided)


def _attention_decisions(node: Node, program: Program) -> Collection[int]:
    value = place(node, "value")
    return [i for i in range(len(node.inputs)) if i != value]


def _attention_weights(call: Call, q: Tensor, k: Tensor) -> Tensor:
    scale = call["scale"] if call["scale"] is not None else q.shape[-1] ** -0.5
    scores = q @ k.transpose(-1, -2) * scale
    mask = call["attn_mask"]
    if call["is_causal"]:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return torch.softmax(scores, -1)


def _attention_taylor(call: Call) -> LinearMap:
    """The expansion in whichever of query, key and value depend on the image; written out, because the fused
    operation has no second derivative."""
    places = [place(call.node, name) for name in ("query", "key", "value")]
    given = [call.inputs[i] for i in places]
    slots = [call.carries.index(i) if i in call.carries else None for i in places]

    def attention(*moving: Tensor) -> Tensor:
        q, k, v = (g if slot is None else moving[slot] for g, slot in zip(given, slots, strict=True))
        return _attention_weights(call, q, k) @ v

    return FirstOrder(attention, call.moving, call.output)


@register(
    aten.scaled_dot_product_attention.default,
    kind="attention",
    frozen="softmax(q0 k0^T) frozen, values move",
    smooth=_attention_taylor,
    decisions=_attention_decisions,
)  # fmt: skip
def _attention(call: Call) -> LinearMap:
    value = call["value"]
    weights = _attention_weights(call, call["query"], call["key"])
    return MatrixProduct(weights, False, value.shape, True)


def _added(call: Call, taylor: bool) -> LinearMap:
    beta = call["beta"] if "addcmul" not in call.node.operation else 1

    def term(value: Tensor) -> Tensor:
        return value * beta

    return added_product(call, call.function(zero=("self",)), "self", term, taylor)


def _added_taylor(call: Call) -> LinearMap:
    return _added(call, taylor=True)


def _factor_decisions(node: Node, program: Program) -> Collection[int]:
    """As for a product, the term that is added left aside."""
    term = place(node, "self")
    live = [i for i, index in enumerate(node.inputs) if i != term and program.nodes[index].live]
    return _stronger(node, program, live)


@register(
    aten.addmm.default, aten.baddbmm.default, aten.addcmul.default,
    kind="product",
    frozen=_WORDS,
    constant="the term added, when it is no lane",
    smooth=_added_taylor,
    decisions=_factor_decisions,
)  # fmt: skip
def _added_freeze(call: Call) -> LinearMap:
    return _added(call, taylor=False)

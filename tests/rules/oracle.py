"""The slow, dense way to everything a rule claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from linearscope.program import Node
from linearscope.program.program import Ref, references, substitute
from linearscope.rules import Call, LinearMap, find

aten = torch.ops.aten

__all__ = ["Case", "apply", "dense", "entries", "jacobians", "make_call", "transposed"]


# Operations that autograd does not follow, and others that make the same numbers.
_STAND_INS: dict[Any, Callable[..., Any]] = {
    aten.detach.default: torch.clone,
    aten.copy.default: lambda self, src: src.expand(self.shape) + 0 * self,
    aten.fill.Tensor: lambda self, value: value.expand(self.shape) + 0 * self,
}


@dataclass(frozen=True)
class Case:
    """One call of an operation: its arguments, and which of the tensors among them carry lanes (by place).

    ``freezes`` is off where frozen lanes never arrive on all these sides: one of them is a decision.
    """

    target: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    carries: tuple[int, ...] = (0,)
    freezes: bool = True

    def __str__(self) -> str:
        shapes = ",".join("x".join(map(str, t.shape)) or "0d" for t in self.tensors)
        mark = "" if self.carries == (0,) else "-carries" + "".join(map(str, self.carries))
        return f"{str(self.target).removeprefix('aten.')}-{shapes}{mark}"

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors among the arguments, in order."""
        found: list[Tensor] = []
        _number((self.args, self.kwargs), found)
        return found

    def function(self) -> Callable[..., Tensor]:
        """The operation as a function of the tensors that carry lanes; of several results, the real ones."""
        found: list[Tensor] = []
        args, kwargs = _number((self.args, self.kwargs), found)

        target = _STAND_INS.get(self.target, self.target)

        def run(*moving: Tensor) -> Tensor:
            values = list(found)
            for place, value in zip(self.carries, moving, strict=True):
                values[place] = value
            return _flat(target(*substitute(args, values.__getitem__), **substitute(kwargs, values.__getitem__)))

        return run


def _number(value: Any, found: list[Tensor]) -> Any:
    if isinstance(value, Tensor):
        found.append(value)
        return Ref(len(found) - 1)
    if isinstance(value, (tuple, list)):
        return type(value)(_number(item, found) for item in value)
    if isinstance(value, dict):
        return {key: _number(item, found) for key, item in value.items()}
    return value


def _flat(result: Any) -> Tensor:
    if isinstance(result, Tensor):
        return result.flatten()
    return torch.cat([part.flatten() for part in _kept(result)])


def _kept(result: Any) -> list[Tensor]:
    """The results that carry lanes: all pieces of a split; the first of an operation that also returns statistics."""
    several = isinstance(result, list) or len(result) == 2
    return list(result) if several and all(part.is_floating_point() for part in result) else [result[0]]


def make_call(case: Case) -> Call:
    """What a rule is given for ``case``."""
    found: list[Tensor] = []
    args, kwargs = _number((case.args, case.kwargs), found)
    values = {ref.index: found[ref.index] for ref in references((args, kwargs))}
    output = case.target(*case.args, **case.kwargs)
    shape, dtype = (output.shape, output.dtype) if isinstance(output, Tensor) else (None, None)
    node = Node(9, "node", "call", case.target, args, kwargs, "", (), True, shape, dtype)
    return Call(node, [values[i] for i in node.inputs], case.carries, case.carries, output)


def frozen(case: Case, interpretation: str = "freeze") -> LinearMap:
    """The map of ``case``."""
    rule = find(case.target)
    assert rule is not None, f"no rule for {case.target}"
    return rule.maker(interpretation)(make_call(case))


def apply(linear: LinearMap, lanes: Sequence[Tensor | None], reuse: bool = False) -> Tensor:
    """Lanes through the map, one row of numbers a lane."""
    result = linear.forward(lanes, reuse)
    if isinstance(result, Tensor):
        return result.reshape(result.shape[0], -1)
    return torch.cat([part.reshape(part.shape[0], -1) for part in result if part is not None], 1)


def dense(linear: LinearMap, moving: Sequence[Tensor]) -> list[Tensor]:
    """The matrix of the map for every input that carries lanes, column by column."""
    matrices = []
    for i, value in enumerate(moving):
        lanes: list[Tensor | None] = [None] * len(moving)
        lanes[i] = torch.eye(value.numel(), dtype=value.dtype).reshape(-1, *value.shape)
        matrices.append(apply(linear, lanes).T)
    return matrices


def transposed(linear: LinearMap, call: Call, moving: Sequence[Tensor]) -> list[Tensor]:
    """The matrix of the transpose for every input that carries lanes."""
    output = call.output if isinstance(call.output, Tensor) else _kept(call.output)
    size = output.numel() if isinstance(output, Tensor) else sum(part.numel() for part in output)
    eye = torch.eye(size, dtype=moving[0].dtype)
    u: Any
    if isinstance(output, Tensor):
        u = eye.reshape(-1, *output.shape)
    else:
        pieces = eye.split([part.numel() for part in output], 1)
        u = [piece.reshape(-1, *part.shape) for piece, part in zip(pieces, output, strict=True)]
    back = linear.transpose(u)
    return [
        torch.zeros(value.numel(), size, dtype=value.dtype) if part is None else part.reshape(size, -1).T
        for part, value in zip(back, moving, strict=True)
    ]


def entries(constant: Any, output: Any) -> Tensor:
    """The constant of a map, broadcast to its output and laid out flat."""
    if isinstance(output, Tensor):
        zero = torch.zeros_like(output)
        return (zero if constant is None else zero + constant).flatten()
    kept = _kept(output)
    constants = constant if isinstance(constant, tuple) else (None,) * len(kept)
    return torch.cat([entries(c, part) for c, part in zip(constants, kept, strict=False)])


def jacobians(case: Case) -> list[Tensor]:
    """Derivative of the operation in every tensor that carries lanes, by autograd, as matrices."""
    moving = tuple(case.tensors[i] for i in case.carries)
    found = torch.autograd.functional.jacobian(case.function(), moving)
    return [part.reshape(part.shape[0], -1) for part in found]

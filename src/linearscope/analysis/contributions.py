"""Contributions: the score as a sum of one share of the input and one of every constant in the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor

from linearscope.analysis.targets import Target, flat_targets, is_one
from linearscope.errors import CertificateError
from linearscope.interpreter import LinearInterpreter, Visit

__all__ = ["Contributions", "contributions", "each_constant", "share"]


@dataclass(frozen=True)
class Contributions:
    """What made one output.

    Attributes
    ----------
    target
        Flat index of the output.
    score
        The output.
    input
        Share of the input, (F x0) at the target.
    layers
        Share of every constant (biases, norm shifts, clamp bounds, Taylor remainders) by the name of its node, in order
        of depth. For an interpreter made by :meth:`LinearInterpreter.at` also what runs past the layer.
    error
        How far the shares are from summing to the score, relative to the largest of them.
    """

    target: int
    score: float
    input: float
    layers: Mapping[str, float]
    error: float

    @property
    def residual(self) -> float:
        """Share of all constants together: r at the target."""
        return sum(self.layers.values())

    @property
    def residual_ratio(self) -> float:
        """r / y: the residual as a signed fraction of the score; may be negative or above 1."""
        return self.residual / self.score if self.score else float("nan")

    @property
    def residual_share(self) -> float:
        """abs(r) / (abs(r) + abs(F x0)): the residual's part between 0 and 1."""
        total = abs(self.residual) + abs(self.input)
        return abs(self.residual) / total if total else float("nan")

    def grouped(self, depth: int = 1) -> dict[str, float]:
        """Shares summed over layers with the same first ``depth`` parts of their path."""
        groups: dict[str, float] = {}
        for name, value in self.layers.items():
            group = ".".join(name.split("#")[0].split(".")[:depth])
            groups[group] = groups.get(group, 0.0) + value
        return groups


@overload
def contributions(it: LinearInterpreter, target: Target) -> Contributions: ...
@overload
def contributions(it: LinearInterpreter, target: list[Target] | list[int]) -> list[Contributions]: ...
def contributions(
    it: LinearInterpreter, target: Target | list[Target] | list[int]
) -> Contributions | list[Contributions]:
    """Split an output into the input's share and every constant's, in one backward sweep.

    Parameters
    ----------
    it
        The interpreter.
    target
        An output: a flat index or an index tuple; or a list of them, all done together.

    Returns
    -------
    Contributions, or a list of them for a list.

    Raises
    ------
    InputError
        When there is no such output.
    CertificateError
        When the shares do not sum to the score to within rounding.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))
    >>> it = ls.interpret(model.double(), torch.rand(1, 3, 2, 2, dtype=torch.float64))
    >>> c = ls.contributions(it, 3)
    >>> list(c.layers)
    ['1', '3']
    >>> abs(c.input + sum(c.layers.values()) - c.score) < 1e-12
    True

    Source: Navarrete Michelini et al. 2019, Theorem 1 (eq. 8), Fig. 4; on any graph the share of a
    constant is <dy/d(node), constant>.
    """
    flat = flat_targets(it, target)
    swept = it.in_batches(len(flat), lambda start, end: _sweep(it, flat[start:end]))
    done = [one for batch in swept for one in batch]
    return done[0] if is_one(target) else done


def share(u: Tensor, constant: Tensor) -> Tensor:
    """<u, constant> for every lane: ``(P, *shape)`` and a tensor that broadcasts to ``shape`` give ``(P,)``."""
    while constant.dim() < u.dim() - 1:
        constant = constant.unsqueeze(0)
    summed = [axis + 1 for axis, size in enumerate(constant.shape) if size == 1]
    u = u.sum(summed, keepdim=True) if summed else u
    return u.reshape(len(u), -1).double() @ constant.flatten().double()


def each_constant(it: LinearInterpreter, add: Callable[[str, Tensor, Tensor], None]) -> Callable[[Visit], None]:
    """Make a visitor for :meth:`LinearInterpreter.walk` that calls ``add`` for every constant that is met.

    ``add`` is given the name of the constant's node, the lanes ``(P, *shape)`` that came back to it, and the constant,
    which broadcasts to ``shape``.
    """

    def visit(at: Visit) -> None:
        name = at.step.node.name
        if at.step.bypass and at.step.node.index != it.plan.source:
            add(name, at.u, at.value)
        elif at.map is not None:
            constant = at.map.constant
            constants = constant if isinstance(constant, tuple) else (constant,)
            lanes = at.u if isinstance(at.u, list) else [at.u]
            for u, c in zip(lanes, constants, strict=False):
                if u is not None and c is not None:
                    add(name, u, c)

    return visit


def _sweep(it: LinearInterpreter, flat: Sequence[int]) -> list[Contributions]:
    found: dict[str, Tensor] = {}

    def add(name: str, u: Tensor, constant: Tensor) -> None:
        found[name] = found.get(name, 0) + share(u, constant)

    visit = each_constant(it, add)
    gradient = it.walk(it.impulses(list(flat)), visit)
    inputs = share(gradient.reshape(len(flat), *it.point.shape), it.point)
    scores = it.output.flatten()[list(flat)].double()
    if not it.plan.reaches:
        found["output"] = scores
    places = {node.name: node.index for node in it.program.nodes}
    names = sorted(found, key=lambda name: places.get(name, len(places)))
    table = torch.stack([inputs, *(found[name] for name in names)]).cpu()
    results = []
    for column, (target, score) in enumerate(zip(flat, scores.tolist(), strict=True)):
        values = table[:, column].tolist()
        largest = max(map(abs, [score, *values])) or 1.0
        error = abs(sum(values) - score) / largest
        if not error <= it.certificate.tolerance:
            raise CertificateError(
                f"The shares of output {target} miss its score by {error:.1e} of the largest; please report the model."
            )
        results.append(Contributions(target, score, values[0], dict(zip(names, values[1:], strict=True)), error))
    return results

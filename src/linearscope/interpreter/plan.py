"""Which nodes of a Program carry lanes from a source to the output, worked out once for an interpreter."""

from __future__ import annotations

import operator
from collections.abc import Collection
from dataclasses import dataclass
from math import prod

import torch

from linearscope.errors import InputError, UnsupportedOperationError
from linearscope.program import Node, Program
from linearscope.rules import Rule, find

__all__ = ["INTERPRETATIONS", "Plan", "Step"]

INTERPRETATIONS = ("freeze", "freeze-deviation", "taylor")


@dataclass(frozen=True)
class Step:
    """A live node: its value is computed on the image, and lanes pass through it when it has a rule or is a getitem.

    Attributes
    ----------
    node
        The node.
    rule
        Its rule, when lanes pass through it.
    carries
        Places among the node's inputs that carry lanes.
    sources
        The nodes at these places.
    moves
        Whether lanes pass through.
    bypass
        Whether it stands beside the source and feeds a step that moves: a constant of the map.
    """

    node: Node
    rule: Rule | None
    carries: tuple[int, ...]
    sources: tuple[int, ...]
    moves: bool
    bypass: bool


class Plan:
    """The steps of an interpreter in order, with the last use of every value and every lane.

    Raises
    ------
    UnsupportedOperationError
        When lanes meet an operation for which there is no rule.
    """

    def __init__(self, program: Program, interpretation: str, source: int) -> None:
        if interpretation not in INTERPRETATIONS:
            raise InputError(
                f"There is no interpretation {interpretation!r}; there are {', '.join(map(repr, INTERPRETATIONS))}."
            )
        self.program, self.interpretation, self.source = program, interpretation, source
        needed = program.last_uses()
        live = [node for node in program.nodes if node.live and node.index in needed]
        decided: set[int] = set()
        for node in live:
            of_decisions = node.kind == "call" and all(i in decided for i in node.inputs if program.nodes[i].live)
            if of_decisions or not _continuous(node):
                decided.add(node.index)
        carries = {node.index: self._carries(node, decided) for node in live}

        ahead = {source}
        for node in live:
            if any(node.inputs[i] in ahead for i in carries[node.index]):
                ahead.add(node.index)
        moving = {program.output}
        for node in reversed(live):
            if node.index in moving and node.index != source:
                moving.update(node.inputs[i] for i in carries[node.index] if node.inputs[i] in ahead)
        moving &= ahead

        self.steps: list[Step] = []
        bypass = {
            node.inputs[i]
            for node in live
            if node.index in moving and node.index != source
            for i in carries[node.index]
            if node.inputs[i] not in moving
        }
        for node in live:
            moves = node.index in moving and node.index != source
            rule = self._rule(node) if moves and node.target is not operator.getitem else None
            places = carries[node.index] if moves else ()
            self.steps.append(
                Step(node, rule, places, tuple(node.inputs[i] for i in places), moves, node.index in bypass)
            )
        self.value_last = {i: last for i, last in needed.items() if program.nodes[i].live}
        self.lane_last: dict[int, int] = {program.output: program.output}
        for step in reversed(self.steps):
            for index in step.sources:
                self.lane_last.setdefault(index, step.node.index)
        self.reaches = program.output in moving
        #: Every type of number that values of the image are kept in: the coarsest bounds what can be exact.
        self.dtypes = {node.dtype for node in live if node.dtype is not None and node.dtype.is_floating_point}

    def _carries(self, node: Node, decided: Collection[int]) -> tuple[int, ...]:
        program = self.program
        rule = find(node.target)
        frozen = rule.decisions(node, program) if rule and self.interpretation != "taylor" else ()
        if node.kind != "call" or node.index in decided:
            return ()
        return tuple(
            i
            for i, index in enumerate(node.inputs)
            if i not in frozen and program.nodes[index].live and index not in decided
        )

    def _rule(self, node: Node) -> Rule:
        rule = find(node.target)
        if rule is None:
            shapes = ", ".join(str(self.program.nodes[i].shape) for i in node.inputs)
            raise UnsupportedOperationError(
                f"There is no rule for {node.operation} in layer {node.name!r} (inputs of shape {shapes}); register "
                f"one with @linearscope.rules.register(torch.ops.{node.operation}, kind=..., frozen=...)."
            )
        return rule

    def lane_bytes(self) -> int:
        """Most bytes that one lane holds at a time on its way through, intermediate results included."""
        size = torch.empty((), dtype=self.program.dtype).element_size()
        held: dict[int, int] = {self.source: prod(self.program.nodes[self.source].shape or ())}
        most = sum(held.values())
        for step in self.steps:
            if not step.moves:
                continue
            held[step.node.index] = prod(step.node.shape or ())
            most = max(most, sum(held.values()))
            for index in set(step.sources):
                if self.lane_last.get(index) == step.node.index:
                    held.pop(index, None)
        return 2 * size * most


def _continuous(node: Node) -> bool:
    """Whether a value can carry lanes: integers and booleans made from the image are decisions, and so is what they
    alone make."""
    return node.dtype is None or node.dtype.is_floating_point or node.dtype.is_complex

"""One engine for all methods: a Program runs on the images, and a signal goes back under a set of rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.backward_rules import BackwardRules
from linearscope.interpreter import Visit
from linearscope.interpreter.engine import Item, freeze, make_call, walk_back
from linearscope.interpreter.plan import Plan
from linearscope.program.program import execute

__all__ = ["Back", "at_targets", "go_back"]

aten = torch.ops.aten

#: Operations whose value lies in memory of its own and is kept by none of their maps.
_OWN_MEMORY: Final = {
    aten.conv1d.default, aten.conv2d.default, aten.conv3d.default, aten.linear.default, aten.add.Tensor,
}  # fmt: skip


@dataclass(frozen=True)
class Back:
    """What a signal became on its way back.

    Attributes
    ----------
    values
        ``(B, *shape)`` at the source: the image, or a layer's output.
    point
        The source's own value.
    output
        The Program's output.
    rules
        The rules as they were used, with what they noted down.
    """

    values: Tensor
    point: Tensor
    output: Tensor
    rules: BackwardRules

    def scores(self, targets: Tensor) -> Tensor:
        """Outputs at flat indices, one an image: ``(B,)`` in double precision."""
        return at_targets(self.output, targets)


def at_targets(output: Tensor, targets: Tensor) -> Tensor:
    """The score of each image, ``(B,)`` in double precision."""
    return output.reshape(len(targets), -1).gather(1, targets.to(output.device).unsqueeze(1)).squeeze(1).double()


def go_back(
    plan: Plan,
    images: Tensor,
    start: Callable[[Tensor], Tensor],
    rules: BackwardRules,
    visit: Callable[[Visit], Tensor | None] | None = None,
) -> Back:
    """Run a Program on images and take a signal from its output back to the source of ``plan``.

    Parameters
    ----------
    plan
        Its steps.
    images
        ``(B, C, H, W)``.
    start
        Makes the signal, in the shape of the output, from the output.
    rules
        What happens to the signal at each node.
    visit
        Sees every node the signal comes to, as in :meth:`LinearInterpreter.walk`.
    """
    with torch.no_grad():
        rules = rules.bound(plan, images)
        items = list(_forward(plan, images, rules))
        point, output = (_value(items, plan, index) for index in (plan.source, plan.program.output))
        signal = start(output).unsqueeze(0)
        back = walk_back(plan, _taken(items), signal, visit)
    values = torch.zeros_like(point) if back is None else back.reshape(point.shape)
    return Back(values, point, output, rules)


def _forward(plan: Plan, images: Tensor, rules: BackwardRules) -> Iterator[Item]:
    values: dict[int, Any] = {}
    constants = plan.program.constants

    def lookup(index: int) -> Any:
        return values[index] if index in values else constants[index]

    kept = {plan.source, plan.program.output}
    over = _overwriting(plan) if rules.overwrites else set()
    for step in plan.steps:
        node = step.node
        if node.index in over:
            values[node.index] = aten.relu_.default(values[node.inputs[0]])
        else:
            values[node.index] = images if node.kind == "image" else execute(node, lookup)
        value = values[node.index]
        found = None
        if step.rule is not None:
            call = make_call(plan, step, lookup)
            found = rules.map(call, step.rule, lambda call=call, step=step: freeze(plan, step, call))  # type: ignore[misc]
        yield Item(step, found, value if step.bypass or node.index in kept else None)
        for index in set(node.inputs):
            if plan.value_last.get(index) == node.index:
                values.pop(index, None)


def _overwriting(plan: Plan) -> set[int]:
    """The rectifiers that alone take a value which a layer made in memory of its own: they need no other."""
    nodes = plan.program.nodes
    uses = Counter(index for step in plan.steps for index in step.node.inputs)
    kept = {step.node.index for step in plan.steps if step.bypass} | {plan.source, plan.program.output}
    return {
        step.node.index
        for step in plan.steps
        if step.node.target is aten.relu.default
        and nodes[step.node.inputs[0]].target in _OWN_MEMORY
        and uses[step.node.inputs[0]] == 1
        and step.node.inputs[0] not in kept
    }


def _value(items: list[Item], plan: Plan, index: int) -> Tensor:
    found: Tensor = next(item.value for item in items if item.step.node.index == index)
    return found


def _taken(items: list[Item]) -> Iterator[Item]:
    """Items from the last to the first, each let go of when the next is asked for."""
    while items:
        yield items.pop()

"""DeepLIFT: what the difference from a baseline is worth, by the rescale rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.affine import is_affine
from linearscope.attribution.backward_rules import BackwardRules
from linearscope.attribution.copies import alterable, reference
from linearscope.attribution.engine import at_targets
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.errors import InputError
from linearscope.interpreter.engine import freeze, make_call
from linearscope.interpreter.plan import Plan, Step
from linearscope.program import Node
from linearscope.rules import Call, LinearMap, Rule
from linearscope.rules.maps import Branch, Lane, Slope

__all__: list[str] = []

aten = torch.ops.aten

#: Differences no larger than this count as none, and the derivative takes the place of the quotient.
SMALL: Final = 1e-10
_MAXIMA: Final = {aten.amax.default, aten.max.default, aten.max.dim}
_CHOICES: Final = {
    aten.where.self, aten.where.ScalarSelf, aten.where.ScalarOther, aten.masked_fill.Scalar, aten.masked_fill.Tensor,
}  # fmt: skip


class _Rescale(BackwardRules):
    """Affine nodes as they are; a unit by its difference quotient between the baseline and the image.

    Of a maximum, what the larger of its two values has above the baseline's goes to the place chosen on the image, and
    what the image's value lacks of it to the place chosen on the baseline, so that nothing is lost.

    Source: Shrikumar et al., 2017.
    """

    def __init__(self, baseline: Tensor, plan: Plan | None = None) -> None:
        self._baseline, self._plan = baseline, plan
        self._steps: dict[int, Step] = {}
        self._held: Mapping[int, Any] = {}

    def bound(self, plan: Plan, images: Tensor) -> BackwardRules:
        found = _Rescale(self._baseline, plan)
        found._steps = {step.node.index: step for step in plan.steps if step.rule is not None}
        units = [step for step in found._steps.values() if _may_be_unit(step, plan)]
        wanted = {index for step in units for index in (step.node.index, *step.node.inputs)}
        held: dict[int, Any] = {}

        def keep(node: Node, value: Any) -> None:
            if node.index in wanted:
                held[node.index] = value

        plan.program.run(self._baseline, keep)
        found._held = held
        return found

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:
        own = plain()
        if is_affine(call, rule):
            return own
        node = call.node
        if len(call.carries) == 1:
            before, after = (self._held[i] for i in (node.inputs[call.carries[0]], node.index))
            moved = call.moving[0] - before
            if rule.kind == "max_pool" or node.target in _MAXIMA:
                return _Maximum(own, self._on_baseline(node), moved, call.output, after)
            pointwise = isinstance(own, Slope | Branch) or node.target in _CHOICES
            if pointwise and isinstance(call.output, Tensor) and moved.shape == call.output.shape:
                change = call.output - after
                if len(call.live) == 1 or not bool(((moved.abs() <= SMALL) & (change.abs() > SMALL)).any()):
                    return _Quotient(own, moved, change)
        raise InputError(
            f"DeepLIFT says nothing about {node.operation} in {node.name!r}, where more than one value decides; choose "
            "integrated-gradients, which works on every model."
        )

    def _on_baseline(self, node: Node) -> LinearMap:
        assert self._plan is not None
        constants = self._plan.program.constants
        step = self._steps[node.index]
        return freeze(
            self._plan, step, make_call(self._plan, step, lambda i: self._held[i] if i in self._held else constants[i])
        )


def _may_be_unit(step: Step, plan: Plan) -> bool:
    assert step.rule is not None
    live = sum(plan.program.nodes[index].live for index in step.node.inputs)
    return step.rule.kind not in ("linear", "sampling") or live != len(step.carries)


class _Quotient(LinearMap):
    def __init__(self, own: LinearMap, moved: Tensor, change: Tensor) -> None:
        super().__init__()
        self._own, self._still = own, moved.abs() <= SMALL
        self._ratio = change / torch.where(self._still, 1.0, moved)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        (derivative,) = self._own.transpose(u)
        assert derivative is not None
        return [torch.where(self._still, derivative, u * self._ratio)]


class _Maximum(LinearMap):
    def __init__(self, own: LinearMap, other: LinearMap, moved: Tensor, output: Any, before: Any) -> None:
        super().__init__()
        self._maps, self._moved = (own, other), moved
        value, reference = (part if isinstance(part, Tensor) else part[0] for part in (output, before))
        larger = torch.maximum(value, reference)
        self._parts = larger - reference, value - larger

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        first = u if isinstance(u, Tensor) else u[0]
        signals = (first, *(first * part for part in self._parts))
        derivative, above, lacking = (
            one.transpose(signal if isinstance(u, Tensor) else [signal])[0]
            for one, signal in zip((self._maps[0], *self._maps), signals, strict=True)
        )
        assert derivative is not None
        assert above is not None
        assert lacking is not None
        still = self._moved.abs() <= SMALL
        return [torch.where(still, derivative, (above + lacking) / torch.where(still, 1.0, self._moved))]


@register_method(
    "deep-lift", "DeepLIFT, rescale rule", "Shrikumar et al., 2017", family="relevance", heatmap="positive",
    baseline="a number, (1, C, 1, 1) or (1, C, H, W), in the model's units",
)  # fmt: skip
def _deep_lift(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, baseline: float | Tensor = 0.0
) -> Made:  # fmt: skip
    alterable(explainer)
    start = reference(images, baseline).contiguous()
    back = explainer.back(images, targets, _Rescale(start))
    values = back.values * (images - start)
    scores, before = (at_targets(output, targets) for output in (back.output, explainer.program(start)))
    found = values.flatten(1).sum(1, dtype=torch.float64)
    name = "the values sum to the score less the baseline's score"
    check = Check.of(name, scores - before, found, torch.maximum(scores.abs(), before.abs()))
    return Made(values, check=check, scores=scores)

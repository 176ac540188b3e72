"""DeepLIFT: what the difference from a baseline is worth, by the rescale rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.affine import is_affine
from linearscope.attribution.backward_rules import BackwardRules
from linearscope.attribution.copies import alterable, reference
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.errors import InputError
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


class _Units(BackwardRules):
    """The derivative; what every unit takes, gives and is on the baseline is noted down."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[Tensor, Any, LinearMap]] = {}

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:
        own = plain()
        if len(call.carries) == 1 and not is_affine(call, rule):
            self.held[call.node.index] = call.moving[0], call.output, own
        return own


class _Rescale(BackwardRules):
    """Affine nodes as they are; a unit by its difference quotient between the baseline and the image.

    Of a maximum, what the larger of its two values has above the baseline's goes to the place chosen on the image, and
    what the image's value lacks of it to the place chosen on the baseline, so that nothing is lost.

    Source: Shrikumar et al., 2017.
    """

    def __init__(self, baseline: Mapping[int, tuple[Tensor, Any, LinearMap]]) -> None:
        self._baseline = baseline

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:
        own = plain()
        if is_affine(call, rule):
            return own
        node = call.node
        if len(call.carries) == 1:
            before, after, other = self._baseline[node.index]
            moved = call.moving[0] - before
            if rule.kind == "max_pool" or node.target in _MAXIMA:
                return _Maximum(own, other, moved, call.output, after)
            pointwise = isinstance(own, Slope | Branch) or node.target in _CHOICES
            if pointwise and isinstance(call.output, Tensor) and moved.shape == call.output.shape:
                change = call.output - after
                if len(call.live) == 1 or not bool(((moved.abs() <= SMALL) & (change.abs() > SMALL)).any()):
                    return _Quotient(own, moved, change)
        raise InputError(
            f"DeepLIFT says nothing about {node.operation} in {node.name!r}, where values of the image act on each "
            "other; choose integrated-gradients, which works on every model."
        )


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
    units = _Units()
    before = explainer.back(start, targets, units).scores(targets)
    back = explainer.back(images, targets, _Rescale(units.held))
    values = back.values * (images - start)
    scores = back.scores(targets)
    found = values.flatten(1).sum(1, dtype=torch.float64)
    name = "the values sum to the score less the baseline's score"
    check = Check.of(name, scores - before, found, torch.maximum(scores.abs(), before.abs()))
    return Made(values, check=check, scores=scores)

"""How a signal goes back through each kind of node: the small sets of rules that make the gradient-like methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.interpreter.plan import Plan
from linearscope.rules import Call, LinearMap, Rule
from linearscope.rules.convolutions import Convolution
from linearscope.rules.maps import Lane

__all__ = ["DECONVNET", "GRADIENT", "GUIDED", "BackwardRules", "Rectified", "Resampled", "rectified", "rectifies"]

aten = torch.ops.aten

#: Kinds of unit that let a positive value through and hold a negative one back, wholly or in part.
RECTIFIERS: Final = (
    "relu", "leaky_relu", "rrelu", "prelu", "silu", "gelu", "mish", "hardswish", "elu", "selu", "celu", "softplus",
)  # fmt: skip
#: Bounded units, and the argument that is a rectifier's when it is zero.
_BOUNDED: Final = {
    aten.clamp.default: "min", aten.clamp_min.default: "min", aten.hardtanh.default: "min_val",
    aten.threshold.default: "threshold",
}  # fmt: skip
#: Operations that are a rectifier when their value is one: a choice between x and nothing.
_CHOICES: Final = {
    aten.clamp.Tensor, aten.clamp_min.Tensor, aten.maximum.default, aten.where.self, aten.where.ScalarOther,
    aten.where.ScalarSelf, aten.masked_fill.Scalar, aten.masked_fill.Tensor, aten.mul.Tensor,
}  # fmt: skip


class BackwardRules:
    """What a method does at each kind of node: here nothing but the derivative.

    A subclass overrides :meth:`map`, which gives for a node the map whose ``transpose`` takes the signal back.

    Attributes
    ----------
    interpretation
        Which map of each node is the starting point: ``"taylor"`` (the derivative) or ``"freeze"``.
    of_scores
        Whether the signal starts as the score itself and not as 1.
    overwrites
        Whether a rectifier may write over its input, because no map keeps the input of a rectifier.
    """

    interpretation = "taylor"
    of_scores = False
    overwrites = False

    def bound(self, plan: Plan, images: Tensor) -> BackwardRules:
        """The rules for one walk, with what they need to know of the Program and what they note down on the way."""
        return self

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:
        """The map whose transpose takes the signal back through one node.

        Parameters
        ----------
        call
            The node on the image.
        rule
            Its entry in the table of rules.
        plain
            Makes the node's own map under :attr:`interpretation`.
        """
        if call.node.target is aten.relu.default:
            return Gate(call.output)
        return plain()


class _Gradient(BackwardRules):
    overwrites = True


class Gate(LinearMap):
    """Lets a signal pass where a rectifier's ``output`` is above zero; in one sweep through memory."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self._output = output

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        output = self._output.expand_as(u)
        if reuse:
            return [aten.threshold_backward.grad_input(u, output, 0, grad_input=u)]
        return [aten.threshold_backward(u, output, 0)]


class _Positive(LinearMap):
    """Lets the positive part of a signal pass, then what ``before`` lets pass of it (all, where it is ``None``)."""

    def __init__(self, before: LinearMap | None) -> None:
        super().__init__()
        self._before = before

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        positive = u.clamp_min_(0) if reuse else u.clamp_min(0)
        return [positive] if self._before is None else self._before.transpose(positive, True)


def rectifies(call: Call, rule: Rule) -> bool:
    """Whether a node is a rectifier on this image, however the model wrote it.

    ``nn.ReLU``, ``F.relu`` and ``x.relu_()`` are one operation in a Program. A clamp, a maximum, a choice or a product
    with a mask is one when its value is that of a rectifier: x where x is positive (up to a bound), else 0.
    """
    target = call.node.target
    if rule.kind in RECTIFIERS or target is aten.relu6.default:
        return True
    if target in _BOUNDED:
        low = call[_BOUNDED[target]]
        return low is not None and low == 0 and (target is not aten.threshold.default or call["value"] == 0)
    # Where nothing is negative the value does not tell whether a choice was meant.
    return rectified(call) and (target is aten.maximum.default or bool((call.moving[0] < 0).any()))


def rectified(call: Call) -> bool:
    """Whether a choice between values, or a product with a mask, gave what a rectifier gives."""
    if call.node.target not in _CHOICES or len(call.carries) != 1:
        return False
    (x,) = call.moving
    return x.shape == call.output.shape and torch.equal(call.output, x.clamp_min(0))


class Rectified(BackwardRules):
    """Signals that go back are rectified too.

    Parameters
    ----------
    forward
        Whether the switches of the image act as well: guided backpropagation; otherwise the DeconvNet, whose backward
        rectifier replaces them.

    Source: Zeiler and Fergus, 2014 (DeconvNet); Springenberg et al., 2015 (guided backpropagation).
    """

    overwrites = True

    def __init__(self, forward: bool) -> None:
        self._forward = forward

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:  # noqa: D102
        if not rectifies(call, rule):
            return plain()
        return _Positive(super().map(call, rule, plain) if self._forward else None)


class Resampled(BackwardRules):
    """Another set of rules, without the grid that strided convolutions leave in what goes back.

    The signal at the output of a strided convolution is enlarged by its nearest neighbours to the size that the same
    kernel, pads and dilation give at stride 1, and goes back through that.

    Source: Oramas et al., 2019; per axis, from the layer's own input size and the pads of both ends.
    """

    def __init__(self, rules: BackwardRules) -> None:
        self._rules = rules
        self.interpretation, self.overwrites = rules.interpretation, rules.overwrites

    def bound(self, plan: Plan, images: Tensor) -> BackwardRules:  # noqa: D102
        return Resampled(self._rules.bound(plan, images))

    def map(self, call: Call, rule: Rule, plain: Callable[[], LinearMap]) -> LinearMap:  # noqa: D102
        found = self._rules.map(call, rule, plain)
        dense = found.resampled() if isinstance(found, Convolution) else None
        return found if dense is None else _Enlarged(dense)


class _Enlarged(LinearMap):
    def __init__(self, dense: Convolution) -> None:
        super().__init__()
        self._dense = dense

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        large = F.interpolate(u.flatten(0, 1), self._dense.plane, mode="nearest-exact")
        return self._dense.transpose(large.reshape(*u.shape[:2], *large.shape[1:]))


GRADIENT: Final = _Gradient()
GUIDED: Final = Rectified(forward=True)
DECONVNET: Final = Rectified(forward=False)

"""FullGrad: what the image and every bias are worth to the score, each at its place."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from linearscope.attribution.backward_rules import GRADIENT
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.attribution.sums import Constants, enlarged
from linearscope.interpreter import Visit
from linearscope.program import Program

__all__: list[str] = []


def _rescaled(shares: Tensor) -> Tensor:
    """Absolute values of each map ``(B, C, h, w)``, stretched to 0 to 1; a map constant up to rounding becomes 0."""
    size = shares.abs()
    low, high = size.amin((2, 3), keepdim=True), size.amax((2, 3), keepdim=True)
    varies = high - low > 100 * torch.finfo(size.dtype).eps * high
    return torch.where(varies, (size - low) / torch.where(varies, high - low, 1.0), 0.0)


class _Maps(Constants):
    """Adds up the constants' shares, and the maps of those that have places.

    Enlarging is linear, so that a layer's channels are summed before it.
    """

    def __init__(self, images: Tensor, program: Program) -> None:
        super().__init__(images, program)
        self._images = images
        self.map = torch.zeros_like(images[:, :1])

    def _add(self, at: Visit, u: Tensor, constant: Any) -> None:
        super()._add(at, u, constant)
        shares = (u * constant)[0]
        if shares.dim() == 4 and len(shares) == len(self._images) and shares.shape[2] * shares.shape[3] > 1:
            self.map += enlarged(_rescaled(shares).sum(1, keepdim=True), self._images)


@register_method("full-grad", "FullGrad", "Srinivas and Fleuret, 2019", family="gradient", heatmap="positive")
def _full_grad(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
    biases = _Maps(images, explainer.program)
    back = explainer.back(images, targets, GRADIENT, visit=biases)
    product = back.values * images
    own = product.flatten(1).sum(1, dtype=torch.float64)
    scores = back.scores(targets)
    check = Check.of(
        "gradient times image and what every bias is worth sum to the score",
        scores,
        own + biases.total,
        torch.maximum(own.abs(), biases.largest),
    )
    return Made(_rescaled(product).sum(1, keepdim=True) + biases.map, check=check, scores=scores)

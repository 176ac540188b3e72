"""The signal times the value it came back to, and the proof that with the constants' shares it is the score."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.attribution.backward_rules import BackwardRules
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.images_apart import images_apart, sums_apart
from linearscope.attribution.methods import Made
from linearscope.attribution.result import Check
from linearscope.interpreter import Visit
from linearscope.program import Program

__all__ = ["Constants", "enlarged", "product_with_point"]


def enlarged(coarse: Tensor, images: Tensor) -> Tensor:
    """A feature map ``(B, c, h, w)`` at the size of the images, bilinearly."""
    return F.interpolate(coarse, images.shape[2:], mode="bilinear", align_corners=False)


class Constants:
    """A visitor that adds up, for each of B images, what every constant on the way is worth to the score."""

    def __init__(self, images: Tensor, program: Program) -> None:
        self._before = images_apart(program)
        self.total = torch.zeros(len(images), dtype=torch.float64, device=images.device)
        self.largest = torch.zeros_like(self.total)

    def __call__(self, at: Visit) -> None:
        """Visit a node."""
        if at.step.bypass:
            self._add(at, at.u, at.value)
        elif at.map is not None:
            constants = at.map.constant if isinstance(at.map.constant, tuple) else (at.map.constant,)
            lanes = at.u if isinstance(at.u, list) else [at.u]
            for u, constant in zip(lanes, constants, strict=False):
                if u is not None and constant is not None:
                    self._add(at, u, constant)

    def _add(self, at: Visit, u: Tensor, constant: Any) -> None:
        each = sums_apart(u * constant, self._before.get(at.step.node.name, 1), len(self.total))
        self.total += each
        self.largest = torch.maximum(self.largest, each.abs())


def product_with_point(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, rules: BackwardRules
) -> Made:
    """Signal times value at the image or a layer, checked: with the shares of all constants it sums to the score."""
    constants = Constants(images, explainer.program)
    back = explainer.back(images, targets, rules, source=layer, visit=constants)
    product = back.values * back.point
    own = product.flatten(1).sum(1, dtype=torch.float64)
    scores = back.scores(targets)
    check = Check.of(
        "the values and what every constant is worth sum to the score",
        scores,
        own + constants.total,
        torch.maximum(own.abs(), constants.largest),
    )
    if layer is None:
        return Made(product, check=check, scores=scores)
    coarse = product.sum(1, keepdim=True)
    return Made(enlarged(coarse, images), coarse, check, layer, scores)

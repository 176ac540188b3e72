"""The affine map's own answers: contributions of pixels, discussions and votes."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from linearscope.analysis import discussion
from linearscope.analysis.discussion import DEFAULT_VARIANT, VARIANTS, Discussion
from linearscope.attribution.backward_rules import BackwardRules
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.attribution.sums import product_with_point
from linearscope.errors import InputError
from linearscope.interpreter import interpret

__all__: list[str] = []

_PAPER: Final = "Navarrete Michelini et al., 2019"


class _Frozen(BackwardRules):
    """Nothing but the frozen map."""

    interpretation = "freeze"


_FROZEN: Final = _Frozen()


@register_method(
    "contributions", "contributions of the pixels: row times image", _PAPER, family="affine map", heatmap="positive",
    layer="may",
)  # fmt: skip
def _contributions(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
    return product_with_point(explainer, images, targets, layer, _FROZEN)


def _discussions(explainer: Explainer, image: Tensor, targets: list[int], variant: str) -> Discussion:
    it = interpret(explainer.single, image.unsqueeze(0), interpretation="freeze")
    return discussion(it, targets, variant=variant)


@register_method(
    "discussion", "discussion: the score and all constants spread over the pixels", _PAPER, family="affine map",
    heatmap="positive", variant=" or ".join(VARIANTS),
)  # fmt: skip
def _discussion(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, variant: str = DEFAULT_VARIANT
) -> Made:  # fmt: skip
    found = [
        _discussions(explainer, image, [target], variant)
        for image, target in zip(images, targets.tolist(), strict=True)
    ]
    maps = torch.stack([one.maps for one in found]).to(images)
    check = None
    if variant != "input":
        scores = torch.cat([one.scores for one in found]).to(images.device, torch.float64)
        sums = maps.flatten(1).sum(1, dtype=torch.float64)
        largest = maps.flatten(1).abs().sum(1, dtype=torch.float64)
        check = Check.of("the map sums to the score", scores, sums, largest)
    return Made(maps, check=check)


@register_method(
    "votes", "votes: by how much the label's discussion leads", _PAPER, family="affine map", heatmap="positive",
    labels="how many labels, those with the largest scores, can be voted for", variant=" or ".join(VARIANTS),
)  # fmt: skip
def _votes(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, labels: int = 10,
    variant: str = DEFAULT_VARIANT,
) -> Made:  # fmt: skip
    if labels < 2:
        raise InputError(f"A vote needs at least two labels, and {labels} was given.")
    maps = []
    scores = explainer.program(images).reshape(len(images), -1)
    for image, target, score in zip(images, targets.tolist(), scores, strict=True):
        best = score.topk(min(labels, explainer.outputs)).indices.tolist()
        asked = [target, *[label for label in best if label != target][: labels - 1]]
        if len(asked) < 2:
            raise InputError("A vote needs at least two labels, and the model has one score.")
        found = _discussions(explainer, image, asked, variant).maps
        maps.append((found[0] - found[1:].amax(0)).unsqueeze(0))
    return Made(torch.stack(maps).to(images))

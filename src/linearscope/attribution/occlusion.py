"""Occlusion: by how much the score falls when a window of the image is covered."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from linearscope.attribution.copies import alterable, distinct, reference, repeated
from linearscope.attribution.engine import at_targets
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.errors import InputError
from linearscope.progress import track

__all__: list[str] = []

Size = int | Sequence[int]


def _pair(name: str, given: Size) -> tuple[int, int]:
    pair = tuple(given) if isinstance(given, Sequence) else (given, given)
    if len(pair) != 2 or any(not isinstance(size, int) or size < 1 for size in pair):
        raise InputError(f"{name} is {given!r}; give a number of pixels, or two for height and width, at least 1.")
    return pair[0], pair[1]


def _starts(side: int, window: int, stride: int) -> range:
    """Where windows begin along an axis: the last one reaches the edge, and what stands out beyond is cut off."""
    return range(0, max(0, side - window) + stride, stride)


@register_method(
    "occlusion", "occlusion", "Zeiler and Fergus, 2014", family="perturbation", heatmap="positive",
    window="pixels, or (height, width); default: an eighth of the shorter side",
    stride="pixels between windows, or (down, right); default: half a window",
    baseline="what covers: a number, (1, C, 1, 1) or (1, C, H, W), in the model's units",
)  # fmt: skip
def _occlusion(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, window: Size | None = None,
    stride: Size | None = None, baseline: float | Tensor = 0.0,
) -> Made:  # fmt: skip
    alterable(explainer)
    sides = images.shape[2], images.shape[3]
    height, width = _pair("window", -(-min(sides) // 8) if window is None else window)
    down, right = _pair("stride", (-(-height // 2), -(-width // 2)) if stride is None else stride)
    if height > sides[0] or width > sides[1]:
        raise InputError(f"A window of {height} x {width} pixels is larger than the image, {sides[0]} x {sides[1]}.")
    if down > height or right > width:
        raise InputError(
            f"Windows of {height} x {width} pixels at a stride of {down} x {right} leave pixels out; give a stride "
            "that is no larger than the window."
        )
    cover = reference(images, baseline)
    boxes = [
        (slice(top, top + height), slice(left, left + width))
        for top in _starts(sides[0], height, down)
        for left in _starts(sides[1], width, right)
    ]
    count = distinct(images, targets)
    scores = at_targets(explainer.program(images), targets)
    falls, covered = torch.zeros_like(images[:count, :1]), torch.zeros_like(images[:count, :1])
    work = [(at, box) for at in range(count) for box in boxes]
    for start in track(range(0, len(work), explainer.batch), "occluding"):
        part = work[start : start + explainer.batch]
        copies = images[torch.tensor([at for at, _ in part], device=images.device)]
        for copy, (at, (rows, columns)) in zip(copies, part, strict=True):
            copy[:, rows, columns] = cover[at, :, rows, columns]
        for row, (at, (rows, columns)) in zip(explainer.scores(copies), part, strict=True):
            falls[at, :, rows, columns] += scores[at] - row[targets[at]]
            covered[at, :, rows, columns] += 1
    return Made(repeated(falls / covered, len(images)), scores=scores)

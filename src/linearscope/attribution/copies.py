"""Altered copies of the images, which fill the batches of a Program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from linearscope.attribution.backward_rules import GRADIENT
from linearscope.attribution.explainer import Explainer
from linearscope.errors import InputError
from linearscope.progress import track

__all__ = ["alterable", "distinct", "mean_gradient", "reference", "repeated"]


def alterable(explainer: Explainer) -> None:
    """Raise :class:`InputError` when the Program holds for one image only."""
    if explainer.program.bound is not None:
        raise InputError(
            "This method asks about altered copies of the image, and the Program holds for the one image it was "
            "traced on; choose a method that asks about the image alone, such as gradient."
        )


def distinct(images: Tensor, targets: Tensor) -> int:
    """How many images there are before the copies of the last that fill a batch."""
    count = len(images)
    while count > 1 and targets[count - 1] == targets[count - 2] and torch.equal(images[count - 1], images[count - 2]):
        count -= 1
    return count


def repeated(values: Tensor, count: int) -> Tensor:
    """The first axis filled up to ``count`` with the last entry."""
    missing = count - len(values)
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])]) if missing else values


def reference(images: Tensor, baseline: float | Tensor) -> Tensor:
    """The baseline of every image: a number, or pixels ``(1, C, 1, 1)`` or an image ``(1, C, H, W)``."""
    given = torch.as_tensor(baseline, dtype=images.dtype, device=images.device)
    if not torch.isfinite(given).all():
        raise InputError("The baseline holds NaN or infinite values; give a number or pixels in the model's units.")
    try:
        return given.expand(1, *images.shape[1:]).expand(images.shape)
    except RuntimeError:
        raise InputError(
            f"A baseline of shape {tuple(given.shape)} does not fit images {tuple(images.shape[1:])}; give a number, "
            "(1, C, 1, 1) or (1, C, H, W)."
        ) from None


def mean_gradient(
    explainer: Explainer, images: Tensor, targets: Tensor, weights: Sequence[float],
    point: Callable[[int, int], Tensor], words: str,
) -> Tensor:  # fmt: skip
    """The gradient averaged with ``weights`` over points, each ``point(step, place of the image)``, ``(C, H, W)``."""
    alterable(explainer)
    count, batch = distinct(images, targets), explainer.batch
    total = torch.zeros_like(images[:count])
    pairs = [(step, at) for step in range(len(weights)) for at in range(count)]
    for start in track(range(0, len(pairs), batch), words):
        part = pairs[start : start + batch]
        copies = repeated(torch.stack([point(step, at) for step, at in part]), batch)
        aims = repeated(targets[torch.tensor([at for _, at in part])], batch)
        for (step, at), gradient in zip(part, explainer.back(copies, aims, GRADIENT).values, strict=False):
            total[at] += weights[step] * gradient
    return repeated(total, len(images))

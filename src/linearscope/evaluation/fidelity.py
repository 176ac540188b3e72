"""Do the pixels that an explanation names make the score: hide them, or hide all others, and look."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.errors import InputError
from linearscope.evaluation.estimate import PerImage, as_values
from linearscope.evaluation.given import (
    Classes,
    Scores,
    class_scores,
    classes,
    heat_maps,
    pictures,
    shuffled_order,
    whole,
)
from linearscope.progress import track

__all__ = ["Fidelity", "Fill", "PixelCurve", "background", "deletion", "insertion", "top5_fidelity"]

#: Deviation in pixels of the Gaussian that ``fill="blur"`` hides pixels by.
BLUR: Final = 5.0

Fill = float | Tensor | Literal["blur"]


@dataclass(frozen=True)
class Fidelity(PerImage):
    """What is left of the first classes when only the most relevant pixels are left.

    Attributes
    ----------
    values
        ``(n,)``: the share of the first classes of the whole image that are also among the first of the masked one.
    kept
        ``(n, H, W)`` of bool: the pixels left.
    """

    kept: Tensor


@dataclass(frozen=True)
class PixelCurve(PerImage):
    """A class's probability while pixels are taken away, or brought in, the most relevant first.

    Attributes
    ----------
    values
        ``(n,)``: the area under each image's curve (trapezoids); small is good for deletion, large for insertion.
    fractions
        ``(S + 1,)``: the share of pixels taken away or brought in, from 0 to 1.
    curves
        ``(n, S + 1)``: the probability there.
    targets
        ``(n,)``: the class.
    """

    fractions: Tensor
    curves: Tensor
    targets: Tensor

    @property
    def auc(self) -> Tensor:
        """Another name of ``values``."""
        return self.values

    @property
    def curve(self) -> Tensor:
        """``(S + 1,)``: mean of the curves over the images."""
        return self.curves.mean(0)


def background(images: Tensor, fill: Fill) -> Tensor:
    """What stands where a pixel is hidden, in the shape of the images.

    Parameters
    ----------
    images
        ``(n, C, H, W)`` in the model's units.
    fill
        A number in the model's units (0 is the mean pixel of an image normalised by its mean); a tensor that spreads to
        the images' shape, such as black after normalisation, ``((0 - mean) / std)`` as ``(1, C, 1, 1)``; or ``"blur"``:
        the image under a Gaussian of 5 pixels' deviation, its edge pixels repeated outside.

    Raises
    ------
    InputError
        When the fill is no such thing.

    Examples
    --------
    >>> import torch
    >>> background(torch.rand(1, 3, 4, 4), 0.5).unique().tolist()
    [0.5]
    >>> bool(torch.allclose(background(torch.ones(1, 3, 9, 9), "blur"), torch.ones(1, 3, 9, 9)))
    True
    """
    if isinstance(fill, str):
        if fill != "blur":
            raise InputError(f"There is no fill {fill!r}; give a number, a tensor or 'blur'.")
        return _blurred(images)
    if isinstance(fill, Tensor):
        if fill.dim() > 4 or any(
            mine not in (1, theirs) for mine, theirs in zip(fill.shape[::-1], images.shape[::-1], strict=False)
        ):
            raise InputError(
                f"A fill of the shape {tuple(fill.shape)} does not spread to images {tuple(images.shape)}; a colour "
                "has the shape (1, C, 1, 1)."
            )
        if not torch.isfinite(fill).all():
            raise InputError("The fill holds NaN or infinite values; give pixels in the model's units.")
        return fill.to(images).expand_as(images)
    if isinstance(fill, bool) or not isinstance(fill, (int, float)) or not isfinite(fill):
        raise InputError(f"A fill is a finite number, a tensor or 'blur', and {fill!r} was given.")
    return images.new_full((), float(fill)).expand_as(images)


def top5_fidelity(
    scores: Scores,
    images: Tensor,
    heatmaps: Tensor,
    keep: float = 0.3,
    fill: Fill = 0.0,
    *,
    top: int = 5,
    seed: int = 0,
) -> Fidelity:
    """Keep the most relevant pixels alone: how many of the five first classes stay among the five first?

    Parameters
    ----------
    scores
        Images to scores ``(m, N)``, such as an Explainer's ``scores``.
    images
        ``(n, C, H, W)`` in the model's units.
    heatmaps
        ``(n, H, W)``.
    keep
        Share of pixels kept, above 0 and at most 1. Exactly ``round(keep * H * W)``, at least one, are kept; among
        equal ones a seeded random choice is made, the same for every method.
    fill
        What stands elsewhere, as in :func:`background`. The paper zeroes them and does not say whether before or after
        normalisation: 0 is after; for before, give the normalised black.
    top
        Instead of five; never more than there are classes.
    seed
        Of the choice among equals.

    Raises
    ------
    InputError
        When sizes differ, ``keep`` is outside, a map holds NaN, or there are fewer classes than ``top``.

    Examples
    --------
    >>> import torch
    >>> images = torch.rand(2, 3, 8, 8)
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10))
    >>> top5_fidelity(net, images, torch.rand(2, 8, 8), keep=1.0).estimate.mean
    1.0

    Source: Chen et al. 2019 (piece-wise affine representation), section 3.1.
    """
    heatmaps = heat_maps(heatmaps)
    images = pictures(images, heatmaps)
    if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not 0 < keep <= 1:
        raise InputError(
            f"The share of pixels kept is above 0 and at most 1 and {keep!r} was given; the paper's is 0.3."
        )
    whole(top, "the number of first classes", 1)
    count = max(1, round(keep * heatmaps[0].numel()))
    kept = torch.zeros_like(heatmaps, dtype=torch.bool)
    kept.flatten(1).scatter_(1, shuffled_order(heatmaps, seed)[:, :count], True)
    kept = kept.to(images.device)
    before = class_scores(scores, images)
    if before.shape[1] < top:
        raise InputError(f"There are {before.shape[1]} classes, too few for the first {top}; give a smaller top.")
    after = class_scores(scores, torch.where(kept.unsqueeze(1), images, background(images, fill)))
    first, second = (found.topk(top, 1).indices for found in (before, after))
    same = (first.unsqueeze(2) == second.unsqueeze(1)).any(2).double().mean(1)
    return Fidelity(as_values(same), kept)


def deletion(
    scores: Scores, images: Tensor, heatmaps: Tensor, targets: Classes | None = None, *, steps: int = 64,
    fill: Fill = 0.0, softmax: bool = True, seed: int = 0,
) -> PixelCurve:  # fmt: skip
    """Take pixels away, the most relevant first, and watch a class's probability: a small area is good.

    Parameters
    ----------
    scores, images, heatmaps
        As in :func:`top5_fidelity`.
    targets
        The class, one for all or one an image; default: each image's first.
    steps
        In how many equal steps; at most the number of pixels. The scores are asked ``steps + 1`` times.
    fill
        What stands where a pixel is taken away, as in :func:`background`.
    softmax
        Whether scores become probabilities by a softmax; ``False`` when they are probabilities already.
    seed
        Of the order among equal values, the same for every method.

    Raises
    ------
    InputError
        When sizes differ, a class does not exist, or a map holds NaN.

    Examples
    --------
    >>> import torch
    >>> images = torch.zeros(1, 1, 2, 2)
    >>> images[..., 0, 0] = 1
    >>> bright = lambda x: x.flatten(1).sum(1, keepdim=True)
    >>> deletion(bright, images, images[:, 0], steps=4, softmax=False).curves.tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0]]

    Source: Petsiuk et al., BMVC 2018 (RISE).
    """
    return _pixels(scores, images, heatmaps, targets, steps, fill, softmax, seed, insert=False)


def insertion(
    scores: Scores, images: Tensor, heatmaps: Tensor, targets: Classes | None = None, *, steps: int = 64,
    fill: Fill = "blur", softmax: bool = True, seed: int = 0,
) -> PixelCurve:  # fmt: skip
    """Bring pixels in, the most relevant first, and watch a class's probability: a large area is good.

    Parameters
    ----------
    scores, images, heatmaps, targets, steps, softmax, seed
        As in :func:`deletion`.
    fill
        What stands where a pixel has not come in yet, as in :func:`background`.

    Raises
    ------
    InputError
        As in :func:`deletion`.

    Examples
    --------
    >>> import torch
    >>> images = torch.zeros(1, 1, 2, 2)
    >>> images[..., 0, 0] = 1
    >>> bright = lambda x: x.flatten(1).sum(1, keepdim=True)
    >>> insertion(bright, images, images[:, 0], steps=4, fill=0.0, softmax=False).curves.tolist()
    [[0.0, 1.0, 1.0, 1.0, 1.0]]

    Source: Petsiuk et al., BMVC 2018 (RISE).
    """
    return _pixels(scores, images, heatmaps, targets, steps, fill, softmax, seed, insert=True)


def _pixels(
    scores: Scores, images: Tensor, heatmaps: Tensor, targets: Classes | None, steps: int, fill: Fill, softmax: bool,
    seed: int, *, insert: bool,
) -> PixelCurve:  # fmt: skip
    heatmaps = heat_maps(heatmaps)
    images = pictures(images, heatmaps)
    places = heatmaps[0].numel()
    whole(steps, "the number of steps", 1)
    if steps > places:
        raise InputError(f"A map of {places} places cannot be taken in {steps} steps; give fewer.")
    intact = class_scores(scores, images)
    chosen = intact.argmax(1) if targets is None else classes(targets, len(images), among=intact.shape[1])
    chosen = chosen.to(intact.device)
    rank = torch.empty(heatmaps.flatten(1).shape, dtype=torch.int64, device=heatmaps.device)
    order = shuffled_order(heatmaps, seed)
    rank.scatter_(1, order, torch.arange(places, device=order.device).expand_as(order))
    rank = rank.reshape(heatmaps.shape).unsqueeze(1).to(images.device)
    hidden = background(images, fill)
    before, after = (hidden, images) if insert else (images, hidden)
    counts = [round(step * places / steps) for step in range(steps + 1)]
    found = []
    for count in track(counts, "inserting pixels" if insert else "deleting pixels"):
        given = class_scores(scores, torch.where(rank < count, after, before))
        given = given.softmax(1) if softmax else given
        found.append(given.gather(1, chosen.unsqueeze(1)))
    curves = as_values(torch.cat(found, 1))
    fractions = torch.tensor(counts, dtype=torch.float64, device=curves.device) / places
    return PixelCurve(torch.trapezoid(curves, fractions, dim=1), fractions, curves, chosen)


def _blurred(images: Tensor) -> Tensor:
    radius = round(3 * BLUR)
    steps = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    bell = torch.exp(-steps.square() / (2 * BLUR**2))
    bell = bell / bell.sum()
    flat = F.pad(images.flatten(0, 1).unsqueeze(1), (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(flat, bell[None, None, :, None]), bell[None, None, None, :]).reshape(images.shape)

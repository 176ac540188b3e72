"""Does an explanation point where the evidence is: overlap with a mask, and the largest place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.attribution import normalised
from linearscope.evaluation.estimate import PerImage
from linearscope.evaluation.given import heat_maps, masks_of, whole

__all__ = ["IoUCurve", "PointingGame", "iou_curve", "pointing_game"]


@dataclass(frozen=True)
class IoUCurve(PerImage):
    """Overlap of heat maps with masks at every threshold.

    Attributes
    ----------
    values
        ``(n,)``: the area under each image's curve, the integral of IoU(t) over t from 0 to 1. It is exact: between
        two neighbouring values of a map IoU does not change. A map that is its mask has 1, a constant map 0.
    thresholds
        ``(T,)`` from 0 to 1.
    curves
        ``(n, T)``: IoU of the places at least t with the mask. At t = 0 that is the mask's share of the image.
    chance
        ``(n,)``: the area that a map of independent random values has on average, by the mask's share of the image.
    """

    thresholds: Tensor
    curves: Tensor
    chance: Tensor

    @property
    def auc(self) -> Tensor:
        """Another name of ``values``."""
        return self.values

    @property
    def curve(self) -> Tensor:
        """``(T,)``: mean of the curves over the images."""
        return self.curves.mean(0)


@dataclass(frozen=True)
class PointingGame(PerImage):
    """Whether the largest place of each map lies in its mask.

    Attributes
    ----------
    values
        ``(n,)``: 1 for a hit, 0 for a miss; of several equally large places, the share that hits.
    chance
        ``(n,)``: the share of the image that would be a hit, which is also the value of a constant map.
    """

    chance: Tensor


def iou_curve(heatmaps: Tensor, masks: Tensor, thresholds: int = 101) -> IoUCurve:
    """Intersection over union of heat maps, stretched onto 0 to 1, with masks, at every threshold.

    Parameters
    ----------
    heatmaps
        ``(n, H, W)``. Each is stretched from its least value to its largest onto 0 to 1; a constant map becomes 0.
    masks
        ``(n, H, W)`` of bool, none empty: where the evidence is.
    thresholds
        At how many evenly spaced thresholds, 0 and 1 among them, the curve is given. The area does not depend on it.

    Raises
    ------
    InputError
        When sizes differ, a mask is empty, or a map holds NaN.

    Examples
    --------
    >>> import torch
    >>> mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    >>> mask[:, 2:4, 2:6] = True
    >>> found = iou_curve(mask.float(), mask, thresholds=3)
    >>> found.curves.tolist(), found.auc.tolist()
    ([[0.125, 1.0, 1.0]], [1.0])

    Source: Oramas et al., ICLR 2019, section 4.3.
    """
    heatmaps = heat_maps(heatmaps)
    masks = masks_of(masks, heatmaps)
    whole(thresholds, "the number of thresholds", 2)
    values, order = normalised(heatmaps.double()).flatten(1).sort(1)
    inside = masks.flatten(1).gather(1, order).double()
    area, places = inside.sum(1, keepdim=True), inside.shape[1]
    # Of the set {h >= values[k]}: every place from k on, and how many of them lie in the mask.
    shared = inside.flip(1).cumsum(1).flip(1)
    sizes = torch.arange(places, 0, -1, device=values.device, dtype=torch.float64)
    iou = shared / (sizes + area - shared)
    steps = torch.diff(values, dim=1, prepend=values.new_zeros(len(values), 1))
    levels = torch.linspace(0, 1, thresholds, device=values.device, dtype=torch.float64)
    first = torch.searchsorted(values, levels.expand(len(values), -1).contiguous())
    curves = torch.cat([iou, iou.new_zeros(len(iou), 1)], 1).gather(1, first)
    return IoUCurve((steps * iou).sum(1), levels, curves, _chance(area.squeeze(1) / places))


def _chance(share: Tensor) -> Tensor:
    """The integral over q from 0 to 1 of p q / (p + q - p q): two independent sets of shares p and q."""
    rest = 1 - share
    safe = torch.where(rest > 1e-4, rest, torch.ones_like(rest))
    exact = share / safe + (share / safe) ** 2 * share.log()
    # Near p = 1 the two terms cancel: the first three of the series in 1 - p.
    return torch.where(rest > 1e-4, exact, 0.5 - rest / 3 - rest**2 / 12)


def pointing_game(heatmaps: Tensor, masks: Tensor, tolerance: int = 0) -> PointingGame:
    """Does the largest place of each heat map lie in the mask?

    Parameters
    ----------
    heatmaps
        ``(n, H, W)``.
    masks
        ``(n, H, W)`` of bool, none empty.
    tolerance
        A hit may also lie this many pixels (Euclidean) from the mask; the paper used 15.

    Raises
    ------
    InputError
        When sizes differ, a mask is empty, or a map holds NaN.

    Examples
    --------
    >>> import torch
    >>> mask = torch.tensor([[[True, False, False]]])
    >>> pointing_game(torch.tensor([[[2.0, 2.0, 1.0]]]), mask).values.tolist()
    [0.5]

    Source: Zhang et al., ECCV 2016.
    """
    heatmaps = heat_maps(heatmaps)
    allowed = masks_of(masks, heatmaps)
    if whole(tolerance, "the tolerance", 0):
        steps = torch.arange(-tolerance, tolerance + 1, device=heatmaps.device)
        disc = (steps.square()[:, None] + steps.square() <= tolerance**2).float()
        allowed = F.conv2d(allowed.float().unsqueeze(1), disc[None, None], padding=tolerance).squeeze(1) > 0.5
    largest = heatmaps == heatmaps.amax((1, 2), keepdim=True)
    hits = (largest & allowed).sum((1, 2)).double() / largest.sum((1, 2)).double()
    return PointingGame(hits, allowed.double().mean((1, 2)))

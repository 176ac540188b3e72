"""How alike two explanations of the same image are: by rank, by structure, by the directions of their edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from linearscope.analysis.quality import ssim
from linearscope.attribution.comparison import twice_ranks
from linearscope.errors import InputError
from linearscope.evaluation.estimate import Estimate, PerImage, estimate
from linearscope.evaluation.given import heat_maps
from linearscope.evaluation.hog import hog

__all__ = ["Similarity", "compare", "spearman"]

#: Least side of a map that structural similarity has a window for.
LEAST: Final = 11


@dataclass(frozen=True)
class Similarity(PerImage):
    """How alike the maps of two explanations are, image by image; 1 is the same in every measure.

    Attributes
    ----------
    values
        ``(n,)``: rank correlation of the absolute maps, the measure in front.
    signed
        ``(n,)``: rank correlation of the maps as they are.
    ssim
        ``(n,)``: structural similarity of the absolute maps, each divided by its largest value.
    hog
        ``(n,)``: rank correlation of the histograms of oriented gradients of the same.
    """

    signed: Tensor
    ssim: Tensor
    hog: Tensor

    @property
    def spearman(self) -> Tensor:
        """Another name of ``values``."""
        return self.values

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """Mean and interval of every measure, by name."""
        measures = {"spearman": self.values, "signed": self.signed, "ssim": self.ssim, "hog": self.hog}
        return {name: estimate(values) for name, values in measures.items()}


def compare(one: Tensor, other: Tensor, *, foreground: bool = False) -> Similarity:
    """Compare two maps of each image by every measure.

    Parameters
    ----------
    one, other
        ``(n, H, W)``, at least 11 x 11.
    foreground
        Rank only the places where either map is not zero. Where most of an image is a black background, a method that
        multiplies by the image gives zeros there whatever the model is, and equal zeros pass for agreement.

    Notes
    -----
    A constant map has no ranks. Two constant maps count as the same (1), a constant and another as unlike (0), in both
    rank correlations; no result is ever NaN.

    Examples
    --------
    >>> import torch
    >>> maps = torch.rand(2, 48, 48)
    >>> {name: found.mean for name, found in compare(maps, maps).estimates.items()}
    {'spearman': 1.0, 'signed': 1.0, 'ssim': 1.0, 'hog': 1.0}

    Source: Adebayo et al., NeurIPS 2018, section 3.
    """
    one, other = _pair(one, other)
    if min(one.shape[1:]) < LEAST:
        raise InputError(f"Structural similarity needs maps of {LEAST} x {LEAST} and has {tuple(one.shape[1:])}.")
    first, second = (maps / _safe(maps.amax((1, 2), keepdim=True)) for maps in (one.abs(), other.abs()))
    return Similarity(
        spearman(first, second, foreground=foreground),
        spearman(one, other, foreground=foreground),
        ssim(first.unsqueeze(1), second.unsqueeze(1), peak=1.0),
        _correlation(twice_ranks(torch.stack([hog(first), hog(second)])), None),
    )


def spearman(one: Tensor, other: Tensor, *, foreground: bool = False) -> Tensor:
    """Rank correlation of two maps of each image, ``(n,)``; equal values share the mean of their ranks.

    Parameters
    ----------
    one, other, foreground
        As in :func:`compare`; any size.

    Examples
    --------
    >>> import torch
    >>> spearman(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([[[1.0, 4.0, 9.0]]])).tolist()
    [1.0]
    """
    one, other = _pair(one, other)
    flat = torch.stack([one.flatten(1), other.flatten(1)])
    if not foreground:
        return _correlation(twice_ranks(flat), None)
    seen = (flat != 0).any(0)
    # The places left out rank below all others in both maps, which moves the ranks of the rest by one constant.
    return _correlation(twice_ranks(flat.masked_fill(~seen, -torch.inf)), seen)


def _pair(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    one, other = heat_maps(one, "maps"), heat_maps(other, "other maps")
    if one.shape != other.shape:
        raise InputError(f"The maps are {tuple(one.shape)} and {tuple(other.shape)}; give two of one size an image.")
    return one.double(), other.to(one.device).double()


def _safe(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, torch.ones_like(values))


def _correlation(pair: Tensor, seen: Tensor | None) -> Tensor:
    weights = torch.ones_like(pair[0]) if seen is None else seen.double()
    count = _safe(weights.sum(1, keepdim=True))
    one, other = (weights * (ranks - (weights * ranks).sum(1, keepdim=True) / count) for ranks in pair)
    # Ranks are whole numbers: a map that is constant where it is seen has a variance of rounding at most.
    first, second = one.square().sum(1), other.square().sum(1)
    flat, flat_too = first < 1e-6, second < 1e-6
    found = (one * other).sum(1) / _safe(first * second).sqrt()
    return torch.where(flat | flat_too, (flat & flat_too).double(), found.clamp(-1, 1))

"""A mean over images and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["Estimate", "PerImage", "difference", "estimate"]

RESAMPLES: Final = 10_000
LEVEL: Final = 0.95
#: Numbers that one round of resampling holds at most.
ROUND: Final = 1 << 22

Values = Tensor | Sequence[float] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval.

    Attributes
    ----------
    mean
        Over the images.
    low, high
        Ends of the interval: BCa bootstrap over the images. One image says nothing of others: -inf and inf.
    count
        Images.
    """

    mean: float
    low: float
    high: float
    count: int

    def excludes(self, value: float = 0.0) -> bool:
        """Whether the interval leaves a value out: a difference that excludes 0 is significant at 5 %."""
        return not self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}], n = {self.count}"


@dataclass(frozen=True)
class PerImage:
    """Base of all results: one number an image.

    Attributes
    ----------
    values
        ``(n,)``, float64, on the device of what was measured.
    """

    values: Tensor

    @cached_property
    def estimate(self) -> Estimate:
        """Mean of ``values`` with its interval."""
        return estimate(self.values)


def estimate(values: Values, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean of one number an image with its 95 % interval.

    Parameters
    ----------
    values
        ``(n,)``, one an image.
    resamples
        Bootstrap draws of n images.
    seed
        Of the draws.

    Raises
    ------
    InputError
        When there is no value, or one is NaN or infinite.

    Examples
    --------
    >>> estimate([0.5, 0.5, 0.5])
    Estimate(mean=0.5, low=0.5, high=0.5, count=3)
    >>> print(estimate([1, 1, 1, 1, 1, 1, 1, 1]))
    1 [0.676, 1], n = 8
    >>> estimate([0.5]).low
    -inf

    Source: bias-corrected and accelerated bootstrap, Efron 1987; for hits and misses (1 and 0), of which eight in a row
    do not make certainty, the score interval of Wilson 1927.
    """
    found = _finite(values)
    count, mean = len(found), float(found.mean())
    if count == 1:
        return Estimate(mean, -inf, inf, 1)
    if np.isin(found, (0.0, 1.0)).all():
        return _wilson(mean, count)
    if (found == found[0]).all():
        return Estimate(float(found[0]), float(found[0]), float(found[0]), count)
    random = np.random.default_rng(seed)
    at_once = max(1, ROUND // count)
    means = np.concatenate([
        found[random.integers(0, count, (min(at_once, resamples - start), count))].mean(1)
        for start in range(0, resamples, at_once)
    ])  # fmt: skip
    # A share of 0 or 1 would move the interval to infinity: it is kept half a draw away.
    share = np.clip(
        ((means < mean).sum() + (means <= mean).sum()) / (2 * resamples), 0.5 / resamples, 1 - 0.5 / resamples
    )
    shift = ndtri(share)
    apart = found - mean
    acceleration = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
    normal = ndtri([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    at = ndtr(shift + (shift + normal) / (1 - acceleration * (shift + normal)))
    low, high = np.quantile(means, at).tolist()
    return Estimate(mean, low, high, count)


def _wilson(share: float, count: int) -> Estimate:
    z = float(ndtri((1 + LEVEL) / 2))
    middle = share + z**2 / (2 * count)
    half = z * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z**2 / count) for sign in (-1, 1))
    return Estimate(share, max(0.0, low), min(1.0, high), count)


def difference(one: Values, other: Values, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean difference of two numbers of the same images, with its interval: ``one - other``, paired.

    Raises
    ------
    InputError
        When there are not as many of one as of the other.

    Examples
    --------
    >>> difference([0.9, 0.5], [0.8, 0.4]).excludes(0)
    True
    """
    first, second = _finite(one), _finite(other)
    if len(first) != len(second):
        raise InputError(
            f"A paired difference needs as many values on both sides and has {len(first)} and {len(second)}; give "
            "both for the same images."
        )
    return estimate(first - second, resamples=resamples, seed=seed)


def _finite(values: Values) -> npt.NDArray[np.float64]:
    taken = values.detach().cpu().double().numpy() if isinstance(values, Tensor) else values
    found = np.asarray(taken, dtype=np.float64)
    if found.ndim != 1 or not len(found):
        raise InputError(f"Values have the shape (n,) with n at least 1, and {found.shape} was given.")
    if not np.isfinite(found).all():
        raise InputError(
            f"Value {int(np.flatnonzero(~np.isfinite(found))[0])} is NaN or infinite; leave the image out."
        )
    return found


def as_values(values: Tensor) -> Tensor:
    """``(n,)`` in float64, apart from any graph."""
    return values.detach().to(torch.float64)

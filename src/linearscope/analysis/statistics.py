"""Contributions over many images: mean, deviation and interval of every share, as in the paper's Tables 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from linearscope.analysis.contributions import Contributions
from linearscope.errors import InputError

__all__ = ["FolderStatistics", "ImageRecord", "Summary", "record", "summarise"]

RESAMPLES = 10_000
SEED = 0


@dataclass(frozen=True)
class ImageRecord:
    """What made the score of one image; plain values, so that ``dataclasses.asdict`` of it is JSON.

    Attributes
    ----------
    file
        Name of the image.
    label
        Name of the label whose score it is.
    score
        The score.
    input
        Share of the input, F x0.
    layers
        Share of every constant, by name in order of depth.
    residual_ratio
        r / y, or None where the score is zero.
    residual_share
        abs(r) / (abs(r) + abs(F x0)), or None where both are zero.
    error
        Relative error of F x0 + r against the scores.
    """

    file: str
    label: str
    score: float
    input: float
    layers: Mapping[str, float]
    residual_ratio: float | None
    residual_share: float | None
    error: float


@dataclass(frozen=True)
class Summary:
    """One number over many images.

    Attributes
    ----------
    count
        Images in which the number exists.
    mean, std, median
        Over them; ``std`` with n - 1 in the denominator (0 for one image).
    low, high
        95 % bootstrap interval of the mean: 10,000 resamples of the images, seed 0.
    """

    count: int
    mean: float
    std: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class FolderStatistics:
    """Contributions over a folder of images.

    Attributes
    ----------
    records
        The images.
    residual_ratio, residual_share
        The residual's part of the score in both definitions.
    names
        ``"input"`` and every constant, shallow to deep.
    mean, std
        Of the shares divided by the score, one a name; the means sum to 1. Images with a score of zero are left out.
    counted
        How many images ``mean`` and ``std`` are of.
    """

    records: tuple[ImageRecord, ...]
    residual_ratio: Summary
    residual_share: Summary
    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    counted: int


def record(file: str, label: str, made: Contributions, error: float) -> ImageRecord:
    """Reduce one image's contributions to plain values.

    Parameters
    ----------
    file, label
        Names of the image and of the label that ``made`` is about.
    made
        The contributions.
    error
        Of the interpreter's certificate (``reconstruction``).

    Examples
    --------
    >>> record("a.png", "cat", Contributions(3, 4.0, 1.0, {"conv": 3.0}, 0.0), 1e-7).residual_ratio
    0.75
    """
    ratio, part = made.residual_ratio, made.residual_share
    return ImageRecord(
        file,
        label,
        made.score,
        made.input,
        dict(made.layers),
        ratio if isfinite(ratio) else None,
        part if isfinite(part) else None,
        error,
    )


def summarise(records: Sequence[ImageRecord]) -> FolderStatistics:
    """Put the records of many images of one model together.

    Parameters
    ----------
    records
        At least one. A constant that a record does not name counts as 0 there.

    Raises
    ------
    InputError
        When there is no record, or no score that shares can be divided by.

    Examples
    --------
    >>> one = ImageRecord("a.png", "cat", 4.0, 1.0, {"conv": 3.0}, 0.75, 0.75, 1e-7)
    >>> two = ImageRecord("b.png", "dog", 2.0, 1.5, {"conv": 0.5}, 0.25, 0.25, 1e-7)
    >>> summarise([one, two]).mean
    (0.5, 0.5)

    Source: Navarrete Michelini et al. 2019, Tables 3 and 4, Fig. 8.
    """
    if not records:
        raise InputError("There is no image to make statistics of. Give a folder with at least one image.")
    names = ["input", *dict.fromkeys(name for one in records for name in one.layers)]
    rows = [
        [value / one.score for value in (one.input, *(one.layers.get(name, 0.0) for name in names[1:]))]
        for one in records
        if one.score != 0
    ]
    if not rows:
        raise InputError("Every score is zero, so that shares of it do not exist. Choose another output.")
    table = np.array(rows, dtype=np.float64)
    return FolderStatistics(
        tuple(records),
        _summary([one.residual_ratio for one in records]),
        _summary([one.residual_share for one in records]),
        tuple(names),
        tuple(table.mean(0).tolist()),
        tuple(_std(table).tolist()),
        len(rows),
    )


def _summary(values: Sequence[float | None]) -> Summary:
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return Summary(0, *[float("nan")] * 5)
    drawn = np.random.default_rng(SEED).integers(0, len(known), (RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(1), [0.025, 0.975]).tolist()
    return Summary(len(known), float(known.mean()), float(_std(known)), float(np.median(known)), low, high)


def _std(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Deviation over the first axis; 0 for one image."""
    return np.asarray(values.std(0, ddof=1 if len(values) > 1 else 0))

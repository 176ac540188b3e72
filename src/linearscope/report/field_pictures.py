"""Rows and columns of F as colours: one signed scale, crisp pixels, the same square for all."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from torch import Tensor

from linearscope.analysis.fields import Field
from linearscope.errors import InputError
from linearscope.report.about import Picture
from linearscope.report.style import DIVERGING

__all__ = ["COLOURS", "Colours", "field_colours", "field_half", "field_limit", "position_picture", "square"]

T = TypeVar("T", bound=np.generic)

Array = npt.NDArray[np.float64]

#: How a filter of several channels becomes one picture.
Colours = Literal["signed", "colour"]
COLOURS: Final = ("signed", "colour")

#: The part of the energy that lies in values above the limit of a scale.
SATURATED: Final = 0.5
LEAST_HALF: Final = 6
OUTSIDE: Final = 222


def field_limit(fields: Sequence[Field], colours: Colours = "signed") -> float:
    """Choose one scale for several filters: the size whose larger values hold half of the energy; 1 for all zeros.

    Zeros do not count, however many, so that the scale is the same for a filter in its window and in the whole image;
    nor does a filter that is much weaker than the others change it.

    Parameters
    ----------
    fields
        From :func:`linearscope.fields`.
    colours
        ``"signed"``: of the sums over the channels. ``"colour"``: of every channel.
    """
    sizes = np.sort(np.concatenate([np.abs(_summed(one.values, colours)).ravel() for one in fields]))
    energy = np.cumsum(sizes[::-1] ** 2)
    if not (len(energy) and energy[-1] > 0):
        return 1.0
    return float(sizes[::-1][int(np.searchsorted(energy, SATURATED * energy[-1]))])


def field_half(fields: Sequence[Field]) -> int:
    """Choose half the side in pixels of a square that shows what matters of several filters, around their pixels.

    It holds every structural window, or 1.2 times the largest radius of 99 % of the energy where that is
    less; at least 6 pixels.
    """
    half = LEAST_HALF
    for one in fields:
        height, width = one.values.shape[-2:]
        (top, left), (y, x) = one.start[-2:], one.point
        window = max(y - top, top + height - 1 - y, x - left, left + width - 1 - x) + 1
        half = max(half, ceil(min(window, 1.2 * one.radii[0.99] + 1)))
    return half


def field_colours(values: Tensor | Array, limit: float, colours: Colours = "signed") -> Picture:
    """Colour a filter.

    Parameters
    ----------
    values
        ``(C, h, w)``.
    limit
        The size that has the full colour; larger values look the same.
    colours
        ``"signed"``: the sum over the channels, which is the answer to grey: red above zero, blue below, white at zero.
        ``"colour"``: every channel around middle grey, for filters of three channels; others are drawn signed.
        NaN, which is outside of the image, is light grey.

    Returns
    -------
    ndarray, uint8, (h, w, 3)
    """
    if colours not in COLOURS:
        raise InputError(f"There are no colours {colours!r}; there are {', '.join(map(repr, COLOURS))}.")
    planes = np.clip(_summed(values, colours) / limit, -1, 1)
    outside = np.isnan(planes).any(0)
    planes = np.where(outside, 0, planes)
    if len(planes) == 3:
        picture = (127.5 + 127.5 * planes).round().transpose(1, 2, 0)
    else:
        picture = (colormaps[DIVERGING](planes[0] / 2 + 0.5)[..., :3] * 255).round()
    picture[outside] = OUTSIDE
    return np.asarray(picture.astype(np.uint8))


def square(field: Field, half: int) -> Array:
    """Cut out ``(C, 2 half + 1, 2 half + 1)`` around the pixel of a filter: zero where its window ends, NaN outside."""
    row, column = centre(field.point)
    top, left = field.start[-2:]
    values = np.asarray(field.values.detach().double().cpu().numpy())
    inside = np.zeros((1, *field.shape[-2:]))
    return np.asarray(
        _cut(values, (row - top, column - left), half, 0.0) + _cut(inside, (row, column), half, np.nan), np.float64
    )


def position_picture(photo: Picture, point: tuple[float, float], half: int) -> Picture:
    """Cut out of a photo the square that :func:`square` cuts out of a filter; light grey outside.

    Parameters
    ----------
    photo
        ``(H, W, 3)``.
    point
        Row and column on it.
    half
        Half the side.
    """
    return _cut(photo.transpose(2, 0, 1), centre(point), half, OUTSIDE).transpose(1, 2, 0)


def centre(point: tuple[float, float]) -> tuple[int, int]:
    """The pixel around which squares are cut; of a point between two pixels the later one."""
    return int(np.floor(point[0] + 0.5)), int(np.floor(point[1] + 0.5))


def _cut(planes: npt.NDArray[T], middle: tuple[int, int], half: int, outside: float) -> npt.NDArray[T]:
    found = np.full((len(planes), 2 * half + 1, 2 * half + 1), outside, planes.dtype)
    slices = []
    for place, size in zip(middle, planes.shape[1:], strict=True):
        low, high = max(0, place - half), min(size, place + half + 1)
        slices.append((slice(low, max(low, high)), slice(low - place + half, max(low, high) - place + half)))
    (rows, to_rows), (columns, to_columns) = slices
    found[:, to_rows, to_columns] = planes[:, rows, columns]
    return found


def _summed(values: Tensor | Array, colours: Colours) -> Array:
    planes = np.asarray(values.detach().double().cpu().numpy() if isinstance(values, Tensor) else values)
    return planes if colours == "colour" and len(planes) == 3 else planes.sum(0, keepdims=True)

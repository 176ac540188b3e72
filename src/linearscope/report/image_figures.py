"""Pictures and charts of the tours of networks that make images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from linearscope.analysis.eigen import EigenPairs
from linearscope.analysis.flashlight import Flashlight
from linearscope.analysis.pattern import Pattern
from linearscope.report.about import Picture
from linearscope.report.field_pictures import field_colours
from linearscope.report.style import CONSTANTS, HALF, INK, SMALLEST_PICTURE, chart, picture, styled
from linearscope.report.words import amount

__all__ = [
    "cut_out",
    "eigen_picture",
    "energy_limit",
    "flashlight_half",
    "flashlight_picture",
    "marked_panel",
    "singular_values_chart",
]

#: The part of the energy that lies in values above the limit of a scale.
SATURATED = 0.5
#: The part of the energy that lies in the tiles of a flashlight, and half their smallest side.
TILED = 0.98
LEAST_TILE = 4
#: Pixels of grey between the tiles of a flashlight.
GAP = 1
RING = "#facc15"
#: Colour and width in pixels of the frame around a place.
FRAME = (107, 114, 128)
WIRE = 2

#: Top, bottom, left, right.
Box = tuple[float, float, float, float]


def energy_limit(maps: Sequence[Tensor]) -> float:
    """Choose one scale for signed maps: the size whose larger values hold half of the energy; 1 for all zeros.

    Each map ``(C, h, w)`` is summed over its channels, as it is drawn.
    """
    values = [np.abs(one.detach().double().cpu().numpy().sum(0)).ravel() for one in maps]
    sizes = np.sort(np.concatenate(values))[::-1]
    energy = np.cumsum(sizes**2)
    if not energy[-1] > 0:
        return 1.0
    return float(sizes[int(np.searchsorted(energy, SATURATED * energy[-1]))])


@styled
def marked_panel(photo: Picture, points: Mapping[str, tuple[int, int]]) -> Figure:
    """Show the photo with a ring and a name at every point; names move aside where they would lie on each other."""
    figure = picture(photo)
    axes = figure.axes[0]
    height, width = photo.shape[:2]
    pixel = figure.get_size_inches()[0] * 72 / width  # in points
    ring = max(height, width) / 26
    letter = 1.25 * ring  # the height of the type in pixels of the photo
    taken = [(row - ring, row + ring, column - ring, column + ring) for row, column in points.values()]
    for name, (row, column) in points.items():
        size = ring * pixel
        axes.plot(column, row, "o", markersize=size, markerfacecolor="none", markeredgecolor="black", mew=size / 4)
        axes.plot(column, row, "o", markersize=size, markerfacecolor="none", markeredgecolor=RING, mew=size / 7)
        box = _free_place(row, column, ring, 1.5 * letter, 0.72 * letter * len(name), taken, (height, width))
        taken.append(box)
        axes.text(
            (box[2] + box[3]) / 2,
            (box[0] + box[1]) / 2,
            name,
            ha="center",
            va="center",
            fontsize=letter * pixel,
            color="white",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "black", "alpha": 0.65, "linewidth": 0},
        )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    return figure


def _free_place(
    row: float, column: float, ring: float, tall: float, wide: float, taken: Sequence[Box], shape: tuple[int, int]
) -> Box:
    """Choose a box beside a point, right or left of it, above or below, that covers the least of what is taken."""
    away = 0.9 * ring
    places = [(row, column + away + wide / 2), (row, column - away - wide / 2)]
    places += [(row + up * (away + tall / 2), column + side * wide / 3) for up in (-1, 1) for side in (0, 1, -1)]
    boxes = [(r - tall / 2, r + tall / 2, c - wide / 2, c + wide / 2) for r, c in places]
    frame = (0.0, float(shape[0]), 0.0, float(shape[1]))

    def cost(box: Box) -> float:
        return tall * wide - _common(box, frame) + sum(_common(box, other) for other in taken)

    return min(boxes, key=cost)


def _common(one: Box, two: Box) -> float:
    down = min(one[1], two[1]) - max(one[0], two[0])
    along = min(one[3], two[3]) - max(one[2], two[2])
    return down * along if down > 0 and along > 0 else 0.0


def flashlight_half(several: Sequence[Flashlight]) -> int:
    """Choose half the side of the tiles of several flashlights: 98 % of the energy of each lies in them."""
    half = LEAST_TILE
    for found in several:
        energy = found.columns.double().square().sum((0, 1)).numpy()
        if not energy.sum() > 0:
            continue
        middle = (np.asarray(energy.shape) - 1) / 2
        away = np.maximum(*(np.abs(axis - place) for axis, place in zip(np.indices(energy.shape), middle, strict=True)))
        order = np.argsort(away, axis=None, kind="stable")
        inside = np.cumsum(energy.ravel()[order])
        half = max(half, int(np.ceil(away.ravel()[order][int(np.searchsorted(inside, TILED * inside[-1]))])))
    return half


def flashlight_picture(found: Flashlight, limit: float, half: int) -> Picture:
    """Draw the columns of a flashlight as tiles, each where its pixel lies in the image.

    Parameters
    ----------
    found
        The columns.
    limit
        The size that has the full colour.
    half
        Half the side of a tile, see :func:`flashlight_half`.
    """
    rows = sorted({row for row, _ in found.positions})
    columns = sorted({column for _, column in found.positions})
    middle = found.columns.shape[-1] / 2
    inside = slice(max(0, round(middle - half - 0.1)), round(middle + half + 0.1))
    tiles = [field_colours(values[:, inside, inside], limit) for values in found.columns]
    height, width = tiles[0].shape[:2]
    canvas = np.full((len(rows) * (height + GAP) - GAP, len(columns) * (width + GAP) - GAP, 3), 178, np.uint8)
    for tile, (row, column) in zip(tiles, found.positions, strict=True):
        top, left = rows.index(row) * (height + GAP), columns.index(column) * (width + GAP)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def eigen_picture(values: Tensor, found: Pattern, limit: float) -> Picture:
    """Draw a singular vector ``(C, H, W)`` over the whole image, the place of its energy framed where it is small."""
    pixels = field_colours(values, limit)
    side = max(pixels.shape[:2])
    factor = max(1, -(-SMALLEST_PICTURE // side))
    pixels = pixels.repeat(factor, 0).repeat(factor, 1)
    if 0 < found.radius < side / 2.5:
        half = found.radius + max(side / 60, 1)
        ends = []
        for place, size in zip(found.centre, values.shape[-2:], strict=True):
            low, high = max(place - half, 0), min(place + half + 1, size)
            ends.append((round(factor * low), round(factor * high)))
        (top, bottom), (left, right) = ends
        frame = pixels[top:bottom, left:right]
        for edge in (frame[:WIRE], frame[-WIRE:], frame[:, :WIRE], frame[:, -WIRE:]):
            edge[...] = FRAME
    return pixels


def cut_out(values: Any, centre: tuple[float, float], half: int) -> Any:
    """Cut ``(..., H, W)`` to the square around a centre, moved inside where it would stick out."""
    slices = []
    for place, size in zip(centre, values.shape[-2:], strict=True):
        length = min(2 * half + 1, size)
        start = min(max(round(place) - half, 0), size - length)
        slices.append(slice(start, start + length))
    return values[..., slices[0], slices[1]]


@styled
def singular_values_chart(found: EigenPairs, *, width: float = HALF) -> Figure:
    """Draw the singular values as bars from zero."""
    figure, axes = chart(width, 2.3, "singular value")
    values = [pair.singular_value for pair in found.pairs]
    axes.bar(range(1, len(values) + 1), values, 0.62, color=CONSTANTS, linewidth=0)
    for place, value in enumerate(values, 1):
        if len(values) <= 12:
            axes.annotate(
                amount(value), (place, value), (0, 3), textcoords="offset points", ha="center", fontsize=7.5, color=INK
            )
    axes.set_xticks(range(1, len(values) + 1))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(0.4, len(values) + 0.6)
    axes.set_ylim(0, 1.15 * max(*values, 1e-12))
    return figure

"""Figures of several methods side by side: heat maps on the pale photo, who agrees with whom, which labels differ."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from linearscope.attribution.result import Heatmap
from linearscope.report.about import Picture
from linearscope.report.style import DIVERGING, DPI, HALF, INK, INPUT, MUTED, RULE, WIDE, styled
from linearscope.report.words import MINUS

__all__ = ["COLOURS", "agreement_chart", "heat_pixels", "sameness_chart"]

#: Colours of a heat map, by how it is made; "positive" is the half of the diverging ones that speaks for.
COLOURS: Final[dict[Heatmap, str]] = {"positive": "Reds", "magnitude": "Purples", "signed": DIVERGING}
#: Above so many methods cells hold no numbers.
NUMBERED: Final = 18
#: A pale photo: how bright its darkest place is.
PALE: Final = 0.8


def heat_pixels(photo: Picture, heatmap: Tensor, kind: Heatmap, limit: float) -> Picture:
    """Colour a heat map and lay it on the pale photo, which alone is seen where the map is zero.

    Parameters
    ----------
    photo
        ``(H, W, 3)``.
    heatmap
        ``(H, W)``; of kind ``"signed"`` blue below zero and red above, otherwise not negative.
    kind
        How the map was made.
    limit
        The size that has the full colour; larger values look the same.
    """
    scaled = np.clip(heatmap.detach().double().cpu().numpy() / limit, -1, 1)
    strength = scaled / 2 + 0.5 if kind == "signed" else scaled
    colours = colormaps[COLOURS[kind]](strength)[..., :3]
    grey = np.asarray(photo @ np.array([0.299, 0.587, 0.114]))[..., None] / 255
    return np.asarray((colours * (PALE + (1 - PALE) * grey) * 255).round(), dtype=np.uint8)


@styled
def agreement_chart(names: Sequence[str], correlations: Tensor, *, width: float = WIDE) -> Figure:
    """Draw how far every two methods put the pixels into the same order.

    Parameters
    ----------
    names
        Of the methods.
    correlations
        ``(m, m)``, from -1 to 1; NaN where a map is constant.
    width
        In inches.
    """
    count = len(names)
    values = correlations.detach().cpu().numpy()
    longest = max(len(name) for name in names)
    size = 7.5 if width > HALF and count <= NUMBERED else 6.5 if width > HALF else 5.5
    label = 0.0086 * size * longest + 0.12
    side = min(0.52, (width - label - 0.05) / count)
    across, high = label + side * count + 0.05, label + side * count + 0.05
    figure = Figure(figsize=(across, high), dpi=DPI, facecolor="white")
    axes = figure.add_axes((label / across, 0.05 / high, side * count / across, side * count / high))
    table = colormaps[DIVERGING].with_extremes(bad=RULE)
    axes.imshow(np.ma.masked_invalid(values), cmap=table, vmin=-1, vmax=1, aspect="equal")
    axes.set_xticks(range(count), list(names), rotation=90, fontsize=size)
    axes.set_yticks(range(count), list(names), fontsize=size)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if count <= NUMBERED and side > 0.3:
        for row in range(count):
            for column in range(count):
                value = float(values[row, column])
                if row != column:
                    pale = not isfinite(value) or abs(value) < 0.65
                    said = f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS) if isfinite(value) else "–"
                    axes.text(column, row, said, ha="center", va="center", fontsize=6.5, color=INK if pale else "white")
    return figure


@styled
def sameness_chart(names: Sequence[str], correlations: Sequence[float], *, width: float = WIDE) -> Figure:
    """Draw for each method how alike its maps for different labels are: 1 is the same order of pixels.

    Parameters
    ----------
    names
        Of the methods.
    correlations
        Mean rank correlation over pairs of labels, one a method; NaN where a map is constant.
    width
        In inches.
    """
    size = 8.0 if width > HALF else 6.5
    label = 0.0086 * size * max(len(name) for name in names) + 0.12
    high = 0.24 * len(names) + 0.5
    figure = Figure(figsize=(width, high), dpi=DPI, facecolor="white")
    axes = figure.add_axes((label / width, 0.42 / high, (width - label - 0.45) / width, 0.24 * len(names) / high))
    finite = [value for value in correlations if isfinite(value)]
    for place, value in enumerate(correlations):
        known = isfinite(value)
        if known:
            axes.barh(place, value, 0.68, color=INPUT, linewidth=0)
        axes.annotate(
            f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS) if known else "constant map",
            (max(value, 0.0) if known else 0.0, place), (4, 0), textcoords="offset points", va="center", fontsize=7.5,
            color=INK if known else MUTED,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), list(names), fontsize=size)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(min(0.0, *finite, 0.0) * 1.05, 1.0)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.set_xlabel("rank correlation of the maps of different labels")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure

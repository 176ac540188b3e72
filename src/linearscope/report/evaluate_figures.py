"""Figures of an evaluation: rankings with intervals, curves, heat maps side by side, times."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from linearscope.evaluation.metrics import METRICS
from linearscope.evaluation.results import Evaluation
from linearscope.report.about import Picture, clip
from linearscope.report.evaluate_words import seconds
from linearscope.report.explain_figures import heat_pixels
from linearscope.report.pictures import robust_limit
from linearscope.report.style import CONSTANTS, DPI, HALF, INK, INPUT, MUTED, RULE, WIDE, chart, framed_axes, styled
from linearscope.report.words import MINUS, amount

__all__ = ["contact_sheet", "curves_chart", "ranking_chart", "seconds_chart"]

LINE: Final = 0.215
#: Colours of the best methods' curves; all are told apart in grey as well by their place in the legend.
COLOURS: Final = (INPUT, CONSTANTS, "#2b5fa8", "#b3261e", "#7c3aed")
DASHES: Final = {"random": (0, (1, 1.5)), "centre": (0, (4, 2)), "edges": (0, (5, 1.5, 1, 1.5))}
#: Images on a contact sheet; phones show two.
SHOWN: Final = 4
#: Colour of a mask's outline, which neither a photo nor a heat map is likely to have.
OUTLINE: Final = "#00a2ff"


@styled
def ranking_chart(found: Evaluation, metric: str, *, width: float = HALF) -> Figure:
    """Draw the mean of every method with its interval, the best on top; baselines are hollow.

    Parameters
    ----------
    found
        The evaluation.
    metric
        One of its metrics.
    width
        In inches.
    """
    names = found.ranking(metric)
    figure, axes = _lines(names, width)
    best = found.best(metric)
    for place, name in enumerate(names):
        row = found[name]
        one = row.scored[metric].estimate
        tied = name == best or name in found.ties[metric]
        colour = MUTED if row.baseline else INPUT
        if isfinite(one.low):
            axes.plot([one.low, one.high], [place, place], color=colour, linewidth=1.6, alpha=1 if tied else 0.55)
        axes.plot(
            one.mean, place, "o", color=colour, markersize=5.5, markerfacecolor="white" if row.baseline else colour,
            markeredgewidth=1.2, alpha=1 if tied or row.baseline else 0.6,
        )  # fmt: skip
        axes.annotate(
            amount(one.mean), (1, place), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", fontsize=7, color=MUTED if row.baseline else INK, fontweight="bold" if name == best else None,
        )  # fmt: skip
    better = METRICS[metric].better
    axes.set_xlabel(f"{metric}: {better} is better {'→' if better == 'higher' else '←'}", fontsize=7.5)
    _names(axes, [(name, found[name].baseline, name == best) for name in names], width)
    low, high = axes.get_xlim()
    axes.set_xlim(low - 0.02 * (high - low), high)
    return figure


@styled
def seconds_chart(found: Evaluation, *, width: float = HALF) -> Figure:
    """Draw what every method takes for an image, on a scale of powers of ten."""
    rows = sorted((row for row in found.rows if not row.baseline), key=lambda row: row.seconds)
    figure, axes = _lines([row.name for row in rows], width)
    least = min(row.seconds for row in rows)
    for place, row in enumerate(rows):
        axes.plot([least / 1.5, row.seconds], [place, place], color=RULE, linewidth=1.2, zorder=1)
        axes.plot(row.seconds, place, "o", color=CONSTANTS, markersize=5.5, zorder=2)
        axes.annotate(
            seconds(row.seconds), (1, place), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", fontsize=7, color=INK,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(least / 1.5, 1.5 * max(row.seconds for row in rows))
    axes.minorticks_off()
    axes.set_xlabel("seconds an image", fontsize=7.5)
    _names(axes, [(row.name, False, False) for row in rows], width)
    return figure


@styled
def curves_chart(found: Evaluation, metric: str, *, width: float = HALF) -> Figure:
    """Draw the mean curves: the best methods in colour, the others pale, baselines dashed.

    Parameters
    ----------
    found
        The evaluation.
    metric
        One of its metrics that has curves.
    width
        In inches.
    """
    along, up = METRICS[metric].axes or ("", "")
    figure, axes = chart(width, 3.4 if width >= HALF else 3.6, up)
    ranking = [name for name in found.ranking(metric) if found[name].scored[metric].curve is not None]
    methods = [name for name in ranking if not found[name].baseline]
    for name in reversed(ranking):
        curve = found[name].scored[metric].curve
        assert curve is not None
        x, y = curve.x.numpy(), curve.y.double().mean(0).numpy()
        marker = "o" if len(x) < 12 else ""
        if found[name].baseline:
            style = DASHES.get(name, "--")
            axes.plot(x, y, color=MUTED, linewidth=1.1, linestyle=style, label=name, marker=marker, markersize=2.5)
        elif name in methods[: len(COLOURS)]:
            colour = COLOURS[methods.index(name)]
            axes.plot(x, y, color=colour, linewidth=1.6, label=name, zorder=3, marker=marker, markersize=3)
        else:
            axes.plot(x, y, color="#c9ced6", linewidth=0.8, zorder=1)
    axes.set_xlabel(along)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: ranking.index(labels[i]))
    figure.legend(
        [handles[i] for i in order], [clip(labels[i], 28) for i in order], loc="outside lower center",
        ncols=2, frameon=False, fontsize=7, handlelength=2.2, columnspacing=1.4,
    )  # fmt: skip
    return figure


@styled
def contact_sheet(found: Evaluation, photos: Sequence[Picture], *, width: float = WIDE) -> Figure:
    """Show the heat maps of all methods on the same few images, with the masks outlined.

    Parameters
    ----------
    found
        The evaluation.
    photos
        Its first images, as the model saw them.
    width
        In inches.
    """
    photos = photos[: SHOWN if width > HALF else 2]
    across = 8 if width > HALF else 4
    gap, head = 0.07, 0.3
    side = (width - (across - 1) * gap) / across
    height = side * photos[0].shape[0] / photos[0].shape[1]
    columns: list[tuple[str, list[Picture]]] = [("images", list(photos))]
    for row in found.rows:
        maps = [
            heat_pixels(photo, heatmap, row.kind, robust_limit(heatmap))
            for photo, heatmap in zip(photos, row.heatmaps, strict=False)
        ]
        columns.append((row.name, maps))
    lines = -(-len(columns) // across)
    band = head + len(photos) * (height + gap) + 0.1
    total = lines * band
    figure = Figure(figsize=(width, total), dpi=DPI, facecolor="white")
    for place, (name, pictures) in enumerate(columns):
        left, above = (place % across) * (side + gap), total - (place // across) * band - head
        baseline = place > 0 and found.rows[place - 1].baseline
        size = min(7.5, side / (0.0086 * len(name)))
        figure.text(
            left / width, (above + 0.06) / total, name, fontsize=size, va="bottom",
            color=MUTED if baseline else INK, fontstyle="italic" if baseline else None,
            fontweight="bold" if not place else None,
        )  # fmt: skip
        for line, pixels in enumerate(pictures):
            axes = framed_axes(figure, left, above - (line + 1) * height - line * gap, side, height)
            axes.imshow(pixels, interpolation="nearest" if max(pixels.shape) < 160 else "antialiased", aspect="auto")
            if found.masks is not None:
                _outline(axes, found.masks[line])
    return figure


def _outline(axes: Axes, mask: Tensor) -> None:
    values = np.pad(mask.cpu().numpy().astype(float), 1)
    rows, columns = np.arange(values.shape[0]) - 1, np.arange(values.shape[1]) - 1
    axes.contour(columns, rows, values, levels=[0.5], colors=[OUTLINE], linewidths=0.6)
    axes.set_xlim(-0.5, values.shape[1] - 2.5)
    axes.set_ylim(values.shape[0] - 2.5, -0.5)


def _lines(names: Sequence[str], width: float) -> tuple[Figure, Axes]:
    size = 7.5 if width >= HALF else 6.8
    label = 0.0086 * size * max(len(clip(name, 34)) for name in names) + 0.14
    high = LINE * len(names) + 0.52
    figure = Figure(figsize=(width, high), dpi=DPI, facecolor="white")
    axes = figure.add_axes((label / width, 0.44 / high, (width - label - 0.56) / width, LINE * len(names) / high))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=7)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", MINUS))
    return figure, axes


def _names(axes: Axes, names: Sequence[tuple[str, bool, bool]], width: float) -> None:
    axes.set_yticks(range(len(names)), [clip(name, 34) for name, _, _ in names], fontsize=7.5 if width >= HALF else 6.8)
    for label, (_, baseline, best) in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(MUTED if baseline else INK)
        label.set_fontstyle("italic" if baseline else "normal")
        label.set_fontweight("bold" if best else "normal")

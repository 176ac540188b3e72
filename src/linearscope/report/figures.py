"""Charts: contributions by depth, the affine form by depth, decisions changed by distance."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from linearscope.analysis import Contributions, Layerwise, Reach
from linearscope.errors import InputError
from linearscope.report.about import clip
from linearscope.report.stages import Stage, stage_depth, stages
from linearscope.report.style import CONSTANTS, HALF, INK, INPUT, MUTED, WIDE, chart, mark_stages, styled
from linearscope.report.words import MINUS, signed

__all__ = [
    "contribution_histogram",
    "contribution_limits",
    "largest",
    "layerwise_curve",
    "reach_curve",
    "statistics_figure",
]

#: Empty slots between the input, the constants and the score, as a part of the number of constants.
GAP = 0.05

CIRCLED = "①②③"


def largest(c: Contributions, count: int = 3) -> list[tuple[str, float]]:
    """Return the constants with the largest shares by size."""
    return sorted(c.layers.items(), key=lambda item: -abs(item[1]))[:count]


def contribution_limits(several: Sequence[Contributions]) -> tuple[float, float]:
    """Return limits of the vertical axis in which the histograms of all of ``several`` fit."""
    low = high = 0.0
    for c in several:
        names = list(c.layers)
        found = stages(names, stage_depth(names))
        values = [c.input, c.score, *c.layers.values(), *_sums(list(c.layers.values()), found)]
        low, high = min(low, *values), max(high, *values)
    room = (high - low or 1.0) * 0.08
    return low - (room if low < 0 else 0.0), high + room


@styled
def contribution_histogram(
    c: Contributions, *, width: float = WIDE, limits: tuple[float, float] | None = None
) -> Figure:
    """Draw the share of the input and of every constant by depth, and the score they sum to.

    Parameters
    ----------
    c
        Contributions to one score. Thin bars are single constants, the pale ones behind them sums over a stage; the
        three largest constants are named.
    width
        In inches.
    limits
        Of the vertical axis, where several charts are to be compared.

    Source: Navarrete Michelini et al. 2019, Fig. 4.
    """
    figure, axes = chart(width, 3.5 if width > HALF else 3.3, "share, in units of the score")
    values = list(c.layers.values())
    names = list(c.layers)
    found = stages(names, stage_depth(names))
    start, total, slots, thick = _places(len(values), width)
    mark_stages(axes, found, start, slots, width, extra=[(0.0, "input"), (total, "score")])
    for stage, value in zip(found, _sums(values, found), strict=True):
        if stage.stop - stage.start > 1:
            axes.bar(
                start + (stage.start + stage.stop - 1) / 2,
                value,
                (stage.stop - stage.start) - 0.16,
                color=CONSTANTS,
                alpha=0.28,
                linewidth=0,
            )
    axes.bar(0, c.input, thick, color=INPUT, linewidth=0)
    axes.bar([start + i for i in range(len(values))], values, 0.64, color=CONSTANTS, linewidth=0)
    axes.bar(total, c.score, thick, color=INK, linewidth=0)
    _value(axes, 0, c.input, INPUT)
    _value(axes, total, c.score, INK)
    named = largest(c)
    for digit, (name, value) in zip(CIRCLED, named, strict=False):
        _mark(axes, start + names.index(name), value, digit)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(-thick, total + thick)
    axes.set_ylim(*(limits or contribution_limits([c])))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    entries = [
        f"{digit} {clip(name, 34)}  {signed(value)}" for digit, (name, value) in zip(CIRCLED, named, strict=False)
    ]
    axes.set_title(("     " if width > HALF else "\n").join(entries), fontsize=8, loc="left", color=MUTED, pad=8)
    return figure


@styled
def statistics_figure(
    names: Sequence[str], mean: Sequence[float], std: Sequence[float], n: int, *, width: float = WIDE
) -> Figure:
    """Draw mean shares of the score over many images, with a band of one standard deviation.

    Parameters
    ----------
    names
        ``"input"`` and every constant, shallow to deep.
    mean, std
        Of shares divided by the score, one a name.
    n
        How many images they are over.
    width
        In inches.

    Raises
    ------
    InputError
        When the lengths differ or there is no name.

    Source: Navarrete Michelini et al. 2019, Fig. 4 and 8.
    """
    if not len(names) == len(mean) == len(std) or not names:
        raise InputError("A statistics figure needs one mean and one deviation for every name.")
    figure, axes = chart(width, 3.7 if width > HALF else 3.4, "part of the score")
    found = stages(list(names[1:]), stage_depth(list(names[1:])))
    start, _, slots, thick = _places(len(names) - 1, width)
    mark_stages(axes, found, start, slots, width, extra=[(0.0, "input")])
    middle, spread = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
    x = start + np.arange(len(names) - 1)
    axes.bar(0, middle[0], thick, color=INPUT, linewidth=0, label="input, mean")
    axes.errorbar(0, middle[0], spread[0], color=INK, capsize=3, linewidth=0.9)
    axes.bar(x, middle[1:], 0.7, color=CONSTANTS, linewidth=0, label="constants, mean")
    axes.bar(
        x,
        2 * spread[1:],
        0.9,
        bottom=middle[1:] - spread[1:],
        color=INK,
        alpha=0.16,
        linewidth=0,
        label=f"±1 standard deviation over {n:,} image{'s' if n != 1 else ''}",
    )
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(-thick, start + len(names) - 1.3)
    axes.yaxis.set_major_formatter(_PERCENT)
    handles, texts = axes.get_legend_handles_labels()
    order = sorted(range(len(texts)), key=lambda i: ("±" in texts[i], "input" not in texts[i]))
    figure.legend(
        [handles[i] for i in order],
        [texts[i] for i in order],
        loc="outside upper left",
        ncols=3 if width > HALF else 1,
        frameon=False,
        fontsize=8,
    )
    return figure


@styled
def layerwise_curve(
    form: Layerwise, trunk: Sequence[str], marked: Sequence[str] = (), *, width: float = WIDE
) -> Figure:
    """Draw how much of the score is bias, feature map by feature map.

    Parameters
    ----------
    form
        The affine form of one score at many feature maps.
    trunk
        The feature maps that nothing runs past: joined by the line. The others lie inside branches and are dots.
    marked
        Feature maps to mark with the letters A, B, ...
    width
        In inches.

    Source: Chen et al. 2019, bias over score by depth.
    """
    names = list(form.layers)
    divided = all(isfinite(one.ratio) and abs(one.ratio) < 100 for one in form.layers.values())
    label = "bias / score" if divided else "|b| / (|b| + |W z|)"
    values = [one.ratio if divided else one.share for one in form.layers.values()]
    figure, axes = chart(width, 3.1, label)
    mark_stages(axes, stages(names, stage_depth(names)), 0, len(names), width)
    line = [i for i, name in enumerate(names) if name in set(trunk)]
    inside = [i for i in range(len(names)) if i not in set(line)]
    if inside:
        axes.plot(inside, [values[i] for i in inside], ".", color=CONSTANTS, alpha=0.45, markersize=3.5, linewidth=0)
    axes.fill_between(line, [values[i] for i in line], color=CONSTANTS, alpha=0.14, linewidth=0)
    axes.plot(line, [values[i] for i in line], color=CONSTANTS, linewidth=1.6, marker="o", markersize=2.4)
    for letter, name in zip("ABCDEFGH", marked, strict=False):
        i = names.index(name)
        axes.plot(i, values[i], "o", color=INK, markersize=6.5)
        axes.annotate(
            letter, (i, values[i]), (0, 7), textcoords="offset points", ha="center", fontsize=9, fontweight="bold"
        )
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.axhline(1, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
    low, high = min(0.0, *values), max(1.0, *values)
    axes.set_ylim(low - 0.06 * (high - low), high + 0.16 * (high - low))
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.yaxis.set_major_formatter(_PERCENT)
    return figure


@styled
def reach_curve(found: Reach, *, width: float = HALF) -> Figure:
    """Draw which part of the decisions has changed on the way along a direction.

    Raises
    ------
    InputError
        When the changes were counted nowhere.
    """
    if not found.distances:
        raise InputError("No distances were asked of this reach, so that there is nothing to draw.")
    figure, axes = chart(width, 2.9, "decisions changed")
    x, y = [0.0, *found.distances], [0.0, *found.changed]
    axes.fill_between(x, y, color=INPUT, alpha=0.12, linewidth=0)
    axes.plot(x, y, color=INPUT, linewidth=1.6, marker="o", markersize=3.5, clip_on=False)
    axes.set_xlim(0, max(x))
    axes.set_ylim(0, max(*y, 0.001) * 1.15)
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel("way from the photo to the attacked image")
    return figure


def _percent(value: float, _place: int | None = None) -> str:
    return f"{round(100 * value, 6):g}\u202f%".replace("-", MINUS)


_PERCENT = FuncFormatter(_percent)


def _places(constants: int, width: float) -> tuple[float, float, float, float]:
    """Place of the first constant, of the score, the axis' length in slots, and how wide a bar standing alone is."""
    thick = max(0.8, constants * (0.03 if width > HALF else 0.06))
    gap = max(1.0, constants * (GAP if width > HALF else 2 * GAP))
    start = thick / 2 + gap
    total = start + constants - 1 + gap + thick / 2
    return start, total, total + 2 * thick, thick


def _sums(values: Sequence[float], found: Sequence[Stage]) -> list[float]:
    return [sum(values[stage.start : stage.stop]) for stage in found]


def _value(axes: Axes, x: float, value: float, color: str) -> None:
    axes.annotate(
        signed(value),
        (x, value),
        (0, 3 if value >= 0 else -3),
        textcoords="offset points",
        ha="center",
        va="bottom" if value >= 0 else "top",
        fontsize=8,
        fontweight="bold",
        color=color,
    )


def _mark(axes: Axes, x: float, value: float, text: str) -> None:
    axes.annotate(
        text,
        (x, value),
        (0, 2 if value >= 0 else -2),
        textcoords="offset points",
        ha="center",
        va="bottom" if value >= 0 else "top",
        fontsize=8.5,
        color=INK,
    )

"""Figures of singular triplets: their values, each vector over its image and enlarged, all of them at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from linearscope.analysis.pattern import pattern
from linearscope.analysis.svd import SVD
from linearscope.report.field_pictures import Colours, field_colours
from linearscope.report.image_figures import cut_out
from linearscope.report.style import CONSTANTS, DPI, HALF, INK, INPUT, MUTED, WIDE, chart, framed_axes, styled
from linearscope.report.words import amount, tiny

__all__ = ["is_picture", "triplet_figure", "triplets_overview", "values_chart"]

#: The part of the energy that lies in values above the limit of a scale.
SATURATED: Final = 0.5
#: Differences of colour hide in the sum of the channels: below this part of the energy vectors are shown in colour.
HIDDEN: Final = 0.5
GAP: Final = 0.12
ACROSS: Final = 8
#: Bars of a vector that is no image.
BARS: Final = 12


def is_picture(values: Tensor) -> bool:
    """Whether a vector ``(C, H, W)`` has pixels to be looked at."""
    return values.dim() == 3 and min(values.shape[1:]) > 1


@styled
def values_chart(found: SVD, *, width: float = HALF) -> Figure:
    """Draw the singular values as bars from zero; pale where they have not converged, clusters in brackets.

    Parameters
    ----------
    found
        From :func:`linearscope.svd`.
    width
        In inches.
    """
    figure, axes = chart(width, 2.5, "singular value")
    values = found.singular_values.tolist()
    places = range(1, len(values) + 1)
    for place, value, done in zip(places, values, found.converged.tolist(), strict=True):
        axes.bar(place, value, 0.66, color=CONSTANTS, alpha=1.0 if done else 0.35, linewidth=0)
        if len(values) <= 12:
            axes.annotate(
                amount(value), (place, value), (0, 3), textcoords="offset points", ha="center", fontsize=7.5, color=INK
            )
    top = max(values)
    for group in found.clusters:
        axes.plot(
            [group[0] + 0.7, group[0] + 0.7, group[-1] + 1.3, group[-1] + 1.3],
            [1.13 * top, 1.16 * top, 1.16 * top, 1.13 * top],
            color=INPUT,
            linewidth=1.2,
        )
    if found.clusters:
        axes.set_title("brackets: not told apart by their residuals", fontsize=7.5, color=MUTED, loc="left", pad=3)
    if len(values) <= 24:
        axes.set_xticks(list(places))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(0.4, len(values) + 0.6)
    axes.set_ylim(0, 1.2 * top)
    return figure


@styled
def triplet_figure(found: SVD, number: int, names: Sequence[str] | None = None, *, width: float = WIDE) -> Figure:
    """Show one eigen-input and its eigen-output, over the whole image and where their energy is.

    Parameters
    ----------
    found
        From :func:`linearscope.svd`.
    number
        Which triplet, from 0.
    names
        Of the outputs, where these are labels and no image.
    width
        In inches.

    Source: Navarrete Michelini et al. 2019, Fig. 5, 12 and 14.
    """
    side = (width - 3 * GAP) / 4
    height = side + 0.72
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    vectors = (found.eigen_inputs[number], found.eigen_outputs[number])
    for place, (title, values) in enumerate(zip(("eigen-input", "eigen-output"), vectors, strict=True)):
        left = 2 * place * (side + GAP)
        if is_picture(values):
            colours, limit = _colours(values), _limit([values])
            whole = framed_axes(figure, left, 0.3, side, side, title)
            part = framed_axes(figure, left + side + GAP, 0.3, side, side, "enlarged")
            whole.imshow(field_colours(values, limit, colours), interpolation="nearest")
            about = pattern(values)
            half = _half(values)
            cut = cut_out(values, about.centre, half)
            part.imshow(field_colours(cut, limit, colours), interpolation="nearest")
            if cut.shape[-1] < values.shape[-1] or cut.shape[-2] < values.shape[-2]:
                _box(whole, values, about.centre, half)
            said = f"90\u202f% within {about.radius:.1f} px · {about.frequency:.2f} cycles/px"
            if about.orientation is not None:
                said += f" · {about.orientation:.0f}°"
            figure.text(left / width, 0.17 / height, said, va="center", fontsize=7.5, color=INK)
            scale = "channels around grey" if colours == "colour" else "red above zero, blue below"
            figure.text(
                left / width,
                0.04 / height,
                f"{scale}, full at ±{amount(limit)}; enlarged: {cut.shape[-1]} × {cut.shape[-2]} px",
                va="center",
                fontsize=7,
                color=MUTED,
            )
        else:
            label = 1.1 if names else 0.5
            axes = figure.add_axes(
                ((left + label) / width, 0.3 / height, (2 * side + GAP - label) / width, side / height)
            )
            _bars(axes, values, names)
            axes.set_title(f"{title}: its largest entries", fontsize=8.5, color=MUTED, loc="left", pad=3)
    value, residual = float(found.singular_values[number]), float(found.residuals[number])
    figure.text(
        0,
        1 - 0.12 / height,
        f"{number + 1} · singular value {amount(value)} · residual {tiny(residual / float(found.singular_values[0]))} "
        f"of the largest{'' if bool(found.converged[number]) else ' · not converged'}{_cluster(found, number)}",
        va="center",
        fontsize=10,
        color=INK,
    )
    return figure


@styled
def triplets_overview(found: SVD, *, width: float = WIDE) -> Figure:
    """Show all eigen-inputs, enlarged where their energy is, each over its eigen-output.

    Every vector has its own place and scale; all inputs have one size, and all outputs.
    """
    count = len(found.singular_values)
    across = min(count, ACROSS)
    lines = -(-count // across)
    kinds = [vectors for vectors in (found.eigen_inputs, found.eigen_outputs) if is_picture(vectors[0])]
    label = 0.55
    side = (width - label - (ACROSS - 1) * 0.06) / ACROSS
    line = len(kinds) * (side + 0.06) + 0.26
    size = (label + across * (side + 0.06), lines * line + 0.16)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white")
    for kind, vectors in enumerate(kinds):
        half = max(_half(one) for one in vectors)
        name = "input" if vectors is found.eigen_inputs else "output"
        for i, values in enumerate(vectors):
            top = size[1] - (i // across) * line - 0.24 - kind * (side + 0.06)
            left = label + (i % across) * (side + 0.06)
            title = f"{i + 1}:  {amount(float(found.singular_values[i]))}" if kind == 0 else ""
            axes = framed_axes(figure, left, top - side, side, side, title)
            cut = cut_out(values, pattern(values).centre, half)
            axes.imshow(field_colours(cut, _limit([values]), _colours(values)), interpolation="nearest")
            if i % across == 0:
                figure.text(
                    0,
                    (top - side / 2) / size[1],
                    f"{name}\n{cut.shape[-1]} × {cut.shape[-2]}",
                    va="center",
                    fontsize=7.5,
                    color=MUTED,
                )
    figure.text(
        0,
        0.06 / size[1],
        "red above zero, blue below, or channels around grey; each on its own scale, around its own centre",
        va="center",
        fontsize=7,
        color=MUTED,
    )
    return figure


def _box(axes: Axes, values: Tensor, centre: tuple[float, float], half: int) -> None:
    """Draw what :func:`cut_out` cuts out."""
    corner, lengths = [], []
    for place, size in zip(centre, values.shape[-2:], strict=True):
        length = min(2 * half + 1, size)
        corner.append(min(max(round(place) - half, 0), size - length) - 0.5)
        lengths.append(length)
    axes.add_patch(
        Rectangle((corner[1], corner[0]), lengths[1], lengths[0], fill=False, edgecolor=CONSTANTS, linewidth=1.2)
    )


def _half(values: Tensor) -> int:
    return max(5, ceil(1.25 * pattern(values).radius) + 1)


def _colours(values: Tensor) -> Colours:
    planes = values.detach().double()
    hidden = float(planes.sum(0).square().sum()) < HIDDEN * 3 * float(planes.square().sum())
    return "colour" if len(planes) == 3 and hidden else "signed"


def _limit(several: Sequence[Tensor]) -> float:
    """The size whose larger values hold half of the energy of what is drawn."""
    sizes = []
    for values in several:
        planes = values.detach().double().cpu()
        sizes.append((planes if _colours(values) == "colour" else planes.sum(0)).abs().flatten().numpy())
    found = np.sort(np.concatenate(sizes))[::-1]
    energy = np.cumsum(found**2)
    return float(found[int(np.searchsorted(energy, SATURATED * energy[-1]))]) if energy[-1] > 0 else 1.0


def _bars(axes: Axes, values: Tensor, names: Sequence[str] | None) -> None:
    flat = values.detach().double().flatten().cpu()
    order = flat.abs().argsort(descending=True, stable=True)[:BARS].tolist()
    for place, i in enumerate(order):
        axes.barh(place, float(flat[i]), 0.7, color=INPUT if flat[i] >= 0 else CONSTANTS, linewidth=0)
    axes.set_yticks(range(len(order)), [str(i) if names is None else names[i].split(",")[0][:16] for i in order])
    axes.invert_yaxis()
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.tick_params(length=0, labelsize=7.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _cluster(found: SVD, number: int) -> str:
    for group in found.clusters:
        if number in group:
            others = ", ".join(str(i + 1) for i in group if i != number)
            return f" · not told apart from {others}: any basis of the subspace"
    return ""

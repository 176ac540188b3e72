"""Figures of what feeds what from afar: areas of the input and the output, the matrix between them, templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter
from torch import Tensor

from linearscope.analysis.off_diagonal import OffDiagonal
from linearscope.analysis.templates import Template, Templates
from linearscope.errors import InputError
from linearscope.report.about import Picture
from linearscope.report.style import CONSTANTS, DPI, INK, INPUT, MUTED, WIDE, framed_axes, styled
from linearscope.report.words import count as counted
from linearscope.report.words import percent, tiny

__all__ = [
    "block_matrix_figure",
    "coupling_figure",
    "far_areas_figure",
    "off_diagonal_caption",
    "template_caption",
    "templates_figure",
]

Array = npt.NDArray[np.float64]
Block = tuple[int, int]

#: Energies below this part of the largest are drawn as nothing.
DEPTH: Final = 1e-6
ARROWS: Final = 3
GAP: Final = 0.16
#: From nothing to the strongest, for energies.
HEAT: Final = "inferno_r"
#: Half the side in pixels of the smallest square that a template is shown in.
LEAST_HALF: Final = 20


def off_diagonal_caption(found: OffDiagonal) -> str:
    """Say in two or three sentences how much is fed from afar, from where, and how surely this is known."""
    text = f"{_part(found.share, found.share_error)} of the energy of F goes farther than {found.near} pixels."
    if found.outside is not None and found.outside_error is not None:
        outside = "None" if found.outside == 0 else _part(found.outside, found.outside_error)
        text += f" {outside} lies where no path of convolutions leads."
    if found.commonest is not None:
        text += (
            f" The strongest far source of {percent(found.agreement)} of the output areas is one and the same "
            f"(row {found.commonest[0] + 1}, column {found.commonest[1] + 1} of the grid)."
        )
    return text


def template_caption(template: Template) -> str:
    """Say in one line how large a segment is, how few pixels trigger it, and how many of them lie on edges."""
    return (
        f"{template.area:,} px · half of the energy in {counted(template.half, 'pixel')} · "
        f"{percent(template.on_edges)} of them on edges (around: {percent(template.chance)}) · "
        f"{percent(template.far)} far away"
    )


@styled
def far_areas_figure(
    found: OffDiagonal, photo: Picture, output: Picture, *, block: Block | None = None, width: float = WIDE
) -> Figure:
    """Show which far areas of the input feed one area of the output.

    Parameters
    ----------
    found
        From :func:`linearscope.off_diagonal`.
    photo, output
        ``(H, W, 3)``: what went in and what came out.
    block
        ``(row, column)`` of the output's block; default: of the half with the most energy the one that gets the largest
        part of it from afar.
    width
        In inches.

    Source: Navarrete Michelini et al. 2019, Fig. 7.
    """
    got = found.far.sum((2, 3))
    if block is None:
        block = _most_fed(found)
    if not all(0 <= place < size for place, size in zip(block, got.shape, strict=True)):
        raise InputError(
            f"There is no block {block}. Give a row below {got.shape[0]} and a column below {got.shape[1]}."
        )
    figure, (left, right) = _panels([photo, output], ["input", "output"], width, bottom=0.34)
    far = found.far[block]
    strongest = float(far.max()) or 1.0
    _heat(left, far / strongest, photo, found.input_rows, found.input_columns)
    _show(right, output)
    own = _rectangle(block, found.output_rows, found.output_columns, output)
    right.add_patch(Rectangle(*own, fill=False, edgecolor="white", linewidth=3.2))
    right.add_patch(Rectangle(*own, fill=False, edgecolor=INPUT, linewidth=1.8))
    _near_box(left, found, block, photo)
    order = [i for i in np.argsort(-far, axis=None, kind="stable")[:ARROWS] if far.flat[i] > 0]
    for place in order:
        source = divmod(int(place), far.shape[1])
        (x, y), wide, tall = _rectangle(source, found.input_rows, found.input_columns, photo)
        size = float(far[source]) / strongest
        left.add_patch(Rectangle((x, y), wide, tall, fill=False, edgecolor=INK, linewidth=1.4))
        figure.add_artist(_arrow((x + wide / 2, y + tall / 2), left, _middle(own), right, 0.8 + 1.6 * size**0.5))
    whole = float(found.energy[block].sum())
    _below(
        figure,
        f"Outlined: output area at row {block[0] + 1}, column {block[1] + 1}. Orange: input areas that feed it from "
        f"more than {found.near} pixels away (dashed); the strongest has the full colour.\n"
        f"{percent(float(far.sum()) / whole if whole else 0.0)} of what F sends there comes from them; over the whole "
        f"output it is {_part(found.share, found.share_error)}.",
    )
    return figure


@styled
def block_matrix_figure(found: OffDiagonal, photo: Picture, *, width: float = WIDE) -> Figure:
    """Show the energy of F between all areas as a matrix, and which areas of the input send most of it far.

    Parameters
    ----------
    found
        From :func:`linearscope.off_diagonal`.
    photo
        ``(H, W, 3)``: what went in.
    width
        In inches.
    """
    side = (width - 1.9) / 2
    figure = Figure(figsize=(width, side + 0.78), dpi=DPI, facecolor="white")
    matrix = found.energy.reshape(found.energy.shape[0] * found.energy.shape[1], -1)
    top = float(matrix.max()) or 1.0
    axes = framed_axes(figure, 0.42, 0.5, side, side, "energy of F between areas, row by row")
    norm = LogNorm(top * DEPTH, top)
    axes.imshow(np.maximum(matrix, top * DEPTH), cmap=HEAT, norm=norm, interpolation="nearest", aspect="auto")
    axes.set_xlabel("input area", fontsize=8, color=MUTED)
    axes.set_ylabel("output area", fontsize=8, color=MUTED)
    near = (found.far < found.energy).reshape(matrix.shape)
    axes.contour(near, levels=[0.5], colors=[INPUT], linewidths=0.6)
    bar_axes = figure.add_axes((
        (0.42 + side + 0.1) / width, 0.5 / (side + 0.78), 0.1 / width, side / (side + 0.78),
    ))  # fmt: skip
    _bar(figure, norm, bar_axes)
    start = 0.42 + side + 0.9
    right = framed_axes(figure, start, 0.5, *_fit(photo, side, side), "who sends energy far away")
    sent = found.far.sum((0, 1))
    _heat(right, sent / (float(sent.max()) or 1.0), photo, found.input_rows, found.input_columns)
    for one in found.sources(3):
        (x, y), wide, tall = _rectangle(one.block, found.input_rows, found.input_columns, photo)
        right.text(
            x + wide / 2, y + tall / 2, percent(one.share), ha="center", va="center", fontsize=7, color=INK,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip
    _below(
        figure,
        f"Teal: what is at most {found.near} pixels away. Off the diagonal bands: areas that feed areas far away. "
        "Right: where far energy comes from, the strongest three with their share.",
    )
    return figure


@styled
def templates_figure(
    found: Templates, photo: Picture, output: Picture, *, count: int = 6, width: float = WIDE
) -> Figure:
    """Show segments of the output, and under each the input pixels that trigger it.

    Parameters
    ----------
    found
        From :func:`linearscope.templates`.
    photo, output
        ``(H, W, 3)``: what went in and what came out, of one size.
    count
        How many of them, in their order.
    width
        In inches.

    Raises
    ------
    InputError
        When there is no segment.

    Source: the templates of Navarrete Michelini et al. 2019, section 4, case 3.
    """
    items = found.items[:count]
    if not items:
        raise InputError("There is no segment to draw.")
    columns = max(len(items), 3)
    side = (width - (columns - 1) * GAP / 2) / columns
    tall = side * photo.shape[0] / photo.shape[1]
    high = tall + side + 1.32
    figure = Figure(figsize=(width, high), dpi=DPI, facecolor="white")
    for place, item in enumerate(items):
        left = place * (side + GAP / 2)
        mask = found.segments == item.label
        top = framed_axes(figure, left, high - 0.3 - tall, side, tall, "segment of the output" if place == 0 else "")
        _show(top, np.where(mask[..., None], output, (output * 0.25 + 255 * 0.75).astype(np.uint8)))
        _outline(top, mask, INK)
        half = _half_side(item, mask)
        y, x = (
            min(max(middle, half - 0.5), size - 0.5 - half)
            for middle, size in zip(item.centre, mask.shape, strict=True)
        )
        top.add_patch(Rectangle((x - half, y - half), 2 * half, 2 * half, fill=False, edgecolor=CONSTANTS, linewidth=1))
        below = framed_axes(
            figure, left, high - 0.56 - tall - side, side, side, "pixels that trigger it" if place == 0 else ""
        )
        grey = np.repeat(_pale(photo, 0.45)[..., None], 3, axis=2)
        grey[item.triggers] = np.asarray(to_rgb(CONSTANTS)) * 255
        _show(below, grey)
        _outline(below, mask, INPUT)
        below.set_xlim(x - half, x + half)
        below.set_ylim(y + half, y - half)
        for spine in below.spines.values():
            spine.set(edgecolor=CONSTANTS, linewidth=1)
        figure.text(
            left / width, 0.06 / high,
            f"{item.area:,} px; half of the energy\nin {counted(item.half, 'pixel')}\n"
            f"on edges {percent(item.on_edges)}\n(around: {percent(item.chance)})",
            fontsize=7.2, color=INK, va="bottom", ha="left", linespacing=1.25,
        )  # fmt: skip
    return figure


@styled
def coupling_figure(
    rows: Mapping[str, Tensor],
    photo: Picture,
    point: tuple[float, float],
    field: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None,
    *,
    width: float = WIDE,
) -> Figure:
    """Show one row of F under several interpretations, on one logarithmic scale, with the structural field.

    Parameters
    ----------
    rows
        ``(C, H, W)`` by the name of the interpretation.
    photo
        ``(H, W, 3)``.
    point
        ``(row, column)`` of the output pixel, on the input.
    field
        Boolean ``(H,)`` and ``(W,)``: the rows and columns that convolutions lead from.
    width
        In inches.
    """
    names = [*rows]
    figure, axes = _panels([photo] * (len(rows) + 1), ["photo", *names], width, bottom=0.24, room=0.62)
    _show(axes[0], photo)
    energies = {name: row.detach().double().cpu().square().sum(0).numpy() for name, row in rows.items()}
    top = max(float(one.max()) for one in energies.values()) or 1.0
    norm = LogNorm(top * DEPTH, top)
    colours = colormaps[HEAT].with_extremes(bad="white")
    for panel, name in zip(axes[1:], names, strict=True):
        energy = energies[name]
        shown = np.ma.masked_where(energy == 0, np.maximum(energy, top * DEPTH))
        panel.imshow(
            shown,
            cmap=colours,
            norm=norm,
            interpolation="nearest",
            extent=(-0.5, photo.shape[1] - 0.5, photo.shape[0] - 0.5, -0.5),
        )
    for panel in axes:
        panel.plot(point[1], point[0], "+", color=INPUT, markersize=7, markeredgewidth=1.6)
        if field is not None:
            (top_row, bottom), (first, last) = ((int(m.argmax()), len(m) - int(m[::-1].argmax())) for m in field)
            panel.add_patch(
                Rectangle((first - 0.5, top_row - 0.5), last - first, bottom - top_row, fill=False, edgecolor=INPUT,
                          linewidth=1.1, linestyle=(0, (4, 2)))
            )  # fmt: skip
    last_axes = axes[-1].get_position()
    bar_axes = figure.add_axes((last_axes.x1 + 0.1 / width, last_axes.y0, 0.09 / width, last_axes.height))
    _bar(figure, norm, bar_axes)
    _below(figure, "Energy of one row of F. Dashed: where convolutions lead from. White: exactly zero.")
    return figure


# -- pieces --------------------------------------------------------------------------------------------------------


def _most_fed(found: OffDiagonal) -> Block:
    """Of the half of the output's blocks with the most energy, the one with the largest far part."""
    whole, far = found.energy.sum((2, 3)), found.far.sum((2, 3))
    parts = np.divide(far, whole, out=np.zeros_like(far), where=(whole > 0) & (whole >= np.median(whole)))
    row, column = np.unravel_index(int(parts.argmax()), parts.shape)
    return int(row), int(column)


def _part(share: float, error: float) -> str:
    """A share with twice its standard error, where it has one."""
    return percent(share) if error == 0 else f"{100 * share:.1f} ± {200 * error:.1f}\u202f%"


def _fit(photo: Picture, width: float, height: float) -> tuple[float, float]:
    """Size in inches of a picture in a box."""
    scale = min(width / photo.shape[1], height / photo.shape[0])
    return photo.shape[1] * scale, photo.shape[0] * scale


def _panels(
    pictures: list[Picture], titles: list[str], width: float, bottom: float, room: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Pictures beside each other, with titles above, ``bottom`` inches below and ``room`` inches to the right."""
    gap = 2 * GAP
    side = (width - room - gap * (len(pictures) - 1)) / len(pictures)
    tall = max(side * one.shape[0] / one.shape[1] for one in pictures)
    figure = Figure(figsize=(width, tall + 0.26 + bottom + 0.06), dpi=DPI, facecolor="white")
    made = []
    for place, (one, title) in enumerate(zip(pictures, titles, strict=True)):
        high = side * one.shape[0] / one.shape[1]
        made.append(framed_axes(figure, place * (side + gap), bottom + 0.06 + tall - high, side, high, title))
    return figure, made


def _show(axes: Axes, photo: Picture) -> None:
    axes.imshow(photo, interpolation="nearest" if max(photo.shape) < 400 else "antialiased", aspect="equal")


def _pale(photo: Picture, strength: float) -> npt.NDArray[np.uint8]:
    grey = photo @ np.array([0.299, 0.587, 0.114])
    return np.asarray((255 - strength * (255 - grey)).round().astype(np.uint8))


def _heat(axes: Axes, shares: Array, photo: Picture, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    """Orange where much comes from, over the photo in pale grey; the square root shows amplitudes."""
    height, width = photo.shape[:2]
    places = [
        np.searchsorted(np.asarray(edges), (np.arange(size) + 0.5) * edges[-1] / size, side="right") - 1
        for edges, size in ((rows, height), (columns, width))
    ]
    strength = np.sqrt(shares)[places[0]][:, places[1]][..., None]
    grey = np.repeat(_pale(photo, 0.6)[..., None], 3, axis=2)
    colour = np.asarray(to_rgb(CONSTANTS)) * 255
    # Structure shows through even the strongest.
    _show(axes, ((1 - 0.85 * strength) * grey + 0.85 * strength * colour).round().astype(np.uint8))


def _rectangle(
    block: Block, rows: tuple[int, ...], columns: tuple[int, ...], photo: Picture
) -> tuple[tuple[float, float], float, float]:
    """Corner, width and height of a block in the coordinates of a picture of its image."""
    down, across = photo.shape[0] / rows[-1], photo.shape[1] / columns[-1]
    top, left = rows[block[0]] * down, columns[block[1]] * across
    return (
        (left - 0.5, top - 0.5),
        columns[block[1] + 1] * across - left,
        rows[block[0] + 1] * down - top,
    )


def _middle(rectangle: tuple[tuple[float, float], float, float]) -> tuple[float, float]:
    (x, y), wide, tall = rectangle
    return x + wide / 2, y + tall / 2


def _near_box(axes: Axes, found: OffDiagonal, block: Block, photo: Picture) -> None:
    """What is near to an output block, dashed on the input."""
    rows, columns = (
        [edge * inputs[-1] / outputs[-1] for edge in (outputs[place], outputs[place + 1])]
        for place, inputs, outputs in (
            (block[0], found.input_rows, found.output_rows),
            (block[1], found.input_columns, found.output_columns),
        )
    )
    down, across = photo.shape[0] / found.input_rows[-1], photo.shape[1] / found.input_columns[-1]
    top, bottom = ((rows[0] - found.near) * down - 0.5, (rows[1] + found.near) * down - 0.5)
    left, right = ((columns[0] - found.near) * across - 0.5, (columns[1] + found.near) * across - 0.5)
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=INPUT, linewidth=1.2,
                  linestyle=(0, (4, 2)))
    )  # fmt: skip
    axes.set_xlim(-0.5, photo.shape[1] - 0.5)
    axes.set_ylim(photo.shape[0] - 0.5, -0.5)


def _arrow(
    start: tuple[float, float], from_: Axes, end: tuple[float, float], to: Axes, thick: float
) -> ConnectionPatch:
    arrow = ConnectionPatch(
        start, end, "data", "data", axesA=from_, axesB=to, arrowstyle="-|>", connectionstyle="arc3,rad=-0.12",
        mutation_scale=11, shrinkA=1, shrinkB=4, linewidth=thick, color=INK,
    )  # fmt: skip
    arrow.set_path_effects([withStroke(linewidth=thick + 1.8, foreground="white")])
    return arrow


def _bar(figure: Figure, norm: LogNorm, axes: Axes) -> None:
    """A bar of colours in powers of ten."""
    bar = figure.colorbar(ScalarMappable(norm, HEAT), cax=axes)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tiny(value)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(labelsize=7, length=2)
    bar.ax.tick_params(which="minor", length=0)


def _outline(axes: Axes, mask: npt.NDArray[np.bool_], colour: str) -> None:
    padded = np.pad(mask, 1)
    places: Any = [np.arange(-1, size + 1) for size in mask.shape]
    axes.contour(places[1], places[0], padded.astype(float), levels=[0.5], colors=[colour], linewidths=0.9)
    axes.set_xlim(-0.5, mask.shape[1] - 0.5)
    axes.set_ylim(mask.shape[0] - 0.5, -0.5)


def _half_side(item: Template, mask: npt.NDArray[np.bool_]) -> float:
    """Half the side of a square around a segment's centre that holds it and nearly all of its triggers."""
    ys, xs = np.nonzero(mask)
    own = max(np.abs(ys - item.centre[0]).max(), np.abs(xs - item.centre[1]).max())
    ys, xs = np.nonzero(item.triggers)
    reached = 0.0
    if len(ys):
        reached = float(np.quantile(np.maximum(np.abs(ys - item.centre[0]), np.abs(xs - item.centre[1])), 0.95))
    return float(min(max(LEAST_HALF, own + 3, reached + 2), min(mask.shape) / 2))


def _below(figure: Figure, text: str) -> None:
    figure.text(0, 0.03 / figure.get_size_inches()[1], text, fontsize=7.6, color=INK, va="bottom", ha="left")

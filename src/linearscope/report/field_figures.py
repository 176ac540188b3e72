"""Figures of rows and columns of F: where one stands, what the photo shows there, its pixels and its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke

from linearscope.analysis.fields import Field
from linearscope.errors import InputError
from linearscope.report.about import Picture
from linearscope.report.field_pictures import (
    Colours,
    centre,
    field_colours,
    field_half,
    field_limit,
    position_picture,
    square,
)
from linearscope.report.style import CONSTANTS, DIVERGING, DPI, INK, INPUT, MUTED, WIDE, framed_axes, styled
from linearscope.report.words import amount, percent

__all__ = [
    "field_caption",
    "field_comparison",
    "field_figure",
    "field_numbers",
    "field_whole",
    "field_zoom",
    "pale",
]

NAMES: Final = {"row": "row of F (receptive filter)", "column": "column of F (projective filter)"}
#: The image that a filter lies on.
SIDES: Final = {"row": "input", "column": "output"}
GAP: Final = 0.14
BAR: Final = 0.74
#: Longest side of a whole filter, in inches.
WHOLE: Final = 4.0
LINES: Final = {0.5: "solid", 0.9: (0, (4, 2)), 0.99: (0, (1, 2))}


def field_caption(field: Field) -> str:
    """Say in one line how far a filter reaches, where it points and how much of it is far away."""
    radii = " / ".join(f"{field.radii[share]:.1f}" for share in (0.5, 0.9, 0.99))
    parts = [f"50 / 90 / 99\u202f% of the energy within {radii} {'input' if field.kind == 'row' else 'output'} px"]
    if field.orientation is not None:
        parts.append(f"direction {field.orientation:.0f}°, {field.frequency:.2f} cycles/px")
    parts.append(f"{percent(field.far)} far away")
    return " · ".join(parts)


def field_numbers(field: Field) -> dict[str, Any]:
    """Everything about a filter but its values, as plain numbers with their units, for ``result.json``."""
    return {
        "kind": field.kind,
        "index": list(field.index),
        "point_row_column": list(field.point),
        "window_start": list(field.start),
        "window_shape": list(field.values.shape),
        "shape": list(field.shape),
        "energy": field.energy,
        "energy_radius_pixels": {f"{share:g}": radius for share, radius in field.radii.items()},
        "centroid_offset_pixels_row_column": list(field.centroid),
        "orientation_degrees": field.orientation,
        "frequency_cycles_per_pixel": field.frequency,
        "far_share_of_energy": field.far,
        "largest_value": float(field.values.double().abs().max()) if field.values.numel() else 0.0,
        "sum_of_values": float(field.values.double().sum()),
    }


@styled
def field_zoom(
    field: Field,
    *,
    limit: float | None = None,
    half: int | None = None,
    colours: Colours = "signed",
    circles: bool = True,
) -> Figure:
    """Show only the square of pixels around a filter's own pixel.

    Parameters
    ----------
    field
        From :func:`linearscope.fields`.
    limit
        The size that has the full colour; default: its own :func:`field_limit`.
    half
        Half the side in pixels; default: its own :func:`field_half`.
    colours
        ``"signed"`` or ``"colour"``, see :func:`field_colours`.
    circles
        Whether to draw the circles that hold 50, 90 and 99 % of the energy, and the outline of the window.

    Source: the zooms of Navarrete Michelini et al. 2019, Fig. 11 and 13.
    """
    figure = Figure(figsize=(2.5, 2.5), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    half = field_half([field]) if half is None else half
    draw_zoom(axes, field, limit or field_limit([field], colours), half, colours, marks=circles)
    return figure


@styled
def field_whole(
    field: Field,
    photo: Picture,
    *,
    limit: float | None = None,
    half: int | None = None,
    colours: Colours = "signed",
) -> Figure:
    """Show a filter over its whole image, on the photo in pale grey, with its window and the square of a zoom.

    Parameters
    ----------
    field
        From :func:`linearscope.fields`.
    photo
        ``(H, W, 3)``, the image that the filter lies on: the input for a row, the output for a column. Another size
        is enlarged or reduced to it.
    limit, half, colours
        As for :func:`field_zoom`.
    """
    height, width = field.shape[-2:]
    longest = WHOLE / max(height, width)
    figure = Figure(figsize=(max(width * longest, 0.2), max(height * longest, 0.2)), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    draw_whole(axes, field, photo, limit or field_limit([field], colours), colours)
    _window(axes, field)
    _box(axes, field, field_half([field]) if half is None else half)
    return figure


@styled
def field_figure(
    field: Field,
    photo: Picture,
    *,
    limit: float | None = None,
    half: int | None = None,
    colours: Colours = "signed",
    title: str = "",
    width: float = WIDE,
) -> Figure:
    """Show one filter whole: the photo with its place, the photo there, the filter there, its numbers.

    Parameters
    ----------
    field
        From :func:`linearscope.fields`.
    photo
        ``(H, W, 3)``, the image that the filter lies on: the input for a row, the output for a column.
    limit, half, colours
        As for :func:`field_zoom`; give them where several figures are to be compared.
    title
        Before what it is, above the figure, such as ``"corner"``.
    width
        In inches.

    Source: Navarrete Michelini et al. 2019, Fig. 11 and 13.
    """
    _same_size(field, photo)
    limit = limit or field_limit([field], colours)
    half = field_half([field]) if half is None else half
    side = (width - BAR - 2 * GAP) / 3
    height = side + 0.92
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    panels = [
        framed_axes(figure, i * (side + GAP), 0.36, side, side, name)
        for i, name in enumerate(("where", f"the {SIDES[field.kind]} there", NAMES[field.kind]))
    ]
    _show_photo(panels[0], photo)
    _box(panels[0], field, half)
    _mark(panels[0], field.point)
    _window(panels[0], field)
    row, column = centre(field.point)
    extent = _extent(row, column, half)
    panels[1].imshow(position_picture(photo, field.point, half), interpolation="nearest", extent=extent)
    _mark(panels[1], field.point)
    draw_zoom(panels[2], field, limit, half, colours)
    bar = figure.add_axes(((3 * side + 2 * GAP + 0.1) / width, 0.36 / height, 0.11 / width, side / height))
    _colour_bar(figure, bar, limit, "vertical")
    heading = f"{NAMES[field.kind]} of {'output' if field.kind == 'row' else 'input'} {_place(field)}"
    heading = f"{title} · {heading}" if title else heading
    figure.text(0, 1 - 0.13 / height, heading, va="center", fontsize=10, color=INK)
    figure.text(0, 0.2 / height, field_caption(field), va="center", color=INK)
    figure.text(
        0,
        0.05 / height,
        f"cross: the pixel · circles: 50, 90, 99\u202f% of the energy · orange: what is enlarged · "
        f"green: the window it can reach, {field.values.shape[-1]} × {field.values.shape[-2]} pixels",
        va="center",
        fontsize=7.5,
        color=MUTED,
    )
    return figure


@styled
def field_comparison(
    networks: Mapping[str, Sequence[Field]],
    names: Sequence[str],
    photos: Picture | Mapping[str, Picture],
    *,
    limit: float | None = None,
    half: int | None = None,
    colours: Colours = "signed",
    width: float = WIDE,
) -> Figure:
    """Show filters of several networks at the same places, all on one scale and of one size.

    Parameters
    ----------
    networks
        By name, the filters at the places, in their order.
    names
        Of the places, such as ``"edge"``.
    photos
        ``(H, W, 3)``, the image that the filters lie on: one for all networks, or one for each (the first is shown).
    limit, half, colours
        As for :func:`field_zoom`; by default one of all filters together.
    width
        In inches.

    Source: Navarrete Michelini et al. 2019, Fig. 11.
    """
    every = [field for fields in networks.values() for field in fields]
    if not every or any(len(fields) != len(names) for fields in networks.values()):
        raise InputError(f"There are {len(names)} places; give every network one filter for each.")
    photo = photos if isinstance(photos, np.ndarray) else photos[next(iter(networks))]
    first = next(iter(networks.values()))
    _same_size(first[0], photo)
    limit = limit or field_limit(every, colours)
    half = field_half(every) if half is None else half
    label = 0.3
    side = (width - label - GAP * (len(names) - 1)) / len(names)
    line = side + 0.34
    height = 0.24 + side + 0.12 + line * len(networks) + 0.34
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    for i, (name, field) in enumerate(zip(names, first, strict=True)):
        axes = framed_axes(figure, label + i * (side + GAP), height - 0.24 - side, side, side, name)
        row, column = centre(field.point)
        axes.imshow(
            position_picture(photo, field.point, half), interpolation="nearest", extent=_extent(row, column, half)
        )
        _mark(axes, field.point)
    _label(figure, label, height - 0.24 - side / 2, SIDES[every[0].kind])
    for number, (name, fields) in enumerate(networks.items()):
        bottom = height - 0.24 - side - 0.12 - line * number - side
        _label(figure, label, bottom + side / 2, name)
        for i, field in enumerate(fields):
            draw_zoom(framed_axes(figure, label + i * (side + GAP), bottom, side, side), field, limit, half, colours)
            turned = "" if field.orientation is None else f" · {field.orientation:.0f}°"
            figure.text(
                (label + i * (side + GAP)) / width,
                (bottom - 0.11) / height,
                f"90\u202f% within {field.radii[0.9]:.1f} px{turned}",
                va="center",
                fontsize=7.5,
                color=MUTED,
            )
    bar = figure.add_axes((label / width, 0.2 / height, 2.2 / width, 0.09 / height))
    _colour_bar(figure, bar, limit, "horizontal")
    figure.text(
        (label + 2.6) / width,
        0.245 / height,
        f"{NAMES[every[0].kind]}, one scale for all; {2 * half + 1} × {2 * half + 1} pixels",
        va="center",
        fontsize=7.5,
        color=MUTED,
    )
    return figure


# -- parts, also of the video ------------------------------------------------------------------------------------------


def draw_zoom(axes: Axes, field: Field, limit: float, half: int, colours: Colours, *, marks: bool = True) -> None:
    """Draw the square of pixels around a filter's own pixel; the axes are in pixels of its image."""
    row, column = centre(field.point)
    extent = _extent(row, column, half)
    axes.imshow(field_colours(square(field, half), limit, colours), interpolation="nearest", extent=extent)
    if marks:
        _window(axes, field)
        for share, style in LINES.items():
            radius = field.radii[share]
            if radius > 0.5:
                axes.add_patch(Circle(field.point[::-1], radius, fill=False, color=INK, linewidth=0.8, linestyle=style))
    _mark(axes, field.point)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])


def draw_whole(axes: Axes, field: Field, photo: Picture, limit: float, colours: Colours) -> None:
    """Draw a filter over its whole image on the photo in pale grey."""
    axes.set_axis_off()
    how = "nearest" if max(field.shape[-2:]) <= WHOLE * DPI else "antialiased"
    axes.imshow(pale(field, photo, limit, colours), interpolation=how, aspect="equal")


def pale(field: Field, photo: Picture, limit: float, colours: Colours) -> Picture:
    """Colours of a filter over its whole image, times the photo in pale grey."""
    height, width = field.shape[-2:]
    rows, columns = (np.arange(size) * have // size for size, have in zip((height, width), photo.shape, strict=False))
    grey = 0.72 + 0.28 * (photo[rows][:, columns] @ np.array([0.299, 0.587, 0.114])) / 255
    colour = np.full((height, width, 3), field_colours(np.zeros((len(field.values), 1, 1)), limit, colours)[0, 0])
    (top, left), (tall, wide) = field.start[-2:], field.values.shape[-2:]
    colour[top : top + tall, left : left + wide] = field_colours(field.values, limit, colours)
    return np.asarray((colour * grey[..., None]).round().astype(np.uint8))


def _show_photo(axes: Axes, photo: Picture) -> None:
    axes.imshow(photo, interpolation="antialiased", aspect="equal")
    axes.set_anchor("NW")


def _mark(axes: Axes, point: tuple[float, float]) -> None:
    halo = [withStroke(linewidth=2.6, foreground="white")]
    axes.plot(point[1], point[0], "+", color=INK, markersize=6, markeredgewidth=1.1, path_effects=halo)


def _window(axes: Axes, field: Field) -> None:
    (top, left), (tall, wide) = field.start[-2:], field.values.shape[-2:]
    limits = axes.get_xlim(), axes.get_ylim()
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), wide, tall, fill=False, color=INPUT, linewidth=1.2))
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _box(axes: Axes, field: Field, half: int) -> None:
    row, column = centre(field.point)
    limits = axes.get_xlim(), axes.get_ylim()
    side = 2 * half + 1
    corner = (column - half - 0.5, row - half - 0.5)
    axes.add_patch(Rectangle(corner, side, side, fill=False, color="white", linewidth=2.4))
    axes.add_patch(Rectangle(corner, side, side, fill=False, color=CONSTANTS, linewidth=1.3))
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def _extent(row: int, column: int, half: int) -> tuple[float, float, float, float]:
    return column - half - 0.5, column + half + 0.5, row + half + 0.5, row - half - 0.5


def _colour_bar(figure: Figure, axes: Axes, limit: float, direction: str) -> None:
    scale = ScalarMappable(Normalize(-limit, limit), colormaps[DIVERGING])
    bar = figure.colorbar(scale, cax=axes, orientation=direction, ticks=[-limit, 0, limit])
    names = [amount(-limit), "0", amount(limit)]
    (axes.set_yticklabels if direction == "vertical" else axes.set_xticklabels)(names)
    axes.tick_params(length=0, labelsize=7.5, pad=2)
    bar.outline.set_visible(False)


def _label(figure: Figure, right: float, middle: float, text: str) -> None:
    across, high = figure.get_size_inches()
    figure.text(
        (right - 0.1) / across, middle / high, text, rotation=90, ha="right", va="center", fontsize=8.5, color=MUTED
    )


def _place(field: Field) -> str:
    *channel, row, column = field.index
    return f"row {row}, column {column}" + (f", channel {channel[0]}" if channel else "")


def _same_size(field: Field, photo: Picture) -> None:
    if tuple(photo.shape[:2]) != tuple(field.shape[-2:]):
        raise InputError(
            f"The photo is {photo.shape[1]} × {photo.shape[0]} pixels and the filter lies on "
            f"{field.shape[-1]} × {field.shape[-2]}. Give the input's picture for a row, the output's for a column."
        )

"""How a frame of a walk is laid out: what stands still, and what moves with the light."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image

from linearscope.analysis.fields import Field
from linearscope.analysis.walk import Step, Walk
from linearscope.report.about import Picture, clip
from linearscope.report.field_figures import LINES, pale
from linearscope.report.field_pictures import Colours, centre, field_colours, position_picture, square
from linearscope.report.style import CONSTANTS, DIVERGING, INK, INPUT, MUTED, RULE
from linearscope.report.walk_words import STANDING
from linearscope.report.words import amount, percent

__all__ = ["HIGH", "Diagram"]

# The frame in inches: four squares side by side, twice, and the network in the middle.
ACROSS: Final = 12.8
HIGH: Final = 7.2
SIDE: Final = 2.5
INPUT_LEFT, INPUT_THERE, OUTPUT_THERE, OUTPUT_LEFT = 0.4, 3.06, 7.24, 9.9
TOP: Final = 3.9
BOTTOM: Final = 0.86
MIDDLE: Final = ACROSS / 2
#: What is left of a photo's brightness outside of the light.
DARK: Final = 0.42

HALO: Final = (withStroke(linewidth=3.2, foreground="white"),)


@dataclass
class _Photo:
    """A photo in the light of a flashlight, with the place on it."""

    axes: Axes
    photo: Picture
    half: int
    way: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        height, width = self.photo.shape[:2]
        inches = self.axes.get_figure().dpi * SIDE / max(height, width)  # type: ignore[union-attr]
        size = max(1, round(width * inches)), max(1, round(height * inches))
        enlarged = size[0] > width
        how = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
        self.shown = np.asarray(Image.fromarray(self.photo).resize(size, how)).astype(np.float64)
        self.y, self.x = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(size[::-1], (height, width), strict=True))
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        self.image = self.axes.imshow(self.photo, interpolation="nearest", extent=extent, animated=True)
        rows, columns = zip(*self.way, strict=True)
        self.line = self.axes.plot(columns, rows, color="white", linewidth=1.0, alpha=0.75, animated=True)[0]
        side = 2 * self.half + 1
        self.frames = [
            Rectangle((0, 0), side, side, fill=False, color=colour, linewidth=line, animated=True)
            for colour, line in (("white", 2.6), (CONSTANTS, 1.4))
        ]
        for frame in self.frames:
            self.axes.add_patch(frame)
        self.cross = _cross(self.axes)
        self.axes.set_xlim(extent[:2])
        self.axes.set_ylim(extent[2:])

    def show(self, point: tuple[float, float]) -> list[Artist]:
        radius = self.half + 0.5
        away = np.hypot(self.y[:, None] - point[0], self.x[None] - point[1]) / radius
        light = DARK + (1 - DARK) / (1 + np.maximum(away / 1.3, 0) ** 6)
        self.image.set_data((self.shown * light[..., None]).round().astype(np.uint8))
        row, column = centre(point)
        for frame in self.frames:
            frame.set_xy((column - radius, row - radius))
        self.cross.set_data([point[1]], [point[0]])
        return [self.image, self.line, *self.frames, self.cross]


@dataclass
class _There:
    """The square of a photo around the place."""

    axes: Axes
    photo: Picture
    half: int

    def __post_init__(self) -> None:
        self.image = self.axes.imshow(_blank(self.half), interpolation="nearest", animated=True)
        self.cross = _cross(self.axes)

    def show(self, point: tuple[float, float]) -> list[Artist]:
        self.image.set_data(position_picture(self.photo, point, self.half))
        y, x = _inside(point, self.half)
        self.cross.set_data([x], [y])
        return [self.image, self.cross]


@dataclass
class _Whole:
    """A filter over its whole image."""

    axes: Axes
    photo: Picture
    half: int
    limit: float
    colours: Colours

    def __post_init__(self) -> None:
        room = self.axes.get_figure().dpi * SIDE  # type: ignore[union-attr]
        how = "nearest" if max(self.photo.shape) <= room else "antialiased"
        self.image = self.axes.imshow(self.photo, interpolation=how, animated=True)
        limits = self.axes.get_xlim(), self.axes.get_ylim()
        side = 2 * self.half + 1
        self.frame = Rectangle((0, 0), side, side, fill=False, color=CONSTANTS, linewidth=1.4, animated=True)
        self.axes.add_patch(self.frame)
        self.axes.set_xlim(limits[0])
        self.axes.set_ylim(limits[1])

    def show(self, field: Field) -> list[Artist]:
        self.image.set_data(pale(field, self.photo, self.limit, self.colours))
        row, column = centre(field.point)
        self.frame.set_xy((column - self.half - 0.5, row - self.half - 0.5))
        return [self.image, self.frame]


@dataclass
class _Zoom:
    """The square of a filter around its pixel, with its window and the circles of its energy."""

    axes: Axes
    half: int
    limit: float
    colours: Colours

    def __post_init__(self) -> None:
        self.image = self.axes.imshow(_blank(self.half), interpolation="nearest", animated=True)
        limits = self.axes.get_xlim(), self.axes.get_ylim()
        self.window = Rectangle((0, 0), 1, 1, fill=False, color=INPUT, linewidth=1.4, animated=True)
        self.axes.add_patch(self.window)
        self.circles = {
            share: Circle((0, 0), 1, fill=False, color=INK, linewidth=1.0, linestyle=style, animated=True)
            for share, style in LINES.items()
        }
        for circle in self.circles.values():
            self.axes.add_patch(circle)
        self.axes.set_xlim(limits[0])
        self.axes.set_ylim(limits[1])

    def show(self, field: Field) -> list[Artist]:
        self.image.set_data(field_colours(square(field, self.half), self.limit, self.colours))
        y, x = _inside(field.point, self.half)
        top, left = (at - point + here for at, point, here in zip(field.start[-2:], field.point, (y, x), strict=True))
        self.window.set_bounds(left - 0.5, top - 0.5, field.values.shape[-1], field.values.shape[-2])
        drawn: list[Artist] = [self.image, self.window]
        for share, circle in self.circles.items():
            circle.set_center((x, y))
            circle.set_radius(field.radii[share])
            if field.radii[share] > 0.5:
                drawn.append(circle)
        return drawn


class Diagram:
    """The diagram of a walk on a figure of 12.8 by 7.2 inches.

    Parameters
    ----------
    figure
        Empty.
    walk
        From :func:`linearscope.analysis.walk.walk`.
    photos
        ``(H, W, 3)`` each: the network's input and its output.
    names
        Of the network and of the image.
    limit, halves, colours
        See :class:`linearscope.report.walk.WalkFrames`.
    """

    def __init__(
        self,
        figure: Figure,
        walk: Walk,
        photos: tuple[Picture, Picture],
        names: tuple[str, str],
        limit: float,
        halves: tuple[int, int],
        colours: Colours,
    ) -> None:
        self._figure, self._photos = figure, photos
        one, two = photos
        sizes = [f"{photo.shape[1]} × {photo.shape[0]}" for photo in photos]
        over = [_middle(point, photos) for point in walk.waypoints]
        self._input = _Photo(self._axes(INPUT_LEFT, TOP, f"input, {sizes[0]}"), one, halves[0], walk.waypoints)
        self._input_there = _There(self._axes(INPUT_THERE, TOP, "input in the light"), one, halves[0])
        self._output_there = _There(self._axes(OUTPUT_THERE, TOP, "output in the light"), two, halves[1])
        self._output = _Photo(self._axes(OUTPUT_LEFT, TOP, f"output, {sizes[1]}"), two, halves[1], over)
        self._row = self._column = None
        if walk.fields("row"):
            whole = self._axes(INPUT_LEFT, BOTTOM, "row of F, on the input")
            zoom = self._axes(INPUT_THERE, BOTTOM, "row of F, enlarged")
            self._row = _Whole(whole, one, halves[0], limit, colours), _Zoom(zoom, halves[0], limit, colours)
            self._arrow((MIDDLE + 0.7, BOTTOM + 1.62), (MIDDLE - 0.7, BOTTOM + 1.62))
            self._text(MIDDLE, BOTTOM + 1.75, "row", 10, MUTED, "center")
        if walk.fields("column"):
            zoom = self._axes(OUTPUT_THERE, BOTTOM, "column of F, enlarged")
            whole = self._axes(OUTPUT_LEFT, BOTTOM, "column of F, on the output")
            self._column = _Whole(whole, two, halves[1], limit, colours), _Zoom(zoom, halves[1], limit, colours)
            self._arrow((MIDDLE - 0.7, BOTTOM + 2.15), (MIDDLE + 0.7, BOTTOM + 2.15))
            self._text(MIDDLE, BOTTOM + 2.28, "column", 10, MUTED, "center")
        self._network(names)
        self._scale(limit)
        self._standing = self._text(MIDDLE, BOTTOM + 1.26, "", 11.5, INK, "center", moves=True)
        self._place = self._text(MIDDLE, BOTTOM + 0.8, "", 10, INK, "center", moves=True)
        self._numbers = [
            [self._text(left, BOTTOM - line, "", 10, INK, "left", moves=True) for line in (0.2, 0.42)]
            for left in (INPUT_LEFT, OUTPUT_THERE)
        ]

    def show(self, step: Step) -> None:
        """Draw what moves, for one step, on the figure's canvas."""
        middle = _middle(step.point, self._photos)
        drawn = [*self._input.show(step.point), *self._input_there.show(step.point)]
        drawn += [*self._output_there.show(middle), *self._output.show(middle)]
        self._standing.set_text(STANDING[step.on])
        self._place.set_text(f"row {step.point[0]}\ncolumn {step.point[1]}")
        drawn += [self._standing, self._place]
        for panels, field, lines in zip((self._row, self._column), (step.row, step.column), self._numbers, strict=True):
            if panels is not None and field is not None:
                drawn += [*panels[0].show(field), *panels[1].show(field)]
                for line, text in zip(lines, _numbers(field), strict=True):
                    line.set_text(text)
                drawn += lines
        for artist in drawn:
            self._figure.draw_artist(artist)

    def _axes(self, left: float, bottom: float, title: str) -> Axes:
        axes = self._figure.add_axes((left / ACROSS, bottom / HIGH, SIDE / ACROSS, SIDE / HIGH))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(edgecolor=RULE, linewidth=1.2)
        self._text(left, bottom + SIDE + 0.13, title, 10, MUTED, "left")
        return axes

    def _text(
        self, left: float, middle: float, text: str, size: float, colour: str, align: str, *, moves: bool = False
    ) -> Text:
        return self._figure.text(
            left / ACROSS, middle / HIGH, text, fontsize=size, color=colour, ha=align, va="center", animated=moves
        )

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        places = ((x / ACROSS, y / HIGH) for x, y in (start, end))
        arrow = FancyArrowPatch(
            *places, arrowstyle="-|>", mutation_scale=15, linewidth=1.6, color=INK, shrinkA=0, shrinkB=0
        )
        arrow.set_transform(self._figure.transFigure)
        self._figure.add_artist(arrow)

    def _network(self, names: tuple[str, str]) -> None:
        network, image = names
        self._text(INPUT_LEFT, 6.93, clip(f"{network} on {image}", 90), 14, INK, "left")
        self._text(OUTPUT_LEFT + SIDE, 6.93, "a walk with a flashlight", 10, MUTED, "right")
        middle = TOP + SIDE / 2
        width, height = 1.0, 1.16
        corner = ((MIDDLE - width / 2) / ACROSS, (middle - height / 2) / HIGH)
        self._figure.add_artist(
            FancyBboxPatch(
                corner, width / ACROSS, height / HIGH, boxstyle="round,pad=0,rounding_size=0.012",
                mutation_aspect=ACROSS / HIGH, facecolor="#eef6f5", edgecolor=INPUT, linewidth=1.4,
                transform=self._figure.transFigure,
            )
        )  # fmt: skip
        lines = textwrap.wrap(clip(network.replace("_", " "), 36), 12) or [""]
        self._text(MIDDLE, middle + 0.14, "\n".join(lines[:3]), 10, INK, "center")
        self._text(MIDDLE, middle - 0.4, "y = F x + r", 9.5, MUTED, "center")
        self._arrow((INPUT_THERE + SIDE + 0.05, middle), (MIDDLE - width / 2 - 0.03, middle))
        self._arrow((MIDDLE + width / 2 + 0.03, middle), (OUTPUT_THERE - 0.05, middle))

    def _scale(self, limit: float) -> None:
        axes = self._figure.add_axes(((MIDDLE - 0.5) / ACROSS, (BOTTOM + 0.22) / HIGH, 1.0 / ACROSS, 0.1 / HIGH))
        scale = ScalarMappable(Normalize(-limit, limit), colormaps[DIVERGING])
        bar = self._figure.colorbar(scale, cax=axes, orientation="horizontal", ticks=[-limit, 0, limit])
        axes.set_xticklabels([amount(-limit), "0", amount(limit)])
        axes.tick_params(length=0, labelsize=9, pad=3)
        bar.outline.set_visible(False)


def _numbers(field: Field) -> tuple[str, str]:
    radii = " / ".join(f"{field.radii[share]:.1f}" for share in LINES)
    turned = "no direction"
    if field.orientation is not None:
        turned = f"direction {field.orientation:.0f}°, {field.frequency:.2f} cycles/px"
    return f"50 / 90 / 99\u202f% of the energy within {radii} px", f"{turned}; {percent(field.far)} far away"


def _middle(point: tuple[int, int], photos: tuple[Picture, Picture]) -> tuple[float, float]:
    """Where the centre of an input pixel lies on the output."""
    one, two = photos
    y, x = ((point[axis] + 0.5) * two.shape[axis] / one.shape[axis] - 0.5 for axis in (0, 1))
    return y, x


def _inside(point: tuple[float, float], half: int) -> tuple[float, float]:
    row, column = centre(point)
    return half + point[0] - row, half + point[1] - column


def _blank(half: int) -> npt.NDArray[np.uint8]:
    return np.full((2 * half + 1, 2 * half + 1, 3), 255, np.uint8)


def _cross(axes: Axes) -> Line2D:
    return axes.plot([0], [0], "+", color=INK, markersize=8, markeredgewidth=1.4, path_effects=HALO, animated=True)[0]

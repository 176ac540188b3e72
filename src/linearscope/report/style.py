"""Colours, type and sizes of every figure, chosen once."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from linearscope.report.about import Picture
from linearscope.report.stages import Stage

__all__ = [
    "CONSTANTS",
    "DIVERGING",
    "HALF",
    "INK",
    "INPUT",
    "MUTED",
    "NARROW",
    "RULE",
    "TYPE",
    "WIDE",
    "chart",
    "framed_axes",
    "gradient",
    "mark_stages",
    "picture",
    "png",
    "styled",
]

P = ParamSpec("P")

INPUT: Final = "#0f766e"
CONSTANTS: Final = "#e08a1e"
INK: Final = "#1f2937"
MUTED: Final = "#6b7280"
RULE: Final = "#e5e7eb"
BAND: Final = "#f3f4f6"
#: Blue speaks against, red for; safe for all common colour blindness.
DIVERGING: Final = "RdBu_r"

#: Widths of charts in inches: across the page, half of it, and a phone's.
WIDE: Final = 9.4
HALF: Final = 4.7
NARROW: Final = 3.7

DPI: Final = 180
SMALLEST_PICTURE: Final = 448
LARGEST_PICTURE: Final = 1200

TYPE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "text.parse_math": False,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a drawing function use :data:`TYPE`, and nothing that was set elsewhere."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with rc_context(TYPE):
            return draw(*args, **kwargs)

    return drawn


def chart(width: float, height: float, ylabel: str) -> tuple[Figure, Axes]:
    """Make an empty chart with horizontal rules behind the data."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel(ylabel)
    return figure, axes


def mark_stages(
    axes: Axes,
    found: Sequence[Stage],
    offset: float,
    slots: float,
    width: float,
    extra: Sequence[tuple[float, str]] = (),
) -> None:
    """Shade every other stage and write the stages' names under the axis, turned where they would collide.

    Parameters
    ----------
    axes
        The chart.
    found
        Stages; the layer ``i`` stands at ``offset + i``.
    offset
        Place of the first layer.
    slots
        Length of the axis in layers.
    width
        Of the chart in inches.
    extra
        Other places that have a name.
    """
    inches = (width - 1.0) / slots  # of one slot
    level = all(0.075 * (len(stage.name) + 1) <= (stage.stop - stage.start) * inches for stage in found)
    names = dict(extra)
    free = 0.3 if level else 0.17
    longest = 12 if width < HALF else 18
    for number, stage in enumerate(found):
        if number % 2 == 0:
            axes.axvspan(offset + stage.start - 0.5, offset + stage.stop - 0.5, color=BAND, linewidth=0, zorder=0)
    # Where names would lie on each other the longest stages keep theirs.
    for stage in sorted(found, key=lambda stage: stage.start - stage.stop):
        place = offset + (stage.start + stage.stop - 1) / 2
        if all(abs(place - other) * inches >= free for other in names):
            names[place] = stage.name if len(stage.name) <= longest else "…" + stage.name[1 - longest :]
    axes.set_xticks(list(names), list(names.values()), rotation=0 if level else 90 if width < HALF else 45)
    if not level:
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("center" if width < HALF else "right")
            label.set_rotation_mode("default" if width < HALF else "anchor")
    axes.tick_params(axis="x", length=0, pad=4)


def picture(pixels: Picture) -> Figure:
    """Show ``(H, W, 3)`` pixel by pixel and nothing else; small ones are enlarged by a whole factor."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    scale = -(-SMALLEST_PICTURE // side) if side < SMALLEST_PICTURE else min(1.0, LARGEST_PICTURE / side)
    inches = (max(width, 1 / scale) / 100, max(height, 1 / scale) / 100)  # a very narrow one keeps a pixel
    figure = Figure(figsize=inches, dpi=100 * scale)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(pixels, interpolation="nearest" if scale >= 1 else "antialiased", aspect="auto")
    return figure


def png(figure: Figure) -> bytes:
    """Render a figure."""
    canvas: Any = FigureCanvasAgg(figure)
    with rc_context(TYPE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        canvas.draw()
    file = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(file, "PNG")
    return file.getvalue()


def gradient(colours: str = DIVERGING) -> str:
    """Return colours, the diverging ones by default, as a CSS gradient from the least value to the largest."""
    table = colormaps[colours]
    stops = ", ".join(to_hex(table(i / 10)) for i in range(11))
    return f"linear-gradient(90deg, {stops})"


def framed_axes(figure: Figure, left: float, bottom: float, width: float, height: float, title: str = "") -> Axes:
    """Axes at a place in inches, without ticks, in a thin frame."""
    across, high = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / high, width / across, height / high))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(edgecolor=RULE, linewidth=0.8)
    if title:
        axes.set_title(title, fontsize=8.5, color=MUTED, loc="left", pad=3)
    return axes

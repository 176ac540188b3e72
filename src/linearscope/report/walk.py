"""The video of a walk: the network with its input and output, and the row and the column of F where one stands."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from linearscope.analysis.walk import Walk
from linearscope.errors import InputError
from linearscope.progress import track
from linearscope.report.about import Picture
from linearscope.report.field_pictures import Colours, field_half, field_limit
from linearscope.report.style import TYPE
from linearscope.report.video import write_video
from linearscope.report.walk_layout import HIGH, Diagram
from linearscope.report.walk_words import cues

__all__ = ["HEIGHTS", "WalkFrames", "write_walk"]

#: Heights of a video in pixels, from the least to the most; the width is 16/9 of it.
HEIGHTS: Final = (360, 2160)


def write_walk(
    walk: Walk,
    photos: tuple[Picture, Picture],
    out: Path,
    *,
    fps: float,
    names: tuple[str, str],
    height: int = 720,
    colours: Colours = "signed",
    lossless: bool = False,
) -> Path:
    """Write the video of a walk, and its subtitles beside it.

    Parameters
    ----------
    walk
        From :func:`linearscope.analysis.walk.walk`.
    photos
        ``(H, W, 3)`` each: the network's input and its output.
    out
        The ``.mp4`` file.
    fps
        Steps shown a second.
    names
        Of the network and of the image.
    height
        Of the frames in pixels; the width is 16/9 of it.
    colours
        ``"signed"`` or ``"colour"``, see :func:`linearscope.report.field_pictures.field_colours`.
    lossless
        See :func:`linearscope.report.video.write_video`.

    Returns
    -------
    Path
        Of the subtitles.

    Raises
    ------
    InputError
        When the height cannot be used or ``out`` cannot be written. Nothing half-written is left.

    Source: the supplementary videos of Navarrete Michelini et al. 2019, section 8.D.
    """
    frames = WalkFrames(walk, photos, names=names, height=height, colours=colours)
    shown = track(frames, "drawing and encoding", len(walk.positions))
    return write_video(out, shown, frames.size, fps, cues(walk, fps, names), lossless=lossless)


class WalkFrames:
    """The frames of a walk, ``(height, width, 3)`` uint8 each, in order; every step is one.

    Parameters
    ----------
    walk, photos, names, height, colours
        As for :func:`write_walk`.

    Attributes
    ----------
    size
        Width and height in pixels, both even.
    limit
        The size that has the full colour, the same in all frames: the median over all filters.
    halves
        Half the sides of the squares shown of the input and of the output; both show the same area.
    """

    def __init__(
        self,
        walk: Walk,
        photos: tuple[Picture, Picture],
        *,
        names: tuple[str, str],
        height: int = 720,
        colours: Colours = "signed",
    ) -> None:
        check_height(height)
        self.size = (2 * round(height * 8 / 9), 2 * (height // 2))
        rows, columns = walk.fields("row"), walk.fields("column")
        self.limit = float(np.median([field_limit([field], colours) for field in [*rows, *columns]]))
        scale = photos[1].shape[0] / photos[0].shape[0]
        # Of nine in ten: a few filters that reach further must not make all the others small.
        wanted = [
            float(np.quantile([field_half([field]) for field in fields], 0.9)) / length
            for fields, length in ((rows, 1.0), (columns, scale))
            if fields
        ]
        half = min(ceil(max(wanted)), max(photos[0].shape[:2]) // 2)
        self.halves = (half, max(1, round(half * scale + (scale - 1) / 2)))
        self._walk = walk
        dpi = self.size[1] / HIGH
        with rc_context(TYPE):
            # A hundredth of a pixel more, which rounding may take away.
            inches = (self.size[0] + 0.01) / dpi, (self.size[1] + 0.01) / dpi
            self._figure = Figure(figsize=inches, dpi=dpi, facecolor="white")
            self._canvas: Any = FigureCanvasAgg(self._figure)
            self._diagram = Diagram(self._figure, walk, photos, names, self.limit, self.halves, colours)

    def __len__(self) -> int:
        return len(self._walk.positions)

    def __iter__(self) -> Iterator[Picture]:
        last, frame = None, None
        background: Any = None
        for point in self._walk.positions:
            if frame is None or point != last:
                with rc_context(TYPE):
                    if background is None:
                        self._canvas.draw()
                        background = self._canvas.copy_from_bbox(self._figure.bbox)
                    self._canvas.restore_region(background)
                    self._diagram.show(self._walk.places[point])
                frame = np.asarray(self._canvas.buffer_rgba())[..., :3].copy()
            last = point
            yield frame


def check_height(height: int) -> None:
    """Refuse a height of the frames that is out of range."""
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise InputError(f"A video cannot be {height} pixels high. Give from {HEIGHTS[0]} to {HEIGHTS[1]}.")

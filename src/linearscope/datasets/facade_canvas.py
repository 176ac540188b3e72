"""A canvas that is painted twice at once, the photo and with the same strokes its labels; and textures for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["FINE", "Canvas", "Colour", "Rng", "bricks", "clouds", "plaster", "stones", "tiles"]

FINE: Final = 2

Array: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]
Colour: TypeAlias = Array
Rng: TypeAlias = np.random.Generator


@dataclass(frozen=True)
class Canvas:
    """A square of ``FINE`` by ``FINE`` painted pixels for every pixel of the photo.

    Parameters
    ----------
    size
        Side of the finished photo in pixels.
    photo
        float32, ``(FINE size, FINE size, 3)``, 0 to 1: what has been painted.
    labels
        uint8, ``(FINE size, FINE size)``: the class of what was painted last.
    """

    size: int
    photo: Array = field(init=False)
    labels: npt.NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "photo", np.zeros((self.side, self.side, 3), np.float32))
        object.__setattr__(self, "labels", np.zeros((self.side, self.side), np.uint8))

    @property
    def side(self) -> int:
        """How many painted pixels a side has."""
        return FINE * self.size

    @property
    def unit(self) -> float:
        """How many painted pixels a 256th of the side is: every length is a multiple of it."""
        return self.side / 256

    def length(self, units: float) -> int:
        """Turn a length in units into painted pixels, at least one."""
        return max(round(units * self.unit), 1)

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """Return the rows and columns of a rectangle, clipped to the canvas."""
        x0, y0, x1, y1 = (min(max(round(v), 0), self.side) for v in (left, top, right, bottom))
        return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))

    def rect(
        self, left: float, top: float, right: float, bottom: float, paint: Array, label: int | None = None
    ) -> None:
        """Paint a rectangle with a colour ``(3,)`` or a texture as large as the canvas."""
        where = self.box(left, top, right, bottom)
        self.photo[where] = paint[where] if paint.ndim == 3 else paint
        if label is not None:
            self.labels[where] = label

    def shape(self, where: tuple[slice, slice], mask: Mask, paint: Array, label: int | None = None) -> None:
        """Paint the pixels of ``mask`` inside the rectangle ``where``."""
        self.photo[where][mask] = paint[where][mask] if paint.ndim == 3 else paint
        if label is not None:
            self.labels[where][mask] = label

    def grid(self, where: tuple[slice, slice]) -> tuple[Array, Array]:
        """Return the coordinates ``(y, x)`` of the centres of the pixels in ``where``."""
        rows, columns = where
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5)
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] + np.float32(0.5)
        return y, x

    def shade(self, left: float, top: float, right: float, bottom: float, light: float) -> None:
        """Multiply the light in a rectangle; labels stay."""
        self.photo[self.box(left, top, right, bottom)] *= np.float32(light)

    def finished(self) -> tuple[Array, npt.NDArray[np.uint8]]:
        """Return the photo averaged to ``(size, size, 3)`` and the label at the centre of each of its pixels."""
        parts = self.photo.reshape(self.size, FINE, self.size, FINE, 3)
        photo = sum((parts[:, a, :, b] for a in range(FINE) for b in range(FINE)), np.float32(0)) / np.float32(FINE**2)
        middle = FINE // 2
        return np.asarray(photo, np.float32), self.labels[middle::FINE, middle::FINE].copy()


def clouds(rng: Rng, side: int, cells: int) -> Array:
    """Smooth noise ``(side, side)`` of mean 0 and deviation near 1 that changes over a ``cells``-th of the side."""
    small = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.float32)


def plaster(rng: Rng, canvas: Canvas, colour: Colour) -> Array:
    """Plaster: stains as large as a floor, and grain."""
    side = canvas.side
    tone = 0.03 * clouds(rng, side, 5) + 0.02 * clouds(rng, side, 40)
    tone += np.float32(0.025) * rng.standard_normal((side, side), np.float32)
    return np.asarray(colour * (1 + tone)[..., None], np.float32)


def bricks(rng: Rng, canvas: Canvas, colour: Colour) -> Array:
    """Bricks in running bond, each of its own tone, with paler or darker mortar."""
    return _courses(rng, canvas, colour, canvas.length(rng.uniform(4, 6)), rng.uniform(2.2, 3), 0.12, 0.03)


def stones(rng: Rng, canvas: Canvas, colour: Colour) -> Array:
    """Ashlar: large blocks of nearly one tone with thin joints."""
    return _courses(rng, canvas, colour, canvas.length(rng.uniform(11, 16)), rng.uniform(1.6, 2.4), 0.05, 0.02)


def tiles(rng: Rng, canvas: Canvas, colour: Colour) -> Array:
    """Roof tiles or slates in rows, each row darker towards its top."""
    high = canvas.length(rng.uniform(4, 6))
    painted = _courses(rng, canvas, colour, high, rng.uniform(0.8, 1.4), 0.09, 0.03)
    rows = (np.arange(canvas.side) % high).astype(np.float32) / high
    return np.asarray(painted * (0.82 + 0.3 * rows)[:, None, None], np.float32)


def _courses(rng: Rng, canvas: Canvas, colour: Colour, high: int, ratio: float, spread: float, grain: float) -> Array:
    side = canvas.side
    wide = max(round(high * ratio), 2)
    y, x = np.arange(side)[:, None], np.arange(side)[None]
    row, shifted = y // high, x + (y // high % 2) * (wide // 2)
    tones = rng.standard_normal((side // high + 1, side // wide + 2), np.float32)
    tone = 1 + spread * tones[row, shifted // wide] + 0.03 * clouds(rng, side, 4)
    tone += np.float32(grain) * rng.standard_normal((side, side), np.float32)
    joint = np.float32(0.6) * ((y % high == 0) | (shifted % wide == 0))
    mortar = np.clip(colour * np.float32(rng.choice([0.62, 1.3])) + np.float32(0.05), 0, 1)
    return np.asarray((tone * (1 - joint))[..., None] * colour + joint[..., None] * mortar, np.float32)

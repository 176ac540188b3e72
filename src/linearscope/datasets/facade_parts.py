"""What a facade is made of, each painted with its label: openings, bands, balconies and what stands in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from linearscope.datasets.facade_canvas import Canvas, Colour, Rng, clouds

__all__ = [
    "BACKGROUND",
    "BALCONY",
    "CLASSES",
    "CORNICE",
    "DOOR",
    "FACADE",
    "OCCLUDER",
    "ROOF",
    "SHUTTER",
    "SILL",
    "WINDOW",
    "Sun",
    "WindowStyle",
    "balcony",
    "band",
    "car",
    "door",
    "lamp_post",
    "shadow",
    "tree",
    "window",
]

CLASSES: Final = (
    "background",
    "facade",
    "roof",
    "cornice",
    "window",
    "shutter",
    "sill",
    "balcony",
    "door",
    "occluder",
)
BACKGROUND, FACADE, ROOF, CORNICE, WINDOW, SHUTTER, SILL, BALCONY, DOOR, OCCLUDER = range(len(CLASSES))


@dataclass(frozen=True)
class Sun:
    """Where shadows fall.

    Parameters
    ----------
    across, down
        How far the shadow of something one unit deep falls, in units; ``across`` is negative when light comes from the
        right.
    depth
        What share of the light a shadow takes away.
    """

    across: float
    down: float
    depth: float


@dataclass(frozen=True)
class WindowStyle:
    """What all windows of a floor share; lengths in units.

    Parameters
    ----------
    width, height
        Of the opening.
    panes
        Columns and rows of panes.
    arched
        Whether the top is half an ellipse.
    frame, glass, shutter, trim
        Colours; ``shutter`` is None where there are none.
    surround
        How far the trim reaches beyond the opening, 0 for none.
    lintel, sill
        Heights of the stone above (labelled as cornice) and below, 0 for none.
    reveal
        How deep the glass lies behind the wall.
    """

    width: float
    height: float
    panes: tuple[int, int]
    arched: bool
    frame: Colour
    glass: Colour
    trim: Colour
    shutter: Colour | None
    surround: float
    lintel: float
    sill: float
    reveal: float


def shadow(canvas: Canvas, sun: Sun, left: float, top: float, right: float, bottom: float, deep: float) -> None:
    """Darken where a box ``deep`` units before the wall casts its shadow; the box itself is painted afterwards."""
    across, down = deep * canvas.unit * sun.across, deep * canvas.unit * sun.down
    canvas.shade(left + min(across, 0), top, right + max(across, 0), bottom + down, 1 - sun.depth)


def band(canvas: Canvas, sun: Sun, left: float, right: float, top: float, high: float, colour: Colour) -> None:
    """A cornice or string course: lit above, dark below, with its shadow on the wall."""
    shadow(canvas, sun, left, top, right, top + high, 0.8 * high / canvas.unit)
    canvas.rect(left, top, right, top + high, colour, CORNICE)
    canvas.shade(left, top, right, top + max(high / 4, 1), 1.15)
    canvas.shade(left, top + 0.7 * high, right, top + high, 0.78)


def window(canvas: Canvas, rng: Rng, sun: Sun, style: WindowStyle, middle: float, top: float) -> None:
    """A window whose opening begins at ``top`` and is centred on ``middle`` (painted pixels)."""
    unit = canvas.unit
    wide, high = max(round(style.width * unit), 4), max(round(style.height * unit), 4)
    left, top = round(middle - wide / 2), round(top)
    right, bottom = left + wide, top + high
    if style.surround:
        rim = canvas.length(style.surround)
        canvas.rect(left - rim, top - rim, right + rim, bottom, style.trim)
    if style.shutter is not None:
        half = wide // 2 + 1
        for side in (left - half, right):
            shadow(canvas, sun, side, top, side + half, bottom, 1.5)
            canvas.rect(side, top, side + half, bottom, style.shutter, SHUTTER)
            for row in range(top + 1, bottom - 1, max(canvas.length(3), 2)):
                canvas.shade(side + 1, row, side + half - 1, row + 1, 0.72)
    where = canvas.box(left, top, right, bottom)
    y, x = canvas.grid(where)
    opening = np.ones((y.size, x.size), bool)
    if style.arched:
        rise = min(wide / 2, high / 2)
        opening = (np.minimum(y - (top + rise), 0) / rise) ** 2 + ((x - (left + right) / 2) / (wide / 2)) ** 2 <= 1
        opening |= np.broadcast_to(y > top + rise, opening.shape)
    wall, below = canvas.photo[where].copy(), canvas.labels[where].copy()
    _glass(canvas, rng, sun, style, (left, top, right, bottom))
    if style.arched:
        canvas.photo[where] = np.where(opening[..., None], canvas.photo[where], wall)
        canvas.labels[where] = np.where(opening, canvas.labels[where], below)
    if style.lintel:
        rise = canvas.length(style.lintel)
        over = canvas.length(style.surround + 1.5)
        shadow(canvas, sun, left - over, top - rise, right + over, top, 1.5)
        canvas.rect(left - over, top - rise, right + over, top, style.trim, CORNICE)
        canvas.shade(left - over, top - 1, right + over, top, 0.7)
    if style.sill:
        drop, over = canvas.length(style.sill), canvas.length(2)
        shadow(canvas, sun, left - over, bottom, right + over, bottom + drop, 1.5)
        canvas.rect(left - over, bottom, right + over, bottom + drop, style.trim, SILL)
        canvas.shade(left - over, bottom, right + over, bottom + 1, 1.12)


def _glass(canvas: Canvas, rng: Rng, sun: Sun, style: WindowStyle, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    where = canvas.box(left, top, right, bottom)
    y, x = canvas.grid(where)
    fall = (y - top) / high
    slant = 0.5 + 0.5 * np.tanh(rng.uniform(4, 12) * ((x - left) / wide + 0.6 * fall - rng.uniform(0.2, 1.4)))
    light = rng.uniform(0.5, 1.1) * (1.25 - 0.55 * fall) + rng.uniform(0, 0.7) * slant
    canvas.photo[where] = style.glass * light[..., None]
    canvas.labels[where] = WINDOW
    kind = rng.random()
    cloth = np.float32(rng.uniform(0.55, 0.85)) * np.array([1, 0.97, 0.9], np.float32)
    if kind < 0.3:
        part = wide * rng.uniform(0.15, 0.38)
        hang = part * (1 - 0.6 * np.minimum(fall / 0.7, 1))
        folds = 1 + 0.12 * np.sin(x * (5.0 / max(part, 1)))
        drawn = (x - left < hang) | (right - x < hang)
        canvas.photo[where][drawn] = (cloth * (folds + 0 * y)[..., None])[drawn]
    elif kind < 0.45:
        canvas.rect(left, top, right, top + high * rng.uniform(0.2, 0.75), cloth)
    rim = canvas.length(1.2)
    columns, rows = style.panes
    for k in range(1, columns):
        at = left + round(k * wide / columns - rim / 2)
        canvas.rect(at, top, at + rim, bottom, style.frame)
    for k in range(1, rows):
        at = top + round((k * high / rows if rows > 2 else high * 0.36) - rim / 2)
        canvas.rect(left, at, right, at + rim, style.frame)
    canvas.rect(left, top, left + rim, bottom, style.frame)
    canvas.rect(right - rim, top, right, bottom, style.frame)
    canvas.rect(left, top, right, top + rim, style.frame)
    canvas.rect(left, bottom - rim, right, bottom, style.frame)
    deep = style.reveal * canvas.unit
    canvas.shade(left, top, right, top + deep * sun.down, 1 - sun.depth)
    aside = deep * sun.across
    canvas.shade(left, top, left + max(aside, 0), bottom, 1 - sun.depth)
    canvas.shade(right + min(aside, 0), top, right, bottom, 1 - sun.depth)


def balcony(
    canvas: Canvas, rng: Rng, sun: Sun, box: tuple[float, float, float, float], slab: Colour, rail: Colour
) -> None:
    """A slab and a railing of bars, or a solid one, over ``box`` (left, top, right, bottom)."""
    left, top, right, bottom = (round(v) for v in box)
    thick = canvas.length(3)
    shadow(canvas, sun, left, bottom - thick, right, bottom, 7)
    where = canvas.box(left, top, right, bottom)
    canvas.labels[where] = BALCONY
    if rng.random() < 0.3:
        canvas.rect(left, top, right, bottom, slab * np.float32(0.92))
        for at in range(left, right, canvas.length(6)):
            canvas.shade(at, top + 2, at + 1, bottom - thick, 0.75)
    else:
        canvas.photo[where] *= np.float32(0.8)
        for at in range(left, right, max(canvas.length(3.2), 3)):
            canvas.rect(at, top, at + 1, bottom, rail)
        canvas.rect(left, top, right, top + canvas.length(1.4), rail)
    canvas.rect(left, bottom - thick, right, bottom, slab)
    canvas.shade(left, bottom - 1, right, bottom, 0.7)


def door(
    canvas: Canvas, rng: Rng, sun: Sun, box: tuple[float, float, float, float], colour: Colour, trim: Colour
) -> None:
    """A door of one or two wings with panels, a light above it, its frame and a step."""
    left, top, right, bottom = (round(v) for v in box)
    rim = canvas.length(2.5)
    canvas.rect(left - rim, top - rim, right + rim, bottom, trim)
    canvas.rect(left, top, right, bottom, colour, DOOR)
    wide, high = right - left, bottom - top
    fan = top + round(high * rng.uniform(0.16, 0.26))
    canvas.rect(left + 1, top + 1, right - 1, fan - 1, np.array([0.25, 0.3, 0.36], np.float32))
    wings = 2 if wide > 14 * canvas.unit else 1
    each = wide / wings
    for k in range(wings):
        start = left + k * each
        canvas.shade(start + each - 1, fan, start + each, bottom, 0.5)
        for low, up in ((0.1, 0.48), (0.56, 0.9)):
            a, b = fan + low * (bottom - fan), fan + up * (bottom - fan)
            canvas.shade(start + 0.2 * each, a, start + 0.8 * each, b, 0.68)
            canvas.shade(start + 0.2 * each, b - 1, start + 0.8 * each, b, 1.7)
    deep = 3 * canvas.unit
    canvas.shade(left, top, right, top + deep * sun.down, 1 - sun.depth)
    canvas.shade(left, top, left + max(deep * sun.across, 0), bottom, 1 - sun.depth)
    canvas.shade(right + min(deep * sun.across, 0), top, right, bottom, 1 - sun.depth)
    canvas.rect(left - 2 * rim, bottom, right + 2 * rim, bottom + canvas.length(3), trim * np.float32(0.8), FACADE)


def tree(canvas: Canvas, rng: Rng, middle: float, foot: float, high: float) -> None:
    """A tree: a trunk, a crown with a ragged border, light on its upper side."""
    unit = canvas.unit
    thick = high * rng.uniform(0.035, 0.06)
    bark = np.array([0.26, 0.2, 0.15], np.float32) * np.float32(rng.uniform(0.7, 1.3))
    canvas.rect(middle - thick, foot - 0.6 * high, middle + thick, foot, bark, OCCLUDER)
    canvas.shade(middle, foot - 0.6 * high, middle + thick, foot, 0.7)
    broad = high * rng.uniform(0.22, 0.36)
    centre = foot - high * 0.68
    tall = high * 0.34
    where = canvas.box(middle - 1.3 * broad, centre - 1.3 * tall, middle + 1.3 * broad, centre + 1.3 * tall)
    y, x = canvas.grid(where)
    lumps, leaves = clouds(rng, canvas.side, 14)[where], clouds(rng, canvas.side, round(90 / unit**0.5))[where]
    away = ((x - middle) / broad) ** 2 + ((y - centre) / tall) ** 2
    crown = away + 0.22 * lumps + 0.13 * leaves < 0.95
    green = np.array([[0.2, 0.36, 0.12], [0.3, 0.4, 0.14], [0.14, 0.3, 0.16], [0.5, 0.34, 0.12]], np.float32)
    colour = green[rng.integers(4)] * np.float32(rng.uniform(0.7, 1.25))
    light = np.clip(0.95 - 0.35 * (y - centre) / tall + 0.22 * leaves + 0.12 * lumps, 0.3, 1.8)
    canvas.photo[where][crown] = (colour * light[..., None])[crown]
    canvas.labels[where][crown] = OCCLUDER


def lamp_post(canvas: Canvas, rng: Rng, middle: float, foot: float, high: float) -> None:
    """A lamp post with its lantern."""
    iron = np.array([0.13, 0.15, 0.15], np.float32) * np.float32(rng.uniform(0.6, 1.8))
    half = max(1.1 * canvas.unit, 1)
    canvas.rect(middle - half, foot - high, middle + half, foot, iron, OCCLUDER)
    canvas.rect(middle - 2 * half, foot - 0.12 * high, middle + 2 * half, foot, iron, OCCLUDER)
    wide = 4 * canvas.unit
    canvas.rect(middle - wide, foot - high - 2.6 * wide, middle + wide, foot - high, iron, OCCLUDER)
    pane = np.array([0.85, 0.83, 0.7], np.float32)
    canvas.rect(middle - 0.6 * wide, foot - high - 1.9 * wide, middle + 0.6 * wide, foot - high - 0.4 * wide, pane)


def car(canvas: Canvas, rng: Rng, left: float, foot: float, long: float) -> None:
    """A car from its side."""
    paints = [
        [0.6, 0.08, 0.08],
        [0.1, 0.16, 0.4],
        [0.8, 0.8, 0.8],
        [0.1, 0.1, 0.11],
        [0.45, 0.47, 0.48],
        [0.7, 0.5, 0.1],
    ]
    paint = np.array(paints[rng.integers(len(paints))], np.float32)
    high = 0.36 * long
    right = left + long
    canvas.shade(left - 0.02 * long, foot - 0.03 * long, right + 0.02 * long, foot + 0.03 * long, 0.4)
    where = canvas.box(left, foot - high, right, foot)
    y, x = canvas.grid(where)
    along, up = (x - left) / long, (foot - y) / high
    cabin = (up < 0.98) & (along > 0.16 + 0.16 * (up - 0.5)) & (along < 0.82 - 0.3 * (up - 0.5)) & (up > 0.5)
    ends = np.minimum(along, 1 - along)
    body = (up > 0.16) & (up <= 0.56 - 0.08 * (ends < 0.06)) & (ends > 0.012)
    canvas.shape(where, cabin | body, paint, OCCLUDER)
    shine = (cabin | body) & (np.abs(up - 0.5) < 0.05)
    canvas.photo[where][shine] = np.clip(canvas.photo[where][shine] * 1.4 + 0.05, 0, 1)
    glass = cabin & (up > 0.58) & (up < 0.9) & (np.abs(along - 0.47) > 0.015)
    glass &= (along > 0.21 + 0.16 * (up - 0.5)) & (along < 0.77 - 0.3 * (up - 0.5))
    canvas.photo[where][glass] = np.array([0.16, 0.2, 0.24], np.float32)
    for centre in (0.2, 0.8):
        away = ((along - centre) * long) ** 2 + ((up - 0.17) * high) ** 2
        canvas.shape(where, away < (0.085 * long) ** 2, np.full(3, 0.05, np.float32), OCCLUDER)
        canvas.shape(where, away < (0.045 * long) ** 2, np.full(3, 0.5, np.float32))

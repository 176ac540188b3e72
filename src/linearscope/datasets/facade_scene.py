"""One street scene: sky, neighbours, a facade with its roof, floors and windows, and what stands before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from linearscope.datasets.facade_canvas import Canvas, Colour, Rng, bricks, clouds, plaster, stones, tiles
from linearscope.datasets.facade_parts import (
    BACKGROUND,
    FACADE,
    ROOF,
    Sun,
    WindowStyle,
    balcony,
    band,
    car,
    door,
    lamp_post,
    shadow,
    tree,
    window,
)

__all__ = ["paint_scene"]

PLASTER: Final = (
    (0.86, 0.8, 0.66),
    (0.8, 0.68, 0.48),
    (0.84, 0.82, 0.78),
    (0.72, 0.58, 0.5),
    (0.66, 0.7, 0.66),
    (0.62, 0.68, 0.76),
    (0.82, 0.62, 0.52),
    (0.56, 0.55, 0.53),
)
BRICK: Final = ((0.56, 0.28, 0.2), (0.62, 0.38, 0.26), (0.45, 0.25, 0.2), (0.7, 0.55, 0.38), (0.5, 0.36, 0.3))
STONE: Final = ((0.72, 0.68, 0.58), (0.62, 0.6, 0.56), (0.78, 0.72, 0.62))
TILES: Final = ((0.5, 0.24, 0.17), (0.28, 0.3, 0.34), (0.36, 0.26, 0.22), (0.42, 0.44, 0.46), (0.56, 0.32, 0.2))
FRAMES: Final = ((0.88, 0.87, 0.84), (0.9, 0.9, 0.9), (0.32, 0.22, 0.15), (0.16, 0.2, 0.2), (0.2, 0.3, 0.24))
SHUTTERS: Final = ((0.16, 0.34, 0.24), (0.2, 0.3, 0.46), (0.42, 0.2, 0.16), (0.44, 0.42, 0.4), (0.5, 0.38, 0.24))
DOORS: Final = ((0.34, 0.2, 0.12), (0.14, 0.28, 0.2), (0.42, 0.12, 0.1), (0.12, 0.18, 0.34), (0.2, 0.2, 0.21))


@dataclass(frozen=True)
class Frame:
    """Where the facade stands, in painted pixels: its sides, the top of its wall, the ground, and its floors."""

    left: float
    right: float
    top: float
    ground: float
    floors: int
    columns: int
    entry: float

    @property
    def storey(self) -> float:
        """Height of one upper floor."""
        return (self.ground - self.entry - self.top) / max(self.floors - 1, 1)

    def ceiling(self, floor: int) -> float:
        """Top of a floor; 0 is the uppermost, ``floors - 1`` the ground floor."""
        return self.top + floor * self.storey


def paint_scene(canvas: Canvas, rng: Rng) -> None:
    """Paint one scene on an empty canvas; everything random is drawn from ``rng``."""
    side = canvas.side
    turn = rng.choice([-1, 1]) * rng.uniform(0.15, 0.9)
    sun = Sun(
        across=turn, down=rng.uniform(0.5, 1.3), depth=rng.choice([rng.uniform(0.3, 0.6), rng.uniform(0.08, 0.2)])
    )
    whole = rng.random() < 0.35
    left = -4.0 if whole else side * rng.uniform(0.02, 0.16)
    right = side + 4.0 if whole else side * (1 - rng.uniform(0.02, 0.16))
    ground = side * rng.uniform(0.86, 0.95)
    top = side * rng.uniform(0.14, 0.3)
    floors = int(rng.integers(2, 6))
    high = (ground - top) / (floors + 0.15)
    columns = int(np.clip(round((right - left) / (high * rng.uniform(0.62, 1.15))), 2, 7))
    frame = Frame(left, right, top, ground, floors, columns, entry=1.15 * high)

    _sky(canvas, rng)
    _neighbours(canvas, rng, frame)
    trim = _pick(rng, STONE) * np.float32(rng.uniform(0.95, 1.25))
    _roof(canvas, rng, sun, frame, trim)
    _wall(canvas, rng, sun, frame, trim)
    _street(canvas, rng, ground)
    _openings(canvas, rng, sun, frame, trim)
    if rng.random() < 0.25:
        _cast(canvas, rng, frame, sun)
    _before(canvas, rng, frame)
    slope = rng.uniform(-0.16, 0.16) * np.linspace(-1, 1, side, dtype=np.float32)
    canvas.photo[...] *= (1 + slope)[None, :, None]


def _pick(rng: Rng, colours: tuple[tuple[float, float, float], ...]) -> Colour:
    colour = np.array(colours[rng.integers(len(colours))], np.float32)
    return np.clip(colour * rng.uniform(0.85, 1.12) + rng.normal(0, 0.02, 3), 0.02, 1).astype(np.float32)


def _sky(canvas: Canvas, rng: Rng) -> None:
    side = canvas.side
    fall = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    zenith = _pick(rng, ((0.32, 0.52, 0.8), (0.45, 0.6, 0.82), (0.66, 0.7, 0.74), (0.55, 0.62, 0.7)))
    haze = np.array([0.86, 0.88, 0.9], np.float32)
    cover = np.clip(0.5 * clouds(rng, side, 5) + 0.3 * clouds(rng, side, 12) + rng.uniform(-0.6, 0.4), 0, 1)[..., None]
    sky = zenith * (1 - fall) + haze * fall
    canvas.photo[...] = sky * (1 - 0.8 * cover) + np.float32(0.93) * (0.8 * cover)
    canvas.labels[...] = BACKGROUND


def _neighbours(canvas: Canvas, rng: Rng, frame: Frame) -> None:
    side = canvas.side
    for start, stop in ((0.0, frame.left), (frame.right, float(side))):
        if stop - start < 1 or rng.random() < 0.3:
            continue
        top = frame.top + rng.uniform(-0.1, 0.25) * side
        wall = plaster(rng, canvas, _pick(rng, PLASTER) * np.float32(rng.uniform(0.4, 0.7)))
        canvas.rect(start, top, stop, frame.ground, wall)
        canvas.rect(start, top - canvas.length(4), stop, top, np.array([0.25, 0.24, 0.24], np.float32))
        edge = stop - canvas.length(3) if start == 0 else start
        canvas.shade(edge, top, edge + canvas.length(3), frame.ground, 0.6)


def _roof(canvas: Canvas, rng: Rng, sun: Sun, frame: Frame, trim: Colour) -> None:
    unit, side = canvas.unit, canvas.side
    kind = rng.random()
    peak = frame.top - (rng.uniform(0.07, 0.16) * side if kind < 0.8 else rng.uniform(0.01, 0.025) * side)
    cover = tiles(rng, canvas, _pick(rng, TILES))
    if kind < 0.8:
        brick = bricks(rng, canvas, _pick(rng, BRICK))
        for _ in range(int(rng.integers(0, 3))):
            wide, top = rng.uniform(7, 13) * unit, peak - rng.uniform(10, 22) * unit
            at = rng.uniform(frame.left + 0.12 * side, frame.right - 0.12 * side)
            canvas.rect(at, top, at + wide, frame.top, brick, ROOF)
            canvas.rect(at - unit, top, at + wide + unit, top + 2 * unit, trim * np.float32(0.6), ROOF)
            canvas.shade(at + wide * 0.65, top, at + wide, frame.top, 0.75)
    where = canvas.box(frame.left - 3 * unit, peak, frame.right + 3 * unit, frame.top + 1)
    y, x = canvas.grid(where)
    rise = (frame.top - y) / (frame.top - peak)
    if kind < 0.3:
        middle, half = (frame.left + frame.right) / 2, (frame.right - frame.left) / 2 + 3 * unit
        inside = np.abs(x - middle) <= half * (1 - rise)
        if frame.left < 0:
            inside = np.broadcast_to(rise >= 0, inside.shape)
    else:
        lean = rng.uniform(0, 0.3) * (frame.top - peak)
        inside = (x >= frame.left + lean * rise - 2 * unit) & (x <= frame.right - lean * rise + 2 * unit)
    canvas.shape(where, inside, cover, ROOF)
    if kind >= 0.8 or kind < 0.3:
        return
    tall = 0.62 * (frame.top - peak)
    if rng.random() < 0.6 and tall > 12 * unit:
        style = _window_style(rng, rng.uniform(0.55, 0.8) * tall / unit, 0.8 * tall / unit, trim)
        style = replace(style, shutter=None, lintel=0.0, sill=0.0, surround=2.2, arched=rng.random() < 0.3)
        pitch = (frame.right - frame.left) / frame.columns
        for k in range(frame.columns):
            middle = frame.left + (k + 0.5) * pitch
            if 0.04 * side < middle < 0.96 * side:
                shadow(canvas, sun, middle - 0.4 * tall, frame.top - tall, middle + 0.4 * tall, frame.top, 4)
                window(canvas, rng, sun, style, middle, frame.top - 0.95 * tall)


def _wall(canvas: Canvas, rng: Rng, sun: Sun, frame: Frame, trim: Colour) -> None:
    unit = canvas.unit
    kind = rng.random()
    if kind < 0.45:
        wall = plaster(rng, canvas, _pick(rng, PLASTER))
    elif kind < 0.85:
        wall = bricks(rng, canvas, _pick(rng, BRICK))
    else:
        wall = stones(rng, canvas, _pick(rng, STONE))
    canvas.rect(frame.left, frame.top, frame.right, frame.ground, wall, FACADE)
    base = frame.ground - frame.entry
    if rng.random() < 0.45:
        canvas.rect(frame.left, base, frame.right, frame.ground, stones(rng, canvas, trim * np.float32(0.9)), FACADE)
    plinth = rng.uniform(4, 9) * unit
    canvas.rect(frame.left, frame.ground - plinth, frame.right, frame.ground, trim * np.float32(0.6), FACADE)
    if rng.random() < 0.35 and frame.left > 0:
        wide, high = 7 * unit, 8 * unit
        for k, at in enumerate(np.arange(frame.top, frame.ground - plinth, high)):
            reach = wide if k % 2 else 0.6 * wide
            for start in (frame.left, frame.right - reach):
                canvas.rect(start, at, start + reach, min(at + high - 1, frame.ground - plinth), trim, FACADE)
    over = rng.uniform(1, 4) * unit
    band(canvas, sun, frame.left - over, frame.right + over, frame.top, canvas.length(rng.uniform(5, 10)), trim)
    every = rng.random()
    for floor in range(1, frame.floors):
        if every < 0.3 or (floor == frame.floors - 1 and every < 0.75):
            at = frame.ceiling(floor) - 2 * unit
            band(canvas, sun, frame.left, frame.right, at, canvas.length(rng.uniform(3, 5.5)), trim)


def _window_style(rng: Rng, width: float, height: float, trim: Colour) -> WindowStyle:
    tint = rng.uniform(0.18, 0.46)
    return WindowStyle(
        width=width,
        height=height,
        panes=((2, 2), (2, 3), (1, 2), (2, 1), (3, 2))[rng.integers(5)],
        arched=bool(rng.random() < 0.2),
        frame=_pick(rng, FRAMES),
        glass=np.array([tint * 0.85, tint, tint * 1.2], np.float32),
        trim=trim,
        shutter=_pick(rng, SHUTTERS) if rng.random() < 0.3 else None,
        surround=rng.uniform(1.5, 3) if rng.random() < 0.55 else 0.0,
        lintel=rng.uniform(3, 5) if rng.random() < 0.5 else 0.0,
        sill=rng.uniform(2.5, 4) if rng.random() < 0.8 else 0.0,
        reveal=rng.uniform(1, 3.5),
    )


def _openings(canvas: Canvas, rng: Rng, sun: Sun, frame: Frame, trim: Colour) -> None:
    unit = canvas.unit
    pitch = (frame.right - frame.left) / frame.columns
    middles = [frame.left + (k + 0.5) * pitch for k in range(frame.columns)]
    share = rng.uniform(0.32, 0.5)
    tall = rng.uniform(0.5, 0.66)
    style = _window_style(rng, share * pitch / unit, tall * frame.storey / unit, trim)
    if style.shutter is not None:
        style = replace(style, width=min(style.width, 0.4 * pitch / unit), arched=False, surround=0.0)
    if style.arched:
        style = replace(style, lintel=0.0)
    iron, slab = np.full(3, rng.uniform(0.08, 0.2), np.float32), trim * np.float32(0.95)
    hung = rng.random(frame.floors) < 0.35
    only = rng.random() < 0.5
    for floor in range(frame.floors - 1):
        here = replace(style, height=style.height * (0.8 if floor == 0 and frame.floors > 2 else 1))
        top = frame.ceiling(floor) + 0.24 * frame.storey
        for k, middle in enumerate(middles):
            window(canvas, rng, sun, here, middle, top)
            if hung[floor] and (not only or k in (frame.columns // 2, (frame.columns - 1) // 2)):
                half = (0.5 * here.width + 4) * unit
                bottom = top + (here.height + 2.5) * unit
                rail = min(0.42 * here.height, 16) * unit
                balcony(canvas, rng, sun, (middle - half, bottom - rail, middle + half, bottom), slab, iron)
    _ground_floor(canvas, rng, sun, frame, style, middles, trim)


def _ground_floor(
    canvas: Canvas, rng: Rng, sun: Sun, frame: Frame, style: WindowStyle, middles: list[float], trim: Colour
) -> None:
    unit = canvas.unit
    pitch = (frame.right - frame.left) / frame.columns
    entrance = int(rng.integers(frame.columns))
    shop = rng.random() < 0.3
    high = frame.entry * rng.uniform(0.66, 0.78)
    wide = min(rng.uniform(0.4, 0.6) * pitch, 0.7 * high)
    below = replace(style, height=0.56 * frame.entry / unit, width=style.width * 1.05)
    if shop:
        below = replace(
            below, width=0.78 * pitch / unit, height=0.62 * frame.entry / unit, panes=(2, 1), arched=False, shutter=None
        )
    colour = _pick(rng, DOORS)
    for k, middle in enumerate(middles):
        if k == entrance:
            box = (middle - wide / 2, frame.ground - high, middle + wide / 2, frame.ground - 2 * unit)
            door(canvas, rng, sun, box, colour, trim)
        else:
            window(canvas, rng, sun, below, middle, frame.ground - 0.84 * frame.entry)


def _street(canvas: Canvas, rng: Rng, ground: float) -> None:
    side = canvas.side
    stone = plaster(
        rng, canvas, np.full(3, rng.uniform(0.42, 0.62), np.float32) * np.array([1, 0.98, 0.94], np.float32)
    )
    canvas.rect(0, ground, side, side, stone, BACKGROUND)
    kerb = ground + (side - ground) * rng.uniform(0.35, 0.6)
    canvas.rect(0, kerb, side, side, stone * np.float32(rng.uniform(0.45, 0.65)))
    canvas.rect(0, kerb, side, kerb + canvas.length(2), np.full(3, 0.66, np.float32))
    canvas.shade(0, ground, side, ground + canvas.length(2), 0.6)


def _cast(canvas: Canvas, rng: Rng, frame: Frame, sun: Sun) -> None:
    """Put the shadow of a house across the street over part of the facade."""
    where = canvas.box(0, frame.top, canvas.side, canvas.side)
    y, x = canvas.grid(where)
    along = (x / canvas.side - rng.uniform(0.2, 0.8)) * np.sign(sun.across)
    lower = y > frame.top + rng.uniform(0.2, 0.6) * (frame.ground - frame.top)
    dark = lower | (along + 0.8 * (y / canvas.side - 0.5) > 0.25)
    canvas.photo[where][dark] *= np.float32(1 - 0.8 * sun.depth)


def _before(canvas: Canvas, rng: Rng, frame: Frame) -> None:
    unit, side = canvas.unit, canvas.side
    foot = frame.ground + 0.3 * (side - frame.ground)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15]))):
        tree(canvas, rng, rng.uniform(0, side), foot, rng.uniform(0.28, 0.58) * side)
    if rng.random() < 0.3:
        lamp_post(canvas, rng, rng.uniform(0.05, 0.95) * side, foot, rng.uniform(60, 110) * unit)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15]))):
        long = rng.uniform(58, 84) * unit
        car(canvas, rng, rng.uniform(-0.1, 0.85) * side, side * rng.uniform(0.96, 0.99), long)

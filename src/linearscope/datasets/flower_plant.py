"""The shape of one plant: petals, centre, stem and leaves as quadrilaterals in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["CENTRE", "LEAF", "PETAL", "STEM", "Array", "Mesh", "Rng", "grow"]

Array = npt.NDArray[np.float64]
Rng = np.random.Generator
PETAL: Final = 0
CENTRE: Final = 1
STEM: Final = 2
LEAF: Final = 3

PETAL_ALONG: Final = np.linspace(0, 1, 6)
PETAL_ACROSS: Final = np.linspace(-1, 1, 4)
LEAF_ALONG: Final = np.linspace(0, 1, 6)
LEAF_ACROSS: Final = np.linspace(-1, 1, 3)
STEM_ALONG: Final = np.linspace(0, 1, 8)
STEM_AROUND: Final = np.linspace(0, 2 * np.pi, 7)
DOME_RISE: Final = np.linspace(0, 0.5 * np.pi, 4)
DOME_AROUND: Final = np.linspace(0, 2 * np.pi, 9)


@dataclass(frozen=True)
class Mesh:
    """Quadrilaterals of one plant that stands on the origin, y upwards, about 1 tall.

    Parameters
    ----------
    corners
        float64, ``(quads, 4, 3)``.
    parts
        int64, ``(quads,)``: ``PETAL``, ``CENTRE``, ``STEM`` or ``LEAF``.
    shades
        float64, ``(quads,)``: a factor of the part's colour, paler towards the tip of a petal.
    """

    corners: Array
    parts: npt.NDArray[np.int64]
    shades: Array


def grow(rng: Rng) -> Mesh:
    """Draw the shape of one plant.

    Petals stand in a ring on a head that leans to one side, as a shallow bowl, so that they are seen from the front,
    from the side and from behind as the plant turns; leaves stay below the head.
    """
    lean, bend = np.deg2rad(rng.uniform(22, 48)), rng.uniform(0.03, 0.14)
    height = rng.uniform(0.66, 0.78)
    top = np.array([0.0, height, bend])
    bow = np.array([rng.uniform(-0.08, 0.08), 0.55 * height, rng.uniform(-0.08, 0.04)])
    axis = np.array([0.0, np.cos(lean), np.sin(lean)])
    side = np.array([1.0, 0.0, 0.0])
    face = np.cross(side, axis)
    pieces = [
        _petals(rng, top, axis, side, face),
        _dome(rng, top, axis, side, face),
        _stem(rng, top, bow),
        _leaves(rng, top, bow),
    ]
    parts = np.repeat([PETAL, CENTRE, STEM, LEAF], [len(piece) for piece in pieces])
    shades = np.ones(len(parts))
    paler = 1 + 0.22 * (0.5 * (PETAL_ALONG[1:] + PETAL_ALONG[:-1]) - 0.6)
    shades[parts == PETAL] = np.resize(np.repeat(paler, len(PETAL_ACROSS) - 1), len(pieces[0]))
    return Mesh(np.concatenate(pieces), parts, shades)


def _quads(points: Array) -> Array:
    """Corners of the cells of grids: ``(..., a, b, 3)`` to ``(cells, 4, 3)``."""
    cells = np.stack(
        [points[..., :-1, :-1, :], points[..., 1:, :-1, :], points[..., 1:, 1:, :], points[..., :-1, 1:, :]], -2
    )
    return cells.reshape(-1, 4, 3)


def _petals(rng: Rng, top: Array, axis: Array, side: Array, face: Array) -> Array:
    count = int(rng.integers(5, 9))
    turns = 2 * np.pi * (np.arange(count) / count + rng.random()) + rng.normal(0, 0.05, count)
    length = rng.uniform(0.27, 0.35) * (1 + rng.normal(0, 0.05, count))
    width = rng.uniform(0.8, 1.05) * np.pi * rng.uniform(0.24, 0.28) / count
    rise, droop, fold = rng.uniform(0.25, 0.5), rng.uniform(0.0, 0.3), rng.uniform(0.0, 0.05)
    out = np.cos(turns)[:, None] * side + np.sin(turns)[:, None] * face
    along = -np.sin(turns)[:, None] * side + np.cos(turns)[:, None] * face
    u, v = PETAL_ALONG[:, None], PETAL_ACROSS[None, :]
    half = width * (0.3 + 0.7 * np.sin(np.pi * u**0.8)) * np.where(u < 1, 1, 0.75)
    reach = u * (1 - 0.12 * u * v**2)
    lift = 0.1 * u + rise * reach - droop * reach**2 + fold * v**2
    return _quads(
        top
        + (length[:, None, None] * reach)[..., None] * out[:, None, None]
        + (half * v)[None, ..., None] * along[:, None, None]
        + (length[:, None, None] * lift)[..., None] * axis
    )


def _dome(rng: Rng, top: Array, axis: Array, side: Array, face: Array) -> Array:
    radius, tall = rng.uniform(0.07, 0.095), rng.uniform(0.5, 1.0)
    rise, around = DOME_RISE[:, None, None], DOME_AROUND[None, :, None]
    ring = np.cos(around) * side + np.sin(around) * face
    return _quads(top + radius * (np.cos(rise) * ring + (tall * np.sin(rise) + 0.1) * axis))


def _curve(top: Array, bow: Array, at: Array) -> Array:
    """Point of the stem at ``at`` from 0, the ground, to 1, the head."""
    at = at[..., None]
    return 2 * at * (1 - at) * bow + at**2 * top


def _stem(rng: Rng, top: Array, bow: Array) -> Array:
    radius = rng.uniform(0.034, 0.046) * (1.15 - 0.35 * STEM_ALONG)
    ring = np.stack([np.cos(STEM_AROUND), np.zeros_like(STEM_AROUND), np.sin(STEM_AROUND)], -1)
    return _quads(_curve(top, bow, STEM_ALONG)[:, None] + radius[:, None, None] * ring)


def _leaves(rng: Rng, top: Array, bow: Array) -> Array:
    count = int(rng.integers(2, 5))
    turns = 2 * np.pi * (np.arange(count) * 0.38 + rng.random()) + rng.normal(0, 0.2, count)
    base = _curve(top, bow, rng.uniform(0.12, 0.55, count))
    length = rng.uniform(0.26, 0.4, count)
    width, rise, droop = rng.uniform(0.07, 0.1), rng.uniform(0.4, 1.0), rng.uniform(0.2, 0.8)
    out = np.stack([np.cos(turns), np.zeros(count), np.sin(turns)], -1)
    along = np.stack([-np.sin(turns), np.zeros(count), np.cos(turns)], -1)
    u, v = LEAF_ALONG[:, None], LEAF_ACROSS[None, :]
    half = width * np.sin(np.pi * (0.06 + 0.94 * u) ** 0.75)
    lift = rise * u - droop * u**2
    sides = half * v
    return _quads(
        base[:, None, None]
        + (length[:, None, None] * u)[..., None] * out[:, None, None]
        + sides[None, ..., None] * along[:, None, None]
        + (length[:, None, None] * lift + 0.4 * np.abs(sides))[..., None] * np.array([0.0, 1.0, 0.0])
    )

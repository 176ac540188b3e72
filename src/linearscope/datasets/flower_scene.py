"""One scene with a plant: background and clutter, light and camera, and its pixels with the parts they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from linearscope.datasets.flower_plant import Array, Mesh, Rng, grow

__all__ = ["COLOURS", "Scene", "draw_scene", "render"]

#: Hue in degrees, saturation and value of the colours that classes are made of.
COLOURS: Final = {
    "red": (357, 0.88, 0.86),
    "orange": (25, 0.95, 0.97),
    "yellow": (54, 0.92, 0.96),
    "turquoise": (174, 0.85, 0.8),
    "blue": (224, 0.82, 0.88),
    "violet": (292, 0.72, 0.8),
}
FINER: Final = 3
WAVES: Final = 4


@dataclass(frozen=True)
class Scene:
    """Everything random about one picture but its label and its grain.

    Parameters
    ----------
    mesh
        The plant.
    hues
        ``(6, 3)``: this plant's own variation of each of ``COLOURS`` as RGB; all six are drawn, one is used.
    plain
        ``(4, 3)``: RGB of petals, centre, stem and leaves where they do not show the class.
    clutter
        Flat shapes behind the plant: corners ``(n, 2)`` in image sides, and RGB.
    ground, waves
        ``(2, 3)``: RGB of the background at the top and at the bottom. ``(4, 6)``: two frequencies in radians a side,
        phase, and RGB of each wave over it.
    light, ambient, strength, tint
        Unit vector towards the light in the camera's frame, ``(3,)``; the share of light that has no direction; factor
        of the whole picture; factor of its RGB.
    tilt, roll, zoom, shift
        How far the camera looks down and leans, radians; image sides to one unit of the plant; place, image sides.
    grain
        Standard deviation of noise, where white is 1.
    """

    mesh: Mesh
    hues: Array
    plain: Array
    clutter: tuple[tuple[Array, Array], ...]
    ground: Array
    waves: Array
    light: Array
    ambient: float
    strength: float
    tint: Array
    tilt: float
    roll: float
    zoom: float
    shift: Array
    grain: float


def rgb(hue: float, saturation: float, value: float) -> Array:
    """RGB from 0 to 1 of a hue in degrees, a saturation and a value."""
    turns = ((place + hue / 60) % 6 for place in (5.0, 3.0, 1.0))
    return np.array([value - value * saturation * min(max(min(k, 4 - k), 0), 1) for k in turns])


def draw_scene(rng: Rng) -> Scene:
    """Draw one scene; nothing here knows the label."""
    mesh = grow(rng)
    hues = np.stack([_varied(rng, colour) for colour in COLOURS.values()])
    green = rgb(rng.uniform(88, 130), rng.uniform(0.35, 0.6), rng.uniform(0.35, 0.6))
    pale = rgb(rng.uniform(0, 360), rng.uniform(0, 0.08), rng.uniform(0.75, 0.95))
    brown = rgb(rng.uniform(20, 40), rng.uniform(0.4, 0.65), rng.uniform(0.2, 0.42))
    plain = np.stack([pale, brown, green, green * rng.uniform(0.85, 1.1)])
    light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.2, 1.0), rng.uniform(0.35, 1.0)])
    ambient = rng.uniform(0.5, 0.68)
    return Scene(
        mesh=mesh,
        hues=hues,
        plain=plain,
        clutter=_clutter(rng),
        ground=np.stack([_backdrop(rng), _backdrop(rng)]),
        waves=rng.normal(0, 1, (WAVES, 6)) * np.array([5, 5, 5, 0.035, 0.035, 0.035]),
        light=light / np.linalg.norm(light),
        ambient=ambient,
        strength=rng.uniform(0.78, 1.12),
        tint=1 + rng.normal(0, 0.025, 3),
        tilt=np.deg2rad(rng.uniform(6, 22)),
        roll=np.deg2rad(rng.normal(0, 4)),
        zoom=rng.uniform(0.72, 0.95),
        shift=rng.uniform(-0.1, 0.1, 2) * np.array([1.4, 0.6]),
        grain=rng.uniform(0, 0.03),
    )


def _varied(rng: Rng, colour: tuple[int, float, float]) -> Array:
    hue, saturation, value = colour
    return rgb(hue + rng.uniform(-5, 5), saturation * rng.uniform(0.88, 1), value * rng.uniform(0.88, 1))


def _backdrop(rng: Rng) -> Array:
    return rgb(rng.uniform(0, 360), rng.uniform(0, 0.5), rng.uniform(0.15, 0.9))


def _clutter(rng: Rng) -> tuple[tuple[Array, Array], ...]:
    """Up to five discs, polygons and bars; half of them in one of the class colours, whatever the class is."""
    names = tuple(COLOURS.values())
    shapes = []
    for _ in range(int(rng.integers(0, 6))):
        corners = int(rng.choice([3, 4, 5, 20]))
        angles = 2 * np.pi * (np.arange(corners) / corners + rng.random())
        radii = rng.uniform(0.03, 0.13) * np.array([1, rng.uniform(0.35, 1.0)])
        turn = rng.uniform(0, np.pi)
        ring = np.stack([np.cos(angles), np.sin(angles)], 1) * radii
        turned = ring @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        colour = _varied(rng, names[rng.integers(len(names))]) if rng.random() < 0.5 else _backdrop(rng)
        shapes.append((turned + rng.uniform(0, 1, 2), colour * rng.uniform(0.7, 1.0)))
    return tuple(shapes)


def render(
    scene: Scene, angle: float, colour: int, coloured: tuple[int, ...], side: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Paint a scene.

    Parameters
    ----------
    angle
        How far the plant is turned about its axis, degrees.
    colour
        Index into ``COLOURS``.
    coloured
        The parts that have this colour; the others are plain.
    side
        Of the square picture, in pixels.

    Returns
    -------
    light
        float32, ``(side, side, 3)``, before grain, clipping and rounding.
    mask
        bool, ``(side, side)``: where any of the nine points of a pixel shows a coloured part.
    """
    corners, lit = _seen(scene, angle)
    fine = FINER * side
    canvas = Image.new("I", (fine, fine), 0)
    pen = ImageDraw.Draw(canvas)
    flat = [(shape * fine).ravel().tolist() for shape, _ in scene.clutter]
    for number, shape in enumerate(flat, 1):
        pen.polygon(shape, fill=number)
    depth = corners[..., 2].mean(1)
    order = np.argsort(depth)
    first = len(flat) + 1
    # Pixel (i, j) of Pillow is the point (i, j): half a fine pixel up and left of its middle.
    outlines = (corners[..., :2] * fine - 0.5).reshape(len(corners), 8)[order].tolist()
    for number, outline in zip((order + first).tolist(), outlines, strict=True):
        pen.polygon(outline, fill=number)
    shown = np.asarray(canvas)

    palette = scene.plain.copy()
    palette[list(coloured)] = scene.hues[colour]
    # What one fine pixel adds: RGB, whether the background is seen, whether the class is.
    table = np.zeros((first + len(lit), 5), np.float32)
    table[0, 3] = 1
    for number, (_, paint) in enumerate(scene.clutter, 1):
        table[number, :3] = paint
    table[first:, :3] = palette[scene.mesh.parts] * (lit * scene.mesh.shades)[:, None]
    table[first:, 4] = np.isin(scene.mesh.parts, coloured)
    total = np.zeros((side, side, 5), np.float32)
    for row in range(FINER):
        for column in range(FINER):
            total += table.take(shown[row::FINER, column::FINER], axis=0)
    total[..., :4] /= FINER**2
    light = total[..., :3] + total[..., 3:4] * _background(scene, side)
    return light * (scene.tint * scene.strength).astype(np.float32), total[..., 4] > 0


def _seen(scene: Scene, angle: float) -> tuple[Array, Array]:
    """Corners on the picture, in image sides with nearness last, and the light on every quadrilateral."""
    turn = np.deg2rad(angle)
    about = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(scene.tilt), -np.sin(scene.tilt)], [0, np.sin(scene.tilt), np.cos(scene.tilt)]]
    )
    world = (scene.mesh.corners - np.array([0, 0.53, 0])) @ (nod @ about).T
    normals = np.cross(world[:, 2] - world[:, 0], world[:, 3] - world[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    # Both sides of a petal or a leaf are seen; the side that is seen is the one that is lit.
    seen = normals * np.sign(normals[:, 2:] + 1e-12)
    lit = scene.ambient + (1 - scene.ambient) * np.clip(seen @ scene.light, 0, 1)
    near = 4.0 / (4.0 - world[..., 2:])
    cos, sin = np.cos(scene.roll), np.sin(scene.roll)
    plane = world[..., :2] * near * scene.zoom @ np.array([[cos, sin], [-sin, cos]])
    plane = plane * np.array([1, -1]) + 0.5 + scene.shift
    return np.concatenate([plane, world[..., 2:]], -1), lit


def _background(scene: Scene, side: int) -> npt.NDArray[np.float32]:
    """Two colours that run into each other from top to bottom, with waves of colour over them."""
    at = (np.arange(side, dtype=np.float32) + 0.5) / side
    down = np.exp(1j * (scene.waves[:, :1] * at + scene.waves[:, 2:3]))
    across = np.exp(1j * scene.waves[:, 1:2] * at)
    # The sine of a sum, as a product, so that no sine is taken for every pixel.
    wave = np.einsum("kc,ki,kj->cij", scene.waves[:, 3:], down, across, optimize=True).imag
    smooth = scene.ground[0] + at[:, None, None] * (scene.ground[1] - scene.ground[0]) + wave.transpose(1, 2, 0)
    background: npt.NDArray[np.float32] = smooth.astype(np.float32)
    return background

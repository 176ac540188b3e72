"""What a pixel stands on: an edge, a corner, texture, a flat area; and pixels worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["KINDS", "check_point", "edge_direction", "interesting_points", "matching_output", "surroundings"]

Array = npt.NDArray[np.float64]

#: What a pixel can stand on.
KINDS: Final = ("edge", "corner", "texture", "flat")

# Deviations of the Gaussians in pixels: of the derivatives, of the neighbourhood, and of the wider one.
DERIVATIVE: Final = 1.0
NEAR: Final = 1.5
BROAD: Final = 6.0
# Below this part of the mean gradient a place is flat, above this coherence an edge; a corner stands out this far.
FLAT: Final = 0.6
COHERENT: Final = 0.75
STANDS_OUT: Final = 1.5


@dataclass(frozen=True)
class _Structure:
    """Eigenvalues of the structure tensor, the larger first, and the direction of its gradient in radians, y down."""

    large: Array
    small: Array
    gradient: Array

    @property
    def energy(self) -> Array:
        return self.large + self.small

    @property
    def coherence(self) -> Array:
        return np.divide(self.large - self.small, self.energy, out=np.zeros_like(self.large), where=self.energy > 0)


def interesting_points(image: Tensor) -> dict[str, tuple[int, int]]:
    """Find one pixel on an edge, one at a corner, one in texture and one in a flat area.

    Parameters
    ----------
    image
        ``(1, C, H, W)`` in any units.

    Returns
    -------
    dict
        ``(row, column)`` by ``"edge"``, ``"corner"``, ``"texture"``, ``"flat"``, apart from each other and from the
        borders where the image is large enough for that. Every image has all four: of one without corners it is the
        pixel most like one.

    Raises
    ------
    InputError
        When the image has another shape.

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 1, 40, 40)
    >>> image[..., 20:] = 1
    >>> interesting_points(image)["edge"][1] in (19, 20)
    True

    Source: eigenvalues of the structure tensor; Förstner and Gülch 1987, Harris and Stephens 1988, Shi and Tomasi 1994.
    """
    planes = _planes(image)
    near, broad = _structure(planes, NEAR), _structure(planes, BROAD)
    scores = {
        "edge": (near.large - near.small) * near.coherence,
        "corner": near.small - broad.small,
        # A root lets many middling places count for more than a single strong one.
        "texture": gaussian_filter(np.sqrt(near.small), BROAD, mode="reflect"),
        "flat": -broad.energy,
    }
    height, width = planes.shape[1:]
    rows, columns = np.mgrid[:height, :width]
    margin = min(height, width) // 6
    inside = (rows >= margin) & (rows < height - margin) & (columns >= margin) & (columns < width - margin)
    apart = hypot(height, width) / 8
    found: dict[str, tuple[int, int]] = {}
    # The rarest first: an edge is easily found elsewhere.
    for kind in ("corner", "texture", "flat", "edge"):
        free = inside.copy()
        for row, column in found.values():
            free &= (rows - row) ** 2 + (columns - column) ** 2 >= apart**2
        # Rounded, so that of pixels which are equally good the first is taken and not what rounding makes of them.
        rounded = np.round(scores[kind] / (np.abs(scores[kind]).max() or 1.0), 9)
        score = np.where(free if free.any() else inside, rounded, -np.inf)
        found[kind] = divmod(int(score.argmax()), width)
    return {kind: found[kind] for kind in KINDS}


def surroundings(image: Tensor) -> npt.NDArray[np.str_]:
    """Say for every pixel whether it stands on an edge, at a corner, in texture or in a flat area.

    Parameters
    ----------
    image
        ``(1, C, H, W)`` in any units.

    Returns
    -------
    ndarray of str, (H, W)
        ``"flat"`` where the gradient is below 0.6 of the image's mean, else ``"edge"`` where its direction is one
        (coherence above 0.75), else ``"corner"`` where it turns more than 1.5 times as strongly as around, else
        ``"texture"``.

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 1, 40, 40)
    >>> image[..., 20:] = 1
    >>> kinds = surroundings(image)
    >>> str(kinds[20, 20]), str(kinds[20, 5])
    ('edge', 'flat')
    """
    planes = _planes(image)
    near, broad = _structure(planes, NEAR), _structure(planes, BROAD)
    gradient = np.sqrt(near.energy)
    kinds = np.where(near.small > STANDS_OUT * broad.small, "corner", "texture")
    kinds = np.where(near.coherence > COHERENT, "edge", kinds)
    return np.asarray(np.where(gradient <= FLAT * gradient.mean(), "flat", kinds))


def edge_direction(image: Tensor) -> Array:
    """Direction of the edge under every pixel.

    Parameters
    ----------
    image
        ``(1, C, H, W)`` in any units.

    Returns
    -------
    ndarray, (H, W)
        Degrees from 0 to 180, counter-clockwise from the horizontal. It means something where
        :func:`surroundings` says ``"edge"``.

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 1, 40, 40)
    >>> image[..., 20:] = 1
    >>> float(edge_direction(image)[20, 20])
    90.0
    """
    return np.asarray((90 - np.degrees(_structure(_planes(image), NEAR).gradient)) % 180)


def matching_output(point: tuple[int, int], input_shape: Sequence[int], output_shape: Sequence[int]) -> tuple[int, int]:
    """Pixel of the output that covers the centre of a pixel of the input.

    Parameters
    ----------
    point
        ``(row, column)`` on the input.
    input_shape, output_shape
        ``(C, H, W)``.

    Raises
    ------
    InputError
        When one of the two is no image, or the point lies outside.

    Examples
    --------
    >>> matching_output((3, 0), (3, 16, 16), (3, 32, 32))
    (7, 1)
    """
    if len(input_shape) != 3 or len(output_shape) != 3:
        raise InputError(
            f"The model goes from {tuple(input_shape)} to {tuple(output_shape)}, and both have to be images "
            "(C, H, W). Use `linearscope tour` to look at a classifier."
        )
    check_point(point, input_shape)
    row, column = (
        min(int((place + 0.5) * output / size), output - 1)
        for place, size, output in zip(point, input_shape[-2:], output_shape[-2:], strict=True)
    )
    return row, column


def check_point(point: tuple[int, int], shape: Sequence[int]) -> None:
    """Refuse a place outside of an image ``(C, H, W)``, and say which there are."""
    height, width = shape[-2:]
    if not (0 <= point[0] < height and 0 <= point[1] < width):
        raise InputError(
            f"There is no pixel {point[0]},{point[1]} in an image of {height} rows and {width} columns. "
            f"Give a row from 0 to {height - 1} and a column from 0 to {width - 1}."
        )


def _planes(image: Tensor) -> Array:
    if image.ndim != 4 or len(image) != 1 or 0 in image.shape:
        raise InputError(f"An image of shape {tuple(image.shape)} has no pixels to look at. Give (1, C, H, W).")
    return np.asarray(image[0].detach().double().cpu().numpy())


def _structure(planes: Array, deviation: float) -> _Structure:
    """Structure tensor of all channels together."""
    xx, xy, yy = (np.zeros(planes.shape[1:]) for _ in range(3))
    # What rounding leaves of a constant image is no gradient.
    least = 1e-10 * float(np.abs(planes).max())
    for plane in planes:
        y, x = (gaussian_filter(plane, DERIVATIVE, order=order, mode="reflect") for order in ((1, 0), (0, 1)))
        y[np.abs(y) <= least], x[np.abs(x) <= least] = 0, 0
        xx, xy, yy = xx + x * x, xy + x * y, yy + y * y
    xx, xy, yy = (gaussian_filter(term, deviation, mode="reflect") for term in (xx, xy, yy))
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return _Structure(half + spread, np.maximum(half - spread, 0), np.arctan2(2 * xy, xx - yy) / 2)

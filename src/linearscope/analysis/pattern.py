"""What an image with signs looks like: where its energy is, how wide, which way it points, how fine it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import degrees, hypot
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
from torch import Tensor

__all__ = ["Pattern", "frequencies", "pattern"]

Array = npt.NDArray[np.float64]

#: Below this strength of direction a pattern is said to have none.
DIRECTED: Final = 0.2


@dataclass(frozen=True)
class Pattern:
    """What a picture with signs looks like, from its energy over the pixels and over the frequencies.

    Attributes
    ----------
    centre
        ``(row, column)``: where the energy is on average.
    radius
        Pixels around the centre that hold 90 % of the energy.
    area
        The share of all pixels that it covers: ``(sum e)² / (n sum e²)`` of the energies e; 1 when it is spread evenly.
    frequency
        Cycles per pixel, the mean over the energy of the spectrum; 0 is constant, 0.5 changes at every pixel.
    orientation
        Degrees from 0 to 180, counter-clockwise from the horizontal, along its stripes; ``None`` where there is no
        direction.
    directedness
        From 0, all directions alike, to 1, one direction.
    """

    centre: tuple[float, float]
    radius: float
    area: float
    frequency: float
    orientation: float | None
    directedness: float


def pattern(values: Tensor) -> Pattern:
    """Describe ``(C, H, W)`` by the energy of all channels together.

    Examples
    --------
    >>> import torch
    >>> stripes = torch.cos(2 * torch.pi * 0.25 * torch.arange(32.0)).expand(1, 32, 32)  # upright, 4 pixels apart
    >>> p = pattern(stripes)
    >>> round(p.frequency, 2), p.orientation, round(p.area, 1)
    (0.25, 90.0, 0.5)
    """
    planes = np.asarray(values.detach().double().cpu().numpy())
    energy = np.square(planes).sum(0)
    total = float(energy.sum())
    height, width = energy.shape
    if not total > 0:
        return Pattern(((height - 1) / 2, (width - 1) / 2), 0.0, 0.0, 0.0, None, 0.0)
    rows, columns = np.mgrid[:height, :width].astype(float)
    centre = float((energy * rows).sum() / total), float((energy * columns).sum() / total)
    away = np.hypot(rows - centre[0], columns - centre[1]).ravel()
    order = np.argsort(away, kind="stable")
    inside = np.cumsum(energy.ravel()[order])
    radius = float(away[order][min(int(np.searchsorted(inside, 0.9 * total)), len(order) - 1)])
    area = total**2 / (energy.size * float(np.square(energy).sum()))
    frequency, orientation, directedness = frequencies(planes)
    return Pattern(centre, radius, min(area, 1.0), frequency, orientation, directedness)


def frequencies(planes: Array, room: int = 0) -> tuple[float, float | None, float]:
    """Mean frequency, direction along the stripes and its strength of ``(C, H, W)``; see `Pattern`.

    With ``room`` the planes lie among zeros, at least as many as they are large and so many more.
    """
    height, width = planes.shape[1:]
    if room:
        height, width = (scipy.fft.next_fast_len(2 * size + room, real=True) for size in (height, width))
    power = np.square(np.abs(scipy.fft.rfft2(planes, s=(height, width)))).sum(0)
    power[:, 1 : (width + 1) // 2] *= 2  # the half that is not computed
    down, along = scipy.fft.fftfreq(height)[:, None], scipy.fft.rfftfreq(width)[None]
    squared = down**2 + along**2
    total = float(power.sum())
    frequency = float((power * np.sqrt(squared)).sum() / total)
    # At half the sampling rate a frequency and its negative are one: its direction is unknown.
    sides = (np.abs(down) < 0.5) & (along < 0.5) | (down == 0) | (along == 0)
    turning = np.divide(power, squared, out=np.zeros_like(power), where=sides & (squared > 0))
    weight = float((turning * squared).sum())
    if not weight > 1e-12 * total:
        return frequency, None, 0.0
    # Cosine and sine of twice the angle, upwards, of each frequency.
    x = float((turning * (along**2 - down**2)).sum() / weight)
    y = float((turning * (-2 * down * along)).sum() / weight)
    strength = min(hypot(x, y), 1.0)
    if strength < DIRECTED:
        return frequency, None, strength
    return frequency, (degrees(np.arctan2(y, x)) / 2 + 90) % 180, strength

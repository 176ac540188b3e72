"""Rows and columns made by hand, whose numbers are known."""

import numpy as np
import torch

from linearscope.analysis.fields import Field


def made(kind="row", *, point=(10.0, 12.0), size=(24, 30), half=3, channels=3, height=1.0, seed=0):
    """A random filter in a window of ``2 half + 1`` pixels around ``point``."""
    generator = torch.Generator().manual_seed(seed)
    side = 2 * half + 1
    values = height * torch.randn(channels, side, side, generator=generator, dtype=torch.float64)
    start = (0, int(np.floor(point[0] + 0.5)) - half, int(np.floor(point[1] + 0.5)) - half)
    return Field(
        kind=kind,
        index=(1, int(point[0]), int(point[1])),
        values=values,
        start=start,
        shape=(channels, *size),
        point=point,
        energy=float(values.square().sum()),
        radii={0.5: 1.0, 0.9: 2.2, 0.99: 3.1},
        centroid=(0.25, -0.5),
        orientation=32.0,
        frequency=0.21,
        far=0.004,
    )


def photo(size=(24, 30), seed=0):
    """Random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)

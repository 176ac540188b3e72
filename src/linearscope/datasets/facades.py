"""Rendered facades with exact labels: photo -> label map, the task on which templates are studied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from linearscope.datasets.facade_canvas import Canvas
from linearscope.datasets.facade_parts import CLASSES
from linearscope.datasets.facade_scene import paint_scene
from linearscope.errors import InputError

__all__ = [
    "FACADE_CLASSES",
    "FACADE_PALETTE",
    "Facade",
    "facade",
    "facade_labels",
    "facade_map",
    "facade_photo",
    "facades",
]

FACADE_CLASSES: Final = CLASSES
# Chosen so that a blend of two classes that often touch is nearest to one of the two and not to a third.
FACADE_PALETTE: Final = (
    (24, 24, 72),
    (32, 72, 224),
    (176, 112, 16),
    (208, 240, 200),
    (240, 120, 208),
    (16, 216, 232),
    (88, 216, 48),
    (208, 16, 200),
    (176, 24, 72),
    (16, 124, 32),
)
SMALLEST: Final = 32
LARGEST: Final = 2048


@dataclass(frozen=True)
class Facade:
    """One rendered facade.

    Parameters
    ----------
    photo
        uint8, ``(3, size, size)``: RGB, 0 to 255.
    labels
        uint8, ``(size, size)``: for every pixel the index of its class in ``FACADE_CLASSES``.
    seed
        What it was made from.
    """

    photo: Tensor
    labels: Tensor
    seed: int

    @property
    def map(self) -> Tensor:
        """The labels as colours: uint8, ``(3, size, size)``."""
        return facade_map(self.labels)


def facade(seed: int, size: int = 128) -> Facade:
    """Render one facade.

    Examples
    --------
    >>> made = facade(seed=3, size=64)
    >>> made.photo.shape, made.labels.shape
    (torch.Size([3, 64, 64]), torch.Size([64, 64]))
    >>> FACADE_CLASSES[int(made.labels.flatten().mode().values)]
    'facade'

    Parameters
    ----------
    seed
        The same seed and size give the same facade, with one version of numpy and Pillow. Seeds next to each other
        have nothing in common.
    size
        Side in pixels, from 32 to 2048. Everything grows with it; below 96 the smallest parts, a pixel thin, vanish.

    Returns
    -------
    Facade
        The scene is painted with ``2 x 2`` points a pixel, photo and labels by the same strokes. The photo is their
        average, then a little blurred, tinted and given noise, as a camera does; the label is that of the point right
        below and right of the pixel's centre.

    Raises
    ------
    InputError
        For a negative seed or a size out of range.
    """
    if seed < 0:
        raise InputError(f"The seed of a facade is {seed}. Give 0 or more.")
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"A facade of {size} pixels cannot be rendered. Give a size from {SMALLEST} to {LARGEST}.")
    rng = np.random.default_rng(seed)
    canvas = Canvas(size)
    paint_scene(canvas, rng)
    light, labels = canvas.finished()
    tint = 1 + rng.normal(0, 0.035, 3).astype(np.float32)
    light = np.clip(light * tint * np.float32(rng.uniform(0.85, 1.25)), 0, 1) ** np.float32(rng.uniform(0.75, 1.1))
    soft = Image.fromarray((255 * light).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.5)))
    grain = rng.uniform(0, 5) * rng.standard_normal((size, size, 3), np.float32)
    photo = np.clip(np.asarray(soft, np.float32) + grain + np.float32(0.5), 0, 255).astype(np.uint8)
    planes = torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1)))
    return Facade(planes, torch.from_numpy(labels), seed)


def facades(seeds: Iterable[int], size: int = 128) -> tuple[Tensor, Tensor]:
    """Render several facades: photos uint8 ``(N, 3, size, size)`` and labels uint8 ``(N, size, size)``.

    Examples
    --------
    >>> photos, labels = facades(range(4), size=64)
    >>> photos.shape, labels.shape
    (torch.Size([4, 3, 64, 64]), torch.Size([4, 64, 64]))
    """
    made = [facade(seed, size) for seed in seeds]
    if not made:
        raise InputError("No seeds are given, so there is nothing to render. Give at least one.")
    return torch.stack([one.photo for one in made]), torch.stack([one.labels for one in made])


def facade_photo(seed: int = 0, size: int = 128) -> Image.Image:
    """Return the photo of :func:`facade` as an RGB image, to be shown to a model.

    Examples
    --------
    >>> facade_photo(seed=0, size=128).size
    (128, 128)
    """
    return Image.fromarray(facade(seed, size).photo.permute(1, 2, 0).contiguous().numpy())


def facade_map(labels: Tensor) -> Tensor:
    """Colour labels: integers ``(..., H, W)`` to uint8 ``(..., 3, H, W)``.

    Examples
    --------
    >>> facade_map(torch.tensor([[4]])).flatten().tolist()
    [240, 120, 208]
    """
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < len(FACADE_CLASSES):
        raise InputError(f"A label is not one of the {len(FACADE_CLASSES)} classes. Give labels from 0 to 9.")
    palette = torch.tensor(FACADE_PALETTE, dtype=torch.uint8, device=labels.device)
    return palette[labels.long()].movedim(-1, -3).contiguous()


def facade_labels(picture: Tensor) -> Tensor:
    """Find the nearest colour of the palette: RGB from 0 to 255, ``(..., 3, H, W)``, to int64 ``(..., H, W)``.

    Examples
    --------
    >>> facade_labels(facade_map(torch.tensor([[0, 4, 9]]))).tolist()
    [[0, 4, 9]]
    """
    if picture.ndim < 3 or picture.shape[-3] != 3:
        raise InputError(f"A picture of shape {tuple(picture.shape)} has no three colours. Give (..., 3, H, W).")
    palette = torch.tensor(FACADE_PALETTE, dtype=torch.float32, device=picture.device)
    away = picture.float().movedim(-3, -1)[..., None, :] - palette
    return away.square().sum(-1).argmin(-1)

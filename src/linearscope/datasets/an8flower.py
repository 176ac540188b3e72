"""Rendered plants whose petals, or stem, have the colour of their class: explanations can be checked by a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from linearscope.datasets.flower_plant import LEAF, PETAL, STEM, Rng
from linearscope.datasets.flower_scene import COLOURS, draw_scene, render
from linearscope.errors import InputError, UnknownNameError

__all__ = ["AN8FLOWER_BLOCKS", "AN8FLOWER_CLASSES", "Flower", "an8flower", "flower", "flower_photo"]

Kind = Literal["single-6c", "double-12c"]
Split = Literal["train", "test"]

#: Names of the classes, in order of their labels.
AN8FLOWER_CLASSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "single-6c": tuple(f"{colour} petals" for colour in COLOURS),
        "double-12c": tuple(f"{colour} {part}" for part in ("petals", "stem") for colour in COLOURS),
    }
)
#: From which angle up to which, in degrees: a quarter of the turn is kept for testing.
AN8FLOWER_BLOCKS: Final[Mapping[str, tuple[tuple[float, float], ...]]] = MappingProxyType(
    {
        "train": ((0.0, 60.0), (90.0, 180.0), (210.0, 300.0), (330.0, 360.0)),
        "test": ((60.0, 90.0), (180.0, 210.0), (300.0, 330.0)),
    }
)
SMALLEST: Final = 32
LARGEST: Final = 1024


@dataclass(frozen=True)
class Flower:
    """One rendered plant.

    Parameters
    ----------
    photo
        uint8, ``(3, side, side)``: RGB, 0 to 255.
    label
        Index into ``AN8FLOWER_CLASSES[kind]``.
    mask
        bool, ``(side, side)``: where the class can be seen, that is every pixel that the coloured part reaches, if only
        by an antialiased edge. Another label changes no pixel outside it.
    angle
        How far the plant is turned about its axis, in degrees.
    """

    photo: Tensor
    label: int
    mask: Tensor
    angle: float


def flower(
    kind: Kind,
    index: int,
    split: Split = "train",
    *,
    side: int = 64,
    seed: int = 0,
    label: int | None = None,
    angle: float | None = None,
) -> Flower:
    """Render one plant.

    Examples
    --------
    >>> made = flower("single-6c", 8, "test")
    >>> made.photo.shape, AN8FLOWER_CLASSES["single-6c"][made.label]
    (torch.Size([3, 64, 64]), 'yellow petals')
    >>> other = flower("single-6c", 8, "test", label=0)
    >>> changed = (made.photo != other.photo).any(0)
    >>> bool(changed.any()), bool((changed & ~made.mask).any())
    (True, False)

    Parameters
    ----------
    kind
        ``"single-6c"``: six colours of petals. ``"double-12c"``: six colours of petals on a green stem with green
        leaves, and the same six of stem and leaves under pale petals.
    index
        0 or more. The same kind, index, split and seed give the same scene at every side, and at one side the same
        pixels, with one version of numpy and Pillow. The label is ``index`` modulo the number of classes.
    split
        ``"train"`` or ``"test"``. Their plants are different ones and turned by angles of different blocks
        (``AN8FLOWER_BLOCKS``).
    side
        In pixels, from 32 to 1024.
    seed
        0 or more; another seed is another data set.
    label, angle
        Another class, or another turn in degrees, of the same scene.

    Raises
    ------
    InputError
        For an unknown kind or split, a negative index or seed, a side out of range, a label that the kind does not
        have, or an angle that is not finite.

    Notes
    -----
    After the data sets an8Flower of Oramas, Wang and Tuytelaars, "Visual explanation by interpretation", ICLR 2019:
    a plant, turned by 0 to 360 degrees, whose class is a colour. This one is drawn anew from their description.

    The colour is the only thing that the label decides. Shape, turn, size, place, light (direction, strength, tint),
    background, clutter and grain are drawn without it. Clutter lies behind the plant; half of it has one of the six
    colours, so that seeing a colour somewhere is not enough. In ``"double-12c"`` the part that is not coloured has its
    plain colour, and so tells petals from stem, as in the original: the mask is of the coloured part alone.
    """
    if kind not in AN8FLOWER_CLASSES:
        raise UnknownNameError("kind of an8Flower", kind, AN8FLOWER_CLASSES)
    if split not in AN8FLOWER_BLOCKS:
        raise UnknownNameError("split of an8Flower", split, AN8FLOWER_BLOCKS)
    if index < 0 or seed < 0:
        raise InputError(f"A plant of index {index} and seed {seed} cannot be rendered. Give 0 or more for both.")
    if not SMALLEST <= side <= LARGEST:
        raise InputError(f"A plant of {side} pixels cannot be rendered. Give a side from {SMALLEST} to {LARGEST}.")
    classes = len(AN8FLOWER_CLASSES[kind])
    if label is None:
        label = index % classes
    if not 0 <= label < classes:
        raise InputError(f"There is no class {label} in {kind}. Give a label from 0 to {classes - 1}.")
    if angle is not None and not np.isfinite(angle):
        raise InputError(f"A plant cannot be turned by {angle} degrees. Give a finite angle.")
    rng = np.random.default_rng(_entropy(kind, split, index, seed))
    drawn = _angle(rng, split)
    scene = draw_scene(rng)
    angle = drawn if angle is None else float(angle)
    coloured = (PETAL,) if label < len(COLOURS) else (STEM, LEAF)
    light, mask = render(scene, angle, label % len(COLOURS), coloured, side)
    light += np.float32(scene.grain) * rng.standard_normal((side, side, 3), np.float32)
    photo = (255 * light.clip(0, 1) + np.float32(0.5)).astype(np.uint8)
    return Flower(
        torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1))), label, torch.from_numpy(mask), angle
    )


def an8flower(
    kind: Kind, split: Split = "train", count: int = 600, side: int = 64, seed: int = 0, *, start: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Render plants ``start`` to ``start + count - 1``.

    Examples
    --------
    >>> images, labels, masks = an8flower("double-12c", "test", count=24)
    >>> images.shape, masks.shape
    (torch.Size([24, 3, 64, 64]), torch.Size([24, 64, 64]))
    >>> labels.bincount().tolist()
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]

    Returns
    -------
    images
        float32, ``(count, 3, side, side)``: RGB, 0 to 1.
    labels
        int64, ``(count,)``; they go round, so that every class has as many images as any other, or one more.
    masks
        bool, ``(count, side, side)``, none empty.

    Raises
    ------
    InputError
        For ``count`` below 1, and as :func:`flower`.
    """
    if count < 1:
        raise InputError(f"{count} plants cannot be rendered. Give a count of 1 or more.")
    made = [flower(kind, start + k, split, side=side, seed=seed) for k in range(count)]
    images = torch.stack([one.photo for one in made]).float() / 255
    return images, torch.tensor([one.label for one in made]), torch.stack([one.mask for one in made])


def flower_photo(kind: Kind, index: int, split: Split = "test", *, side: int = 64, seed: int = 0) -> Image.Image:
    """Return the photo of :func:`flower` as an RGB image, to be shown to a model.

    Examples
    --------
    >>> flower_photo("single-6c", 3, side=112).size
    (112, 112)
    """
    return Image.fromarray(flower(kind, index, split, side=side, seed=seed).photo.permute(1, 2, 0).contiguous().numpy())


def _entropy(kind: str, split: str, index: int, seed: int) -> list[int]:
    return [seed, index, list(AN8FLOWER_CLASSES).index(kind), list(AN8FLOWER_BLOCKS).index(split)]


def _angle(rng: Rng, split: str) -> float:
    """An angle uniform over the blocks of a split."""
    blocks = AN8FLOWER_BLOCKS[split]
    left = rng.uniform(0, sum(stop - start for start, stop in blocks))
    for start, stop in blocks:
        if left < stop - start:
            return start + left
        left -= stop - start
    raise AssertionError("unreachable")

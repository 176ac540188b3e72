"""What every metric asks of the heat maps, masks, images and classes it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["Classes", "Explain", "Scores"]

#: Images ``(m, C, H, W)`` to scores ``(m, N)``.
Scores = Callable[[Tensor], Tensor]
#: Images ``(m, C, H, W)`` and classes ``(m,)`` to heat maps ``(m, H, W)``.
Explain = Callable[[Tensor, Tensor], Tensor]
#: One class for all images, or one an image.
Classes = int | Sequence[int] | Tensor


def heat_maps(maps: Tensor, name: str = "heat maps") -> Tensor:
    """Check maps ``(n, H, W)``: some, of real and finite numbers; returns them in a floating type."""
    if not isinstance(maps, Tensor) or maps.dim() != 3 or not maps.numel():
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise InputError(f"The {name} have the shape (n, H, W) with n at least 1, and {given} was given.")
    if maps.is_complex():
        raise InputError(f"The {name} are complex; give real numbers.")
    wrong = ~torch.isfinite(maps).flatten(1).all(1)
    if wrong.any():
        raise InputError(
            f"Number {int(wrong.nonzero()[0])} of the {name} holds NaN or infinite values; look at its attribution."
        )
    return maps.detach() if maps.is_floating_point() else maps.detach().to(torch.get_default_dtype())


def masks_of(masks: Tensor, maps: Tensor) -> Tensor:
    """Check masks ``(n, H, W)`` against their heat maps; none may be empty."""
    if not isinstance(masks, Tensor) or masks.dtype != torch.bool:
        given = masks.dtype if isinstance(masks, Tensor) else type(masks).__name__
        raise InputError(f"Masks are tensors of bool and {given} was given; compare with a threshold first.")
    if masks.shape != maps.shape:
        raise InputError(
            f"The masks are {tuple(masks.shape)} and the heat maps {tuple(maps.shape)}; bring both to one size."
        )
    empty = ~masks.flatten(1).any(1)
    if empty.any():
        raise InputError(f"Mask {int(empty.nonzero()[0])} is empty; leave out the images in which nothing is marked.")
    return masks.to(maps.device)


def pictures(images: Tensor, maps: Tensor | None = None) -> Tensor:
    """Check images ``(n, C, H, W)``, and that there is one heat map of their size for each."""
    if not isinstance(images, Tensor) or images.dim() != 4 or not images.numel():
        given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"Images have the shape (n, C, H, W) with n at least 1, and {given} was given.")
    if maps is not None and (len(images), *images.shape[2:]) != tuple(maps.shape):
        raise InputError(
            f"The images are {tuple(images.shape)} and the heat maps {tuple(maps.shape)}; give one map of an image's "
            "size for each image."
        )
    return images.detach()


def class_scores(scores: Scores, images: Tensor) -> Tensor:
    """Ask the scores of images and check them: ``(n, N)``, finite."""
    with torch.no_grad():
        found = scores(images)
    if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != len(images):
        given = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError(
            f"The scores of {len(images)} images have the shape ({len(images)}, N) and {given} came; give a function "
            "that returns one row an image, such as an Explainer's scores."
        )
    if not torch.isfinite(found).all():
        raise InputError("A score is NaN or infinite; look at the model and at the pixels it was given.")
    return found.detach()


def classes(given: Classes, count: int, name: str = "targets", among: int | None = None) -> Tensor:
    """Check classes: one for all, or one an image; returns int64 ``(count,)`` on the CPU."""
    found = torch.as_tensor(given).detach().cpu()
    if found.is_floating_point() or found.dtype == torch.bool or found.is_complex():
        raise InputError(f"The {name} are numbers of classes and {found.dtype} was given; give whole numbers.")
    found = found.to(torch.int64).reshape(-1)
    if len(found) not in (1, count):
        raise InputError(f"There are {count} images and {len(found)} {name}; give one, or one an image.")
    wrong = (found < 0) if among is None else (found < 0) | (found >= among)
    if wrong.any():
        raise InputError(
            f"There is no class {int(found[wrong][0])} among the {name}"
            + (f"; the model has {among}." if among is not None else "; classes count from 0.")
        )
    return found.expand(count)


def whole(value: int, name: str, least: int) -> int:
    """Check a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name[:1].upper()}{name[1:]} is a whole number from {least} on and {value!r} was given.")
    return value


def shuffled_order(maps: Tensor, seed: int) -> Tensor:
    """Places of each map ``(n, H, W)``, the most relevant first, ``(n, H W)``; equal ones in a seeded random order.

    The random order depends on the size of the maps and the seed alone, so that it is the same for every method.
    """
    flat = maps.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed)).to(flat.device)
    return shuffle[flat[:, shuffle].argsort(dim=1, descending=True, stable=True)]

"""Pictures over the photo: discussions, votes, layer maps, what an attack changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from linearscope.report.about import Picture
from linearscope.report.style import DIVERGING, picture, styled

__all__ = [
    "difference_factor",
    "difference_panel",
    "discussion_panel",
    "photo_panel",
    "robust_limit",
    "vote_panel",
]

PERCENTILE = 99.0


def robust_limit(maps: Tensor) -> float:
    """Return the size that 99 % of all values stay below, or the largest where that is zero; 1 for empty maps.

    Examples
    --------
    >>> import torch
    >>> robust_limit(torch.tensor([[0.0, -2.0]]))
    1.98
    """
    sizes = maps.detach().double().abs().flatten().cpu().numpy()
    limit = float(np.percentile(sizes, PERCENTILE)) or float(sizes.max())
    return round(limit, 12) or 1.0


@styled
def photo_panel(photo: Picture) -> Figure:
    """Show the photo as the model saw it."""
    return picture(photo)


@styled
def discussion_panel(photo: Picture, values: Tensor, limit: float) -> Figure:
    """Show a signed map on the photo in grey: red for the score, blue against it, the grey photo where it is zero.

    Parameters
    ----------
    photo
        ``(H, W, 3)``.
    values
        ``(h, w)``; a smaller map than the photo is enlarged without smoothing, so that its places stay visible.
    limit
        The size that has the full colour; larger values look the same.

    Source: Navarrete Michelini et al. 2019, Fig. 3; of a feature map, Chen et al. 2019.
    """
    height, width = photo.shape[:2]
    scaled = _enlarged(values.detach().double().cpu().numpy(), height, width) / limit
    colors = colormaps[DIVERGING](np.clip(scaled, -1, 1) / 2 + 0.5)[..., :3]
    # A pale photo multiplied by the colours: structure shows through, and does not lend the map its own contrast.
    grey = 0.68 + 0.32 * _grey(photo)[..., None] / 255
    return picture((colors * grey * 255).round().astype(np.uint8))


@styled
def vote_panel(photo: Picture, mask: Tensor) -> Figure:
    """Show the pixels that vote for a label as they are, and all others dark and grey.

    Parameters
    ----------
    photo
        ``(H, W, 3)``.
    mask
        Boolean ``(H, W)``.

    Source: Navarrete Michelini et al. 2019, Fig. 3.
    """
    dark = np.repeat((_grey(photo) * 0.28).round().astype(np.uint8)[..., None], 3, axis=2)
    return picture(np.where(mask.cpu().numpy()[..., None], photo, dark))


def difference_factor(before: Picture, after: Picture) -> int:
    """Return the power of two by which a difference of two pictures can be magnified without leaving the range."""
    most = int(np.abs(after.astype(int) - before.astype(int)).max())
    return 1 if most == 0 else 1 << (127 // most).bit_length() - 1 if most <= 127 else 1


@styled
def difference_panel(before: Picture, after: Picture, factor: int) -> Figure:
    """Show ``after - before``, magnified, around middle grey."""
    change = after.astype(int) - before.astype(int)
    return picture(np.clip(128 + factor * change, 0, 255).astype(np.uint8))


def _grey(photo: Picture) -> npt.NDArray[np.float64]:
    return np.asarray(photo @ np.array([0.299, 0.587, 0.114]))


def _enlarged(values: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    rows = np.minimum((np.arange(height) + 0.5) / height * values.shape[0], values.shape[0] - 1).astype(int)
    columns = np.minimum((np.arange(width) + 0.5) / width * values.shape[1], values.shape[1] - 1).astype(int)
    return np.asarray(values[rows][:, columns])

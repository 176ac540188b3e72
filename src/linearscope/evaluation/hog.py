"""Histograms of oriented gradients of maps, to compare where explanations have edges."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from linearscope.evaluation.given import heat_maps, whole

__all__ = ["hog"]

ORIENTATIONS: Final = 9
BLOCK: Final = 3
#: What keeps a norm from zero, and what a normalised entry is cut at.
EPSILON: Final = 1e-5
CUT: Final = 0.2


def hog(maps: Tensor, cell: int = 16) -> Tensor:
    """Histograms of oriented gradients: nine orientations, blocks of 3 x 3 cells, L2-Hys, ``(n, features)``.

    Parameters
    ----------
    maps
        ``(n, H, W)``, at least 3 x 3.
    cell
        Side of a cell in pixels; a third of the map's shorter side where that is less, so that one block fits.

    Examples
    --------
    >>> import torch
    >>> hog(torch.rand(2, 64, 64)).shape  # 2 x 2 blocks of 9 cells of 9 numbers
    torch.Size([2, 324])

    Source: Dalal and Triggs, CVPR 2005.
    """
    maps = heat_maps(maps, "maps").double()
    cell = min(whole(cell, "the side of a cell", 1), max(1, min(maps.shape[1:]) // BLOCK))
    down, right = torch.zeros_like(maps), torch.zeros_like(maps)
    down[:, 1:-1] = maps[:, 2:] - maps[:, :-2]
    right[:, :, 1:-1] = maps[:, :, 2:] - maps[:, :, :-2]
    angle = torch.rad2deg(torch.atan2(down, right)) % 180
    which = (angle * (ORIENTATIONS / 180)).floor().to(torch.int64) % ORIENTATIONS
    rows, columns = (side // cell for side in maps.shape[1:])
    bins = torch.zeros(len(maps), ORIENTATIONS, *maps.shape[1:], dtype=maps.dtype, device=maps.device)
    bins.scatter_(1, which.unsqueeze(1), torch.hypot(down, right).unsqueeze(1))
    cells = torch.nn.functional.avg_pool2d(bins[:, :, : rows * cell, : columns * cell], cell)
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1).permute(0, 2, 3, 4, 5, 1)
    blocks = _unit(_unit(blocks).clamp_max(CUT))
    return blocks.flatten(1)


def _unit(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum((3, 4, 5), keepdim=True) + EPSILON**2).sqrt()

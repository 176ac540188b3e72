"""The regular pattern that strided transposed convolutions leave in a map, as a share of its power."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.evaluation.estimate import PerImage
from linearscope.evaluation.given import heat_maps, whole

__all__ = ["Checkerboard", "checkerboard_energy"]


@dataclass(frozen=True)
class Checkerboard(PerImage):
    """How much of a map repeats with a stride.

    Attributes
    ----------
    values
        ``(n,)``: share of the map's variation (its power without the mean) at frequencies that are multiples of
        1 / stride on both axes, the mean left out; from 0 to 1, and not changed by stretching a map onto 0 to 1. A
        constant map, to within rounding, has 0.
    power
        ``(n,)``: the mean square of that part of the map, in its units squared.
    stride
        In pixels.
    """

    power: Tensor
    stride: int


def checkerboard_energy(heatmaps: Tensor, stride: int) -> Checkerboard:
    """Share of the power of each map that repeats with the stride.

    Parameters
    ----------
    heatmaps
        ``(n, H, W)``, of any sign. Rows and columns at the bottom and the right that do not fill a stride are left out.
    stride
        Of the layer looked for, at least 2 pixels.

    Raises
    ------
    InputError
        When a map is smaller than two strides, or holds NaN.

    Examples
    --------
    >>> import torch
    >>> board = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    >>> checkerboard_energy(board[None].double(), 2).values.tolist()
    [1.0]

    Source: Odena et al., Distill 2016, name the pattern; the measure follows Oramas et al., ICLR 2019, section 3.3.
    """
    heatmaps = heat_maps(heatmaps).double()
    whole(stride, "the stride", 2)
    height, width = (side // stride * stride for side in heatmaps.shape[1:])
    if min(height, width) < 2 * stride:
        raise InputError(f"Maps of {tuple(heatmaps.shape[1:])} are smaller than two strides of {stride}; enlarge them.")
    power = torch.fft.fft2(heatmaps[:, :height, :width]).abs().square() / (height * width) ** 2
    total = power.sum((1, 2))
    power[:, 0, 0] = 0
    varying = power.sum((1, 2))
    repeated = power[:, :: height // stride, :: width // stride].sum((1, 2))
    rounding = torch.finfo(torch.float32).eps ** 2 * total
    share = torch.where(varying > rounding, repeated / torch.where(varying > 0, varying, 1.0), 0.0)
    return Checkerboard(share.clamp(0, 1), repeated, stride)

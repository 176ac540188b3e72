"""How near an image is to the one it should be: PSNR and SSIM, as papers on super-resolution measure them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.datasets import luma
from linearscope.errors import InputError

__all__ = ["Quality", "quality", "ssim"]

#: Side and deviation of the Gaussian window of SSIM in pixels, and its two constants.
SIDE: Final = 11
DEVIATION: Final = 1.5
K1: Final = 0.01
K2: Final = 0.03


@dataclass(frozen=True)
class Quality:
    """How near an image is to its original.

    Attributes
    ----------
    psnr
        Peak signal-to-noise ratio in dB; infinite for equal images.
    ssim
        Mean structural similarity, 1 for equal images; ``None`` where less than 11 pixels are left to compare.
    border
        Pixels left out on every side.
    """

    psnr: float
    ssim: float | None
    border: int


def quality(image: Tensor, original: Tensor, *, border: int = 0) -> Quality:
    """Compare an image with its original on the luma, in 8-bit levels.

    Parameters
    ----------
    image, original
        ``(1, C, H, W)`` with pixels from 0 to 1; one channel is taken as the luma, three as RGB. Both are clipped and
        rounded to 8 bits first, as they would be when saved.
    border
        Pixels to leave out on every side; for upscalers by s usually s.

    Raises
    ------
    InputError
        When the shapes differ, the channels are neither one nor three, or the border leaves nothing.

    Examples
    --------
    >>> import torch
    >>> grey = torch.full((1, 1, 16, 16), 100 / 255)
    >>> round(quality(grey, grey + 10 / 255).psnr, 3)  # 20 log10(255 / 10)
    28.131

    Source: luma of ITU-R BT.601; SSIM of Wang et al. 2004, with the window and constants printed there.
    """
    if image.shape != original.shape:
        raise InputError(f"The image is {tuple(image.shape)} and its original {tuple(original.shape)}. Give one size.")
    height, width = image.shape[2:]
    if border < 0 or min(height, width) <= 2 * border:
        raise InputError(f"A border of {border} pixels leaves nothing of {height} x {width}. Give a smaller one.")
    inside = slice(border, height - border), slice(border, width - border)
    one, two = (_luma(each)[..., inside[0], inside[1]] for each in (image, original))
    error = float((one - two).square().mean())
    psnr = inf if error == 0 else 10 * log10(255**2 / error)
    return Quality(psnr, float(ssim(one, two, 255.0)) if min(one.shape[2:]) >= SIDE else None, border)


def _luma(image: Tensor) -> Tensor:
    """Luma in 8-bit levels, ``(1, 1, H, W)``."""
    if image.dim() != 4 or len(image) != 1 or image.shape[1] not in (1, 3):
        raise InputError(f"Quality is of one image with one or three channels and was given {tuple(image.shape)}.")
    levels = (image.detach().cpu().double().clamp(0, 1) * 255).round()
    if levels.shape[1] == 1:
        return levels
    return torch.from_numpy(luma(levels[0].permute(1, 2, 0).numpy()))[None, None]


def ssim(one: Tensor, other: Tensor, peak: float) -> Tensor:
    """Mean structural similarity of maps ``(n, 1, H, W)``, at least 11 x 11, whose values span ``peak``; ``(n,)``."""
    steps = torch.arange(SIDE, dtype=one.dtype, device=one.device) - SIDE // 2
    bell = torch.exp(-steps.square() / (2 * DEVIATION**2))
    bell = bell / bell.sum()
    window = torch.outer(bell, bell)[None, None]

    def mean(values: Tensor) -> Tensor:
        return F.conv2d(values, window)

    m1, m2 = mean(one), mean(other)
    v1, v2, both = mean(one * one) - m1 * m1, mean(other * other) - m2 * m2, mean(one * other) - m1 * m2
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    return ((2 * m1 * m2 + c1) * (2 * both + c2) / ((m1 * m1 + m2 * m2 + c1) * (v1 + v2 + c2))).mean((1, 2, 3))

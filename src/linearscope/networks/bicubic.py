"""Bicubic interpolation as a network: linear and the same everywhere, the reference for every analysis of upscalers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from linearscope.errors import UnknownNameError

__all__ = ["Bicubic"]

Borders = Literal["replicate", "circular", "zeros"]
MODES: Final = {"replicate": "replicate", "circular": "circular", "zeros": "constant"}

# Every phase of the kernel lies within two pixels of the nearest one.
REACH: Final = 2


class Bicubic(nn.Module):
    """Enlarge an image by cubic convolution: one convolution with computed weights, and a pixel shuffle.

    Examples
    --------
    >>> import torch
    >>> net = Bicubic(2, a=-0.75)
    >>> image = torch.rand(1, 3, 8, 9)
    >>> theirs = torch.nn.functional.interpolate(image, scale_factor=2, mode="bicubic")
    >>> torch.allclose(net(image), theirs, atol=1e-6)
    True

    Parameters
    ----------
    scale
        How many times higher and wider the result is; 2 or more.
    channels
        Of the image; each is enlarged alone.
    a
        The kernel's slope at distance 1. ``-0.5`` is Keys' choice, and Pillow's and MATLAB's: what papers on
        super-resolution compare with. ``-0.75`` is that of ``torch.nn.functional.interpolate`` and OpenCV, a little
        sharper.
    borders
        What lies outside the image: its edge pixels (``"replicate"``), the image again (``"circular"``: F is then
        diagonal in frequency, and its singular values are known in closed form) or ``"zeros"``.

    Raises
    ------
    UnknownNameError
        For other borders.

    Notes
    -----
    Takes ``(N, channels, H, W)`` of any size, of at least 2 x 2 where borders are circular. There is nothing to load or
    save: the weights are computed when the network is made, and again, exactly, when its type is changed.

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15 for ``a = -0.5``.
    """

    def __init__(self, scale: int, channels: int = 3, a: float = -0.5, borders: Borders = "replicate") -> None:
        super().__init__()
        if borders not in MODES:
            raise UnknownNameError("kind of borders", borders, MODES)
        self.scale, self.channels, self.a, self.borders = scale, channels, a, borders
        self.pixel_shuffle = nn.PixelShuffle(scale)
        self.register_buffer("kernel", self._weights().float(), persistent=False)
        self.kernel: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        roomy = F.pad(image, (REACH,) * 4, mode=MODES[self.borders])
        larger: Tensor = self.pixel_shuffle(F.conv2d(roomy, self.kernel, groups=self.channels))
        return larger

    # Thirds are not exact in float32: a kernel that went through it would be wrong in float64 by 1e-8.
    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.kernel = self._weights().to(self.kernel)
        return self

    def _weights(self) -> Tensor:
        phases = _phases(self.scale, self.a)
        kernel = torch.einsum("pi,qj->pqij", phases, phases).flatten(0, 1)
        return kernel[:, None].repeat(self.channels, 1, 1, 1)


def _phases(scale: int, a: float) -> Tensor:
    """Weights of the pixels from ``-REACH`` to ``REACH`` for each of the ``scale`` new pixels of one old one."""
    new = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    old = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    d = (new[:, None] - old).abs()
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = a * (((d - 5) * d + 8) * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))

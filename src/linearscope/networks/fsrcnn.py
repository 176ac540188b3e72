"""FSRCNN: few channels at the low resolution, between a convolution that narrows and one that widens again."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["FSRCNN", "SubPixelFSRCNN"]

WIDTH, NARROW, MIDDLE = 56, 12, 4


class FSRCNN(nn.Module):
    """FSRCNN(56, 12, 4) with PReLUs, ending in a transposed convolution of 9 x 9.

    Examples
    --------
    >>> import torch
    >>> FSRCNN(scale=3)(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 60, 90])

    Parameters
    ----------
    scale
        How many times higher and wider the result is.

    Notes
    -----
    Takes luma ``(N, 1, H, W)`` with pixels from 0 to 1, of any size. Parameter names are those of the PyTorch
    checkpoints most in use: ``first_part``, ``mid_part``, ``last_part``.

    Source: Dong, Loy and Tang, "Accelerating the super-resolution convolutional neural network", 2016.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.first_part = nn.Sequential(nn.Conv2d(1, WIDTH, 5, padding=2), nn.PReLU(WIDTH))
        middle: list[nn.Module] = [nn.Conv2d(WIDTH, NARROW, 1), nn.PReLU(NARROW)]
        for _ in range(MIDDLE):
            middle += [nn.Conv2d(NARROW, NARROW, 3, padding=1), nn.PReLU(NARROW)]
        self.mid_part = nn.Sequential(*middle, nn.Conv2d(NARROW, WIDTH, 1), nn.PReLU(WIDTH))
        self.last_part = nn.ConvTranspose2d(WIDTH, 1, 9, stride=scale, padding=4, output_padding=scale - 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the luma at the higher resolution."""
        larger: Tensor = self.last_part(self.mid_part(self.first_part(image)))
        return larger


class SubPixelFSRCNN(nn.Module):
    """FSRCNN(56, 12, 4) whose last layer is a 1 x 1 convolution, a pixel shuffle and one bias for all pixels.

    Examples
    --------
    >>> import torch
    >>> SubPixelFSRCNN(scale=2)(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 40, 60])

    Parameters
    ----------
    scale
        How many times higher and wider the result is.

    Notes
    -----
    Takes luma ``(N, 1, H, W)`` with pixels from 0 to 1, of any size. It is the form of published
    weights that were trained in TensorFlow: layers are numbered through as ``conv1`` to ``conv8`` and ``prelu1`` to
    ``prelu7``.

    Source: Dong, Loy and Tang, 2016, as for :class:`FSRCNN`; the pixel shuffle is that of Shi et al., 2016.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTH, 5, padding=2)
        self.conv2 = nn.Conv2d(WIDTH, NARROW, 1)
        self.conv3 = nn.Conv2d(NARROW, NARROW, 3, padding=1)
        self.conv4 = nn.Conv2d(NARROW, NARROW, 3, padding=1)
        self.conv5 = nn.Conv2d(NARROW, NARROW, 3, padding=1)
        self.conv6 = nn.Conv2d(NARROW, NARROW, 3, padding=1)
        self.conv7 = nn.Conv2d(NARROW, WIDTH, 1)
        self.conv8 = nn.Conv2d(WIDTH, scale**2, 1, bias=False)
        self.prelu1 = nn.PReLU(WIDTH)
        self.prelu2 = nn.PReLU(NARROW)
        self.prelu3 = nn.PReLU(NARROW)
        self.prelu4 = nn.PReLU(NARROW)
        self.prelu5 = nn.PReLU(NARROW)
        self.prelu6 = nn.PReLU(NARROW)
        self.prelu7 = nn.PReLU(WIDTH)
        self.pixel_shuffle = nn.PixelShuffle(scale)
        self.out_bias = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the luma at the higher resolution."""
        features = self.prelu1(self.conv1(image))
        features = self.prelu2(self.conv2(features))
        features = self.prelu3(self.conv3(features))
        features = self.prelu4(self.conv4(features))
        features = self.prelu5(self.conv5(features))
        features = self.prelu6(self.conv6(features))
        features = self.prelu7(self.conv7(features))
        larger: Tensor = self.pixel_shuffle(self.conv8(features))
        return larger + self.out_bias

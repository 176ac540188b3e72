"""ESPCN: upscalers that work at the low resolution and end in a pixel shuffle."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ESPCN", "TanhESPCN"]


class ESPCN(nn.Module):
    """Four convolutions, ReLUs between them, and a pixel shuffle: the network of PyTorch's super-resolution example.

    Examples
    --------
    >>> import torch
    >>> ESPCN(scale=3)(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 60, 90])

    Parameters
    ----------
    scale
        How many times higher and wider the result is.
    channels
        Of the image: 1 for luma alone, 3 for RGB.

    Notes
    -----
    Takes ``(N, channels, H, W)`` with pixels from 0 to 1, of any size. Parameter names are those of the example's
    checkpoints, which are for luma.

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network", 2016; the four layers are those of the super_resolution example of PyTorch.
    """

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv4 = nn.Conv2d(32, channels * scale**2, 3, padding=1)
        self.relu = nn.ReLU()
        self.pixel_shuffle = nn.PixelShuffle(scale)

    def forward(self, image: Tensor) -> Tensor:
        """Return the image at the higher resolution."""
        features = self.relu(self.conv1(image))
        features = self.relu(self.conv2(features))
        features = self.relu(self.conv3(features))
        larger: Tensor = self.pixel_shuffle(self.conv4(features))
        return larger


class TanhESPCN(nn.Module):
    """Three convolutions and a pixel shuffle, with a tanh on the pixels that come out.

    Examples
    --------
    >>> import torch
    >>> TanhESPCN(scale=2)(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 40, 60])

    Parameters
    ----------
    scale
        How many times higher and wider the result is.

    Notes
    -----
    Takes luma ``(N, 1, H, W)`` with pixels from 0 to 1, of any size. It is the form of published
    weights that were trained in TensorFlow; its convolutions are ``conv1`` to ``conv3`` here.

    Source: Shi et al., 2016, as for :class:`ESPCN`.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, scale**2, 3, padding=1)
        self.relu = nn.ReLU()
        self.pixel_shuffle = nn.PixelShuffle(scale)

    def forward(self, image: Tensor) -> Tensor:
        """Return the luma at the higher resolution."""
        features = self.relu(self.conv2(self.relu(self.conv1(image))))
        return torch.tanh(self.pixel_shuffle(self.conv3(features)))

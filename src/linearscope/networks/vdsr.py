"""VDSR: twenty convolutions that add detail to an image that was enlarged by interpolation."""

from __future__ import annotations

from torch import Tensor, nn

from linearscope.networks.bicubic import Bicubic

__all__ = ["VDSR"]


class VDSR(nn.Module):
    """3 x 3 convolutions of 64 channels without biases, whose result is added to the enlarged image.

    Examples
    --------
    >>> import torch
    >>> VDSR()(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 20, 30])
    >>> VDSR(scale=2)(torch.zeros(1, 1, 20, 30)).shape
    torch.Size([1, 1, 40, 60])

    Parameters
    ----------
    scale
        By how much the network enlarges the image itself before it starts, by bicubic interpolation with ``a = -0.5``.
        At 1 it is given an image that is enlarged already, as in the paper.

    Notes
    -----
    Takes luma ``(N, 1, H, W)`` with pixels from 0 to 1, of any size. One set of weights serves every scale. Parameter
    names are those of the PyTorch checkpoints most in use. Without biases the network's residual r is zero.

    Source: Kim, Lee and Lee, "Accurate image super-resolution using very deep convolutional networks", 2016.
    """

    def __init__(self, scale: int = 1) -> None:
        super().__init__()
        self.enlarge = Bicubic(scale, channels=1) if scale > 1 else nn.Identity()
        self.input = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        self.residual_layer = nn.Sequential(*(Layer() for _ in range(18)))
        self.output = nn.Conv2d(64, 1, 3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        """Return the luma with detail added."""
        enlarged: Tensor = self.enlarge(image)
        detail: Tensor = self.output(self.residual_layer(self.relu(self.input(enlarged))))
        return enlarged + detail


class Layer(nn.Module):
    """One convolution and its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the next features."""
        after: Tensor = self.relu(self.conv(features))
        return after

"""SRResNet: the upscaler of SRGAN, with instance norms or modified without any norm."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SRResNet", "SRResNetWithoutNorm"]


class SRResNet(nn.Module):
    """Sixteen residual blocks with norms, a long skip, and two pixel shuffles: four times larger.

    Examples
    --------
    >>> import torch
    >>> SRResNet(blocks=2)(torch.zeros(1, 3, 12, 10)).shape
    torch.Size([1, 3, 48, 40])

    Parameters
    ----------
    blocks
        How many residual blocks.

    Notes
    -----
    Takes RGB ``(N, 3, H, W)`` with pixels from 0 to 1, of any size. The norms are instance norms with a scale and a
    shift and the activations leaky ReLUs, as in the PyTorch checkpoints whose parameter names these are; the paper has
    batch norms and PReLUs. An instance norm looks at the whole image.

    Source: Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2017.
    """

    def __init__(self, blocks: int = 16) -> None:
        super().__init__()
        self.conv_input = nn.Conv2d(3, 64, 9, padding=4, bias=False)
        self.relu = nn.LeakyReLU(0.2)
        self.residual = nn.Sequential(*(NormedBlock() for _ in range(blocks)))
        self.conv_mid = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn_mid = nn.InstanceNorm2d(64, affine=True)
        self.upscale4x = nn.Sequential(
            nn.Conv2d(64, 256, 3, padding=1, bias=False),
            nn.PixelShuffle(2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 256, 3, padding=1, bias=False),
            nn.PixelShuffle(2),
            nn.LeakyReLU(0.2),
        )
        self.conv_output = nn.Conv2d(64, 3, 9, padding=4, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the image at four times the resolution."""
        features = self.relu(self.conv_input(image))
        features = features + self.bn_mid(self.conv_mid(self.residual(features)))
        larger: Tensor = self.conv_output(self.upscale4x(features))
        return larger


class NormedBlock(nn.Module):
    """Two convolutions with instance norms beside an identity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.in1 = nn.InstanceNorm2d(64, affine=True)
        self.relu = nn.LeakyReLU(0.2)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.in2 = nn.InstanceNorm2d(64, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features with the branch added."""
        branch: Tensor = self.in2(self.conv2(self.relu(self.in1(self.conv1(features)))))
        return features + branch


class SRResNetWithoutNorm(nn.Module):
    """Sixteen residual blocks without norms, and detail that is added to a bilinear enlargement.

    Examples
    --------
    >>> import torch
    >>> SRResNetWithoutNorm(scale=3, blocks=2)(torch.zeros(1, 3, 12, 10)).shape
    torch.Size([1, 3, 36, 30])

    Parameters
    ----------
    scale
        2, 3 or 4.
    blocks
        How many residual blocks.

    Notes
    -----
    Takes RGB ``(N, 3, H, W)`` with pixels from 0 to 1, of any size. Parameter names are those of the BasicSR
    checkpoints, where it is called MSRResNet.

    Source: Ledig et al., 2017, as for :class:`SRResNet`, without its norms, which Lim et al., 2017, found to do harm.
    """

    def __init__(self, scale: int, blocks: int = 16) -> None:
        super().__init__()
        self.scale = scale
        step = 2 if scale == 4 else scale
        self.conv_first = nn.Conv2d(3, 64, 3, padding=1)
        self.body = nn.Sequential(*(PlainBlock() for _ in range(blocks)))
        self.upconv1 = nn.Conv2d(64, 64 * step**2, 3, padding=1)
        if scale == 4:
            self.upconv2 = nn.Conv2d(64, 64 * step**2, 3, padding=1)
        self.pixel_shuffle = nn.PixelShuffle(step)
        self.conv_hr = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_last = nn.Conv2d(64, 3, 3, padding=1)
        self.lrelu = nn.LeakyReLU(0.1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the image at the higher resolution."""
        features = self.body(self.lrelu(self.conv_first(image)))
        features = self.lrelu(self.pixel_shuffle(self.upconv1(features)))
        if self.scale == 4:
            features = self.lrelu(self.pixel_shuffle(self.upconv2(features)))
        detail: Tensor = self.conv_last(self.lrelu(self.conv_hr(features)))
        return detail + F.interpolate(image, scale_factor=float(self.scale), mode="bilinear", align_corners=False)


class PlainBlock(nn.Module):
    """Two convolutions with a ReLU between them beside an identity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the features with the branch added."""
        branch: Tensor = self.conv2(self.relu(self.conv1(features)))
        return features + branch

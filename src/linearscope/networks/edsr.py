"""EDSR: residual blocks at the low resolution, then convolutions with pixel shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

__all__ = ["EDSR", "MeanShift", "upsampler"]

# Mean colour of the DIV2K photos, of a white of 1: a constant of the published weights.
DIV2K_MEAN: Final = (0.4488, 0.4371, 0.4040)


class EDSR(nn.Module):
    """Residual blocks without norms, a long skip around them, and a pixel shuffle or two.

    Examples
    --------
    >>> import torch
    >>> EDSR(scale=2, blocks=4, width=16)(torch.zeros(1, 3, 20, 30)).shape
    torch.Size([1, 3, 40, 60])

    Parameters
    ----------
    scale
        2, 3 or 4.
    blocks, width
        How many residual blocks, and of how many channels: 16 and 64 in the baseline, 32 and 256 in the full network.
    residual_scale
        What a block's branch is multiplied with before it is added: 0.1 in the full network.
    white
        The value of a white pixel: 255 for the published weights.

    Notes
    -----
    Takes RGB ``(N, 3, H, W)`` of any size. Parameter names are those of the authors' PyTorch checkpoints.

    Source: Lim et al., "Enhanced deep residual networks for single image super-resolution", 2017.
    """

    def __init__(
        self, scale: int, blocks: int = 16, width: int = 64, residual_scale: float = 1.0, white: float = 255.0
    ) -> None:
        super().__init__()
        self.sub_mean = MeanShift([-white * mean for mean in DIV2K_MEAN])
        self.head = nn.Sequential(nn.Conv2d(3, width, 3, padding=1))
        self.body = nn.Sequential(
            *(ResidualBlock(width, residual_scale) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1)
        )
        self.tail = nn.Sequential(upsampler(scale, width), nn.Conv2d(width, 3, 3, padding=1))
        self.add_mean = MeanShift([white * mean for mean in DIV2K_MEAN])

    def forward(self, image: Tensor) -> Tensor:
        """Return the image at the higher resolution."""
        features = self.head(self.sub_mean(image))
        larger: Tensor = self.add_mean(self.tail(features + self.body(features)))
        return larger


class ResidualBlock(nn.Module):
    """Two convolutions with a ReLU between them, beside an identity."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Return the features with the branch added."""
        branch: Tensor = self.body(features)
        return features + (branch if self.scale == 1 else branch * self.scale)


class MeanShift(nn.Conv2d):
    """A fixed 1 x 1 convolution that adds a colour."""

    def __init__(self, colour: Sequence[float]) -> None:
        super().__init__(3, 3, 1)
        assert self.bias is not None
        with torch.no_grad():
            self.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
            self.bias.copy_(torch.tensor(colour))
        self.requires_grad_(False)


def upsampler(scale: int, width: int) -> nn.Sequential:
    """Return a convolution and a pixel shuffle for scale 2 or 3, two of each for 4."""
    steps = [2, 2] if scale == 4 else [scale]
    layers: list[nn.Module] = []
    for step in steps:
        layers += [nn.Conv2d(width, width * step**2, 3, padding=1), nn.PixelShuffle(step)]
    return nn.Sequential(*layers)

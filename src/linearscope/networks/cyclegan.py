"""The generator of CycleGAN, for the checkpoints people have: parameter names are those of the authors' code."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["CycleGAN"]


class CycleGAN(nn.Module):
    """Two strided convolutions, residual blocks, two transposed convolutions, instance norm throughout.

    Examples
    --------
    >>> import torch
    >>> CycleGAN(width=8, blocks=6).eval()(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 3, 64, 96])

    Parameters
    ----------
    width
        Channels after the first convolution (``ngf``): 64 in published checkpoints, with 11.4 million parameters.
    blocks
        How many residual blocks: 9 in published checkpoints for 256 x 256 pixels, 6 in those for 128 x 128.
    inputs, outputs
        Channels of the image that goes in and of the one that comes out.

    Notes
    -----
    Takes ``(N, inputs, H, W)`` in ``[-1, 1]`` and returns ``(N, outputs, H, W)`` in ``[-1, 1]``; ``H`` and ``W`` are
    multiples of 4, at least 16. Other sizes come back rounded up to one. Instance norm has neither scale nor shift and
    keeps no statistics, so a bias before it does nothing; the biases are there because the checkpoints hold them.
    Running statistics in checkpoints of PyTorch before 0.4 were never used and are passed over.

    Source: Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", 2017,
    section 7.2; the architecture follows Johnson et al., 2016.
    """

    def __init__(self, width: int = 64, blocks: int = 9, inputs: int = 3, outputs: int = 3) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.InstanceNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.InstanceNorm2d(4 * width),
            nn.ReLU(),
            *(Residual(4 * width) for _ in range(blocks)),
            nn.ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, outputs, 7),
            nn.Tanh(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the translated image."""
        translated: Tensor = self.model(image)
        return translated


class Residual(nn.Module):
    """Two 3 x 3 convolutions, reflected at the border and normalised, added to what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the features with the correction added."""
        corrected: Tensor = features + self.conv_block(features)
        return corrected

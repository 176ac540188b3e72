"""U-Net for masks, for the checkpoints people have: parameter names are those of milesial/Pytorch-UNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["UNet"]


class UNet(nn.Module):
    """Five scales of two convolutions with batch norm, each scale joined to the one it came from on the way back.

    Examples
    --------
    >>> import torch
    >>> UNet(width=4).eval()(torch.zeros(1, 3, 48, 64)).shape
    torch.Size([1, 2, 48, 64])

    Parameters
    ----------
    inputs
        Channels of the image.
    classes
        How many scores every pixel gets.
    width
        Channels of the finest scale, doubled at every coarser one: 64 in published checkpoints, 31 million parameters.

    Notes
    -----
    Takes RGB from 0 to 1 as ``(N, inputs, H, W)``, ``H`` and ``W`` at least 16, and returns ``(N, classes, H, W)``. The
    way back enlarges by transposed convolutions (the variant ``bilinear=False`` of that repository). Its checkpoints
    also hold a list ``mask_values``, which is no weight: save them without it.

    Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional networks for biomedical image segmentation", 2015,
    figure 1; padded convolutions and batch norm are that repository's changes.
    """

    def __init__(self, inputs: int = 3, classes: int = 2, width: int = 64) -> None:
        super().__init__()
        self.inc = Pair(inputs, width)
        self.down1 = Down(width, 2 * width)
        self.down2 = Down(2 * width, 4 * width)
        self.down3 = Down(4 * width, 8 * width)
        self.down4 = Down(8 * width, 16 * width)
        self.up1 = Up(16 * width, 8 * width)
        self.up2 = Up(8 * width, 4 * width)
        self.up3 = Up(4 * width, 2 * width)
        self.up4 = Up(2 * width, width)
        self.outc = Last(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of every pixel."""
        finest = self.inc(image)
        fine = self.down1(finest)
        middle = self.down2(fine)
        coarse = self.down3(middle)
        features = self.up1(self.down4(coarse), coarse)
        features = self.up3(self.up2(features, middle), fine)
        scores: Tensor = self.outc(self.up4(features, finest))
        return scores


class Pair(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the filtered features."""
        filtered: Tensor = self.double_conv(features)
        return filtered


class Down(nn.Module):
    """Half the size by max-pooling, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Pair(inputs, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return the features of the coarser scale."""
        coarser: Tensor = self.maxpool_conv(features)
        return coarser


class Up(nn.Module):
    """Twice the size by a transposed convolution, the finer scale before it, then two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = Pair(inputs, outputs)

    def forward(self, features: Tensor, finer: Tensor) -> Tensor:
        """Return the features of the finer scale; an odd row or column that pooling dropped comes back as zeros."""
        larger = self.up(features)
        rows, columns = finer.shape[2] - larger.shape[2], finer.shape[3] - larger.shape[3]
        if rows or columns:
            larger = F.pad(larger, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        joined: Tensor = self.conv(torch.cat([finer, larger], 1))
        return joined


class Last(nn.Module):
    """A 1 x 1 convolution to the scores."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores."""
        scores: Tensor = self.conv(features)
        return scores

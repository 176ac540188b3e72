"""The network of fast neural style, for the checkpoints people have: parameter names are those of PyTorch's example."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["TransformerNet"]


class TransformerNet(nn.Module):
    """Paint a photo in one style: two strided convolutions, five residual blocks, nearest upsampling, instance norm.

    Examples
    --------
    >>> import torch
    >>> TransformerNet().eval()(torch.zeros(1, 3, 32, 48)).shape
    torch.Size([1, 3, 32, 48])

    Notes
    -----
    Takes RGB from 0 to 255 as ``(N, 3, H, W)``, ``H`` and ``W`` at least 8, and returns the same range and, where they
    are multiples of 4, the same shape; values may leave the range and are clipped for display. 1.7 million parameters.
    Instance norm has scale and shift; the running statistics in checkpoints of PyTorch before 0.4 were never used and
    are passed over.

    Source: Johnson, Alahi and Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", 2016,
    with instance norm after Ulyanov et al., 2016, and resized convolutions for transposed ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Reflected(3, 32, 9)
        self.in1 = nn.InstanceNorm2d(32, affine=True)
        self.conv2 = Reflected(32, 64, 3, stride=2)
        self.in2 = nn.InstanceNorm2d(64, affine=True)
        self.conv3 = Reflected(64, 128, 3, stride=2)
        self.in3 = nn.InstanceNorm2d(128, affine=True)
        self.res1 = Residual(128)
        self.res2 = Residual(128)
        self.res3 = Residual(128)
        self.res4 = Residual(128)
        self.res5 = Residual(128)
        self.deconv1 = Reflected(128, 64, 3, enlarge=2)
        self.in4 = nn.InstanceNorm2d(64, affine=True)
        self.deconv2 = Reflected(64, 32, 3, enlarge=2)
        self.in5 = nn.InstanceNorm2d(32, affine=True)
        self.deconv3 = Reflected(32, 3, 9)
        self.relu = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        """Return the painted image."""
        features = self.relu(self.in1(self.conv1(image)))
        features = self.relu(self.in2(self.conv2(features)))
        features = self.relu(self.in3(self.conv3(features)))
        for block in (self.res1, self.res2, self.res3, self.res4, self.res5):
            features = block(features)
        features = self.relu(self.in4(self.deconv1(features)))
        features = self.relu(self.in5(self.deconv2(features)))
        painted: Tensor = self.deconv3(features)
        return painted


class Residual(nn.Module):
    """Two normalised convolutions, added to what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Reflected(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = Reflected(channels, channels, 3)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the features with the correction added."""
        corrected: Tensor = self.in2(self.conv2(self.relu(self.in1(self.conv1(features)))))
        return features + corrected


class Reflected(nn.Module):
    """A square convolution of the image, enlarged by repeating pixels if asked for, and reflected at its border."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, enlarge: int = 1) -> None:
        super().__init__()
        self.enlarge = enlarge
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolution."""
        if self.enlarge > 1:
            features = F.interpolate(features, scale_factor=self.enlarge, mode="nearest")
        filtered: Tensor = self.conv2d(self.reflection_pad(features))
        return filtered

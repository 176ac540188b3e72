"""EfficientNet-lite0, the classifier that analyses use when no other is named."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["EfficientNetLite0"]

# TensorFlow's batch norm constants; the trained weights belong to them.
EPSILON: Final = 1e-3
MOMENTUM: Final = 0.01

# kernel, stride, expansion, channels in, channels out, blocks
STAGES: Final = (
    (3, 1, 1, 32, 16, 1),
    (3, 2, 6, 16, 24, 2),
    (5, 2, 6, 24, 40, 2),
    (3, 2, 6, 40, 80, 3),
    (5, 1, 6, 80, 112, 3),
    (5, 2, 6, 112, 192, 4),
    (3, 1, 6, 192, 320, 1),
)


class EfficientNetLite0(nn.Module):
    """EfficientNet-B0 without squeeze-and-excitation and with ReLU6 for swish: 4.7 million parameters.

    Examples
    --------
    >>> import torch
    >>> EfficientNetLite0().eval()(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 1000])

    Parameters
    ----------
    classes
        How many scores come out.

    Notes
    -----
    Takes ``(N, 3, H, W)``, trained for 224 x 224 with pixels ``(p - 127) / 128`` for ``p`` from 0 to 255, and returns
    ``(N, classes)``. Padding is TensorFlow's "same": where the padding of a strided convolution is odd, the extra row
    and column are at the bottom and right. The names of parameters are those of the published PyTorch weights.

    Source: Tan and Le, "EfficientNet: Rethinking model scaling for convolutional neural networks", 2019, table 1; the
    lite changes are those of the TensorFlow TPU repository, 2020.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, 32, 3, stride=2)
        self._bn0 = norm(32)
        self._relu0 = nn.ReLU6()
        self._blocks = nn.Sequential(
            *(
                InvertedBottleneck(outputs if block else inputs, outputs, kernel, 1 if block else stride, grow)
                for kernel, stride, grow, inputs, outputs, blocks in STAGES
                for block in range(blocks)
            )
        )
        self._conv_head = SameConv2d(320, 1280, 1)
        self._bn1 = norm(1280)
        self._relu1 = nn.ReLU6()
        self._dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(1280, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of ``image``."""
        features = self._blocks(self._relu0(self._bn0(self._conv_stem(image))))
        features = self._relu1(self._bn1(self._conv_head(features)))
        scores: Tensor = self._fc(self._dropout(torch.mean(features, (2, 3))))
        return scores


class InvertedBottleneck(nn.Module):
    """Expand by a 1 x 1, filter each channel, project back by a 1 x 1; add the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self._skip = stride == 1 and inputs == outputs
        self._expand = expansion != 1
        if self._expand:
            self._expand_conv = SameConv2d(inputs, width, 1)
            self._bn0 = norm(width)
            self._relu0 = nn.ReLU6()
        self._depthwise_conv = SameConv2d(width, width, kernel, stride=stride, groups=width)
        self._bn1 = norm(width)
        self._relu1 = nn.ReLU6()
        self._project_conv = SameConv2d(width, outputs, 1)
        self._bn2 = norm(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after this block."""
        wide = self._relu0(self._bn0(self._expand_conv(features))) if self._expand else features
        wide = self._relu1(self._bn1(self._depthwise_conv(wide)))
        narrow: Tensor = self._bn2(self._project_conv(wide))
        return features + narrow if self._skip else narrow


class SameConv2d(nn.Conv2d):
    """A square convolution without bias whose output has ``ceil(size / stride)`` rows and columns."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding=0, groups=groups, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolution of the padded features."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (features.shape[2], features.shape[3])
        )
        if height % 2 == 0 and width % 2 == 0:
            padding = (height // 2, width // 2)
        else:
            features = F.pad(features, (width // 2, width - width // 2, height // 2, height - height // 2))
            padding = (0, 0)
        return F.conv2d(features, self.weight, None, self.stride, padding, 1, self.groups)


def norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch norm with TensorFlow's constants."""
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)

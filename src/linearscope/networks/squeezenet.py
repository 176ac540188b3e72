"""SqueezeNet 1.1, for the checkpoints people have: parameter names are torchvision's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SqueezeNet1_1"]


class SqueezeNet1_1(nn.Module):
    """Fire modules, three max-poolings that round up, no batch norm: 1.2 million parameters.

    Examples
    --------
    >>> import torch
    >>> SqueezeNet1_1().eval()(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 1000])

    Parameters
    ----------
    classes
        How many scores come out.

    Notes
    -----
    Takes ``(N, 3, H, W)`` with ``H, W >= 21`` and returns ``(N, classes)``.

    Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016; version 1.1 is the
    authors' later release.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv2d(512, classes, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of ``image``, none of them negative: the last layer before the average is a ReLU."""
        scores: Tensor = self.classifier(self.features(image))
        return scores


class Fire(nn.Module):
    """A 1 x 1 convolution to few channels, then 1 x 1 and 3 x 3 convolutions side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the two expansions, one behind the other."""
        few = self.squeeze_activation(self.squeeze(features))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(few)), self.expand3x3_activation(self.expand3x3(few))], 1
        )

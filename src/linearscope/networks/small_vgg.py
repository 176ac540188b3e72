"""A small VGG for 32 x 32 images, with or without batch norm, to show what batch norm does to a residual."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["SmallVGG"]

WIDTHS = ((32, 32), (64, 64), (96, 96), (112, 112))
HIDDEN = 64


class SmallVGG(nn.Module):
    """Stages of 3 x 3 convolutions, each stage closed by a 2 x 2 max-pooling, and two fully connected layers.

    Examples
    --------
    >>> import torch
    >>> SmallVGG(batch_norm=False)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 10])

    Parameters
    ----------
    batch_norm
        Whether a ``BatchNorm2d`` stands between each convolution and its ReLU. The convolutions have a bias either
        way, so that the two networks differ by the norms alone.
    widths
        Channels of the convolutions, one sequence a stage.
    classes
        How many scores come out.

    Notes
    -----
    Takes ``(N, 3, 32, 32)``, or any size that ``len(widths)`` halvings bring to 2 x 2, and returns ``(N, classes)``.
    After VGG: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
    """

    def __init__(self, batch_norm: bool, widths: Sequence[Sequence[int]] = WIDTHS, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in widths:
            for width in stage:
                layers.append(nn.Conv2d(channels, width, 3, padding=1, bias=True))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU())
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * 2 * 2, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of ``image``."""
        scores: Tensor = self.classifier(self.features(image))
        return scores

"""A small classifier for 64 x 64 images that ends in a global average and one linear layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["FlowerNet"]

#: Channels and stride of each convolution; None is a 2 x 2 max-pooling.
LAYOUT = ((16, 1), (32, 2), (32, 1), None, (64, 1), (64, 2), (96, 1), (96, 1))


class FlowerNet(nn.Module):
    """Seven 3 x 3 convolutions, two of them with stride 2, one max-pooling, a global average, one linear layer.

    Examples
    --------
    >>> import torch
    >>> FlowerNet(classes=6)(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 6])

    Parameters
    ----------
    classes
        How many scores come out.
    layout
        Channels and stride of each convolution, in order; None where a max-pooling stands.

    Notes
    -----
    Takes ``(N, 3, H, W)`` and returns ``(N, classes)``; ``H`` and ``W`` are an eighth in the last convolution. Batch
    norm and ReLU follow each convolution, which has no bias of its own. The end is what class activation maps ask for
    (Zhou et al., "Learning deep features for discriminative localization", 2016), and a 3 x 3 convolution with stride 2
    covers its input unevenly, which is where gradients and backprojections get their checkerboards.
    """

    def __init__(self, classes: int, layout: Sequence[tuple[int, int] | None] = LAYOUT) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for step in layout:
            if step is None:
                layers.append(nn.MaxPool2d(2))
                continue
            width, stride = step
            layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of ``image``."""
        scores: Tensor = self.classifier(self.pool(self.features(image)).flatten(1))
        return scores

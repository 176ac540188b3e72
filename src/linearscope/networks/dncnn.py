"""DnCNN: a denoiser that estimates the noise, with or without biases."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

__all__ = ["DnCNN"]


class DnCNN(nn.Module):
    """3 x 3 convolutions with ReLUs between them, whose result is subtracted from the image.

    Examples
    --------
    >>> import torch
    >>> DnCNN(channels=3, depth=5, width=8)(torch.zeros(1, 3, 20, 30)).shape
    torch.Size([1, 3, 20, 30])

    Without biases the network is homogeneous, its residual r is zero, and the result is F x alone:

    >>> net = DnCNN(channels=3, depth=5, width=8, bias=False).double()
    >>> image = torch.rand(1, 3, 20, 30, dtype=torch.float64)
    >>> torch.allclose(net(0.5 * image), 0.5 * net(image), rtol=1e-12)
    True

    Parameters
    ----------
    channels
        Of the image: 1 for grey, 3 for RGB.
    depth, width
        How many convolutions, and of how many channels.
    bias
        Whether the convolutions have biases.

    Notes
    -----
    Takes ``(N, channels, H, W)`` with pixels from 0 to 1, of any size. Parameter names are those of the authors'
    PyTorch checkpoints, in which batch norms are folded into the convolutions: depth 17 for one noise level, 20 for
    blind ones.

    Source: Zhang et al., "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", 2017. Without
    biases: Mohan et al., "Robust and interpretable blind image denoising via bias-free convolutional neural networks",
    2020.
    """

    def __init__(self, channels: int = 1, depth: int = 17, width: int = 64, bias: bool = True) -> None:
        super().__init__()
        widths = [channels, *[width] * (depth - 1), channels]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, image: Tensor) -> Tensor:
        """Return the image without what is taken for noise."""
        noise: Tensor = self.model(image)
        return image - noise

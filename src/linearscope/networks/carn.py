"""CARN and its light form CARN-M: residual blocks whose results are concatenated twice over."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CARN"]

WIDTH = 64
# Mean colour of the DIV2K photos, of a white of 1: a constant of the published weights.
MEAN = (0.4488, 0.4371, 0.4040)


class CARN(nn.Module):
    """Three cascading blocks of three residual blocks each, then an upscaler chosen by the scale.

    Examples
    --------
    >>> import torch
    >>> CARN(scale=3, light=True)(torch.zeros(1, 3, 20, 30)).shape
    torch.Size([1, 3, 60, 90])

    Parameters
    ----------
    scale
        2, 3 or 4. One set of weights holds the upscalers of all three; the others are not used.
    light
        CARN-M: convolutions in 4 groups, and the three residual blocks of a cascading block share their weights.

    Notes
    -----
    Takes RGB ``(N, 3, H, W)`` with pixels from 0 to 1, of any size. Parameter names are those of the authors'
    checkpoints.

    Source: Ahn, Kang and Sohn, "Fast, accurate, and lightweight super-resolution with cascading residual network",
    2018.
    """

    def __init__(self, scale: int, light: bool = False) -> None:
        super().__init__()
        groups = 4 if light else 1
        self.sub_mean = Shift([-mean for mean in MEAN])
        self.add_mean = Shift(list(MEAN))
        self.entry = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.b1, self.b2, self.b3 = (Cascade(groups, light) for _ in range(3))
        self.c1, self.c2, self.c3 = (Joint(count) for count in (2, 3, 4))
        self.upsample = Upscalers(scale, groups)
        self.exit = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the image at the higher resolution."""
        all_before = before = self.entry(self.sub_mean(image))
        for block, joint in ((self.b1, self.c1), (self.b2, self.c2), (self.b3, self.c3)):
            all_before = torch.cat([all_before, block(before)], 1)
            before = joint(all_before)
        larger: Tensor = self.add_mean(self.exit(self.upsample(before)))
        return larger


class Cascade(nn.Module):
    """Three residual blocks; each sees, through a 1 x 1 convolution, the results of all before it."""

    def __init__(self, groups: int, shared: bool) -> None:
        super().__init__()
        self.names = ("b1", "b1", "b1") if shared else ("b1", "b2", "b3")
        for name in dict.fromkeys(self.names):
            self.add_module(name, Residual(groups))
        self.c1, self.c2, self.c3 = (Joint(count) for count in (2, 3, 4))

    def forward(self, features: Tensor) -> Tensor:
        """Return the last joint result."""
        all_before = before = features
        for name, joint in zip(self.names, (self.c1, self.c2, self.c3), strict=True):
            all_before = torch.cat([all_before, self.get_submodule(name)(before)], 1)
            before = joint(all_before)
        return before


class Residual(nn.Module):
    """Two convolutions, and a 1 x 1 convolution behind grouped ones, beside an identity; a ReLU on the sum."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=groups),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=groups),
        ]
        if groups > 1:
            layers += [nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1)]
        self.body = nn.Sequential(*layers)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the sum after its ReLU."""
        total: Tensor = self.relu(self.body(features) + features)
        return total


class Joint(nn.Module):
    """A 1 x 1 convolution and a ReLU on concatenated results."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(count * WIDTH, WIDTH, 1), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        """Return as many channels as one result has."""
        after: Tensor = self.body(features)
        return after


class Upscalers(nn.Module):
    """The upscalers of all scales, of which one is used."""

    def __init__(self, scale: int, groups: int) -> None:
        super().__init__()
        for each, steps in ((2, (2,)), (3, (3,)), (4, (2, 2))):
            self.add_module(f"up{each}", Upscaler(steps, groups))
        self.name = f"up{scale}"

    def forward(self, features: Tensor) -> Tensor:
        """Return the features at the higher resolution."""
        larger: Tensor = self.get_submodule(self.name)(features)
        return larger


class Upscaler(nn.Module):
    """A convolution, a ReLU and a pixel shuffle for each step."""

    def __init__(self, steps: tuple[int, ...], groups: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for step in steps:
            layers += [
                nn.Conv2d(WIDTH, WIDTH * step**2, 3, padding=1, groups=groups),
                nn.ReLU(),
                nn.PixelShuffle(step),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features at the higher resolution."""
        larger: Tensor = self.body(features)
        return larger


class Shift(nn.Module):
    """A fixed 1 x 1 convolution that adds a colour."""

    def __init__(self, colour: list[float]) -> None:
        super().__init__()
        self.shifter = nn.Conv2d(3, 3, 1)
        assert self.shifter.bias is not None
        with torch.no_grad():
            self.shifter.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
            self.shifter.bias.copy_(torch.tensor(colour))

    def forward(self, image: Tensor) -> Tensor:
        """Return the image with the colour added."""
        shifted: Tensor = self.shifter(image)
        return shifted

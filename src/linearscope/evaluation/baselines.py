"""Heat maps that know nothing of the model: what every method has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["BASELINES", "Baseline"]

#: Deviation of the Gaussian in the centre, as a share of the side.
WIDTH: Final = 0.25


@dataclass(frozen=True)
class Baseline:
    """One baseline.

    Attributes
    ----------
    name, title
        For lists and figures.
    function
        ``function(images (b, C, H, W), numbers) -> (b, H, W)``; ``numbers`` are the images' own, which seed what is
        random, so that an image always gets the same map.
    """

    name: str
    title: str
    function: Callable[[Tensor, list[int]], Tensor]


def _random(images: Tensor, numbers: list[int]) -> Tensor:
    maps = [
        torch.rand(images.shape[2:], generator=torch.Generator().manual_seed(number), dtype=torch.float64)
        for number in numbers
    ]
    return torch.stack(maps).to(images)


def _centre(images: Tensor, numbers: list[int]) -> Tensor:
    rows, columns = (
        torch.exp(-((torch.arange(side, dtype=torch.float64) - (side - 1) / 2) / (WIDTH * side)).square() / 2)
        for side in images.shape[2:]
    )
    return (rows[:, None] * columns).expand(len(images), -1, -1).to(images)


def _edges(images: Tensor, numbers: list[int]) -> Tensor:
    grey = F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    down = (grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]) / 2
    across = (grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]) / 2
    return torch.hypot(down, across).squeeze(1)


#: All baselines by name.
BASELINES: Final[Mapping[str, Baseline]] = {
    one.name: one
    for one in (
        Baseline("random", "every pixel a random number", _random),
        Baseline("centre", "a Gaussian in the middle", _centre),
        Baseline("edges", "size of the image's own gradient: an edge detector", _edges),
    )
}

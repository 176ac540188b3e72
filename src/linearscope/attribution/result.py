"""What a method says: values on the pixels, kept apart from how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from linearscope.errors import InputError, UnknownNameError

__all__ = ["HEATMAPS", "Attribution", "Check", "Heatmap", "normalised"]

Heatmap = Literal["positive", "magnitude", "signed"]
HEATMAPS: Final[tuple[Heatmap, ...]] = ("positive", "magnitude", "signed")


@dataclass(frozen=True)
class Check:
    """What the theory of a method says two numbers must be, and what they are.

    Attributes
    ----------
    name
        What is compared, in words.
    expected, found
        ``(n,)``, one an image.
    error
        ``(n,)``: their difference relative to the largest term.
    exact
        Whether they must be equal but for rounding; false where they are only in the limit of many steps.
    """

    name: str
    expected: Tensor
    found: Tensor
    error: Tensor
    exact: bool = True

    @staticmethod
    def of(name: str, expected: Tensor, found: Tensor, largest: Tensor | None = None, *, exact: bool = True) -> Check:
        """Compare; ``largest`` ``(n,)`` is the largest term where it is neither of the two."""
        scale = torch.maximum(expected.abs(), found.abs())
        scale = scale if largest is None else torch.maximum(scale, largest.abs())
        error = (expected - found).abs() / torch.where(scale == 0, torch.ones_like(scale), scale)
        return Check(name, expected, found, error, exact)


@dataclass(frozen=True)
class Attribution:
    """What one method says about one score of each of n images.

    Attributes
    ----------
    method
        Its name.
    targets
        The flat output index asked about, for each image.
    scores
        ``(n,)``, the outputs there.
    layer
        The feature map the answer was read at; ``None`` for the image itself.
    values
        ``(n, C, H, W)`` at the image's size, in the method's own units; C is the image's channels, or 1 where the
        method speaks of whole pixels. Never normalised.
    coarse
        ``(n, 1, h, w)``: the map in the feature map's own size, before it was enlarged; ``None`` without one.
    check
        What the method's theory says the values sum to, measured; ``None`` where it says nothing.
    kind
        How :meth:`heatmap` makes one map of the channels.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> found = ls.explain(torch.nn.Sequential(*layers), torch.rand(2, 3, 6, 6), 3, method="gradient-x-input")
    >>> found.values.shape, found.heatmap().shape
    (torch.Size([2, 3, 6, 6]), torch.Size([2, 6, 6]))
    >>> bool((found.check.error < 1e-5).all())
    True
    """

    method: str
    targets: tuple[int, ...]
    scores: Tensor
    layer: str | None
    values: Tensor
    coarse: Tensor | None
    check: Check | None
    kind: Heatmap

    def heatmap(self, kind: Heatmap | None = None) -> Tensor:
        """One map an image, ``(n, H, W)``.

        ``"positive"``: the sum over channels, negative values dropped. ``"magnitude"``: the largest absolute value of
        the channels. ``"signed"``: the sum over channels. Default: the method's own.
        """
        kind = self.kind if kind is None else kind
        if kind not in HEATMAPS:
            raise UnknownNameError("kind of heat map", kind, HEATMAPS)
        if kind == "magnitude":
            return self.values.abs().amax(1)
        total = self.values.sum(1)
        return total.clamp_min(0) if kind == "positive" else total


def normalised(heatmap: Tensor) -> Tensor:
    """Stretch each map ``(n, H, W)`` from its least value to its largest onto 0 to 1; a constant map becomes 0.

    Raises
    ------
    InputError
        When a value is NaN or infinite.

    Examples
    --------
    >>> import torch
    >>> normalised(torch.tensor([[[2.0, 4.0]], [[3.0, 3.0]]])).tolist()
    [[[0.0, 1.0]], [[0.0, 0.0]]]
    """
    if not torch.isfinite(heatmap).all():
        raise InputError("A heat map holds NaN or infinite values; look at the attribution's values.")
    low, high = heatmap.amin((-2, -1), keepdim=True), heatmap.amax((-2, -1), keepdim=True)
    span = high - low
    return torch.where(span > 0, (heatmap - low) / torch.where(span > 0, span, torch.ones_like(span)), 0.0)

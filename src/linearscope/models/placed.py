"""A loaded model where it computes: on its device, in its type, from photos to tensors and from outputs to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from linearscope.models.loaded import LoadedModel
from linearscope.program import Program, capture, load

__all__ = ["PlacedModel"]


@dataclass(frozen=True)
class PlacedModel:
    """A model on a device.

    Parameters
    ----------
    model
        As loaded; its module is moved.
    device, dtype
        Where and in which type it computes.

    Examples
    --------
    >>> from linearscope.models import default_image, load_model, read_image
    >>> placed = PlacedModel(load_model("small_vgg"), torch.device("cpu"), torch.float64)
    >>> x = placed.tensor(read_image(default_image()))
    >>> x.dtype, placed.capture(x).output_shape
    (torch.float64, (1, 10))
    """

    model: LoadedModel
    device: torch.device
    dtype: torch.dtype

    @cached_property
    def module(self) -> nn.Module | Path:
        """The network there, or the path of a ``.pt2`` file."""
        module = self.model.module
        return module.to(self.device, self.dtype) if isinstance(module, nn.Module) else module

    def capture(self, image: Tensor) -> Program:
        """Make the Program for an image tensor."""
        if isinstance(self.module, nn.Module):
            return capture(self.module, image, output=self.model.output)
        program = load(self.module, image=image.to("cpu", torch.float32), output=self.model.output)
        return program.to(self.device, self.dtype)

    def tensor(self, photo: Image.Image) -> Tensor:
        """The photo as the model's input ``(1, C, H, W)``."""
        return self.model.preprocessing(photo).to(self.device, self.dtype)

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """What pixels 0 and 255 are in the model's units, ``(1, C, 1, 1)`` each."""
        preprocessing = self.model.preprocessing
        return preprocessing.lower.to(self.device, self.dtype), preprocessing.upper.to(self.device, self.dtype)

    def output_bounds(self, channels: int) -> tuple[Tensor, Tensor]:
        """The same of an output image; one of other channels than the photo's has no bounds of its own: the mean."""
        lower, upper = self.bounds
        if channels == lower.shape[1]:
            return lower, upper
        return tuple(bound.mean().expand(1, channels, 1, 1) for bound in (lower, upper))  # type: ignore[return-value]

    def output_pixels(self, output: Tensor) -> Tensor:
        """An output image ``(1, C, H, W)`` in pixels from 0 to 1; channels B, G, R come in the order R, G, B."""
        lower, upper = self.output_bounds(output.shape[1])
        pixels = (output - lower) / (upper - lower)
        return pixels.flip(1) if output.shape[1] == 3 and self.model.preprocessing.channels == "BGR" else pixels

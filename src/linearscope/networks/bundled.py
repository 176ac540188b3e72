"""The networks that go by a bare name, all in one list; each family has its entries in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from linearscope.networks.classifiers import CLASSIFIERS
from linearscope.networks.denoisers import DENOISERS
from linearscope.networks.entry import BundledNetwork
from linearscope.networks.image_to_image import IMAGE_TO_IMAGE
from linearscope.networks.upscalers import UPSCALERS

__all__ = ["BUNDLED", "DEFAULT"]

DEFAULT: Final = "efficientnet_lite0"

BUNDLED: Final[Mapping[str, BundledNetwork]] = MappingProxyType(
    {**CLASSIFIERS, **UPSCALERS, **DENOISERS, **IMAGE_TO_IMAGE}
)

"""The networks that go by a bare name, all in one list; each family has its entries in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from linearscope.networks.classifiers import CLASSIFIERS
from linearscope.networks.entry import BundledNetwork

__all__ = ["BUNDLED", "DEFAULT"]

DEFAULT: Final = "efficientnet_lite0"

BUNDLED: Final[Mapping[str, BundledNetwork]] = MappingProxyType({**CLASSIFIERS})

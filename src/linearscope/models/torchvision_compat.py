"""Importing torchvision where its compiled operators do not load, as beside another build of torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import torch

__all__ = ["declare_operators"]

# Importing torchvision registers shape functions for these two, and fails when nobody has declared them.
SCHEMAS: Final = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def declare_operators() -> None:
    """Make ``import torchvision`` work; does nothing when it is not installed or its own operators load."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        return
    if not all(hasattr(torch.ops.torchvision, name) for name in SCHEMAS):
        _load_compiled([Path(folder) for folder in spec.submodule_search_locations or ()])
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", schema)


def _load_compiled(folders: list[Path]) -> None:
    """Let torchvision's library declare its operators itself, so that they are not declared twice."""
    for folder in folders:
        for library in (*folder.glob("_C*.so"), *folder.glob("_C*.pyd")):
            try:
                torch.ops.load_library(library)  # type: ignore[no-untyped-call]
            except OSError:
                continue

"""Readers and makers of images with labels, for training scripts and statistics."""

from linearscope.datasets.cifar10 import CIFAR10_SHAPE, read_cifar10
from linearscope.datasets.facades import (
    FACADE_CLASSES,
    FACADE_PALETTE,
    Facade,
    facade,
    facade_labels,
    facade_map,
    facade_photo,
    facades,
)
from linearscope.datasets.photos import luma, psnr, read_photos, shrink

__all__ = [
    "CIFAR10_SHAPE",
    "FACADE_CLASSES",
    "FACADE_PALETTE",
    "Facade",
    "facade",
    "facade_labels",
    "facade_map",
    "facade_photo",
    "facades",
    "luma",
    "psnr",
    "read_cifar10",
    "read_photos",
    "shrink",
]

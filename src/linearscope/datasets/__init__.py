"""Readers and makers of images with labels, for training scripts and statistics."""

from linearscope.datasets.an8flower import (
    AN8FLOWER_BLOCKS,
    AN8FLOWER_CLASSES,
    Flower,
    an8flower,
    flower,
    flower_photo,
)
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
    "AN8FLOWER_BLOCKS",
    "AN8FLOWER_CLASSES",
    "CIFAR10_SHAPE",
    "FACADE_CLASSES",
    "FACADE_PALETTE",
    "Facade",
    "Flower",
    "an8flower",
    "facade",
    "facade_labels",
    "facade_map",
    "facade_photo",
    "facades",
    "flower",
    "flower_photo",
    "luma",
    "psnr",
    "read_cifar10",
    "read_photos",
    "shrink",
]

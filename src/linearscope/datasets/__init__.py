"""Readers of images with labels, for training scripts and statistics."""

from linearscope.datasets.cifar10 import CIFAR10_SHAPE, read_cifar10

__all__ = ["CIFAR10_SHAPE", "read_cifar10"]

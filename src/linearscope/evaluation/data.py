"""What explanations are evaluated on: images with masks and labels, rendered here or read from a folder."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from linearscope.datasets import AN8FLOWER_CLASSES, flower
from linearscope.errors import InputError, UnknownNameError
from linearscope.models import Preprocessing, find_label, read_image
from linearscope.models.files import readable_file
from linearscope.program import fingerprint
from linearscope.progress import track

__all__ = ["BUILT_IN", "ImagesWithMasks", "read_data"]

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
LABELS: Final = "labels.csv"
#: Names of the data sets that are rendered here, and how many of their images are taken by default.
BUILT_IN: Final = tuple(f"an8flower-{kind}" for kind in AN8FLOWER_CLASSES)
COUNT: Final = 96


@dataclass(frozen=True)
class ImagesWithMasks:
    """Images of one size, as a model takes them, with what is known about them.

    Attributes
    ----------
    name
        Of the data set.
    names
        One an image.
    images
        ``(n, C, H, W)`` in the model's units.
    masks
        ``(n, H, W)`` of bool, none empty; ``None`` where there are none.
    labels
        One an image, by the class's name or index; ``None`` where there are none.
    classes
        Names of all classes, where the data set has its own.
    """

    name: str
    names: tuple[str, ...]
    images: Tensor
    masks: Tensor | None = None
    labels: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None

    def targets(self, known: Sequence[str] | None, count: int) -> Tensor | None:
        """The classes ``(n,)`` of a model with ``count`` scores and these ``known`` names; ``None`` without labels.

        Raises
        ------
        InputError
            When the model has other classes.
        """
        if self.labels is None:
            return None
        if self.classes is not None:
            if known is not None and set(self.classes) <= set(known):
                return torch.tensor([list(known).index(label) for label in self.labels])
            if count != len(self.classes):
                raise InputError(
                    f"{self.name} has {len(self.classes)} classes and the model {count} scores. Give a model that was "
                    "trained on it, such as an8flower_6c or an8flower_12c."
                )
            return torch.tensor([self.classes.index(label) for label in self.labels])
        found = []
        for name, label in zip(self.names, self.labels, strict=True):
            try:
                found.append(find_label(known, label, classes=count))
            except InputError as error:
                raise InputError(f"{LABELS} gives {name} the label {label!r}. {error}") from error
        return torch.tensor(found)

    def on(self, device: torch.device, dtype: torch.dtype) -> ImagesWithMasks:
        """The same on a device, in a type of numbers."""
        masks = None if self.masks is None else self.masks.to(device)
        return replace(self, images=self.images.to(device, dtype), masks=masks)

    def fingerprint(self) -> str:
        """A short digest of images, masks and labels."""
        text = "\n".join([*self.names, "", *(self.labels or ())]).encode()
        words = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        return fingerprint([self.images, words, *([] if self.masks is None else [self.masks])])


def read_data(
    data: str, preprocessing: Preprocessing, *, count: int | None = None, seed: int = 0, masks: bool = True
) -> ImagesWithMasks:
    """Render a built-in data set, or read a folder; masks go through the same geometry as their images.

    Parameters
    ----------
    data
        A name of :data:`BUILT_IN`, of which the test split is rendered, or a folder with ``images/``, and optionally
        ``masks/NAME.png``, which are not zero where the object is, and ``labels.csv`` of names and labels.
    preprocessing
        The model's.
    count
        How many images; of a folder a random choice. Default: 96, or the whole folder.
    seed
        Of the rendering, or of the choice.
    masks
        Whether the masks of a folder are read.

    Raises
    ------
    InputError
        When a mask is missing, empty or of another size than its image, or images come out in different sizes.

    Examples
    --------
    >>> found = read_data("an8flower-single-6c", Preprocessing.parse("resize=64,crop=56"), count=3)
    >>> found.images.shape, found.masks.shape, found.labels[0]
    (torch.Size([3, 3, 56, 56]), torch.Size([3, 56, 56]), 'red petals')
    """
    if count is not None and count < 1:
        raise InputError(f"{count} images cannot be evaluated. Give a --count of 1 or more.")
    if data in BUILT_IN:
        return _rendered(data, preprocessing, COUNT if count is None else count, seed)
    folder = Path(data)
    if not folder.exists() and not any(mark in data for mark in "/\\."):
        raise UnknownNameError("data set or folder", data, BUILT_IN, hint="A folder holds images/ and masks/.")
    return _read(folder, preprocessing, count, seed, masks)


def _rendered(data: str, preprocessing: Preprocessing, count: int, seed: int) -> ImagesWithMasks:
    kind: Any = data.removeprefix("an8flower-")
    classes = AN8FLOWER_CLASSES[kind]
    size = preprocessing.resize if preprocessing.resize is not None else preprocessing.crop
    side = 64 if size is None else max(32, size if isinstance(size, int) else max(size))
    names, images, masks, labels = [], [], [], []
    for index in track(range(count), "rendering"):
        made = flower(kind, index, "test", side=side, seed=seed)
        photo = Image.fromarray(made.photo.permute(1, 2, 0).contiguous().numpy())
        name = f"{index:04d}"
        names.append(name)
        images.append(preprocessing(photo))
        masks.append(_geometry(preprocessing, made.mask.numpy(), name))
        labels.append(classes[made.label])
    return ImagesWithMasks(data, tuple(names), torch.cat(images), torch.stack(masks), tuple(labels), tuple(classes))


def _read(folder: Path, preprocessing: Preprocessing, count: int | None, seed: int, wanted: bool) -> ImagesWithMasks:
    files = _files(folder)
    known = {path.stem: path for path in files}
    if len(known) < len(files):
        twice = next(path for path in files if known[path.stem] != path)
        raise InputError(f"{folder / 'images'} holds two images called {twice.stem!r}. Give each a name of its own.")
    labels = _labels(folder / LABELS, known)
    if count is not None and count < len(files):
        files = sorted(random.Random(seed).sample(files, count))
    there = folder / "masks"
    masks: list[Tensor] | None = [] if wanted and there.is_dir() else None
    images: list[Tensor] = []
    for path in track(files, "reading images"):
        photo = read_image(path)
        images.append(preprocessing(photo))
        if images[-1].shape != images[0].shape:
            raise InputError(
                f"{path.name} becomes {_size(images[-1])} pixels and {files[0].name} {_size(images[0])}; images are "
                "evaluated in one size. Give --preprocess with a crop, such as resize=256,crop=224."
            )
        if masks is not None:
            masks.append(_mask(there / f"{path.stem}.png", photo.size, path.name, preprocessing))
    return ImagesWithMasks(
        folder.name or str(folder),
        tuple(path.stem for path in files),
        torch.cat(images),
        None if masks is None else torch.stack(masks),
        None if labels is None else tuple(labels[path.stem] for path in files),
    )


def _files(folder: Path) -> list[Path]:
    inside = folder / "images"
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give one that holds images/, or one of {', '.join(BUILT_IN)}.")
    if not inside.is_dir():
        raise InputError(f"{folder} has no folder images. Put the images into {inside} and their masks beside it.")
    files = sorted(path for path in inside.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{inside} holds no images ({', '.join(SUFFIXES)}). Put some there.")
    return files


def _labels(path: Path, known: dict[str, Path]) -> dict[str, str] | None:
    if not path.exists():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as lines of name,label. Write it as UTF-8 text.") from error
    found: dict[str, str] = {}
    for row in rows[1:] if rows[:1] == [["name", "label"]] else rows:
        if len(row) != 2 or not all(part.strip() for part in row):
            raise InputError(f"{path} has the line {','.join(row)!r}. Write name,label in each.")
        name, label = row[0].strip(), row[1].strip()
        stem = name if name in known else Path(name).stem
        if stem not in known:
            raise InputError(f"{path} names {name!r}, and there is no such image. Remove the line or add the image.")
        if stem in found:
            raise InputError(f"{path} names {name!r} twice. Give each image one label.")
        found[stem] = label
    missing = next((name for name in known if name not in found), None)
    if missing is not None:
        raise InputError(f"{path} has no label for {missing!r}. Add it, or remove the file to explain top scores.")
    return found


def _mask(path: Path, size: tuple[int, int], image: str, preprocessing: Preprocessing) -> Tensor:
    if not path.exists():
        raise InputError(f"There is no mask {path} for {image}. Add it, or choose metrics that need no masks.")
    readable_file(path, "Give a PNG that is not zero where the object is.")
    try:
        with Image.open(path, formats=("PNG",)) as file:
            pixels = np.asarray(file.convert("RGB") if file.mode in ("RGBA", "LA") else file)
    # Decoders raise what they like on damaged data.
    except Exception as error:
        raise InputError(f"The mask {path} is damaged or no PNG. Make it again.") from error
    marked: Any = pixels != 0
    marked = marked.any(2) if marked.ndim == 3 else marked
    if marked.shape != (size[1], size[0]):
        raise InputError(
            f"The mask {path} is {marked.shape[1]} x {marked.shape[0]} pixels and {image} {size[0]} x {size[1]}. Give "
            "a mask of the image's size."
        )
    if not marked.any():
        raise InputError(f"The mask {path} is empty. Leave {image} out, or mark what is to be found.")
    return _geometry(preprocessing, marked, image)


def _geometry(preprocessing: Preprocessing, mask: Any, image: str) -> Tensor:
    """Resize and cut a mask as its image is, by nearest neighbours."""
    plain = replace(preprocessing, interpolation="nearest", scale=1.0, mean=(0.0,), std=(1.0,), channels="L")
    made: Tensor = plain(Image.fromarray(np.asarray(mask, dtype=np.uint8) * 255))[0, 0] > 0.5
    if not made.any():
        raise InputError(f"Nothing is left of the mask of {image} after {preprocessing}. Crop less, or leave it out.")
    return made


def _size(image: Tensor) -> str:
    return f"{image.shape[3]} x {image.shape[2]}"

"""Images with a class each: a folder with one sub-folder a class, or plants rendered here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from linearscope.datasets import AN8FLOWER_CLASSES, flower_photo
from linearscope.errors import InputError, UnknownNameError
from linearscope.models import find_label, read_image
from linearscope.sweep.folder import image_files

__all__ = ["RENDERED", "LabelledImages", "labelled_images"]

#: Data sets that are rendered here.
RENDERED: Final = tuple(f"an8flower-{kind}" for kind in AN8FLOWER_CLASSES)
#: How many images of these are taken by default.
_COUNT: Final = 600


@dataclass(frozen=True)
class LabelledImages:
    """Photos by number, each with its class.

    Attributes
    ----------
    name
        Of the data set.
    files
        Name of each image.
    classes
        Names of the classes: of the sub-folders, or of what is rendered.
    of
        For each image, its place in ``classes``.
    photo
        Reads, or renders, one by its number.
    stamp
        What changes when an image does.
    """

    name: str
    files: tuple[str, ...]
    classes: tuple[str, ...]
    of: tuple[int, ...]
    photo: Callable[[int], Image.Image]
    stamp: Callable[[int], list[int]]

    def labels(self, names: Sequence[str] | None, outputs: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Which output of a model each image's class is, and what the user should know of how they were matched.

        A class is one of the model's by its name, as in :func:`linearscope.models.find_label` (case, spaces, hyphens
        and underscores do not matter), or by its index. Where none is and there is one for every output, they stand
        for the outputs in their order.

        Parameters
        ----------
        names
            The model's names of its classes, or ``None``.
        outputs
            How many scores the model has.

        Raises
        ------
        InputError
            When a class is none of the model's, or two are the same.
        """
        found, failure = [], None
        for name in self.classes:
            try:
                found.append(find_label(names, name, classes=outputs))
            except InputError as error:
                failure = failure or InputError(f"The class {name!r} of {self.name} is none of the model's. {error}")
        notes: tuple[str, ...] = ()
        if failure is not None:
            if found or len(self.classes) != outputs:
                raise failure
            found = list(range(outputs))
            if names is not None:
                notes = (
                    f"The classes of {self.name} are none of the model's by name and are taken in their order, from "
                    f"{self.classes[0]!r} for {names[0]!r}.",
                )
        twice = next((i for i, label in enumerate(found) if label in found[:i]), None)
        if twice is not None:
            first = self.classes[found.index(found[twice])]
            raise InputError(
                f"{first!r} and {self.classes[twice]!r} are the same class of the model. Put them together."
            )
        return tuple(found[i] for i in self.of), notes


def labelled_images(data: str | Path, *, count: int | None = None, seed: int = 0, side: int = 64) -> LabelledImages:
    """Find the images of a data set with their classes.

    Parameters
    ----------
    data
        A folder with one sub-folder of images a class, or a name of :data:`RENDERED`, of which the training split is
        rendered.
    count
        How many images in all, evenly from the classes and by chance. Default: all; 600 that are rendered.
    seed
        Of the choice or of the rendering.
    side
        Of rendered images, in pixels.

    Raises
    ------
    InputError
        When there is no such data set, a sub-folder holds no images, or there are fewer than two.

    Examples
    --------
    >>> found = labelled_images("an8flower-single-6c", count=12)
    >>> found.classes[found.of[7]], found.photo(7).size
    ('orange petals', (64, 64))
    """
    if count is not None and count < 2:
        raise InputError(f"{count} images cannot tell classes apart. Give a --count of 2 or more.")
    if str(data) in RENDERED:
        return _rendered(str(data), _COUNT if count is None else count, seed, side)
    folder = Path(data)
    if not folder.exists() and not any(mark in str(data) for mark in "/\\."):
        raise UnknownNameError("data set or folder", data, RENDERED, hint="A folder has one sub-folder a class.")
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give one with a sub-folder of images for each class.")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(inside) < 2:
        raise InputError(
            f"{folder} has {'one sub-folder' if inside else 'no sub-folders'}, and each class is a sub-folder. Give a "
            "folder with at least two."
        )
    files: list[Path] = []
    of: list[int] = []
    choice = random.Random(seed)
    for number, path in enumerate(inside):
        here = image_files(path)
        if count is not None:
            share = count // len(inside) + (number < count % len(inside))
            here = sorted(choice.sample(here, min(share, len(here))))
        files += here
        of += [number] * len(here)

    def stamp(number: int) -> list[int]:
        status = files[number].stat()
        return [status.st_size, status.st_mtime_ns]

    return LabelledImages(
        folder.resolve().name,
        tuple(str(path.relative_to(folder)) for path in files),
        tuple(path.name for path in inside),
        tuple(of),
        lambda i: read_image(files[i]),
        stamp,
    )


def _rendered(data: str, count: int, seed: int, side: int) -> LabelledImages:
    kind: Any = data.removeprefix("an8flower-")
    classes = AN8FLOWER_CLASSES[kind]
    return LabelledImages(
        data,
        tuple(f"{i:05d}" for i in range(count)),
        tuple(classes),
        tuple(i % len(classes) for i in range(count)),
        lambda i: flower_photo(kind, i, "train", side=side, seed=seed),
        lambda i: [side, seed],
    )

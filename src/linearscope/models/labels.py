"""Names of classes: the bundled lists, lists from files, and finding one by what a person types."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.files import readable_file

__all__ = ["bundled_labels", "find_label", "read_labels"]

MAXIMUM_BYTES: Final = 8_000_000


@cache
def bundled_labels(
    name: Literal["imagenet", "cifar10", "mnist", "an8flower_6c", "an8flower_12c"],
) -> tuple[str, ...]:
    """Return the names of the classes of a data set, in order.

    ImageNet (ILSVRC 2012) has 1,000, CIFAR-10 and MNIST have 10 each, and the two kinds of an8Flower 6 and 12.

    Examples
    --------
    >>> bundled_labels("imagenet")[967], len(bundled_labels("cifar10"))
    ('espresso', 10)

    Notes
    -----
    ImageNet's are the first WordNet name of each synset; two names that stand for two synsets each have an addition in
    brackets, so that every name is there once.
    """
    return read_labels(Path(__file__).parent / "assets" / f"{name}.txt")


def read_labels(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read names of classes from a text file.

    Parameters
    ----------
    path
        UTF-8, one name a line; line 1 names class 0.

    Raises
    ------
    InputError
        When the file is missing, unreadable, no text, too large, empty, or has an empty line between names.
    """
    advice = "Give a text file with one name a line."
    file = readable_file(path, advice)
    if file.stat().st_size > MAXIMUM_BYTES:
        raise InputError(f"{file} is too large to be a list of names. {advice}")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text. {advice}") from error
    names = [line.strip() for line in text.rstrip().splitlines()]
    if not names or "\0" in text:
        raise InputError(f"{file} holds no names. {advice}")
    if "" in names:
        raise InputError(f"Line {names.index('') + 1} of {file} is empty. {advice}")
    return tuple(names)


def find_label(labels: Sequence[str] | None, wanted: str | int, *, classes: int | None = None) -> int:
    """Find the class that a name or a number stands for.

    Examples
    --------
    >>> find_label(bundled_labels("imagenet"), "Tiger-Cat")
    282
    >>> find_label(None, "7", classes=10)
    7

    Parameters
    ----------
    labels
        Names in order of the class index, or None where the model has none.
    wanted
        A name (case, spaces, hyphens and underscores do not matter) or an index, as a number or in digits. A name made
        of digits goes before the index.
    classes
        How many scores the model has, where that is known; otherwise the number of labels.

    Raises
    ------
    UnknownNameError
        For a name that is not there, with the nearest ones.
    InputError
        For an index out of range, a name that several classes have, and any name when there are no labels.
    """
    limit = classes if classes is not None else len(labels) if labels is not None else None
    if isinstance(wanted, str):
        name = wanted.strip()
        found = [index for index, label in enumerate(labels or ()) if label == name]
        if not found:
            found = [index for index, label in enumerate(labels or ()) if _plain(label) == _plain(name)]
        if len(found) > 1:
            places = ", ".join(map(str, found[:10]))
            raise InputError(f"{len(found)} classes are called {name!r}. Give the index of one: {places}.")
        if found:
            return _checked(found[0], limit)
        if not name.removeprefix("-").isdecimal() or not name.isascii() or len(name) > 10:
            if labels is None:
                raise InputError(f"The model has no class names, so {name!r} finds none. Give an index or --labels.")
            raise UnknownNameError("class", name, labels, hint="Give a name or an index.")
        wanted = int(name)
    return _checked(wanted, limit)


def _checked(index: int, limit: int | None) -> int:
    if index < 0 or (limit is not None and index >= limit):
        last = "from 0" if limit is None else f"from 0 to {limit - 1}"
        raise InputError(f"There is no class {index}. Give an index {last}.")
    return index


def _plain(name: str) -> str:
    return "".join(name.casefold().replace("_", " ").replace("-", " ").split())

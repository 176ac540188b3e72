"""Scores of all units over a data set, kept as soon as they are known."""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from linearscope.concepts import UnitScorer
from linearscope.errors import InputError
from linearscope.progress import track
from linearscope.sweep.labelled import LabelledImages

__all__ = ["ScoredImages", "UnitSweep"]

_SETTINGS: Final = "settings.json"
_SCORES: Final = "scores"
#: Images of one file.
_PORTION: Final = 64


@dataclass(frozen=True)
class ScoredImages:
    """What became of the images of a data set.

    Attributes
    ----------
    scores
        ``(n, units)``.
    predicted
        ``(n,)``, the largest output of each.
    numbers
        ``(n,)``, which images of the data set these are.
    skipped
        Names of the others, and why each could not be used.
    """

    scores: Tensor
    predicted: Tensor
    numbers: tuple[int, ...]
    skipped: tuple[tuple[str, str], ...]


class UnitSweep:
    """A pass over labelled images that can be interrupted at any moment and goes on where it stopped.

    The scores of every 64 images are one file in ``scores/`` of the output folder, which is there whole or not at all;
    a run with other settings is refused.

    Parameters
    ----------
    out
        The output folder; made when absent.
    settings
        What the scores depend on, JSON-able; with the weights' :func:`linearscope.program.fingerprint`.
    scorer
        Of the units.
    read
        From the number of an image to the model's input, ``(1, C, H, W)``.
    """

    def __init__(
        self, out: Path, *, settings: Mapping[str, Any], scorer: UnitScorer, read: Callable[[int], Tensor]
    ) -> None:
        self._out, self._scorer, self._read = out, scorer, read
        self._settings = {"linearscope": "unit scores 1", **settings, "layers": list(scorer.channels.items())}

    def run(self, images: LabelledImages) -> ScoredImages:
        """Score every image.

        Raises
        ------
        InputError
            When the output folder belongs to another run, images come out in different sizes, or none can be used.
        """
        self._resume()
        parts = []
        starts = range(0, len(images.files), _PORTION)
        total = len(images.files)
        for start in track(starts, "unit scores", total, lambda start: min(_PORTION, total - start)):
            numbers = list(range(start, min(start + _PORTION, len(images.files))))
            key = json.dumps([[images.files[i], *_stamp(images, i)] for i in numbers])
            path = self._out / _SCORES / f"{start // _PORTION:05d}.npz"
            part = self._stored(path, key)
            if part is None:
                part = self._score(images, numbers)
                self._write(path, part, key)
            parts.append(part)
        kept = np.concatenate([part["kept"] for part in parts])
        skipped = [tuple(one) for part in parts for one in json.loads(bytes(part["skipped"]).decode())]
        if not len(kept):
            raise InputError(f"None of the {len(skipped)} images could be used; {skipped[0][0]}: {skipped[0][1]}")
        scores, predicted = (np.concatenate([part[name] for part in parts]) for name in ("scores", "predicted"))
        return ScoredImages(torch.from_numpy(scores), torch.from_numpy(predicted), tuple(kept.tolist()), tuple(skipped))

    def _score(self, images: LabelledImages, numbers: list[int]) -> dict[str, Any]:
        skipped: list[tuple[str, str]] = []
        kept: list[int] = []
        wanted = tuple(self._scorer.program.input_shape[1:])
        tensors = []
        for i in numbers:
            try:
                tensor = self._read(i)
            except InputError as error:
                skipped.append((images.files[i], str(error)))
                continue
            if tuple(tensor.shape[1:]) != wanted:
                raise InputError(
                    f"{images.files[i]} becomes {_size(tensor.shape[1:])} pixels and the first image {_size(wanted)}; "
                    "units are scored at one size. Give --preprocess with a crop, such as resize=256,crop=224."
                )
            tensors.append(tensor)
            kept.append(i)
        rows = list(self._scorer.rows(tensors))
        units = self._scorer.units
        return {
            "scores": torch.cat([scores for scores, _ in rows]).cpu().numpy() if rows else np.zeros((0, units), "f4"),
            "predicted": np.concatenate([outputs.argmax(1).cpu().numpy() for _, outputs in rows] or [np.zeros(0, int)]),
            "kept": np.array(kept, dtype=np.int64),
            "skipped": _text(json.dumps(skipped)),
        }

    # -- the folder --------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        settings = self._out / _SETTINGS
        if self._out.exists() and not self._out.is_dir():
            raise InputError(f"{self._out} is a file and not a folder. Choose another --out.")
        if not settings.exists():
            if self._out.exists() and any(self._out.iterdir()):
                raise InputError(f"{self._out} holds other files. Choose a new or empty folder with --out.")
            return
        try:
            there = json.loads(settings.read_text(encoding="utf-8"))
            assert isinstance(there, dict)
        except (ValueError, AssertionError) as error:
            raise InputError(f"{settings} is damaged. Choose another folder with --out, or remove it.") from error
        given = json.loads(json.dumps(self._settings))
        if there != given:
            changed = sorted(key for key in {**there, **given} if there.get(key) != given.get(key))
            raise InputError(
                f"{self._out} holds a run with other settings ({', '.join(changed)}). Choose another folder with --out."
            )

    def _write(self, path: Path, part: Mapping[str, Any], key: str) -> None:
        # The folder and the settings come with the first scores: a model that cannot be used leaves nothing behind.
        self._out.mkdir(parents=True, exist_ok=True)
        settings = self._out / _SETTINGS
        if not settings.exists():
            text = json.dumps(self._settings, indent=1) + "\n"
            _whole(settings, lambda file: file.write_text(text, encoding="utf-8"))
        path.parent.mkdir(exist_ok=True)

        def save(unfinished: Path) -> None:
            with unfinished.open("wb") as file:
                np.savez(file, key=_text(key), **part)

        _whole(path, save)

    def _stored(self, path: Path, key: str) -> dict[str, Any] | None:
        try:
            with np.load(path, allow_pickle=False) as stored:
                if bytes(stored["key"]).decode() != key:
                    return None
                part = {name: stored[name] for name in ("scores", "predicted", "kept", "skipped")}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # absent or damaged: made again
        return part if part["scores"].shape == (len(part["kept"]), self._scorer.units) else None


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside its place and move it there when it is whole."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _stamp(images: LabelledImages, number: int) -> list[int]:
    try:
        return images.stamp(number)
    except OSError:
        return []


def _text(text: str) -> Any:
    return np.frombuffer(text.encode(), np.uint8)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]} x {shape[1]}"

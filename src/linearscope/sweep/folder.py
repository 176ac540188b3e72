"""Contributions over a folder: one record an image, written as soon as it is known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from linearscope.analysis import contributions, fgsm
from linearscope.analysis.statistics import ImageRecord, record
from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.program import Program
from linearscope.progress import track

__all__ = ["Sweep", "image_files"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")

_RECORDS = "records.jsonl"


def image_files(folder: Path) -> list[Path]:
    """Image files in a folder, by name.

    Raises
    ------
    InputError
        When it is no folder, cannot be read, or holds no images.
    """
    if not folder.exists():
        raise InputError(f"There is no folder {folder}. Give a folder of images.")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder. Give a folder of images, or use the tour for one image.")
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}. Change its permissions or copy it.") from error
    if not files:
        raise InputError(f"{folder} holds no images ({', '.join(SUFFIXES)}). Give another folder.")
    return files


class Sweep:
    """A run over many images that can be interrupted at any moment and goes on where it stopped.

    Every image's record is one line of ``records.jsonl`` in the output folder, flushed to disk before the next image
    begins; the first line holds the settings and a run with others is refused.

    Parameters
    ----------
    out
        The output folder; made when absent.
    settings
        What the records depend on, JSON-able; with the weights' :func:`linearscope.program.fingerprint`.
    capture
        Makes the Program of an image tensor; called once an image shape.
    read
        Reads a file into an image tensor.
    interpretation
        ``"freeze"``, ``"freeze-deviation"`` or ``"taylor"``.
    epsilon
        Attack every image first, with this strength in units of the pixel range; ``None``: as they are.
    bounds
        What pixels 0 and 255 are in the model's units.
    names
        Class names for a number of scores, or ``None``.
    """

    def __init__(
        self,
        out: Path,
        *,
        settings: Mapping[str, Any],
        capture: Callable[[Tensor], Program],
        read: Callable[[Path], Tensor],
        interpretation: str,
        epsilon: float | None,
        bounds: tuple[Tensor, Tensor],
        names: Callable[[int], Sequence[str] | None],
    ) -> None:
        self._path = out / _RECORDS
        self._out, self._settings = out, dict(settings)
        self._capture, self._read = capture, read
        self._interpretation, self._epsilon, self._bounds, self._names = interpretation, epsilon, bounds, names
        self._programs: dict[tuple[int, ...], Program] = {}
        self._header: dict[str, Any] = {}

    def run(self, files: Sequence[Path]) -> tuple[list[ImageRecord], list[tuple[str, str]]]:
        """Go through ``files``; return all records in their order, and the files that could not be used with reasons.

        Raises
        ------
        InputError
            When the output folder belongs to another run, or no image could be used.
        """
        done = self._resume(files[0].parent)
        records: dict[str, ImageRecord] = {}
        skipped: dict[str, str] = {}
        for path in track(files, "images"):
            line = done.get(path.name)
            if line is None or line.get("stamp") != _stamp(path):
                line = self._line(path)
                self._append(line)
            if "skipped" in line:
                skipped[path.name] = line["skipped"]
            else:
                records[path.name] = ImageRecord(**line["record"])
        if not records:
            name, reason = next(iter(skipped.items()))
            raise InputError(f"None of the {len(files)} images could be used; {name}: {reason}")
        return list(records.values()), list(skipped.items())

    def _line(self, path: Path) -> dict[str, Any]:
        line: dict[str, Any] = {"file": path.name, "stamp": _stamp(path)}
        try:
            image = self._read(path)
        except InputError as error:
            return {**line, "skipped": str(error)}
        return {**line, "record": asdict(self._record(path.name, image))}

    def _record(self, name: str, image: Tensor) -> ImageRecord:
        program = self._program(image)
        if self._epsilon is not None:
            lower, upper = self._bounds
            image = fgsm(program, image, epsilon=self._epsilon, lower=lower, upper=upper).adversarial
        it = interpret(program, image, interpretation=self._interpretation)
        top = int(it.output.flatten().argmax())
        names = self._names(it.shape[0])
        label = names[top] if names is not None else f"label {top}"
        return record(name, label, contributions(it, top), it.certificate.reconstruction)

    def _program(self, image: Tensor) -> Program:
        shape = tuple(image.shape)
        if shape not in self._programs or self._programs[shape].bound is not None:
            program = self._capture(image)
            if len(program.output_shape) != 2:
                raise InputError(f"The statistics need one row of scores; the output has shape {program.output_shape}.")
            self._programs[shape] = program
        return self._programs[shape]

    # -- the file ----------------------------------------------------------------------------------------------------

    def _resume(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Lines already there, by file name; a last line cut short by an interruption is removed."""
        header = self._header = {"linearscope": 1, "folder": folder.name, **self._settings}
        if self._out.exists() and not self._out.is_dir():
            raise InputError(f"{self._out} is a file and not a folder. Choose another --out.")
        if not self._path.exists():
            if self._out.exists() and any(self._out.iterdir()):
                raise InputError(f"{self._out} holds other files. Choose a new or empty folder with --out.")
            return {}
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            lines = [json.loads(line) for line in whole.decode().splitlines()]
        except ValueError as error:
            raise InputError(f"{self._path} is damaged. Choose another folder with --out, or remove it.") from error
        if not lines:
            self._path.unlink()
            return {}
        if lines[0] != json.loads(json.dumps(header)):
            changed = sorted(key for key in {**lines[0], **header} if lines[0].get(key) != header.get(key))
            raise InputError(
                f"{self._out} holds a run with other settings ({', '.join(changed)}). Choose another folder with --out."
            )
        return {line["file"]: line for line in lines[1:]}

    def _append(self, line: Mapping[str, Any]) -> None:
        # The folder and the settings come with the first record: a model that cannot be used leaves nothing behind.
        lines = [line] if self._path.exists() else [self._header, line]
        self._out.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(b"".join(json.dumps(one).encode() + b"\n" for one in lines))
            file.flush()
            os.fsync(file.fileno())


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]

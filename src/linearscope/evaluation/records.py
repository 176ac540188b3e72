"""What has been measured so far, on disk: a run that is stopped at any moment goes on where it was."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from linearscope.errors import InputError

__all__ = ["Arrays", "Records"]

Arrays = dict[str, npt.NDArray[Any]]

SETTINGS: Final = "settings.json"
RECORDS: Final = "records"


class Records:
    """One file a method and batch, whole or absent, and one with the settings they were made with.

    Parameters
    ----------
    out
        The folder; made with the first record.
    run
        What all records depend on, JSON-able: model, weights, data.
    methods, metrics
        What the records of single methods and metrics depend on besides, by name. A folder may get more of both.

    Raises
    ------
    InputError
        When the folder holds records of other settings, or other things.
    """

    def __init__(
        self, out: Path, run: Mapping[str, Any], methods: Mapping[str, Any], metrics: Mapping[str, Any]
    ) -> None:
        self._out = out
        asked = {"linearscope": "evaluate/1", "run": run, "methods": methods, "metrics": metrics}
        self._settings: dict[str, Any] = json.loads(json.dumps(asked, default=str))
        self._written = self._check()

    def read(self, method: str, batch: int) -> Arrays:
        """What is known of one method on one batch; empty when nothing is, or when the file is damaged."""
        try:
            with np.load(self._path(method, batch)) as file:
                return dict(file)
        except (OSError, ValueError, zipfile.BadZipFile, EOFError):
            return {}

    def write(self, method: str, batch: int, arrays: Arrays) -> None:
        """Keep a record; it is on disk as a whole when this returns."""
        if not self._written:
            (self._out / RECORDS).mkdir(parents=True, exist_ok=True)
            _replace(self._out / SETTINGS, (json.dumps(self._settings, indent=1) + "\n").encode())
            self._written = True
        path = self._path(method, batch)
        with path.with_suffix(".part").open("wb") as file:
            np.savez_compressed(file, **dict[str, Any](arrays))
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".part").replace(path)

    def _path(self, method: str, batch: int) -> Path:
        return self._out / RECORDS / f"{batch:05d}-{method}.npz"

    def _check(self) -> bool:
        """Compare with the settings that are there, take over what else they hold; whether nothing is to be written."""
        if self._out.exists() and not self._out.is_dir():
            raise InputError(f"{self._out} is a file and not a folder. Choose another --out.")
        path = self._out / SETTINGS
        if not path.exists():
            if self._out.exists() and any(self._out.iterdir()):
                raise InputError(f"{self._out} holds other files. Choose a new or empty folder with --out.")
            return False
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
            known = earlier["linearscope"] == self._settings["linearscope"]
            parts = {part: dict(earlier[part]) for part in ("run", "methods", "metrics")}
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged. Choose another folder with --out, or remove it.") from error
        if not known:
            raise InputError(f"{self._out} was made by another version. Choose another folder with --out.")
        mine = self._settings
        changed = [key for key in mine["run"] if parts["run"].get(key) != mine["run"][key]]
        changed += [
            f"options of {name}"
            for part in ("methods", "metrics")
            for name in mine[part]
            if name in parts[part] and parts[part][name] != mine[part][name]
        ]
        if changed:
            raise InputError(
                f"{self._out} holds a run with other settings ({', '.join(changed)}). Choose another folder with --out."
            )
        for part in ("methods", "metrics"):
            mine[part] = {**parts[part], **mine[part]}
        for left in (self._out / RECORDS).glob("*.part"):
            left.unlink(missing_ok=True)
        return bool(mine == earlier)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)

"""A folder appears whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any, Final

from linearscope.errors import InputError

__all__ = ["FIGURES", "PAGE", "RESULT", "VALUES", "check_out", "replacing", "write_json"]

PAGE: Final = "index.html"
RESULT: Final = "result.json"
FIGURES: Final = "figures"
VALUES: Final = "values"
#: What lies in the folders of a report, and nothing else.
ENDINGS: Final = {FIGURES: ".png", VALUES: ".npz"}


def check_out(out: Path) -> None:
    """Refuse a place for a report that holds anything but an earlier report, or that cannot be written.

    Worth calling before a long computation; :func:`replacing` calls it too.

    Raises
    ------
    InputError
        When ``out`` is a file, a folder with other things in it, or lies where nothing may be written.
    """
    try:
        above = Path(os.path.realpath(out)).parent
        while not above.exists():
            above = above.parent
        if not above.is_dir():
            raise InputError(f"{above} is a file and not a folder. Choose another --out.")
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if not out.exists() and not out.is_symlink():
            return
        if not out.is_dir():
            raise InputError(f"{out} is a file and not a folder. Choose another --out.")
        inside = {path.name for path in out.iterdir()}
        if inside and not _earlier(out, inside):
            raise InputError(f"The folder {out} holds other things than an earlier report. Choose another --out.")
    except OSError as error:
        raise _failed(out, error) from error


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give a new folder to write into, which takes the place of ``out`` when everything went well.

    Parameters
    ----------
    out
        Does not exist, is empty, or holds an earlier report, which is then replaced.

    Raises
    ------
    InputError
        When ``out`` cannot be used or written. Nothing is left behind, and what ``out`` held is still there.
    """
    check_out(out)
    target = Path(os.path.realpath(out))
    unfinished = target.parent / f".{target.name}.{secrets.token_hex(4)}.part"
    made = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        (unfinished / FIGURES).mkdir()
        yield unfinished
        _move(unfinished, target)
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        for parent in made:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise _failed(out, error) from error
        raise


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write strict JSON: what is not a finite number becomes null."""
    path.write_text(json.dumps(_finite(values), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _move(unfinished: Path, target: Path) -> None:
    if not target.exists():
        unfinished.replace(target)
        return
    old = unfinished.with_suffix(".old")
    target.replace(old)
    try:
        unfinished.replace(target)
    except BaseException:
        old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _earlier(out: Path, inside: set[str]) -> bool:
    if not inside <= {PAGE, RESULT, *ENDINGS} or RESULT not in inside:
        return False
    for name, ending in ENDINGS.items():
        if name in inside and any(path.suffix != ending for path in (out / name).iterdir()):
            return False
    try:
        found = json.loads((out / RESULT).read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(found, dict) and str(found.get("schema", "")).startswith("linearscope.")


def _failed(out: Path, error: OSError) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(f"The report does not fit on the disk of {out}. Free some space or choose another --out.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InputError(f"There is no permission to write {out}. Choose another --out.")
    return InputError(f"The report {out} cannot be written: {error.strerror or error}. Choose another --out.")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value

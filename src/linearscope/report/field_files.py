"""Rows and columns of F in files: the values of their window, where it begins, and their numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from linearscope.analysis.fields import Field
from linearscope.errors import InputError

__all__ = ["read_field", "write_field"]


def write_field(path: Path, field: Field) -> None:
    """Write a filter as a ``.npz`` file that :func:`read_field` reads back unchanged.

    Parameters
    ----------
    path
        Ends in ``.npz``. A file that is there is replaced in one step.
    field
        From :func:`linearscope.fields`. The file holds its ``values`` ``(C, h, w)`` in the window that begins at
        ``start`` of an image of ``shape``, and all its numbers by their names.
    """
    arrays: dict[str, Any] = {
        "values": field.values.detach().cpu().numpy(),
        "kind": field.kind,
        # -1 for all channels
        "index": [-1 if field.index[0] is None else field.index[0], *field.index[1:]],
        "start": field.start,
        "shape": field.shape,
        "point": field.point,
        "energy": field.energy,
        "shares": list(field.radii),
        "radii": list(field.radii.values()),
        "centroid": field.centroid,
        "orientation": np.nan if field.orientation is None else field.orientation,
        "frequency": np.nan if field.frequency is None else field.frequency,
        "far": field.far,
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    unfinished = path.with_suffix(".part")
    try:
        unfinished.write_bytes(file.getvalue())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_field(path: Path) -> Field:
    """Read a filter that :func:`write_field` wrote.

    Raises
    ------
    InputError
        When the file holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            orientation, frequency = (None if np.isnan(file[name]) else float(file[name]) for name in
                                      ("orientation", "frequency"))  # fmt: skip
            return Field(
                kind=str(file["kind"]),  # type: ignore[arg-type]
                index=(None if file["index"][0] < 0 else int(file["index"][0]), *_whole(file["index"][1:])),  # type: ignore[arg-type]
                values=torch.from_numpy(file["values"]),
                start=_whole(file["start"]),
                shape=_whole(file["shape"]),
                point=(float(file["point"][0]), float(file["point"][1])),
                energy=float(file["energy"]),
                radii=dict(zip(file["shares"].tolist(), file["radii"].tolist(), strict=True)),
                centroid=(float(file["centroid"][0]), float(file["centroid"][1])),
                orientation=orientation,
                frequency=frequency,
                far=float(file["far"]),
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(f"{path} holds no row or column of F. Remove it, or make it again.") from error


def _whole(numbers: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)

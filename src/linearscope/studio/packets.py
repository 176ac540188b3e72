"""Arrays on their way: to the page as one packet, to a file as npz."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = ["Arrays", "file_name", "npz", "packet"]

Arrays = Mapping[str, Tensor | npt.NDArray[Any]]

_TYPES = {"float32": "<f4", "uint8": "u1", "int32": "<i4"}


def packet(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Put a header and arrays into one packet.

    Parameters
    ----------
    header
        What JSON can hold; a number that is not finite becomes null.
    arrays
        float32, uint8 or int32; float64 is rounded to float32, int64 must fit int32.

    Returns
    -------
    bytes
        Four bytes N (little endian), N bytes of JSON ``{"header", "arrays": [{"name", "dtype", "shape", "offset"}]}``,
        then the arrays, little endian, each ``offset`` bytes after the JSON and at a multiple of 4.

    Examples
    --------
    >>> made = packet({"a": 1}, {"x": np.zeros((2, 3), np.float32)})
    >>> len(made) % 4, int.from_bytes(made[:4], "little") % 4
    (0, 0)
    """
    layout, parts, offset = [], [], 0
    for name, array in arrays.items():
        plain = _plain(array)
        data = plain.astype(_TYPES[plain.dtype.name], copy=False).tobytes()
        layout.append({"name": name, "dtype": plain.dtype.name, "shape": list(plain.shape), "offset": offset})
        data += b"\0" * (-len(data) % 4)
        parts.append(data)
        offset += len(data)
    text = json.dumps({"header": finite(header), "arrays": layout}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *parts])


def npz(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Put arrays into a compressed npz file; the header is in it as the JSON text ``about``."""
    file = io.BytesIO()
    plain: dict[str, Any] = {"about": np.array(json.dumps(finite(header)))}
    for name, array in arrays.items():
        plain[name] = array.detach().cpu().numpy() if isinstance(array, Tensor) else array
    np.savez_compressed(file, **plain)
    return file.getvalue()


def file_name(*parts: str | int) -> str:
    """Make a file name of words: letters, digits, dots and hyphens.

    Examples
    --------
    >>> file_name("espcn_x2", "my photo.jpg", "column", 3)
    'espcn_x2-my-photo.jpg-column-3'
    """
    text = "-".join(map(str, parts))
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+", "-", text)).strip("-.")[:120] or "linearscope"


def finite(value: Any) -> Any:
    """The same with null for every number that is not finite, which JSON cannot hold."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return value


def _plain(array: Tensor | npt.NDArray[Any]) -> npt.NDArray[Any]:
    plain = np.asarray(array.detach().cpu().numpy() if isinstance(array, Tensor) else array)
    if plain.dtype.kind == "f":
        return plain.astype(np.float32, copy=False)
    if plain.dtype.kind == "i":
        small = plain.astype(np.int32)
        if not np.array_equal(small, plain):
            raise ValueError("A number is too large for a packet.")
        return small
    if plain.dtype != np.uint8:
        raise TypeError(f"A packet holds no {plain.dtype}.")
    return plain

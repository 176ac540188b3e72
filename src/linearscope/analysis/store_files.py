"""The folder of a stored F: what is in it, whose it is, and how it is written so that nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from linearscope.analysis.probing import Numbers, Probing, ProbingAxis
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.program import fingerprint

if TYPE_CHECKING:
    import zarr

__all__ = [
    "Owner",
    "Writer",
    "answers_of",
    "damaged",
    "digest_of",
    "ledger",
    "numbers",
    "open_group",
    "owner",
    "owner_of",
    "part_of",
    "probing_of",
    "stored_settings",
]

_FORM: Final = "linearscope matrix 1"
_LEDGER: Final = "ledger.jsonl"
_ANSWERS: Final = "answers"
# Bytes of a chunk at most, roughly.
_CHUNK: Final = 8 << 20


@dataclass(frozen=True)
class Owner:
    """Whose F a store holds: fingerprints of the network and of the image, and what was asked of them."""

    network: str
    image: str
    interpretation: str
    source: int
    dtype: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def check(self, other: Owner, path: Path) -> None:
        """Raise :class:`InputError` when another F is in the store at ``path``."""
        if other == self:
            return
        differing = [name for name in asdict(self) if getattr(self, name) != getattr(other, name)]
        what = "network" if "network" in differing else "image" if "image" in differing else ", ".join(differing)
        raise InputError(
            f"{path} holds the matrix of another {what}. Give another place, or remove the folder when nobody needs it."
        )


def owner(it: LinearInterpreter) -> Owner:
    """Say whose F an interpreter's is."""
    return Owner(
        it.program.fingerprint(),
        fingerprint([it.image]),
        it.plan.interpretation,
        it.plan.source,
        str(numbers(it).dtype),
        tuple(it.input_shape),
        tuple(it.output_shape),
    )


def numbers(it: LinearInterpreter) -> Numbers:
    """An empty array of the type that an interpreter's F is kept in: its own, and float32 for half precision."""
    like = torch.empty(0, dtype=it.point.dtype)
    return np.asarray((like if like.element_size() >= 4 else like.float()).numpy())


class Writer:
    """Writes a store band by band, and goes on with one that was interrupted.

    Parameters
    ----------
    path
        The folder; absent, or a store of the same F.
    owner
        Whose F it is.
    probing
        The probes.
    settings
        How it is made; a store made otherwise is refused.
    band
        Probes to be written together, for a new store.
    dtype
        Type of the numbers.

    Attributes
    ----------
    band
        Probes that are written together.
    left
        Numbers of the bands still to be written.
    """

    def __init__(
        self, path: Path, owner: Owner, probing: Probing, settings: Mapping[str, Any], band: int, dtype: Any
    ) -> None:
        self.path, self._probing = path, probing
        if path.exists() or path.is_symlink():
            self._check(owner, settings)
        else:
            _create(path, owner, probing, settings, band, dtype)
        group = open_group(path, "r+")
        self._array = answers_of(group, path)
        self.band = int(group.attrs["band"])  # type: ignore[arg-type]
        self._done = {
            band: digest for band, digest in ledger(path).items() if self._intact(band, digest)
        }  # what does not match its checksum is done again
        self.left = [b for b in range(ceil(probing.probes / self.band)) if b not in self._done]
        self._group = group

    def write(self, band: int, values: Numbers) -> None:
        """Write the answers ``(P, *answer_shape)`` of one band; once this returns they are not lost."""
        start = band * self.band
        self._array[start : start + len(values)] = values
        self._done[band] = digest_of(values)
        line = json.dumps({"band": band, "digest": self._done[band]}).encode() + b"\n"
        with (self.path / _LEDGER).open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def finish(self, measured: Mapping[str, Any]) -> None:
        """Mark the store as whole, with what was measured about it."""
        whole = hashlib.sha256("".join(self._done[band] for band in sorted(self._done)).encode()).hexdigest()[:16]
        self._group.attrs.update({"complete": True, "checksum": whole, "measured": dict(measured)})

    def _intact(self, band: int, digest: str) -> bool:
        try:
            found = part_of(self._array, (slice(band * self.band, (band + 1) * self.band),), self.path)
        except InputError:
            return False
        return digest_of(found) == digest

    def _check(self, owner: Owner, settings: Mapping[str, Any]) -> None:
        group = open_group(self.path, "r")
        attributes = dict(group.attrs)
        owner_of(attributes, self.path).check(owner, self.path)
        made = {name: attributes.get(name) for name in settings}
        if made != dict(settings):
            raise InputError(
                f"{self.path} holds the matrix made with other settings ("
                + ", ".join(f"{name} {value}" for name, value in made.items() if value != settings[name])
                + "). Give the same ones, or another place."
            )
        _same(probing_of(group, self.path), self._probing, self.path)


def stored_settings(path: Path) -> tuple[str, int | None] | None:
    """Kind and radius of the store at ``path``, whole or not, so that it can be gone on with; ``None`` without one."""
    if not path.exists():
        return None
    attributes = dict(open_group(path, "r").attrs)
    try:
        return str(attributes["kind"]), attributes["radius"]  # type: ignore[return-value]
    except KeyError as error:
        raise damaged(path) from error


# -- the folder ------------------------------------------------------------------------------------------------------


def _create(path: Path, owner: Owner, probing: Probing, settings: Mapping[str, Any], band: int, dtype: Any) -> None:
    """Make the folder beside its place, and move it there when everything but the answers is in it."""
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    unfinished = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        attributes = {
            "form": _FORM, "owner": asdict(owner), **settings, "kind": probing.kind, "band": band, "complete": False,
            "answer_shape": list(probing.answer_shape), "answer_axes": [axis.answer for axis in probing.axes],
        }  # fmt: skip
        group = zarr.open_group(str(unfinished), mode="w", zarr_format=3, attributes=attributes)
        for a, axis in enumerate(probing.axes):
            group.create_array(f"axis{a}/matrix", data=axis.matrix)
            group.create_array(f"axis{a}/colours", data=axis.colours.astype(np.int64))
        # What was never written reads as NaN, which F never holds.
        group.create_array(
            _ANSWERS,
            shape=(probing.probes, *probing.answer_shape),
            chunks=(min(band, probing.probes), *_tile(probing.answer_shape, band * np.dtype(dtype).itemsize)),
            dtype=dtype,
            fill_value=float("nan"),
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
            config={"write_empty_chunks": True},
        )
        unfinished.replace(path)
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(f"{path} cannot be written: {error.strerror or error}. Choose another place.") from error
        raise


def _tile(shape: tuple[int, ...], item: int) -> tuple[int, ...]:
    """Cut the longest axes in halves until a chunk is small enough."""
    tile = list(shape)
    while prod(tile) * item > _CHUNK and max(tile, default=1) > 16:
        longest = tile.index(max(tile))
        tile[longest] = (tile[longest] + 1) // 2
    return tuple(tile)


def open_group(path: Path, mode: str) -> zarr.Group:
    """Open a store, whole or not; raise :class:`InputError` when it is none."""
    import zarr

    if not path.is_dir():
        raise InputError(f"There is no stored matrix {path}. Give the folder that materialize wrote.")
    try:
        group = zarr.open_group(str(path), mode=mode)  # type: ignore[arg-type]
        form = group.attrs.get("form")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no stored matrix, or is damaged. Give another folder, or remove it.") from error
    if form != _FORM:
        raise InputError(f"{path} is no stored matrix of this version. Give another folder, or remove it.")
    return group


def answers_of(group: zarr.Group, path: Path) -> Any:
    """The array of the answers."""
    try:
        return group[_ANSWERS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path) from error


def owner_of(attributes: Mapping[str, Any], path: Path) -> Owner:
    """Whose F a store is."""
    try:
        given = dict(attributes["owner"])
        return Owner(
            **{**given, "input_shape": tuple(given["input_shape"]), "output_shape": tuple(given["output_shape"])}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path) from error


def probing_of(group: zarr.Group, path: Path) -> Probing:
    """The probes of a store."""
    try:
        attributes: Mapping[str, Any] = dict(group.attrs)
        axes = tuple(
            ProbingAxis(
                answer,
                np.asarray(group[f"axis{a}/matrix"][:], dtype=bool),  # type: ignore[index]
                np.asarray(group[f"axis{a}/colours"][:], dtype=np.intp),  # type: ignore[index]
            )
            for a, answer in enumerate(attributes["answer_axes"])
        )
        return Probing(attributes["kind"], axes, tuple(attributes["answer_shape"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise damaged(path) from error


def _same(one: Probing, other: Probing, path: Path) -> None:
    agree = one.kind == other.kind and len(one.axes) == len(other.axes) and one.answer_shape == other.answer_shape
    for a, b in zip(one.axes, other.axes, strict=False):
        agree = agree and a.answer == b.answer and np.array_equal(a.matrix, b.matrix)
        agree = agree and np.array_equal(a.colours, b.colours)
    if not agree:
        raise InputError(
            f"{path} holds a matrix made by other probes ({one.probes} of {one.kind}; these are {other.probes} of "
            f"{other.kind}). Ask for the same, or give another place."
        )


def part_of(array: Any, where: tuple[slice, ...], path: Path) -> Numbers:
    """Read a part; raise :class:`InputError` when some of it is missing or does not match its checksum."""
    try:
        found = np.asarray(array[where])
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise damaged(path) from error
    if np.isnan(found).any():
        raise damaged(path)
    return found


def ledger(path: Path) -> dict[int, str]:
    """Digest of every band that was written; a last line cut short by an interruption does not count."""
    try:
        data = (path / _LEDGER).read_bytes()
    except FileNotFoundError:
        return {}
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with suppress(OSError), (path / _LEDGER).open("r+b") as file:
            file.truncate(len(whole))
    try:
        lines = [json.loads(line) for line in whole.decode().splitlines()]
        return {int(line["band"]): str(line["digest"]) for line in lines}
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path) from error


def digest_of(values: Numbers) -> str:
    """Checksum of a part."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def damaged(path: Path) -> InputError:
    """The error of a store with a part that is missing or wrong."""
    return InputError(
        f"{path} is damaged: a part is missing or does not match its checksum. Make it again with the same settings "
        "and the same place: parts that are whole are kept."
    )

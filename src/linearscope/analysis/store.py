"""F on disk: answers of the probes in a chunked zarr array, with everything needed to read them without the network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from scipy.sparse import csc_array, csr_array
from torch import Tensor

from linearscope.analysis.probing import Entries, Numbers, Probing, ProbingAxis
from linearscope.analysis.targets import Target, flat_indices
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.program import fingerprint

if TYPE_CHECKING:
    import zarr

__all__ = ["Owner", "StoredMatrix", "Writer", "load_matrix", "numbers", "owner", "stored_settings"]

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


class StoredMatrix:
    """F on disk, read as it is needed; made by :func:`load_matrix`.

    It takes and gives what :class:`LinearInterpreter` does, so that analyses of products such as
    :func:`linearscope.svd` work on it. Every product reads the whole store once; a column of a store of columns, or a
    row of a store of rows, reads the chunks that hold it.

    Attributes
    ----------
    path
        The folder.
    owner
        Whose F it is.
    probing
        Which columns or rows share a probe.
    device
        Where products are made.
    """

    def __init__(self, path: Path, device: torch.device | None = None) -> None:
        self.path, self.device = path, device or torch.device("cpu")
        self._group = _open(path, "r")
        self._attributes: Mapping[str, Any] = dict(self._group.attrs)
        self.owner = _owner(self._attributes, path)
        self.probing = _probing(self._group, path)
        self._array = _answers(self._group, path)

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one probe."""
        return self.owner.input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one product."""
        return self.owner.output_shape

    @property
    def shape(self) -> tuple[int, int]:
        """N and n: F has N rows and n columns."""
        return prod(self.output_shape), prod(self.input_shape)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the numbers."""
        return torch.from_numpy(np.empty(0, dtype=self._array.dtype)).dtype

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    @property
    def settings(self) -> Mapping[str, Any]:
        """How F was made: mode, radius of the windows in effective mode, and what was measured at the end."""
        return {k: self._attributes[k] for k in ("mode", "radius", "measured") if k in self._attributes}

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"StoredMatrix(F: {rows} x {columns}, {self.probing.probes} probes of {self.probing.kind}, {self.path})"

    # -- products ----------------------------------------------------------------------------------------------------

    def matvec(self, v: Tensor, /) -> Tensor:
        """F v for every probe of ``v`` ``(P, *input_shape)``; returns ``(P, *output_shape)``."""
        return self._product(v, self.probing.kind == "columns", self.input_shape, "matvec")

    def rmatvec(self, u: Tensor, /) -> Tensor:
        """F^T u for every ``u`` ``(P, *output_shape)``; returns ``(P, *input_shape)``."""
        return self._product(u, self.probing.kind == "rows", self.output_shape, "rmatvec")

    def columns(self, indices: Target | Sequence[Target] | Tensor) -> Tensor:
        """Columns of F ``(P, *output_shape)``; ``indices`` flat or as index tuples."""
        return self._lines(flat_indices(indices, self.input_shape, "column"), "columns")

    def rows(self, indices: Target | Sequence[Target] | Tensor) -> Tensor:
        """Rows of F ``(P, *input_shape)``; ``indices`` flat or as index tuples."""
        return self._lines(flat_indices(indices, self.output_shape, "row"), "rows")

    def entries(self) -> Iterator[Entries]:
        """Go through all entries of F, chunk by chunk: rows, columns and values."""
        for start, values in self._bands():
            for answers, asked, found in self.probing.entries(start, values.reshape(len(values), -1)):
                yield (answers, asked, found) if self.probing.kind == "columns" else (asked, answers, found)

    def answers(self) -> Numbers:
        """All answers of the probes, in memory: ``(probes, answers)``."""
        whole = np.empty((self.probing.probes, prod(self.probing.answer_shape)), dtype=self._array.dtype)
        for start, values in self._bands():
            whole[start : start + len(values)] = values.reshape(len(values), -1)
        return whole

    def to_scipy(self) -> csr_array | csc_array:
        """F as a sparse matrix in memory: CSR of a store of columns, CSC of a store of rows."""
        found = self.probing.csr(self.answers())
        return found if self.probing.kind == "columns" else found.T

    def verify(self) -> None:
        """Read everything and compare it with the checksums.

        Raises
        ------
        InputError
            When something is missing or was changed.
        """
        for band, digest in _ledger(self.path).items():
            if _digest(self._read(band)) != digest:
                raise _damaged(self.path)

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def band(self) -> int:
        """Probes that were written together."""
        return int(self._attributes["band"])

    def _bands(self) -> Iterator[tuple[int, Numbers]]:
        for band in range(ceil(self.probing.probes / self.band)):
            yield band * self.band, self._read(band)

    def _read(self, band: int, inside: tuple[slice, ...] = ()) -> Numbers:
        return _part(self._array, (slice(band * self.band, (band + 1) * self.band), *inside), self.path)

    def _product(self, v: Tensor, forward: bool, shape: tuple[int, ...], name: str) -> Tensor:
        if not isinstance(v, Tensor) or tuple(v.shape[1:]) != shape or v.dim() != len(shape) + 1:
            given = tuple(v.shape) if isinstance(v, Tensor) else type(v).__name__
            raise InputError(f"{name} takes a tensor of shape (P, {', '.join(map(str, shape))}) and was given {given}.")
        if v.dtype != self.dtype:
            raise InputError(f"{name} takes {self.dtype} and was given {v.dtype}; convert it.")
        result = v.new_zeros(len(v), *(self.probing.answer_shape if forward else self.probing.asked_shape))
        for start, values in self._bands():
            for k, answer in enumerate(torch.from_numpy(values).to(v.device), start):
                if forward:
                    result.addcmul_(answer, self.probing.gather(k, v))
                else:
                    self.probing.scatter(k, answer * v, result)
        return result

    def _lines(self, flat: Sequence[int], kind: str) -> Tensor:
        if kind == self.probing.kind:
            return self._asked(flat)
        return self._answered(flat)

    def _asked(self, flat: Sequence[int]) -> Tensor:
        result = np.zeros((len(flat), prod(self.probing.answer_shape)), dtype=self._array.dtype)
        everything = np.arange(result.shape[1])
        for at, place in enumerate(flat):
            k = self.probing.colour_of(place)
            values = _part(self._array, (slice(k, k + 1),), self.path).reshape(-1)
            mine = self.probing.asked(k, k + 1, everything)[0] == place
            result[at, mine] = values[mine]
        return torch.from_numpy(result.reshape(len(flat), *self.probing.answer_shape)).to(self.device)

    def _answered(self, flat: Sequence[int]) -> Tensor:
        result = np.zeros((len(flat), prod(self.probing.asked_shape)), dtype=self._array.dtype)
        for at, place in enumerate(flat):
            where = np.unravel_index(place, self.probing.answer_shape)
            for band in range(ceil(self.probing.probes / self.band)):
                values = self._read(band, tuple(slice(int(i), int(i) + 1) for i in where)).reshape(-1, 1)
                start = band * self.band
                for _, asked, found in self.probing.entries(start, values, np.array([place])):
                    result[at, asked] = found
        return torch.from_numpy(result.reshape(len(flat), *self.probing.asked_shape)).to(self.device)


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
        group = _open(path, "r+")
        self._array = _answers(group, path)
        self.band = int(group.attrs["band"])  # type: ignore[arg-type]
        self._done = {
            band: digest for band, digest in _ledger(path).items() if self._intact(band, digest)
        }  # what does not match its checksum is done again
        self.left = [b for b in range(ceil(probing.probes / self.band)) if b not in self._done]
        self._group = group

    def write(self, band: int, values: Numbers) -> None:
        """Write the answers ``(P, *answer_shape)`` of one band; once this returns they are not lost."""
        start = band * self.band
        self._array[start : start + len(values)] = values
        self._done[band] = _digest(values)
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
            found = _part(self._array, (slice(band * self.band, (band + 1) * self.band),), self.path)
        except InputError:
            return False
        return _digest(found) == digest

    def _check(self, owner: Owner, settings: Mapping[str, Any]) -> None:
        group = _open(self.path, "r")
        attributes = dict(group.attrs)
        _owner(attributes, self.path).check(owner, self.path)
        made = {name: attributes.get(name) for name in settings}
        if made != dict(settings):
            raise InputError(
                f"{self.path} holds the matrix made with other settings ("
                + ", ".join(f"{name} {value}" for name, value in made.items() if value != settings[name])
                + "). Give the same ones, or another place."
            )
        _same(_probing(group, self.path), self._probing, self.path)


def load_matrix(path: str | os.PathLike[str], it: LinearInterpreter | None = None) -> StoredMatrix:
    """Open the F that :func:`materialize` wrote to disk; nothing is read before it is needed.

    Parameters
    ----------
    path
        The folder.
    it
        An interpreter whose F it has to be.

    Raises
    ------
    InputError
        When there is no store, when it is not whole or is damaged, or when it is the F of another network, image or
        interpretation.

    Examples
    --------
    >>> import tempfile, torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3))
    >>> it = ls.interpret(model, torch.rand(1, 1, 16, 16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = ls.materialize(it, out=f"{folder}/f.zarr")
    ...     F = ls.load_matrix(f"{folder}/f.zarr", it)
    ...     v = torch.rand(2, 1, 16, 16)
    ...     torch.allclose(F.matvec(v), it.matvec(v), atol=1e-5)
    True
    """
    path = Path(path)
    device = None if it is None else it.point.device
    matrix = StoredMatrix(path, device)
    if it is not None:
        matrix.owner.check(owner(it), path)
    ledger, bands = _ledger(path), ceil(matrix.probing.probes / matrix.band)
    if matrix._attributes.get("complete") is not True:
        raise InputError(
            f"{path} is not whole: {len(ledger)} of {bands} parts are there. Make it again with the same settings and "
            "the same place; it goes on where it stopped."
        )
    if set(ledger) != set(range(bands)):
        raise _damaged(path)
    return matrix


def stored_settings(path: Path) -> tuple[str, int | None] | None:
    """Kind and radius of the store at ``path``, whole or not, so that it can be gone on with; ``None`` without one."""
    if not path.exists():
        return None
    attributes = dict(_open(path, "r").attrs)
    try:
        return str(attributes["kind"]), attributes["radius"]  # type: ignore[return-value]
    except KeyError as error:
        raise _damaged(path) from error


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


def _open(path: Path, mode: str) -> zarr.Group:
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


def _answers(group: zarr.Group, path: Path) -> Any:
    try:
        return group[_ANSWERS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error


def _owner(attributes: Mapping[str, Any], path: Path) -> Owner:
    try:
        given = dict(attributes["owner"])
        return Owner(
            **{**given, "input_shape": tuple(given["input_shape"]), "output_shape": tuple(given["output_shape"])}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error


def _probing(group: zarr.Group, path: Path) -> Probing:
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
        raise _damaged(path) from error


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


def _part(array: Any, where: tuple[slice, ...], path: Path) -> Numbers:
    try:
        found = np.asarray(array[where])
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise _damaged(path) from error
    if np.isnan(found).any():
        raise _damaged(path)
    return found


def _ledger(path: Path) -> dict[int, str]:
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
        raise _damaged(path) from error


def _digest(values: Numbers) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged: a part is missing or does not match its checksum. Make it again with the same settings "
        "and the same place: parts that are whole are kept."
    )

"""F on disk: read without the network, and only what is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_array, csr_array
from torch import Tensor

from linearscope.analysis.probing import Entries, Numbers
from linearscope.analysis.store_files import (
    answers_of,
    damaged,
    digest_of,
    ledger,
    open_group,
    owner,
    owner_of,
    part_of,
    probing_of,
)
from linearscope.analysis.targets import Target, flat_indices
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter

__all__ = ["StoredMatrix", "load_matrix"]


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
        self._group = open_group(path, "r")
        self._attributes: Mapping[str, Any] = dict(self._group.attrs)
        self.owner = owner_of(self._attributes, path)
        self.probing = probing_of(self._group, path)
        self._array = answers_of(self._group, path)

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
        for band, digest in ledger(self.path).items():
            if digest_of(self._read(band)) != digest:
                raise damaged(self.path)

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def band(self) -> int:
        """Probes that were written together."""
        return int(self._attributes["band"])

    def _bands(self) -> Iterator[tuple[int, Numbers]]:
        for band in range(ceil(self.probing.probes / self.band)):
            yield band * self.band, self._read(band)

    def _read(self, band: int, inside: tuple[slice, ...] = ()) -> Numbers:
        return part_of(self._array, (slice(band * self.band, (band + 1) * self.band), *inside), self.path)

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
            values = part_of(self._array, (slice(k, k + 1),), self.path).reshape(-1)
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
    written, bands = ledger(path), ceil(matrix.probing.probes / matrix.band)
    if matrix._attributes.get("complete") is not True:
        raise InputError(
            f"{path} is not whole: {len(written)} of {bands} parts are there. Make it again with the same settings and "
            "the same place; it goes on where it stopped."
        )
    if set(written) != set(range(bands)):
        raise damaged(path)
    return matrix

"""All of F: as a sparse matrix in memory or on disk, by probes that each give many of its columns or rows."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csc_array, csr_array
from torch import Tensor

from linearscope.analysis.effective import Aliasing, aliasing
from linearscope.analysis.matrix_plan import MatrixPlan, estimate, readable_bytes
from linearscope.analysis.probing import Entries, ask
from linearscope.analysis.store import StoredMatrix, load_matrix
from linearscope.analysis.store_files import Writer, numbers, owner
from linearscope.analysis.targets import Target, flat_indices
from linearscope.errors import CertificateError, InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.interpreter.memory import available_memory
from linearscope.progress import track

__all__ = ["Materialized", "materialize"]

# Probes asked together: at most so many, so many bytes of them and their answers, and so many seconds.
_BAND, _BAND_BYTES, _BAND_SECONDS = 256, 64 << 20, 5.0


@dataclass(frozen=True)
class Materialized:
    """All of F. It takes and gives what :class:`LinearInterpreter` does, and so serves analyses of products.

    Attributes
    ----------
    plan
        How it was made.
    matrix
        ``scipy.sparse`` CSR (probed by columns) or CSC (by rows) of shape ``(N, n)``, or the store on disk. Rows and
        columns are numbered as the output and the image are when they are flattened.
    input_shape, output_shape
        Of one probe and one product.
    device
        Where products are given.
    error
        ``|F~ g - F g| / |F g|`` for random g: rounding in exact mode.
    aliasing
        What effective mode left out; ``None`` in exact mode.
    seconds
        How long it took.
    """

    plan: MatrixPlan
    matrix: csr_array | csc_array | StoredMatrix = field(repr=False)
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    device: torch.device
    error: float
    aliasing: Aliasing | None
    seconds: float

    @property
    def shape(self) -> tuple[int, int]:
        """N and n."""
        return self.plan.shape

    @property
    def dtype(self) -> torch.dtype:
        """Type of the numbers."""
        return _dtype(self.matrix)

    def matvec(self, v: Tensor, /) -> Tensor:
        """F v for every probe of ``v`` ``(P, *input_shape)``; returns ``(P, *output_shape)``."""
        if isinstance(self.matrix, StoredMatrix):
            return self.matrix.matvec(v)
        return _multiply(self.matrix, v, self.input_shape, self.output_shape, "matvec")

    def rmatvec(self, u: Tensor, /) -> Tensor:
        """F^T u for every ``u`` ``(P, *output_shape)``; returns ``(P, *input_shape)``."""
        if isinstance(self.matrix, StoredMatrix):
            return self.matrix.rmatvec(u)
        return _multiply(self.matrix.T, u, self.output_shape, self.input_shape, "rmatvec")

    def columns(self, indices: Target | Sequence[Target] | Tensor) -> Tensor:
        """Columns of F ``(P, *output_shape)``; ``indices`` flat or as index tuples."""
        if isinstance(self.matrix, StoredMatrix):
            return self.matrix.columns(indices)
        found = self.matrix[:, flat_indices(indices, self.input_shape, "column")].toarray().T
        return torch.from_numpy(np.ascontiguousarray(found)).to(self.device).reshape(-1, *self.output_shape)

    def rows(self, indices: Target | Sequence[Target] | Tensor) -> Tensor:
        """Rows of F ``(P, *input_shape)``; ``indices`` flat or as index tuples."""
        if isinstance(self.matrix, StoredMatrix):
            return self.matrix.rows(indices)
        found = self.matrix[flat_indices(indices, self.output_shape, "row"), :].toarray()
        return torch.from_numpy(np.ascontiguousarray(found)).to(self.device).reshape(-1, *self.input_shape)

    def entries(self) -> Iterator[Entries]:
        """Go through all entries: rows, columns and values, in pieces."""
        if isinstance(self.matrix, StoredMatrix):
            yield from self.matrix.entries()
            return
        lines = np.diff(self.matrix.indptr)
        step = max(1, (1 << 21) // max(1, int(lines.max(initial=1))))
        for start in range(0, len(lines), step):
            piece = slice(self.matrix.indptr[start], self.matrix.indptr[min(start + step, len(lines))])
            line = np.repeat(np.arange(start, min(start + step, len(lines))), lines[start : start + step])
            across, values = self.matrix.indices[piece], self.matrix.data[piece]
            yield (line, across, values) if isinstance(self.matrix, csr_array) else (across, line, values)


def materialize(
    it: LinearInterpreter,
    *,
    mode: str = "exact",
    kind: str = "auto",
    tolerance: float = 1e-3,
    limit: int | None = None,
    out: str | os.PathLike[str] | None = None,
    plan: MatrixPlan | None = None,
) -> Materialized:
    """Make all of F, by probes that each ask many columns (or rows) which no output (input) sees together.

    Parameters
    ----------
    it
        The interpreter.
    mode
        ``"exact"``: every entry that the structure allows. ``"effective"``: only entries in windows as wide as measured
        decay advises; what is left out is folded into what is kept, and is bounded in ``aliasing``.
    kind
        ``"columns"``, ``"rows"``, or ``"auto"``: whichever takes less time.
    tolerance
        Relative error, in the Frobenius norm, that the windows of effective mode are chosen for.
    limit
        Bytes that the matrix may take in memory; default: half of what is free.
    out
        Folder for the matrix, on disk as a zarr store; interrupted, the same call goes on where it stopped. Without it
        the matrix is made in memory.
    plan
        What :func:`estimate` returned for the same interpreter, so that it is not worked out again.

    Returns
    -------
    Materialized

    Raises
    ------
    InputError
        When F does not fit into the limit or on the disk (with the numbers), when ``out`` holds something else, such as
        the F of another network or image, or when an option is not possible.
    CertificateError
        When the matrix does not multiply as the interpreter does.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
    >>> x = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    >>> it = ls.interpret(torch.nn.Sequential(model, torch.nn.PixelShuffle(2)).double(), x)
    >>> made = ls.materialize(it)
    >>> made.matrix.shape, made.plan.probes
    ((400, 144), 25)
    >>> y = made.matrix @ x.flatten().numpy() + it.residual.flatten().numpy()
    >>> bool(abs(y - it.output.flatten().numpy()).max() < 1e-12)
    True

    Source: Curtis, Powell and Reid 1974, for Jacobians; the matrix is F of Navarrete Michelini et al. 2019, eq. 3.
    """
    start = time.perf_counter()
    path = None if out is None else Path(out)
    if plan is None:
        plan = estimate(it, mode=mode, kind=kind, tolerance=tolerance, out=path)
    if path is None:
        _check_memory(plan, limit)
        matrix: csr_array | csc_array | StoredMatrix = _in_memory(it, plan)
    else:
        writer = _written(it, plan, path, tolerance)
        matrix = StoredMatrix(path, it.point.device)
    made = Materialized(plan, matrix, it.input_shape, it.output_shape, it.point.device, 0.0, None, 0.0)
    error, bounds = _measured(it, made)
    if path is not None:
        writer.finish({"error": error, "bound": None if bounds is None else bounds.bound})
        matrix = load_matrix(path, it)
    seconds = time.perf_counter() - start
    return Materialized(plan, matrix, it.input_shape, it.output_shape, it.point.device, error, bounds, seconds)


# -- making ----------------------------------------------------------------------------------------------------------


def _band(plan: MatrixPlan, item: int) -> int:
    """How many probes are asked together."""
    lane = item * (prod(plan.probing.answer_shape) + prod(plan.probing.asked_shape))
    quick = _BAND_SECONDS * plan.probes / max(plan.seconds, 1e-9)
    return max(1, int(min(_BAND, plan.probes, _BAND_BYTES // max(1, lane), quick)))


def _in_memory(it: LinearInterpreter, plan: MatrixPlan) -> csr_array | csc_array:
    asks = plan.probing
    values = np.empty((asks.probes, prod(asks.answer_shape)), dtype=numbers(it).dtype)
    band = _band(plan, values.itemsize)
    for start in track(range(0, asks.probes, band), "probes", asks.probes, lambda _: band):
        stop = min(start + band, asks.probes)
        values[start:stop] = ask(it, asks, start, stop).reshape(stop - start, -1)
    found = asks.csr(values)
    return found if asks.kind == "columns" else found.T


def _written(it: LinearInterpreter, plan: MatrixPlan, path: Path, tolerance: float) -> Writer:
    asks, kept = plan.probing, numbers(it).dtype
    if not path.exists():
        _check_disk(plan, path)
    settings = {
        "mode": plan.mode,
        "radius": plan.radius,
        "tolerance": tolerance if plan.mode == "effective" else None,
    }
    writer = Writer(path, owner(it), asks, settings, _band(plan, kept.itemsize), kept)
    for band in track(writer.left, "parts"):
        start = band * writer.band
        writer.write(band, ask(it, asks, start, min(start + writer.band, asks.probes)))
    return writer


def _check_memory(plan: MatrixPlan, limit: int | None) -> None:
    allowed = available_memory(torch.device("cpu")) // 2 if limit is None else limit
    if plan.memory_bytes > allowed:
        raise InputError(
            f"F has {plan.nonzeros:,} entries and takes {readable_bytes(plan.memory_bytes)} while it is made; the "
            f"limit is {readable_bytes(allowed)}. Write it to disk (out=, at most {readable_bytes(plan.disk_bytes)}), "
            "allow more (limit=), or take a smaller image."
        )


def _check_disk(plan: MatrixPlan, path: Path) -> None:
    above = path.absolute().parent
    while not above.exists():
        above = above.parent
    free = shutil.disk_usage(above).free
    if plan.disk_bytes > free:
        raise InputError(
            f"F takes up to {readable_bytes(plan.disk_bytes)} on disk and {readable_bytes(free)} are free at {above}. "
            "Give another place, or take a smaller image."
        )


# -- the proof -------------------------------------------------------------------------------------------------------


def _measured(it: LinearInterpreter, made: Materialized) -> tuple[float, Aliasing | None]:
    """Relative error of random products, and in effective mode the bound."""
    if made.plan.radius is not None:
        norm = sum(float(np.square(values, dtype=np.float64).sum()) for _, _, values in made.entries()) ** 0.5
        bounds = aliasing(it, made, made.plan.probing, norm, made.plan.radius)
        return bounds.estimate, bounds
    generator = torch.Generator().manual_seed(0)
    g = torch.randn(2, *it.input_shape, generator=generator, dtype=torch.float64).to(it.point)
    want, got = it.matvec(g).double(), made.matvec(g.to(made.dtype)).double()
    total = float(want.norm())
    error = float((want - got).norm()) / total if total else float(got.norm())
    if not error <= it.certificate.tolerance:
        raise CertificateError(
            f"The matrix misses the interpreter's products by {error:.1e}, and rounding in {it.point.dtype} explains "
            f"{it.certificate.tolerance:.0e}; please report the model."
        )
    return error, None


def _multiply(
    matrix: csr_array | csc_array, v: Tensor, shape: tuple[int, ...], answer: tuple[int, ...], name: str
) -> Tensor:
    if not isinstance(v, Tensor) or tuple(v.shape[1:]) != shape or v.dim() != len(shape) + 1:
        given = tuple(v.shape) if isinstance(v, Tensor) else type(v).__name__
        raise InputError(f"{name} takes a tensor of shape (P, {', '.join(map(str, shape))}) and was given {given}.")
    if v.dtype != _dtype(matrix):
        raise InputError(f"{name} takes {_dtype(matrix)} and was given {v.dtype}; convert it.")
    product = matrix @ v.reshape(len(v), -1).T.cpu().numpy()
    return torch.from_numpy(np.ascontiguousarray(product.T)).to(v.device).reshape(len(v), *answer)


def _dtype(matrix: csr_array | csc_array | StoredMatrix) -> torch.dtype:
    if isinstance(matrix, StoredMatrix):
        return matrix.dtype
    return torch.from_numpy(np.empty(0, dtype=matrix.dtype)).dtype

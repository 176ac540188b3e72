"""A folder with all of F: the matrix, a picture of its sizes, its numbers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from math import ceil, log10, prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from linearscope.analysis import Materialized, StoredMatrix
from linearscope.errors import InputError
from linearscope.interpreter import Certificate
from linearscope.report.about import About
from linearscope.report.numbers import about_numbers, certificate_numbers
from linearscope.report.output import RESULT, write_json
from linearscope.report.style import CONSTANTS, MUTED, WIDE, png, styled

__all__ = ["MATRIX_SCHEMA", "STORE", "check_matrix_out", "matrix_figure", "write_matrix"]

MATRIX_SCHEMA: Final = "linearscope.matrix/1"
#: Names in the folder.
STORE, SPARSE, PICTURE = "matrix.zarr", "matrix.npz", "matrix.png"
# Cells of the picture along its longer side, entries along a side of the enlarged part, decades of the scale.
_CELLS: Final = 640
_ZOOM: Final = 128
_DECADES: Final = 5
_COLOURS: Final = "viridis_r"
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Sizes = npt.NDArray[np.float64]


def check_matrix_out(out: Path) -> None:
    """Refuse a folder that holds anything but what :func:`write_matrix` writes.

    Raises
    ------
    InputError
        When ``out`` is a file or has other things in it.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file and not a folder. Choose another --out.")
    inside = set(out.iterdir()) - set(_leavings(out)) if out.exists() else set()
    if not {path.name for path in inside} <= {STORE, SPARSE, PICTURE, RESULT}:
        raise InputError(f"The folder {out} holds other things than an earlier matrix. Choose another --out.")


def write_matrix(made: Materialized, certificate: Certificate, about: About, out: Path, *, sparse: bool) -> Path:
    """Write the picture and the numbers beside the store of a matrix, and turn the store into one SciPy file.

    Parameters
    ----------
    made
        The matrix, stored at ``out / STORE``.
    certificate
        Of its interpreter.
    about
        Where it comes from.
    out
        The folder.
    sparse
        Whether it becomes ``matrix.npz``, which ``scipy.sparse.load_npz`` reads, instead of the store.

    Returns
    -------
    Path of the matrix.
    """
    _replace(out / PICTURE, lambda path: path.write_bytes(png(matrix_figure(made))))
    matrix, other = (out / SPARSE, out / STORE) if sparse else (out / STORE, out / SPARSE)
    if sparse:
        from scipy.sparse import save_npz

        assert isinstance(made.matrix, StoredMatrix)
        found = made.matrix.to_scipy()
        _replace(matrix, lambda path: _opened(path, lambda file: save_npz(file, found, compressed=False)))
    numbers = {
        "schema": MATRIX_SCHEMA,
        "about": about_numbers(about),
        "certificate": certificate_numbers(certificate),
        "matrix": matrix.name,
        "input_shape": made.input_shape,
        "output_shape": made.output_shape,
        "dtype": str(made.dtype).removeprefix("torch."),
        "rows": made.shape[0],
        "columns": made.shape[1],
        "mode": made.plan.mode,
        "probed": made.plan.kind,
        "probes": made.plan.probes,
        "least_probes": made.plan.least,
        "nonzeros": made.plan.nonzeros,
        "density": made.plan.density,
        "dense": made.plan.dense,
        "relative_error_of_products": made.error,
        "aliasing": None if made.aliasing is None else asdict(made.aliasing),
        "seconds": made.seconds,
    }
    _replace(out / RESULT, lambda path: write_json(path, numbers))
    for path in (other, *_leavings(out)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return matrix


@styled
def matrix_figure(made: Materialized, *, width: float = WIDE) -> Figure:
    """Draw the sizes of F's entries on a logarithmic scale: all of it, and a part around its middle entry by entry.

    In the whole every cell shows the largest of the entries that it covers.
    """
    rows, columns = made.shape
    cells = (min(rows, _CELLS), min(columns, _CELLS))
    corner, size = _middle(made)
    whole, part = _sizes(made, cells, corner, size)
    largest = float(whole.max(initial=0)) or 1.0
    norm = LogNorm(largest / 10**_DECADES, largest)
    figure = Figure(figsize=(width, 0.5 * width), dpi=180, layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    _draw(left, whole, (0, columns, rows, 0), norm)
    shown = _draw(right, part, (corner[1], corner[1] + size[1], corner[0] + size[0], corner[0]), norm)
    kind = "largest of each block of " + " x ".join(str(ceil(n / c)) for n, c in zip(made.shape, cells, strict=True))
    title = f"all of F: {rows:,} x {columns:,}, {made.plan.density:.2%} can differ from zero"
    left.set_title(title + (f"\n{kind}" if cells != made.shape else ""), fontsize=8.5)
    right.set_title("entry by entry, where the frame is", fontsize=8.5)
    _label(left, made.input_shape, made.output_shape)
    right.set_xlabel("input number")
    right.set_ylabel("output number")
    left.add_patch(_frame(corner, size, made.shape))
    bar = figure.colorbar(shown, ax=[left, right], fraction=0.03, pad=0.015, extend="min")
    bar.set_label("size of the entry")
    bar.minorticks_off()
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda size, _: f"10{f'{log10(size):.0f}'.translate(_RAISED)}"))
    bar.outline.set_visible(False)
    return figure


def _sizes(
    made: Materialized, cells: tuple[int, int], corner: tuple[int, int], size: tuple[int, int]
) -> tuple[Sizes, Sizes]:
    """Blockwise largest sizes of all entries, and the sizes in a part."""
    whole, part = np.zeros(prod(cells)), np.zeros(size)
    for at, across, values in made.entries():
        sizes = np.abs(values.astype(np.float64))
        block = (at * cells[0] // made.shape[0]) * cells[1] + across * cells[1] // made.shape[1]
        np.maximum.at(whole, block, sizes)
        y, x = at - corner[0], across - corner[1]
        inside = (y >= 0) & (y < size[0]) & (x >= 0) & (x < size[1])
        part[y[inside], x[inside]] = sizes[inside]
    return whole.reshape(cells), part


def _middle(made: Materialized) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the enlarged part begins, around the same place of the image in input and output, and its size."""
    size = (min(_ZOOM, made.shape[0]), min(_ZOOM, made.shape[1]))
    corner = []
    for shape, total, part in zip((made.output_shape, made.input_shape), made.shape, size, strict=True):
        middle = [0] * max(0, len(shape) - 2) + [n // 2 for n in shape[-2:]]
        centre = int(np.ravel_multi_index(middle, shape)) if len(shape) > 1 else total // 2
        corner.append(min(max(0, centre - part // 2), total - part))
    return (corner[0], corner[1]), size


def _draw(axes: Axes, values: Sizes, extent: tuple[float, float, float, float], norm: LogNorm) -> Any:
    for side in axes.spines.values():
        side.set_color(MUTED)
    colours = colormaps[_COLOURS].with_extremes(bad="white", under="white")
    return axes.imshow(values, extent=extent, norm=norm, cmap=colours, interpolation="nearest", aspect="auto")


def _label(axes: Axes, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
    """Mark where every channel begins."""
    for axis, line, shape, what in (
        (axes.xaxis, axes.axvline, inputs, "input"),
        (axes.yaxis, axes.axhline, outputs, "output"),
    ):
        if len(shape) == 3 and 1 < shape[0] <= 16:
            plane = prod(shape[1:])
            for channel in range(1, shape[0]):
                line(channel * plane, color=MUTED, linewidth=0.4)
            axis.set_ticks([(channel + 0.5) * plane for channel in range(shape[0])], [str(c) for c in range(shape[0])])
            axis.set_tick_params(length=0)
            axis.set_label_text(f"{what}: channel, and in it {shape[1]} rows of {shape[2]}")
        else:
            axis.set_label_text(f"{what} number" + (f" of {' x '.join(map(str, shape))}" if len(shape) > 1 else ""))


def _frame(corner: tuple[int, int], size: tuple[int, int], shape: tuple[int, int]) -> Any:
    """A frame around the enlarged part, never too small to be seen."""
    from matplotlib.patches import Rectangle

    height, width = (max(part, total * 0.012) for part, total in zip(size, shape, strict=True))
    y, x = corner[0] + size[0] / 2 - height / 2, corner[1] + size[1] / 2 - width / 2
    return Rectangle((x, y), width, height, fill=False, edgecolor=CONSTANTS, linewidth=1.5)


def _leavings(out: Path) -> list[Path]:
    """What a run that was killed had begun and not moved to its place."""
    return [path for name in (STORE, SPARSE, PICTURE, RESULT) for path in out.glob(f".{name}.*.part")]


def _opened(path: Path, write: Callable[[Any], None]) -> None:
    with path.open("wb") as file:
        write(file)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there when it is whole."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Choose another --out.") from error
    finally:
        unfinished.unlink(missing_ok=True)

"""Colouring: which places of an axis can be asked in one probe, because nothing sees two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

__all__ = ["colour"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def colour(matrix: Mask) -> Places:
    """Give every column of a boolean matrix a colour, so that no row has two true entries of one colour.

    Parameters
    ----------
    matrix
        ``(rows, columns)``.

    Returns
    -------
    Colours from 0, ``(columns,)``. Their number is the largest number of true entries in a row, which is the least
    possible, whenever the columns are intervals; for other patterns it is the least that several orders found.

    Examples
    --------
    >>> import numpy as np
    >>> band = abs(np.subtract.outer(np.arange(8), np.arange(8))) <= 1
    >>> colour(band).tolist()
    [0, 1, 2, 0, 1, 2, 0, 1]

    Notes
    -----
    Columns that are intervals make an interval graph, for which first fit in the order of the left ends is optimal.
    Circular borders do not: for them the axis is also cut into equal segments, and the place in one is the colour.

    Source: Curtis, Powell and Reid 1974; Coleman and Moré 1983.
    """
    size = matrix.shape[1]
    least = max(1, int(matrix.sum(1).max(initial=0)))
    if size and least == size:
        return np.arange(size, dtype=np.intp)
    entries = csr_array(matrix.astype(np.int32))
    seen = csr_array(entries.T @ entries)
    best: Places | None = None
    for colours in _candidates(matrix, seen, least):
        if best is None or colours.max(initial=0) < best.max(initial=0):
            best = colours
        if best.max(initial=0) + 1 == least:
            break
    assert best is not None
    return best


def _candidates(matrix: Mask, seen: csr_array, least: int) -> Iterator[Places]:
    size = matrix.shape[1]
    ends = np.where(matrix.any(0), matrix.argmax(0), 0)
    yield _first_fit(seen, np.argsort(ends, kind="stable"))
    neighbours = np.diff(seen.indptr)
    yield _first_fit(seen, np.argsort(-neighbours, kind="stable"))
    first, second = np.repeat(np.arange(size), neighbours), seen.indices
    apart = first != second
    first, second = first[apart], second[apart]
    for segments in range(size // least, 0, -1):
        starts = (np.arange(segments) * size + segments - 1) // segments
        at = np.arange(size)
        colours = at - starts[np.searchsorted(starts, at, side="right") - 1]
        if not (colours[first] == colours[second]).any():
            yield colours
            return


def _first_fit(seen: csr_array, order: Sequence[int] | Places) -> Places:
    """Colour in an order, each with the first colour that none of those who are seen with it has."""
    colours = np.full(len(order), -1, dtype=np.intp)
    for i in order:
        taken = colours[seen.indices[seen.indptr[i] : seen.indptr[i + 1]]]
        free = np.ones(len(taken) + 1, dtype=bool)
        free[taken[(taken >= 0) & (taken <= len(taken))]] = False
        colours[i] = free.argmax()
    return colours

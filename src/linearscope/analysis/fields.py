"""One row or column of F as an image: where it can be, how far it reaches, which way it points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, overload

import numpy as np
import numpy.typing as npt
from torch import Tensor

from linearscope.analysis.pattern import frequencies
from linearscope.errors import InputError, UnknownNameError
from linearscope.interpreter import LinearInterpreter, Window

__all__ = ["NEAR", "SHARES", "Field", "Kind", "fields"]

Array = npt.NDArray[np.float64]
Kind = Literal["row", "column"]

KINDS: Final = ("row", "column")
SHARES: Final = (0.5, 0.9, 0.99)

#: Side of the near window, in pixels of the field's own image to either side of the pixel.
NEAR: Final = 16.0

_ROOM: Final = 16


@dataclass(frozen=True)
class Field:
    """A row of F (receptive filter, an input image) or a column (projective filter, an output image).

    Attributes
    ----------
    kind
        ``"row"`` or ``"column"``.
    index
        ``(channel, row, column)`` of the output number whose row it is, or of the input number whose column; the
        channel is ``None`` for the sum over all of them.
    values
        ``(C, h, w)``: the filter in its structural window, outside of which it is zero whatever the image.
    start
        ``(channel, row, column)`` where the window begins.
    shape
        ``(C, H, W)`` of the whole filter.
    point
        ``(y, x)``: where the pixel lies in the filter's image, in its pixels; between two where the sizes differ.
    energy
        The sum of squares.
    radii
        For 0.5, 0.9 and 0.99: the distance from ``point`` in pixels within which that share of the energy lies.
    centroid
        ``(dy, dx)``: the mean place of the energy, from ``point``, in pixels.
    orientation
        Degrees from 0 to 180, counter-clockwise from the horizontal, along the filter's stripes; ``None`` where it has
        no direction.
    frequency
        Cycles per pixel, the mean over the energy of the spectrum; ``None`` for a filter that is zero.
    far
        The share of the energy more than ``near`` pixels above, below, left or right of the point: the off-diagonals.
    """

    kind: Kind
    index: tuple[int | None, int, int]
    values: Tensor
    start: tuple[int, ...]
    shape: tuple[int, ...]
    point: tuple[float, float]
    energy: float
    radii: Mapping[float, float]
    centroid: tuple[float, float]
    orientation: float | None
    frequency: float | None
    far: float

    @property
    def window(self) -> Window:
        """The filter as a :class:`~linearscope.interpreter.Window`, whose ``whole()`` is the row or column itself."""
        return Window(self.values, self.start, self.shape)

    def outside(self, box: Sequence[tuple[int, int]]) -> float:
        """The share of the energy outside ``box``, first place and last plus one on each axis of ``shape``.

        With the box of another interpretation's window this is the coupling that only this one has.
        """
        if len(box) != len(self.shape):
            raise InputError(f"The box has {len(box)} axes and the field {len(self.shape)}. Give a range an axis.")
        rest = self.values.double().square()
        inside = tuple(
            slice(max(start - own, 0), max(stop - own, 0)) for (start, stop), own in zip(box, self.start, strict=True)
        )
        rest[inside] = 0
        return float(rest.sum()) / self.energy if self.energy else 0.0


@overload
def fields(
    it: LinearInterpreter, index: Sequence[int | None], kind: Kind = "row", near: float | None = None
) -> Field: ...


@overload
def fields(
    it: LinearInterpreter, index: Sequence[Sequence[int | None]], kind: Kind = "row", near: float | None = None
) -> list[Field]: ...


def fields(
    it: LinearInterpreter,
    index: Sequence[int | None] | Sequence[Sequence[int | None]],
    kind: Kind = "row",
    near: float | None = None,
) -> Field | list[Field]:
    """Look at one or several rows or columns of F between two images.

    Parameters
    ----------
    it
        An interpreter of a network from an image ``(C, H, W)`` to an image ``(D, H', W')``.
    index
        ``(channel, row, column)`` of an output number for a row, of an input number for a column; or several. With
        ``None`` for the channel, the sum over all channels of the pixel.
    kind
        ``"row"`` or ``"column"``.
    near
        Half the side of the near window in pixels of the field's image; default 16.

    Returns
    -------
    Field or list of Field
        One for one index, a list for several. Only the window that each can reach is computed.

    Raises
    ------
    InputError
        When the map is not between two images, an index lies outside, or ``near`` is negative.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(1, 1, 5, padding=2), torch.rand(1, 1, 32, 32))
    >>> f = ls.fields(it, (0, 10, 10))
    >>> tuple(f.values.shape), f.start, f.point
    ((1, 5, 5), (0, 8, 8), (10.0, 10.0))

    Source: Navarrete Michelini et al. 2019, sections 3 and 8.B.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of field", kind, KINDS)
    reach = NEAR if near is None else float(near)
    if not reach >= 0:
        raise InputError(f"near is {near}. Give the half side of the near window in pixels, 0 or more.")
    if len(it.input_shape) != 3 or len(it.output_shape) != 3:
        raise InputError(
            f"Fields are between two images, and this map goes from {it.input_shape} to {it.output_shape}. Take "
            "it.rows or it.columns."
        )
    given, made = (it.output_shape, it.input_shape) if kind == "row" else (it.input_shape, it.output_shape)
    one = len(index) > 0 and not isinstance(index[0], Sequence)
    asked: list[Any] = [tuple(index)] if one else [tuple(place) for place in index]  # type: ignore[arg-type]
    single = [place for place in asked if not _is_pixel(place)]
    singles = iter(it.row_windows(single) if kind == "row" else it.column_windows(single))
    pixels = iter(it.pixel_windows([place[1:] for place in asked if _is_pixel(place)], rows=kind == "row"))
    found = []
    for place in asked:
        window = next(pixels if _is_pixel(place) else singles)
        row, column = (int(i) % n for i, n in zip(place[1:], given[1:], strict=True))
        point = _match(row, given[1], made[1]), _match(column, given[2], made[2])
        own = None if place[0] is None else int(place[0]) % given[0], row, column
        found.append(_describe(kind, own, window, point, reach))
    return found[0] if one else found


def _is_pixel(place: Sequence[Any]) -> bool:
    """Whether all channels of a pixel are meant."""
    return len(place) == 3 and place[0] is None


def _match(place: int, given: int, made: int) -> float:
    """The place on an axis of ``made`` pixels that lies where ``place`` lies on one of ``given``."""
    return (place + 0.5) * made / given - 0.5


def _describe(
    kind: Kind, index: tuple[int | None, int, int], window: Window, point: tuple[float, float], near: float
) -> Field:
    values: Array = window.values.detach().double().cpu().numpy()
    energy = np.square(values).sum(0)
    total = float(energy.sum())
    down = np.arange(energy.shape[0])[:, None] + window.start[1] - point[0]
    right = np.arange(energy.shape[1])[None] + window.start[2] - point[1]
    frequency: float | None
    if not total > 0:
        radii, centroid, far = dict.fromkeys(SHARES, 0.0), (0.0, 0.0), 0.0
        frequency, orientation = None, None
    else:
        away = np.hypot(down, right).ravel()
        order = np.argsort(away, kind="stable")
        inside = np.cumsum(energy.ravel()[order])
        radii = {share: float(away[order][np.searchsorted(inside, share * inside[-1])]) for share in SHARES}
        centroid = float((energy * down).sum() / total), float((energy * right).sum() / total)
        far = float(energy[(np.abs(down) > near) | (np.abs(right) > near)].sum() / total)
        # Zeros around it, so that its frequencies do not depend on where the window ends.
        frequency, orientation, _ = frequencies(values, _ROOM)
    return Field(
        kind=kind,
        index=index,
        values=window.values,
        start=window.start,
        shape=window.shape,
        point=point,
        energy=total,
        radii=radii,
        centroid=centroid,
        orientation=orientation,
        frequency=frequency,
        far=far,
    )

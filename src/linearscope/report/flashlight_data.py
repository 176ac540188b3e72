"""Rows and columns of F for a page: windows as they are, float32, packed tightly and read back bit by bit."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from linearscope.analysis.fields import Kind
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter, Window

__all__ = ["Cut", "cut_windows", "pack", "unpack"]

Array = npt.NDArray[np.float32]

#: A window between images: its first row, its first column, its values ``(C, h, w)``.
Cut = tuple[int, int, Array]

#: Of zlib. Only the bytes of the exponents get smaller, and higher levels find no more in them.
LEVEL: Final = 5


def cut_windows(
    it: LinearInterpreter, kind: Kind, places: Sequence[tuple[int, int]], channel: int | None = None
) -> list[Cut]:
    """Rows or columns of F at places of an image, each cut to the window outside of which it is always zero.

    Parameters
    ----------
    it
        Interpreter between two images.
    kind
        ``"row"``: places are of the output. ``"column"``: of the input.
    places
        ``(row, column)``.
    channel
        Of the image that places are of; default: the sum over all, which for a column is the answer to a grey pixel.

    Returns
    -------
    list of tuple
        First row, first column and values, float32, of all channels.

    Raises
    ------
    InputError
        When the map is not between two images, or a place or the channel is not there.
    """
    given, made = between_images(it)[:: 1 if kind == "column" else -1]
    if channel is not None and not 0 <= channel < given[0]:
        raise InputError(f"There is no channel {channel}; there are {given[0]}. Choose one from 0 to {given[0] - 1}.")
    if channel is None:
        windows = it.pixel_windows(places, rows=kind == "row")
    else:
        index = [(channel, *place) for place in places]
        windows = it.column_windows(index) if kind == "column" else it.row_windows(index)
    return [_cut(window, made) for window in windows]


def between_images(it: LinearInterpreter) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The shapes ``(C, H, W)`` of the two images that a map is between.

    Raises
    ------
    InputError
        When they are no images.
    """
    one, two = it.input_shape, it.output_shape
    if len(one) != 3 or len(two) != 3:
        raise InputError(
            f"The map goes from {tuple(one)} to {tuple(two)}, and a flashlight moves between two images. Use it for "
            "upscalers and image-to-image networks."
        )
    return (one[0], one[1], one[2]), (two[0], two[1], two[2])


def pack(cuts: Sequence[Cut]) -> bytes:
    """Windows as one raw DEFLATE stream.

    Inside are 32-bit words, little endian: for every window its first row, first column, height and width; then all
    values in the order of the windows, ``(C, h, w)`` each. The words are stored by bytes: first the lowest byte of
    every word, then the next, so that the signs and exponents lie together.
    """
    places = np.array([(top, left, *values.shape[1:]) for top, left, values in cuts], dtype="<i4").reshape(-1, 4)
    values = [np.ascontiguousarray(values, dtype="<f4").reshape(-1).view("<i4") for _, _, values in cuts]
    words = np.concatenate([places.reshape(-1), *values])
    shuffled = np.ascontiguousarray(words.view(np.uint8).reshape(-1, 4).T).tobytes()
    made = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return made.compress(shuffled) + made.flush()


def unpack(data: bytes, count: int, channels: int) -> list[Cut]:
    """What :func:`pack` packed: ``count`` windows of ``channels`` channels."""
    shuffled = np.frombuffer(zlib.decompress(data, -zlib.MAX_WBITS), np.uint8)
    words = np.ascontiguousarray(shuffled.reshape(4, -1).T).reshape(-1)
    places = words[: 16 * count].view("<i4").reshape(count, 4).tolist()
    values = words[16 * count :].view("<f4")
    found, at = [], 0
    for top, left, height, width in places:
        size = channels * height * width
        found.append((top, left, values[at : at + size].reshape(channels, height, width)))
        at += size
    return found


def _cut(window: Window, made: tuple[int, int, int]) -> Cut:
    """A window with all channels of what it is in."""
    if not window.values.numel():
        return 0, 0, np.zeros((made[0], 0, 0), np.float32)
    values = window.values.float().cpu().numpy()
    if len(values) < made[0]:
        every = np.zeros((made[0], *values.shape[1:]), np.float32)
        every[window.start[0] : window.start[0] + len(values)] = values
        values = every
    return window.start[1], window.start[2], values

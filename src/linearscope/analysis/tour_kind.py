"""What kind of network it is, from its output: labels, a larger image, an image of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from linearscope.errors import InputError

__all__ = ["TOUR_KINDS", "TourKind", "tour_kind"]

TourKind = Literal["classification", "super-resolution", "image-to-image"]

#: What networks of every kind do, in words.
TOUR_KINDS: Final[dict[TourKind, str]] = {
    "classification": "gives labels",
    "super-resolution": "makes a larger image",
    "image-to-image": "makes an image of the same size",
}


def tour_kind(input_shape: Sequence[int], output_shape: Sequence[int]) -> TourKind:
    """Tell which tour a network gets.

    Raises
    ------
    InputError
        When the output is none of the three.

    Examples
    --------
    >>> tour_kind((1, 3, 32, 32), (1, 3, 64, 64))
    'super-resolution'
    """
    one, two = tuple(input_shape), tuple(output_shape)
    if len(two) == 2 and two[0] == 1 and two[1] >= 2:
        return "classification"
    if len(one) == len(two) == 4 and one[0] == two[0] == 1 and two[2] % one[2] == two[3] % one[3] == 0:
        scales = two[2] // one[2], two[3] // one[3]
        if scales == (1, 1):
            return "image-to-image"
        if scales[0] == scales[1] > 1:
            return "super-resolution"
    raise InputError(
        f"Of an image {one} the network makes {two}: neither scores (1, n), nor an image of the same size or a whole "
        "number of times as large. Choose another output, or an image whose sides the network can keep, such as "
        "multiples of 8."
    )

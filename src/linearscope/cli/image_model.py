"""What the commands that look at rows and columns of F share: a network that makes images, on one photo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from linearscope.cli.options import Ready, prepare
from linearscope.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from linearscope.interpreter import LinearInterpreter
    from linearscope.report.about import Picture

__all__ = ["DEFAULT_UPSCALER", "Channel", "Crop", "ImageModel", "Near", "look", "middle", "point"]

DEFAULT_UPSCALER: Final = "edsr_small_x2"

Channel = Annotated[
    int | None, typer.Option("--channel", help="Of the image, from 0; default: the middle one, green of RGB.")
]
Near = Annotated[
    int | None, typer.Option("--near", help="Pixels around its own place that count as near; default: 16.", metavar="N")
]
Crop = Annotated[
    int, typer.Option("--crop", help="Side in pixels of the middle that is looked at; 0: all.", metavar="N")
]


@dataclass(frozen=True)
class ImageModel:
    """A network that makes images, on one photo.

    Attributes
    ----------
    ready
        The model.
    image
        The photo's file.
    it
        The map on the photo.
    photos
        The input and the output, ``(H, W, 3)`` each.
    """

    ready: Ready
    image: Path
    it: LinearInterpreter
    photos: tuple[Picture, Picture]


def look(
    image: Path | None,
    model: str | None,
    weights: Path | None,
    preprocess: str | None,
    output: str | None,
    interpretation: str,
    device: str,
    dtype: str,
) -> ImageModel:
    """Interpret the network that the options name on a photo, and refuse one that makes no image."""
    from linearscope.analysis.points import matching_output
    from linearscope.interpreter import interpret
    from linearscope.models import default_image
    from linearscope.report.image_page import as_picture

    ready = prepare(model or DEFAULT_UPSCALER, weights, preprocess, None, output, device, dtype)
    path = image or default_image()
    tensor = ready.tensor(path)
    program = ready.capture(tensor)
    matching_output((0, 0), program.input_shape[1:], program.output_shape[1:])
    it = interpret(program, tensor, interpretation=interpretation)
    pictures = ready.model.preprocessing.display(tensor), as_picture(ready.placed.output_pixels(it.output))
    return ImageModel(ready, path, it, pictures)


def point(text: str, option: str) -> tuple[int, int]:
    """Read ``ROW,COLUMN``."""
    found = re.fullmatch(r"\s*([+-]?\d{1,9})\s*,\s*([+-]?\d{1,9})\s*", text, re.ASCII)
    if found is None:
        raise InputError(f"{text!r} is no pixel. Write {option} as row and column, counted from 0, such as 40,62.")
    return int(found[1]), int(found[2])


def middle(ready: Ready, path: Path, crop: int) -> tuple[Tensor, list[str]]:
    """The photo as the network sees it, its middle of ``crop`` pixels (0: all), and what to say of that."""
    from linearscope.models import read_image

    if crop < 0:
        raise InputError(f"--crop is {crop} pixels. Give the side of a square, or 0 for the whole photo.")
    photo = read_image(path)
    sized = ready.model.preprocessing.resize is not None or ready.model.preprocessing.crop is not None
    width, height = (min(length, crop or length) for length in photo.size)
    if sized or (width, height) == photo.size:
        return ready.tensor(path), []
    left, top = (photo.size[0] - width) // 2, (photo.size[1] - height) // 2
    middle = ready.model.preprocessing(photo.crop((left, top, left + width, top + height)))
    note = f"Only the middle {width} × {height} of {photo.size[0]} × {photo.size[1]} pixels was looked at (--crop)."
    return middle.to(ready.bounds[0].device, ready.bounds[0].dtype), [note]

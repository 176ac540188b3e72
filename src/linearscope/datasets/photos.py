"""Photos for upscalers and denoisers, the low resolution that they start from, and PSNR as the papers measure it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from linearscope.errors import InputError

__all__ = ["luma", "psnr", "read_photos", "shrink"]

ENDINGS: Final = (".png", ".jpg", ".jpeg")


def read_photos(folder: str | Path) -> list[Image.Image]:
    """Read every PNG and JPEG of a folder as RGB, in order of their names.

    Raises
    ------
    InputError
        When the folder holds none, or one that cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "grey.png")
    >>> [photo.size for photo in read_photos(folder)]
    [(6, 4)]
    """
    root = Path(folder)
    files = sorted(path for path in root.glob("*") if path.suffix.lower() in ENDINGS)
    if not files:
        raise InputError(f"{root} holds no PNG or JPEG photos. Give a folder of photos.")
    photos = []
    for file in files:
        try:
            with Image.open(file) as image:
                photos.append(image.convert("RGB"))
        except OSError as error:
            raise InputError(f"{file} cannot be read as a photo. Remove it or copy it again.") from error
    return photos


def shrink(photo: Image.Image, scale: int) -> tuple[Image.Image, Image.Image]:
    """Cut a photo to a multiple of ``scale`` at the bottom and the right, and make its low resolution.

    Examples
    --------
    >>> high, low = shrink(Image.new("RGB", (31, 20)), 3)
    >>> high.size, low.size
    ((30, 18), (10, 6))

    Returns
    -------
    high, low : PIL.Image.Image
        ``low`` by antialiased bicubic interpolation (a = -0.5), rounded to 8 bits.
    """
    width, height = photo.size[0] // scale, photo.size[1] // scale
    high = photo.crop((0, 0, width * scale, height * scale))
    return high, high.resize((width, height), Image.Resampling.BICUBIC)


def luma(pixels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the luma on which upscalers are compared: ITU-R BT.601 in studio range, 16 for black and 235 for white.

    Examples
    --------
    >>> luma([[[0, 0, 0], [255, 255, 255]]]).round(9).tolist()
    [[16.0, 235.0]]

    Parameters
    ----------
    pixels
        RGB from 0 to 255, ``(..., 3)``.
    """
    return np.asarray(pixels, dtype=np.float64) @ (np.array([65.481, 128.553, 24.966]) / 255) + 16


def psnr(image: npt.ArrayLike, truth: npt.ArrayLike, border: int = 0, peak: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB.

    Examples
    --------
    >>> round(psnr([[0.0, 10.0]], [[0.0, 0.0]]), 2)
    31.14

    Parameters
    ----------
    image, truth
        ``(H, W)`` or ``(H, W, C)``.
    border
        How many pixels at each side are left out: for upscalers their scale.
    peak
        The largest value that a pixel can have.
    """
    one, two = (np.asarray(values, dtype=np.float64) for values in (image, truth))
    error = one - two
    inner = error[border : error.shape[0] - border, border : error.shape[1] - border]
    return float(10 * np.log10(peak**2 / np.mean(inner**2)))

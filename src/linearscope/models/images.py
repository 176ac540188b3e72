"""Photos from strangers: any file becomes an upright 8-bit RGB image or a sentence that says why not."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from linearscope.errors import InputError
from linearscope.models.files import readable_file

__all__ = ["FORMATS", "MAXIMUM_PIXELS", "default_image", "image_from_bytes", "read_image"]

FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
MAXIMUM_PIXELS: Final = 50_000_000

# EXIF tag 0x0112 and what undoes each of its values.
ORIENTATION: Final = 0x0112
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
KINDS: Final = ", ".join(FORMATS[:-1]) + " or " + FORMATS[-1]


def default_image() -> Path:
    """Return the photo that comes with the package, an espresso (CC0, Rachel Michetti).

    Examples
    --------
    >>> read_image(default_image()).size
    (600, 400)
    """
    return Path(__file__).parent / "assets" / "espresso.jpg"


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Read a photo.

    Examples
    --------
    >>> read_image(default_image()).mode
    'RGB'

    Parameters
    ----------
    path
        A PNG, JPEG, GIF, BMP, TIFF or WEBP file of at most 50 megapixels.

    Returns
    -------
    PIL.Image.Image
        In mode RGB, upright: the orientation in its EXIF data is applied (one that cannot be read counts as none).
        Transparent pixels are composited on white. 16-bit grey is scaled so that 65535 becomes 255. Of an
        animation this is the first frame. Colour profiles are not applied.

    Raises
    ------
    InputError
        When the file is missing, no regular file, unreadable, empty, truncated, no image of these formats, of 0 or too
        many pixels (found in its header, before any pixel is decoded), or has pixels without a fixed white (32-bit).
    """
    name = str(readable_file(path, f"Give the path of a {KINDS} file."))
    return _read(name, name)


def image_from_bytes(data: bytes, name: str) -> Image.Image:
    """Read a photo from the bytes of a file, as :func:`read_image` does; ``name`` is what errors call it.

    Examples
    --------
    >>> image_from_bytes(default_image().read_bytes(), "espresso.jpg").size
    (600, 400)
    """
    return _read(name, io.BytesIO(data))


def _read(name: str, file: str | io.BytesIO) -> Image.Image:
    image = _open(name, file)
    try:
        image.load()
        return _to_rgb(name, image)
    except InputError:
        raise
    # What a decoder raises on damaged data is not documented: OSError, SyntaxError, ValueError, struct.error and more.
    except Exception as error:
        raise InputError(f"{name} is damaged or truncated: {_reason(error)}. Copy or download it again.") from error
    finally:
        image.close()


def _open(name: str, file: str | io.BytesIO) -> Image.Image:
    """Read the header, and refuse before anything is decoded."""
    too_large = f"It may have at most {MAXIMUM_PIXELS // 1_000_000} megapixels; make it smaller."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{name} would be too large an image when decoded. {too_large}") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is not an image, or is badly damaged. Give a {KINDS} file.") from error
    except Exception as error:
        raise InputError(f"{name} is damaged: {_reason(error)}. Copy or download it again.") from error
    width, height = image.size
    if width == 0 or height == 0:
        image.close()
        raise InputError(f"{name} is {width} x {height} pixels, which is none. Give an image with pixels.")
    if width * height > MAXIMUM_PIXELS:
        image.close()
        raise InputError(f"{name} is {width} x {height} pixels. {too_large}")
    return image


def _to_rgb(name: str, image: Image.Image) -> Image.Image:
    turn = _orientation(image)
    transparent = image.has_transparency_data
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        image = _from_16_bit(image)
    elif image.mode in ("I", "F"):
        raise InputError(f"{name} has 32-bit pixels, for which no white is agreed. Convert it to 8 or 16 bits.")
    if transparent:
        overlay = image.convert("RGBA")
        image = Image.new("RGBA", overlay.size, "white")
        image.alpha_composite(overlay)
    try:
        rgb = image.convert("RGB")
    except ValueError as error:
        raise InputError(f"{name} has {image.mode} pixels, which are not read. Convert it to RGB.") from error
    rgb = rgb if turn is None else rgb.transpose(turn)
    rgb.info.clear()
    return rgb


def _orientation(image: Image.Image) -> Image.Transpose | None:
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    # Damaged EXIF data raises what it likes; the pixels beside it are still good.
    except Exception:
        return None


def _from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".").split("\n")[0]
    return text or type(error).__name__

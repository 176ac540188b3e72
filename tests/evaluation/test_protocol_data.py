"""Folders of images, masks and labels: masks go where their images go, and every mistake gets its sentence."""

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.datasets import flower
from linearscope.errors import InputError
from linearscope.evaluation.data import ImagesWithMasks, read_data
from linearscope.models import Preprocessing

PLAIN = Preprocessing()
CUT = Preprocessing.parse("resize=20,crop=16,mean=0.5,std=0.25")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three photos of a white block on black, and where the block is."""
    for i, name in enumerate(("ant", "bee", "cat")):
        pixels = np.zeros((40, 60, 3))
        pixels[8 + i : 22, 20 : 34 + i] = 255
        save(tmp_path / "set" / "images" / f"{name}.png", pixels)
        save(tmp_path / "set" / "masks" / f"{name}.png", pixels[..., 0] > 0)  # 1 where the object is, not 255
    return tmp_path / "set"


@pytest.mark.parametrize("preprocessing", ["resize=none", "resize=20,crop=16", "resize=24x30,crop=20x18", "crop=22x40"])
def test_masks_go_through_the_same_geometry(folder, preprocessing):
    sharp = Preprocessing.parse(preprocessing + ",interpolation=nearest,mean=0.2,std=3")
    found = read_data(str(folder), sharp)
    white = found.images[:, 0] > found.images[:, 0].mean()
    assert found.masks.shape == white.shape
    assert torch.equal(found.masks, white)
    assert found.names == ("ant", "bee", "cat")


def test_a_mask_of_colours_or_of_a_palette_is_not_zero_where_the_object_is(folder):
    plain = read_data(str(folder), PLAIN).masks
    mask = plain[0].numpy()
    save(folder / "masks" / "ant.png", mask[..., None] * np.array([0, 0, 7]))
    indexed = Image.fromarray(mask.astype(np.uint8), mode="P")
    indexed.putpalette([255, 255, 255, 0, 0, 0])  # the background is white to the eye
    indexed.save(folder / "masks" / "bee.png")
    save(folder / "images" / "bee.png", np.zeros((40, 60, 3)))
    found = read_data(str(folder), PLAIN).masks
    assert torch.equal(found[0], plain[0])
    assert torch.equal(found[1], plain[0])


def test_a_rendered_set_is_the_test_split_seen_through_the_preprocessing():
    found = read_data("an8flower-double-12c", CUT, count=13, seed=3)
    made = flower("double-12c", 12, "test", side=32, seed=3)
    assert found.labels[12] == found.classes[made.label] == "red petals"
    assert found.labels[6] == "red stem"
    assert found.images.shape == (13, 3, 16, 16)
    same = read_data("an8flower-double-12c", Preprocessing.parse("resize=32"), count=13, seed=3)
    assert torch.equal(same.masks[12], made.mask)
    assert torch.equal((same.images[12] * 255).round().byte(), made.photo)


def test_a_random_choice_by_the_seed(folder):
    chosen = {read_data(str(folder), PLAIN, count=2, seed=seed).names for seed in range(12)}
    assert chosen == {("ant", "bee"), ("ant", "cat"), ("bee", "cat")}


def test_labels_by_name_or_index(folder):
    (folder / "labels.csv").write_text("name,label\nant,1\nbee.png,Winged Thing\ncat,0\n")
    found = read_data(str(folder), PLAIN)
    assert found.targets(["a", "b", "winged thing"], 3).tolist() == [1, 2, 0]
    with pytest.raises(InputError, match=r"gives bee the label 'Winged Thing'\. The model has no class names"):
        found.targets(None, 3)
    with pytest.raises(InputError, match=r"gives ant the label '1'\. There is no class 1"):
        found.targets(["x"], 1)
    assert read_data(str(folder), PLAIN, count=1).labels is not None
    (folder / "labels.csv").unlink()
    assert read_data(str(folder), PLAIN).targets(None, 3) is None


def test_classes_of_a_rendered_set_are_found_by_name_or_by_number():
    found = ImagesWithMasks("set", ("0",), torch.zeros(1, 3, 4, 4), None, ("blue",), ("red", "blue"))
    assert found.targets(("blue", "green", "red"), 3).tolist() == [0]
    assert found.targets(None, 2).tolist() == [1]
    with pytest.raises(InputError, match="2 classes and the model 10 scores"):
        found.targets(tuple(map(str, range(10))), 10)


def test_the_fingerprint_tells_data_apart(folder):
    one = read_data(str(folder), PLAIN)
    assert one.fingerprint() == read_data(str(folder), PLAIN).fingerprint()
    save(folder / "masks" / "ant.png", np.ones((40, 60)))
    assert one.fingerprint() != read_data(str(folder), PLAIN).fingerprint()
    (folder / "labels.csv").write_text("ant,1\nbee,1\ncat,0\n")
    two = read_data(str(folder), PLAIN, masks=False).fingerprint()
    (folder / "labels.csv").write_text("ant,1\nbee,0\ncat,0\n")
    assert two != read_data(str(folder), PLAIN, masks=False).fingerprint()


def remove(folder, name):
    (folder / name).unlink()


MISTAKES = {
    "a mask is missing": (lambda f: remove(f, "masks/bee.png"), "no mask .*bee.png for bee.png"),
    "a mask of another size": (
        lambda f: save(f / "masks" / "bee.png", np.ones((60, 40))),
        "is 40 x 60 pixels and bee.png 60 x 40",
    ),
    "an empty mask": (lambda f: save(f / "masks" / "cat.png", np.zeros((40, 60))), "cat.png is empty"),
    "a mask that is cut away": (
        lambda f: save(f / "masks" / "cat.png", np.eye(40, 60, -39)),
        "Nothing is left of the mask of cat.png",
    ),
    "a damaged mask": (lambda f: (f / "masks" / "ant.png").write_bytes(b"no picture"), "ant.png is damaged or no PNG"),
    "an image of another size": (
        lambda f: (save(f / "images" / "bee.png", np.ones((20, 90, 3))), save(f / "masks/bee.png", np.ones((20, 90)))),
        "one size",
    ),
    "two images of one name": (lambda f: save(f / "images" / "ant.jpg", np.ones((40, 60, 3))), "two images called"),
    "a label is missing": (lambda f: (f / "labels.csv").write_text("ant,0\nbee,1\n"), "no label for 'cat'"),
    "a label of nothing": (lambda f: (f / "labels.csv").write_text("dog,0\n"), "'dog', and there is no such image"),
    "two labels": (lambda f: (f / "labels.csv").write_text("ant,0\nant,1\n"), "names 'ant' twice"),
    "a line that is none": (lambda f: (f / "labels.csv").write_text("ant\n"), "has the line 'ant'"),
    "labels that are no text": (lambda f: (f / "labels.csv").write_bytes(b"\xff\xfe\x00"), "cannot be read as lines"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(folder, mistake):
    make, message = MISTAKES[mistake]
    make(folder)
    preprocessing = Preprocessing.parse("resize=20,crop=16") if "cut away" in mistake else Preprocessing()
    with pytest.raises(InputError, match=message):
        read_data(str(folder), preprocessing)


def test_what_is_no_data(tmp_path, folder):
    with pytest.raises(InputError, match="nearest is 'an8flower-single-6c'"):
        read_data("an8flower-single", PLAIN)
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        read_data(str(tmp_path / "nowhere"), PLAIN)
    with pytest.raises(InputError, match="has no folder images"):
        read_data(str(tmp_path), PLAIN)
    with pytest.raises(InputError, match="--count"):
        read_data(str(folder), PLAIN, count=0)
    for path in (folder / "images").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="holds no images"):
        read_data(str(folder), PLAIN)


def test_without_masks(folder):
    assert read_data(str(folder), PLAIN, masks=False).masks is None
    for path in (folder / "masks").iterdir():
        path.unlink()
    (folder / "masks").rmdir()
    assert read_data(str(folder), PLAIN).masks is None

import pytest

from linearscope.errors import InputError, UnknownNameError
from linearscope.models import bundled_labels, find_label, read_labels

IMAGENET = bundled_labels("imagenet")


def test_the_bundled_lists():
    assert len(IMAGENET) == len(set(IMAGENET)) == 1000
    assert (IMAGENET[0], IMAGENET[282], IMAGENET[967], IMAGENET[999]) == (
        "tench",
        "tiger cat",
        "espresso",
        "toilet tissue",
    )
    assert len(bundled_labels("cifar10")) == 10
    assert bundled_labels("cifar10")[3] == "cat"


def test_imagenet_is_the_list_beside_the_images(shared):
    import json

    table = json.loads((shared / "imagenet" / "class_index.json").read_text())
    for index, name in enumerate(IMAGENET):
        assert name.split(" (")[0] == table[str(index)][1].replace("_", " ")


@pytest.mark.parametrize("index", range(0, 1000, 37))
def test_every_name_finds_its_class(index):
    assert find_label(IMAGENET, IMAGENET[index]) == index
    assert find_label(IMAGENET, str(index)) == index
    assert find_label(IMAGENET, index) == index


@pytest.mark.parametrize("text", ["tiger cat", "Tiger Cat", "tiger_cat", "TIGER-CAT", "  tigercat "])
def test_spelling_does_not_matter(text):
    assert find_label(IMAGENET, text) == 282


def test_an_exact_name_goes_first():
    assert IMAGENET[find_label(IMAGENET, "Cardigan")] == "Cardigan"
    assert IMAGENET[find_label(IMAGENET, "cardigan")] == "cardigan"
    with pytest.raises(InputError, match=r"2 classes are called 'CARDIGAN'. Give the index of one: 264, 474"):
        find_label(IMAGENET, "CARDIGAN")


def test_a_name_made_of_digits_goes_before_the_index():
    assert find_label(("2", "0", "1"), "2") == 0
    assert find_label(("2", "0", "1"), 2) == 2


@pytest.mark.parametrize(
    ("labels", "wanted", "classes", "message"),
    [
        (IMAGENET, "expresso", None, "nearest is 'espresso'|nearest are 'espresso'"),
        (IMAGENET, "crane", None, "crane"),
        (IMAGENET, "", None, "no class"),
        (IMAGENET, "qqqqqq", None, "Give a name or an index"),
        (IMAGENET, "1000", None, "from 0 to 999"),
        (IMAGENET, 1000, None, "from 0 to 999"),
        (IMAGENET, -1, None, "from 0 to 999"),
        (IMAGENET, "-1", None, "from 0 to 999"),
        (IMAGENET, "9" * 6000, None, "no class"),
        (IMAGENET, "²", None, "no class"),
        (IMAGENET, "espresso", 10, "from 0 to 9"),
        (None, "cat", None, "no class names"),
        (None, 10, 10, "from 0 to 9"),
        (None, -3, None, "from 0"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value[:12],
)
def test_what_finds_no_class(labels, wanted, classes, message):
    with pytest.raises(InputError, match=message):
        find_label(labels, wanted, classes=classes)


def test_nearest_names_are_an_unknown_name():
    with pytest.raises(UnknownNameError):
        find_label(IMAGENET, "expresso")


@pytest.mark.parametrize(
    "data",
    [b"cat\ndog\n", b"cat\r\ndog\r\n", b"\xef\xbb\xbfcat\ndog", b" cat \n dog\n\n\n"],
    ids=["plain", "windows", "byte_order_mark", "spaces"],
)
def test_label_files(tmp_path, data):
    file = tmp_path / "names.txt"
    file.write_bytes(data)
    assert read_labels(file) == ("cat", "dog")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "holds no names"),
        (b"cat\n\ndog\n", "Line 2"),
        (b"\xff\xfe\x00c", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"cat\0dog", "holds no names"),
        (b"x" * 9_000_000, "too large"),
    ],
    ids=["empty", "blank", "gap", "utf16", "image", "nul", "large"],
)
def test_bad_label_files(tmp_path, data, message):
    file = tmp_path / "names.txt"
    file.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_labels(file)


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_labels(tmp_path / "no.txt")
    with pytest.raises(InputError, match="is a folder"):
        read_labels(tmp_path)

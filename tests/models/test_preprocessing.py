from importlib.util import find_spec

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from linearscope.errors import InputError, UnknownNameError
from linearscope.models import Preprocessing
from linearscope.models.torchvision_compat import declare_operators

IMAGENET = "resize=256,crop=224,interpolation=bicubic,scale=1,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,channels=RGB"


def photo(width=40, height=30, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


BAD = {
    "nothing": ("", "key=value"),
    "only_a_comma": (",", "key=value"),
    "no_value": ("resize=", "key=value"),
    "no_equals": ("resize", "key=value"),
    "trailing_comma": ("resize=3,", "key=value"),
    "unknown_key": ("risize=256", "nearest is 'resize'"),
    "twice": ("crop=3,crop=4", "twice"),
    "negative_size": ("resize=-1", "no size"),
    "zero_size": ("resize=0", "from 1 to"),
    "fraction": ("crop=2.5", "no size"),
    "three_sides": ("crop=1x2x3", "no size"),
    "one_side_missing": ("crop=2x", "no size"),
    "word_for_size": ("crop=big", "no size"),
    "other_digits": ("crop=²", "no size"),
    "enormous_size": ("resize=99999999", "from 1 to"),
    "endless_size": ("resize=" + "9" * 5000, "no size"),
    "crop_above_resize": ("resize=200,crop=224", "larger than"),
    "crop_above_one_side": ("resize=300x200,crop=224", "larger than"),
    "unknown_interpolation": ("interpolation=bicubik", "nearest is 'bicubic'"),
    "unknown_channels": ("channels=RBG", "RGB"),
    "word_for_number": ("mean=grey", "no number"),
    "empty_number": ("mean=1//2", "no number"),
    "two_numbers": ("mean=0.1/0.2", "has 2 numbers"),
    "two_deviations": ("std=1/2", "has 2 numbers"),
    "three_means_for_grey": ("channels=L,mean=1/2/3", "has 3 numbers"),
    "three_means_for_luma": ("channels=Y,mean=1/2/3", "has 3 numbers"),
    "nan": ("mean=nan", "not finite"),
    "infinite": ("std=inf", "not finite"),
    "zero_deviation": ("std=1/0/1", "above 0"),
    "negative_deviation": ("std=-1", "above 0"),
    "zero_scale": ("scale=0", "above 0"),
    "two_scales": ("scale=1/2", "2 numbers"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad_text_gives_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        Preprocessing.parse(text)
    assert "\n" not in str(caught.value)


def test_unknown_keys_are_unknown_names():
    with pytest.raises(UnknownNameError):
        Preprocessing.parse("means=1")


def test_the_text_form_of_imagenet():
    prepare = Preprocessing.parse(IMAGENET)
    assert str(prepare) == IMAGENET
    assert prepare.resize == 256
    assert prepare.crop == (224, 224)


sizes = st.integers(1, 500)
numbers = st.floats(1e-6, 1e6)


@given(
    resize=st.none() | sizes | st.tuples(sizes, sizes),
    crop=st.none() | st.tuples(sizes, sizes),
    interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"]),
    scale=numbers,
    mean=st.tuples(numbers) | st.tuples(numbers, numbers, numbers),
    std=st.tuples(numbers) | st.tuples(numbers, numbers, numbers),
    channels=st.sampled_from(["RGB", "BGR"]),
)
@settings(max_examples=100, deadline=None)
def test_text_and_value_are_the_same_thing(**values):
    try:
        prepare = Preprocessing(**values)
    except InputError:
        assert values["crop"] is not None
        return
    assert Preprocessing.parse(str(prepare)) == prepare
    assert Preprocessing.parse(str(prepare), Preprocessing.parse(IMAGENET)) == prepare


def test_what_is_not_named_stays_as_it_was():
    base = Preprocessing.parse(IMAGENET)
    changed = Preprocessing.parse("Resize = 300 , INTERPOLATION=Nearest", base)
    assert (changed.resize, changed.interpolation) == (300, "nearest")
    assert (changed.crop, changed.mean, changed.std) == (base.crop, base.mean, base.std)
    assert Preprocessing.parse("resize=none,crop=none", base).crop is None


def test_values_are_what_the_formula_says():
    image = photo(3, 2)
    values = Preprocessing(scale=255, mean=(127,), std=(128,))(image)
    assert values.shape == (1, 3, 2, 3)
    assert values.dtype == torch.float32
    expected = (np.asarray(image).astype(float) - 127) / 128
    assert np.allclose(values[0].permute(1, 2, 0).numpy(), expected, atol=1e-7)


def test_an_image_is_left_alone_by_default():
    values = Preprocessing()(photo())
    assert np.allclose(values[0].permute(1, 2, 0).numpy() * 255, np.asarray(photo()), atol=1e-4)


def test_bgr_is_rgb_backwards():
    mean = (0.1, 0.2, 0.3)
    rgb, bgr = (Preprocessing(mean=m, channels=c)(photo()) for m, c in ((mean, "RGB"), (mean[::-1], "BGR")))
    assert torch.equal(rgb.flip(1), bgr)


def test_one_channel():
    prepare = Preprocessing.parse("channels=L,mean=0.5,std=0.5")
    values = prepare(photo())
    assert values.shape == (1, 1, 30, 40)
    assert np.array_equal(prepare.display(values)[..., 1], np.asarray(photo().convert("L")))


def test_luma_is_that_of_full_range_bt_601():
    values = Preprocessing.parse("channels=Y")(photo())
    assert values.shape == (1, 1, 30, 40)
    exact = np.asarray(photo()).astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(values[0, 0].numpy() * 255 - exact).max() < 1e-4
    assert np.abs(values[0, 0].numpy() * 255 - np.asarray(photo().convert("L"))).max() < 0.51
    ends = [Preprocessing.parse("channels=Y")(Image.new("RGB", (2, 2), colour)) for colour in ("black", "white")]
    assert [float(end.mean()) for end in ends] == [0, 1]


def test_luma_of_grey_is_grey_and_cut_like_any_image():
    grey = photo().convert("L")
    plain = np.asarray(grey)
    for mode in ("L", "RGB"):
        values = Preprocessing.parse("channels=Y,crop=10,scale=255")(grey.convert(mode))
        assert np.allclose(values[0, 0].numpy(), plain[10:20, 15:25], atol=1e-4)
    resized = Preprocessing.parse("channels=Y,resize=15,interpolation=bicubic,scale=255")(grey)
    assert np.allclose(resized[0, 0].numpy(), np.asarray(grey.resize((20, 15), Image.Resampling.BICUBIC)), atol=1e-4)


@pytest.mark.parametrize("channels", ["L", "Y"])
@pytest.mark.parametrize("text", ["scale=1", "scale=255,mean=16,std=219"])
def test_one_channel_is_displayed_as_grey_and_has_bounds(channels, text):
    prepare = Preprocessing.parse(f"channels={channels},{text}")
    assert Preprocessing.parse(str(prepare)) == prepare
    values = prepare(photo())
    picture = prepare.display(values)
    assert picture.shape == (30, 40, 3)
    assert (picture == picture[..., :1]).all()
    assert torch.allclose(prepare(Image.fromarray(picture)), values, atol=0.51 * float(prepare.level))
    assert np.array_equal(prepare.display(prepare(Image.fromarray(picture))), picture)
    assert prepare.lower.shape == prepare.upper.shape == prepare.level.shape == (1, 1, 1, 1)
    black, white = (prepare(Image.new("RGB", (3, 3), colour)) for colour in ("black", "white"))
    assert torch.allclose(black, prepare.lower.expand_as(black))
    assert torch.allclose(white, prepare.upper.expand_as(white))
    assert (prepare.display(values + 300 * prepare.level) == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_any_mode_is_taken(mode):
    assert Preprocessing()(photo().convert(mode)).shape == (1, 3, 30, 40)


@pytest.mark.parametrize(
    "text",
    [
        "scale=1",
        "scale=255,mean=127,std=128",
        "mean=0.485/0.456/0.406,std=0.229/0.224/0.225",
        "channels=BGR,mean=1/2/3",
    ],
)
def test_display_is_the_inverse(text):
    prepare = Preprocessing.parse(text)
    values = prepare(photo())
    picture = prepare.display(values)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, np.asarray(photo()))
    assert np.array_equal(prepare.display(values[0]), picture)
    assert (prepare.display(values + 300 * prepare.level) == 255).all()
    assert (prepare.display(values - 300 * prepare.level) == 0).all()
    brighter = np.minimum(np.asarray(photo()).astype(int) + 1, 255)
    assert np.array_equal(prepare.display(values + prepare.level), brighter)


def test_lower_and_upper_are_black_and_white():
    prepare = Preprocessing.parse(IMAGENET)
    black, white = (prepare(Image.new("RGB", (300, 300), colour)) for colour in ("black", "white"))
    assert torch.allclose(black, prepare.lower.expand_as(black))
    assert torch.allclose(white, prepare.upper.expand_as(white))
    assert torch.allclose(prepare.upper - prepare.lower, 255 * prepare.level)
    assert prepare.level.shape == (1, 3, 1, 1)


@pytest.mark.parametrize(
    ("shape", "value"),
    [((1, 1, 4, 4), 0), ((2, 3, 4, 4), 0), ((4, 4), 0), ((1, 3, 4, 4), float("nan")), ((1, 3, 4, 4), float("inf"))],
    ids=["one_channel", "two_images", "flat", "nan", "infinite"],
)
def test_what_is_no_picture_is_not_displayed(shape, value):
    with pytest.raises(InputError):
        Preprocessing().display(torch.full(shape, float(value)))


@pytest.mark.parametrize(
    ("size", "text", "message"),
    [
        ((10, 300), "crop=20", "smaller than crop"),
        ((300, 10), "crop=20", "smaller than crop"),
        ((1, 9000), "resize=256", "less narrow"),
    ],
    ids=["narrow", "low", "enormous_when_resized"],
)
def test_images_that_do_not_fit(size, text, message):
    with pytest.raises(InputError, match=message):
        Preprocessing.parse(text)(Image.new("RGB", size))


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(40, 30), (31, 57), (33, 33), (97, 41)])
def test_it_does_what_torchvision_does(interpolation, size):
    declare_operators()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms._presets import ImageClassification

    theirs = ImageClassification(crop_size=24, resize_size=29, interpolation=InterpolationMode(interpolation))
    ours = Preprocessing.parse(f"resize=29,crop=24,interpolation={interpolation}", Preprocessing.parse("crop=none"))
    ours = Preprocessing.parse("mean=0.485/0.456/0.406,std=0.229/0.224/0.225", ours)
    assert torch.allclose(ours(photo(*size))[0], theirs(photo(*size)), atol=1e-6)

"""``linearscope tour`` of networks that make images: which pixels they are shown, and what every option does."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.analysis.quality import quality
from linearscope.datasets import shrink
from linearscope.models import load_model

LARGER = ["tour", "photo.png", "--model", "models.py:unlike", "-k", "1"]
SAME = ["tour", "photo.png", "--model", "models.py:translator", "-k", "1"]


@pytest.fixture(autouse=True)
def _drawn_elsewhere(monkeypatch):
    """Charts are one pixel here: what they show is tested with the pages, and drawing them takes the longest."""
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "PNG")
    monkeypatch.setattr("linearscope.report.page.png", lambda figure: file.getvalue())


@pytest.fixture
def large(work):
    """A photo that is cropped unless asked otherwise."""
    rows, columns = np.mgrid[:34, :150]
    planes = [np.sin(rows / 7), np.cos(columns / 5), np.sin((rows + columns) / 11)]
    pixels = (127 + 120 * np.stack(planes, -1)).astype(np.uint8)
    Image.fromarray(pixels).save(work / "large.png")
    return work


def result(work, folder="linearscope-tour"):
    return json.loads((work / folder / "result.json").read_text())


def as_tensor(image):
    return torch.from_numpy(np.asarray(image).astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_an_upscaler_gets_the_tour_of_upscalers(run, work):
    code, out, err = run(*LARGER, "--at", "3,4", "--at", "7,8", "--compare", "models.py:upscaler")
    assert code == 0, err
    found = result(work)
    assert found["schema"] == "linearscope.super-resolution/1"
    names = [one["name"] for one in found["networks"]]
    assert names == ["models.py:unlike", "models.py:upscaler", "bicubic"]
    assert [line.split(": ")[0] for line in out.splitlines()[:3]] == names
    places = found["networks"][0]["places"]
    assert [place["input_row_column"] for place in places[:2]] == [[3, 4], [7, 8]]
    assert len(places) == 6
    assert len(found["singular_triplets"]["triplets"]) == 1
    assert found["networks"][0]["quality"] is None
    assert "--compare models.py:upscaler" in found["about"]["command"]


def test_a_network_that_keeps_the_size_gets_the_other_tour(run, work):
    code, _, err = run(*SAME, "--interpretation", "taylor", "--compare", "models.py:translator")
    assert code == 0, err
    found = result(work)
    assert found["schema"] == "linearscope.image-to-image/1"
    assert found["networks"][0]["certificate"]["interpretation"] == "taylor"
    assert found["off_diagonal"]["far_share"] > 0
    assert len(found["networks"]) == 2


def test_downscaling_makes_the_photo_the_original(run, work):
    code, out, err = run(*LARGER, "--downscale")
    assert code == 0, err
    original, small = shrink(Image.open("photo.png"), 2)
    made = load_model("models.py:unlike").module(as_tensor(small))
    wanted = quality(made.detach(), as_tensor(original), border=2)
    found = result(work)["networks"][0]
    assert found["image_shape"] == [1, 3, 10, 12]
    assert found["quality"]["psnr_db"] == pytest.approx(wanted.psnr, abs=1e-3)
    assert f"PSNR {wanted.psnr:.2f} dB" in out
    small.save("small.png"), original.save("original.png")
    code, _, err = run(
        "tour", "small.png", "--model", "models.py:unlike", "-k", "1", "--original", "original.png", "-o", "given"
    )
    assert code == 0, err
    assert result(work, "given")["networks"][0]["quality"] == found["quality"]


def test_noise_makes_the_photo_the_original(run, work):
    code, _, err = run(*SAME, "--noise", "20")
    assert code == 0, err
    found = result(work)
    assert found["networks"][0]["quality"]["psnr_db"] > 0
    # The luma averages the noise of three channels: 20 levels become about 11.5, less what is clipped.
    assert 24 < found["networks"][0]["quality_of_the_input"]["psnr_db"] < 31
    assert any("noise of 20 of 255 levels" in note for note in found["about"]["notes"])


def test_large_photos_are_cropped_and_the_page_says_so(run, large):
    arguments = ["tour", "large.png", "--model", "models.py:unlike", "-k", "1"]
    for options, shape in (([], [34, 128]), (["--crop", "32"], [32, 32]), (["--crop", "0"], [34, 150])):
        code, _, err = run(*arguments, *options)
        assert code == 0, err
        found = result(large)
        assert found["networks"][0]["image_shape"] == [1, 3, *shape]
        said = [note for note in found["about"]["notes"] if "--crop" in note]
        assert len(said) == (shape != [34, 150])
        assert all(f"{shape[1]} × {shape[0]} of 150 × 34" in note for note in said)


def test_the_crop_of_the_original_lies_on_the_crop_of_the_photo(run, large):
    # Odd margins on both sides: the middle of one must still be the middle of the other.
    Image.open("large.png").crop((0, 0, 46, 34)).save("original.png")
    code, _, err = run(
        "tour", "original.png", "--model", "bicubic_x2", "--downscale", "--crop", "16", "-k", "1", "--dtype", "float64"
    )
    assert code == 0, err
    assert result(large)["networks"][0]["quality"]["psnr_db"] > 30


def test_a_classifier_is_shown_the_whole_of_a_large_photo(run, large):
    code, _, err = run("tour", "large.png", "--model", "models.py:classifier", "--no-attack")
    assert code == 0, err
    assert result(large)["before"]["image_shape"] == [1, 3, 34, 150]


def test_without_a_photo_an_upscaler_is_shown_the_bundled_one_made_smaller(run, work):
    code, _, err = run("tour", "--model", "bicubic_x3", "--crop", "24", "-k", "1")
    assert code == 0, err
    found = result(work)
    assert found["about"]["image"] == "espresso.jpg"
    assert found["networks"][0]["quality"] == found["networks"][1]["quality"]
    assert found["networks"][0]["image_shape"] == [1, 3, 24, 24]


def test_weights_can_be_given_to_the_network_beside_it(run, work):
    from safetensors.torch import save_file

    state = {name: 2 * value for name, value in load_model("models.py:unlike").module.state_dict().items()}
    save_file(state, "double.safetensors")
    code, _, err = run(*LARGER, "--compare", "models.py:unlike", "--compare", "models.py:unlike,double.safetensors")
    assert code == 0, err
    first, second = result(work)["networks"][1:3]
    assert first["places"][0]["column"]["energy"] != second["places"][0]["column"]["energy"]


def test_a_grey_network_sees_a_grey_photo(run, work):
    (work / "grey.py").write_text(
        "import torch\n\ndef up():\n    return torch.nn.Upsample(scale_factor=2, mode='bicubic')\n"
    )
    code, _, err = run(
        "tour", "photo.png", "--model", "grey.py:up", "--preprocess", "channels=L", "--downscale", "-k", "1"
    )
    assert code == 0, err
    assert result(work)["networks"][0]["output_shape"] == [1, 1, 20, 24]

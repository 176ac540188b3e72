"""Published weights in ``../shared/data``: they load by name, do what is stated of them, and their map is exact."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest
import torch
from PIL import Image

import linearscope as ls
from linearscope.models import load_model, read_image


def load(shared, name, file):
    return load_model(name, weights=shared / "weights" / f"{file}.safetensors")


def cifar10(shared, count):
    with np.load(shared / "cifar10" / "test_first2000.npz") as data:
        return [Image.fromarray(image) for image in data["images"][:count]], torch.from_numpy(data["labels"][:count])


def mnist(shared, count):
    with gzip.open(shared / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + 784 * count), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(shared / "mnist" / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return [Image.fromarray(image) for image in pixels], torch.from_numpy(labels.copy())


def exact(model, image):
    """Interpret in float32; the errors are relative to the largest term summed."""
    certificate = ls.interpret(model.module, image).certificate
    assert certificate.reconstruction < 1e-5
    assert certificate.adjoint < 1e-5


# The accuracy stated is that on all 10,000 test images.
@pytest.mark.parametrize(
    ("name", "images", "stated"),
    [
        ("cifar10_resnet20", cifar10, 0.9173),
        ("cifar10_resnet2b_nobn", cifar10, 0.699),
        ("mnist_lenet5", mnist, 0.9889),
    ],
)
def test_a_classifier_is_as_accurate_as_stated_and_exact(shared, name, images, stated):
    model = load(shared, name, name)
    photos, labels = images(shared, 1000)
    inputs = torch.cat([model.preprocessing(photo) for photo in photos])
    with torch.no_grad():
        found = (torch.cat([model.module(part) for part in inputs.split(250)]).argmax(1) == labels).double().mean()
    error = math.sqrt(stated * (1 - stated) / 1000 * (1 - 1000 / 10_000))
    assert abs(float(found) - stated) < 3 * error
    assert model.labels is not None
    assert len(model.labels) == 10
    exact(model, inputs[:1])


def test_deeplab_finds_the_objects_as_stated_and_is_exact(shared):
    """Pixel agreement .97 on 2011_000003, the photo in the upper left of a grey square of 513 pixels."""
    model = load(shared, "deeplabv3_mnv2_voc", "deeplabv3_mnv2_voc")
    photo = read_image(shared / "voc" / "2011_000003.jpg")
    mask = np.array(Image.open(shared / "voc" / "2011_000003_mask.png"))
    height, width = (round(side * 513 / max(photo.size)) for side in (photo.height, photo.width))
    square = Image.new("RGB", (513, 513), (127, 127, 127))
    square.paste(photo.resize((width, height), Image.Resampling.BILINEAR))
    image = model.preprocessing(square)
    assert image.shape == (1, 3, 513, 513)
    with torch.no_grad():
        found = model.module(image)[0].argmax(0)[:height, :width]
    classes = np.array(Image.fromarray(found.numpy().astype(np.uint8)).resize(photo.size, Image.Resampling.NEAREST))
    assert (classes == mask)[mask != 255].mean() == pytest.approx(0.97, abs=0.01)
    exact(model, image[:, :, 160:225, 200:297])


@pytest.mark.parametrize("style", ["candy", "mosaic"])
def test_a_style_is_painted_and_exact(shared, style):
    """The painting keeps the photo's edges, has the style's stronger colours and hardly leaves 0 to 255."""
    model = load(shared, "transformer_net", f"style_transformernet_{style}")
    photo = read_image(sorted((shared / "bsd100").glob("*.png"))[3])
    image = model.preprocessing(photo)
    assert 100 < image.max() <= 255
    with torch.no_grad():
        painting = model.module(image)
    assert painting.shape == image.shape
    assert painting.clamp(0, 255).sub(painting).abs().mean() < 8

    def saturation(pixels):
        return float((pixels.amax(1) - pixels.amin(1)).mean())

    def steps(pixels):
        return pixels.mean(1).diff(dim=1)[:, :, 1:].abs().flatten()

    assert saturation(painting.clamp(0, 255)) > saturation(image)
    assert torch.corrcoef(torch.stack([steps(image), steps(painting)]))[0, 1] > 0.2
    exact(model, image[:, :, 64:112, 64:128])

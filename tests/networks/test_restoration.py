"""The bundled upscalers and denoisers are what their figures say, on photos that they did not learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import linearscope as ls
from linearscope.datasets import luma, psnr, read_photos, shrink
from linearscope.models import load_model
from linearscope.networks import BUNDLED

FIGURES = json.loads((Path(__file__).parents[2] / "training" / "restoration.json").read_text())
UPSCALERS = ("espcn_x2", "edsr_small_x2")
DENOISERS = ("denoiser", "denoiser_biased")


def photos() -> list[Image.Image]:
    """Cuts of three photos of scikit-image's package."""
    names = ("astronaut", "coffee", "chelsea")
    return [Image.fromarray(getattr(skimage.data, name)()).crop((120, 60, 280, 220)) for name in names]


def pixels(image: torch.Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).double().clamp(0, 1).numpy() * 255


@torch.no_grad()
def enlarged(name: str, images: list[Image.Image]) -> float:
    """Mean PSNR of the luma, as the figures are measured."""
    model = load_model(name)
    found = []
    for image in images:
        high, low = shrink(image, 2)
        result = model.module(model.preprocessing(low))
        assert result.shape[2:] == (high.size[1], high.size[0])
        found.append(psnr(luma(pixels(result)), luma(high), border=2))
    return float(np.mean(found))


@torch.no_grad()
def cleaned(name: str, sigma: float) -> tuple[float, float]:
    """Mean PSNR of the noisy photos and of what the denoiser makes of them."""
    model = load_model(name)
    generator = torch.Generator().manual_seed(1)
    before, after = [], []
    for image in photos():
        clean = model.preprocessing(image)
        noisy = clean + sigma / 255 * torch.randn(clean.shape, generator=generator)
        for found, result in ((before, noisy), (after, model.module(noisy))):
            found.append(psnr(pixels(result), pixels(clean)))
    return float(np.mean(before)), float(np.mean(after))


def small() -> torch.Tensor:
    """A piece of a photo that is small enough for the certificate."""
    return load_model("bicubic_x2").preprocessing(photos()[0].crop((60, 60, 76, 72))).double()


@pytest.mark.parametrize("name", [*UPSCALERS, *DENOISERS])
def test_weights_are_small_and_counted(name: str) -> None:
    entry = BUNDLED[name]
    assert entry.weights is not None
    assert entry.weights().stat().st_size < 2_000_000
    net = load_model(name).module
    assert isinstance(net, torch.nn.Module)
    assert all(value.isfinite().all() for value in net.state_dict().values())
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == FIGURES[name]["parameters"]


@pytest.mark.parametrize(("name", "margin"), [("espcn_x2", 1.5), ("edsr_small_x2", 2.4)])
def test_upscalers_are_clearly_above_bicubic(name: str, margin: float) -> None:
    assert enlarged(name, photos()) > enlarged("bicubic_x2", photos()) + margin


@pytest.mark.parametrize("name", UPSCALERS)
def test_the_stated_figures_come_out_again(shared: Path, name: str) -> None:
    images = read_photos(shared / "set5")
    assert enlarged(name, images) == pytest.approx(FIGURES[name]["set5"]["psnr"], abs=0.01)
    assert enlarged("bicubic_x2", images) == pytest.approx(FIGURES[name]["set5"]["bicubic"], abs=0.001)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize(("sigma", "gain"), [(10, 5), (25, 8), (40, 10)])
def test_denoisers_remove_noise_of_the_levels_they_learnt(name: str, sigma: float, gain: float) -> None:
    before, after = cleaned(name, sigma)
    assert after > before + gain


def test_without_biases_more_noise_than_was_learnt_is_removed_better() -> None:
    (_, free), (_, biased) = (cleaned(name, 75) for name in DENOISERS)
    assert free > biased + 1


def test_the_two_denoisers_differ_by_their_biases_alone() -> None:
    free, biased = (load_model(name).module.state_dict() for name in DENOISERS)
    assert {key for key in biased if key not in free} == {f"model.{2 * index}.bias" for index in range(8)}
    assert all(free[key].shape == biased[key].shape for key in free)
    assert all(biased[key].abs().max() > 1e-4 for key in biased)


def test_without_biases_the_denoiser_is_its_filter_matrix_alone() -> None:
    image = small()
    for name in DENOISERS:
        it = ls.interpret(load_model(name).module.double(), image)
        assert it.certificate.reconstruction < 1e-12
        assert (it.residual.abs().max() == 0) == (name == "denoiser")


@pytest.mark.parametrize("name", UPSCALERS)
def test_upscalers_are_interpreted_exactly(name: str) -> None:
    certificate = ls.interpret(load_model(name).module.double(), small()).certificate
    assert certificate.reconstruction < 1e-12
    assert certificate.adjoint < 1e-12

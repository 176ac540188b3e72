"""Bicubic as a network is torch's bicubic, Pillow's, and the closed form of its kernel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import linearscope as ls
from linearscope.errors import UnknownNameError
from linearscope.models import load_model
from linearscope.networks import Bicubic

SCALES = [2, 3, 4]


def keys(distance: float, a: float) -> float:
    """Keys' kernel, as printed."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def row(new: int, scale: int, length: int, a: float, borders: str) -> np.ndarray:
    """Weights of the old pixels in one new pixel, by adding up the kernel where each old pixel lies."""
    weights = np.zeros(length)
    place = (new + 0.5) / scale - 0.5
    for old in range(-4, length + 4):
        value = keys(place - old, a)
        if borders == "replicate":
            weights[min(max(old, 0), length - 1)] += value
        elif borders == "circular":
            weights[old % length] += value
        elif 0 <= old < length:
            weights[old] += value
    return weights


def axis(scale: int, length: int, a: float, borders: str) -> np.ndarray:
    return np.stack([row(new, scale, length, a, borders) for new in range(scale * length)])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("a", "borders"), [(-0.5, "replicate"), (-0.75, "circular"), (-0.5, "zeros")])
def test_the_matrix_is_that_of_the_kernel(scale: int, a: float, borders: str) -> None:
    net = Bicubic(scale, channels=2, a=a, borders=borders).double()
    image = torch.rand(1, 2, 6, 5, dtype=torch.float64)
    rows, columns = (torch.from_numpy(axis(scale, length, a, borders)) for length in (6, 5))
    assert torch.allclose(net(image)[0], rows @ image[0] @ columns.T, rtol=0, atol=1e-14)
    it = ls.interpret(net, image)
    dense = it.columns(range(60)).reshape(60, -1).T
    kron = torch.kron(torch.eye(2, dtype=torch.float64), torch.kron(rows, columns))
    assert torch.allclose(dense, kron, rtol=0, atol=1e-14)
    assert it.residual.abs().max() == 0


@pytest.mark.parametrize("scale", SCALES)
def test_it_is_torchs_interpolation(scale: int) -> None:
    image = torch.rand(1, 3, 7, 6, dtype=torch.float64)
    for a, antialias in ((-0.75, False), (-0.5, True)):
        theirs = F.interpolate(
            image, scale_factor=float(scale), mode="bicubic", align_corners=False, antialias=antialias
        )
        ours = Bicubic(scale, a=a).double()(image)
        # With antialiasing torch leaves pixels outside the image out and weighs those inside more.
        inner = slice(2 * scale, -2 * scale) if antialias else slice(None)
        assert torch.allclose(
            ours[..., inner, inner], theirs[..., inner, inner], rtol=0, atol=1e-6 if antialias else 1e-12
        )


def test_it_is_pillows_interpolation_away_from_borders() -> None:
    pixels = np.random.default_rng(0).integers(80, 170, (9, 8, 3), dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(pixels).resize((16, 18), Image.Resampling.BICUBIC)).astype(float)
    ours = Bicubic(2).double()(torch.from_numpy(pixels).permute(2, 0, 1)[None].double())[0].permute(1, 2, 0).numpy()
    # Pillow rounds to 8 bits after the rows and after the columns, whose weights add up to 1.25 in absolute value.
    assert np.abs(ours - theirs)[4:-4, 4:-4].max() < 0.5 * 1.25 + 0.51


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("a", [-0.5, -0.75])
def test_with_circular_borders_the_spectrum_is_the_kernels(scale: int, a: float) -> None:
    height, width = 6, 5

    def gains(length: int) -> np.ndarray:
        """Of each frequency: the norm, over the phases, of the transfer functions of the kernel's phases."""
        total = np.zeros(length)
        for phase in range(scale):
            place = (phase + 0.5) / scale - 0.5
            taps = sum(
                keys(place - old, a) * np.exp(-2j * np.pi * np.arange(length) * old / length) for old in range(-4, 5)
            )
            total += np.abs(taps) ** 2
        return np.sqrt(total)

    net = Bicubic(scale, channels=1, a=a, borders="circular").double()
    it = ls.interpret(net, torch.rand(1, 1, height, width, dtype=torch.float64))
    dense = it.columns(range(height * width)).reshape(height * width, -1)
    found = torch.linalg.svdvals(dense).numpy()
    expected = np.sort(np.outer(gains(height), gains(width)).ravel())[::-1]
    assert np.allclose(found, expected, rtol=1e-12)
    # A flat image is enlarged to a flat one; with the sharper kernel a faint pattern gains more than that.
    assert np.isclose(found, scale, rtol=1e-12).any()
    assert (found[0] > scale + 1e-6) == (a == -0.75)


@pytest.mark.parametrize("scale", SCALES)
def test_flat_images_and_ramps_are_kept(scale: int) -> None:
    net = Bicubic(scale).double()
    flat = torch.full((1, 3, 5, 5), 0.7, dtype=torch.float64)
    assert torch.allclose(net(flat), torch.tensor(0.7, dtype=torch.float64), rtol=1e-14)
    ramp = torch.arange(9, dtype=torch.float64).expand(1, 3, 9, 9)
    places = (torch.arange(9 * scale, dtype=torch.float64) + 0.5) / scale - 0.5
    inner = slice(2 * scale, -2 * scale)
    assert torch.allclose(net(ramp)[0, 0, :, inner], places[inner].expand(9 * scale, -1), atol=1e-13)


def test_a_change_of_type_does_not_round_the_kernel() -> None:
    there_and_back = Bicubic(3).double().float().double()
    assert torch.equal(there_and_back.kernel, Bicubic(3).double().kernel)
    assert (there_and_back.kernel - there_and_back.kernel.float()).abs().max() > 1e-10
    assert Bicubic(3).kernel.dtype == torch.float32
    assert not Bicubic(2).state_dict()


@pytest.mark.parametrize("scale", SCALES)
def test_it_is_a_model_without_weights_to_bring(scale: int) -> None:
    model = load_model(f"bicubic_x{scale}")
    image = model.preprocessing(Image.new("RGB", (9, 7), (10, 20, 30)))
    assert model.labels is None
    assert "a = -0.5" in model.source
    assert model.module(image).shape == (1, 3, 7 * scale, 9 * scale)


def test_other_borders_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="replicate"):
        Bicubic(2, borders="reflekt")  # type: ignore[arg-type]

"""PSNR against a computation by hand, SSIM against scikit-image, and what they must not depend on."""

from math import inf, log10

import numpy as np
import pytest
import torch

from linearscope.analysis.quality import quality
from linearscope.datasets import luma
from linearscope.errors import InputError


def pixels(channels=3, size=(24, 31), seed=0):
    values = torch.randint(0, 256, (1, channels, *size), generator=torch.Generator().manual_seed(seed))
    return values.double() / 255


def test_psnr_is_the_one_computed_by_hand():
    one, two = pixels(), pixels(seed=1)
    y = [
        16 + (65.481 * p[0, 0].numpy() + 128.553 * p[0, 1].numpy() + 24.966 * p[0, 2].numpy()) for p in (one, two)
    ]  # in 8-bit levels, of pixels from 0 to 1
    error = np.mean((y[0] - y[1])[2:-2, 2:-2] ** 2)
    assert quality(one, two, border=2).psnr == pytest.approx(10 * log10(255**2 / error), abs=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_an_independent_implementation(channels):
    metrics = pytest.importorskip("skimage.metrics")
    one = pixels(channels)
    two = (one + 0.1 * torch.randn(one.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    levels = [(t[0] * 255).round().permute(1, 2, 0).numpy() for t in (one, two)]
    arrays = [t[..., 0] if channels == 1 else luma(t) for t in levels]
    _, everywhere = metrics.structural_similarity(
        *arrays, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert quality(one, two).ssim == pytest.approx(everywhere[5:-5, 5:-5].mean(), abs=1e-9)


def test_equal_images_are_perfect_and_what_is_clipped_or_rounded_away_does_not_count():
    one = pixels(1)
    found = quality(one, (one + 0.4 / 255).where(one < 1, one + 3))
    assert (found.psnr, found.ssim) == (inf, 1.0)


def test_small_images_have_no_ssim():
    assert quality(pixels(size=(10, 40)), pixels(size=(10, 40), seed=1)).ssim is None


@pytest.mark.parametrize(
    ("one", "two", "border"),
    [((1, 3, 8, 8), (1, 3, 8, 9), 0), ((1, 2, 8, 8), (1, 2, 8, 8), 0), ((1, 1, 8, 8), (1, 1, 8, 8), 4)],
)
def test_what_cannot_be_compared_is_refused(one, two, border):
    with pytest.raises(InputError):
        quality(torch.zeros(one), torch.zeros(two), border=border)

"""Likeness of maps: SciPy and scikit-image, ties, backgrounds, and what has no ranks."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from skimage.feature import hog as skimage_hog
from skimage.metrics import structural_similarity

from linearscope.errors import InputError
from linearscope.evaluation import compare, hog, spearman


def pairs(kind):
    one, other = torch.randn(4, 30, 50).double(), torch.randn(4, 30, 50).double()
    if kind == "ties":
        one, other = (one * 2).round(), (other * 2 + one).round()
    if kind == "background":
        black = torch.rand(4, 30, 50) < 0.8
        one, other = one.masked_fill(black, 0), other.masked_fill(black & (torch.rand(4, 30, 50) < 0.99), 0)
    return one, other


@pytest.mark.parametrize("kind", ["plain", "ties", "background"])
def test_rank_correlation_is_scipys(kind):
    one, other = pairs(kind)
    expected = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(one, other, strict=True)]
    assert np.allclose(spearman(one, other).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["ties", "background"])
def test_rank_correlation_of_the_foreground_leaves_the_background_out(kind):
    one, other = pairs(kind)
    expected = []
    for a, b in zip(one, other, strict=True):
        seen = (a != 0) | (b != 0)
        expected.append(spearmanr(a[seen], b[seen]).statistic)
    assert np.allclose(spearman(one, other, foreground=True).numpy(), expected, atol=1e-12)


def test_a_black_background_passes_for_agreement_unless_it_is_left_out():
    shape = torch.zeros(20, 28, 28)
    shape[:, 10:18, 12:16] = 1
    one, other = shape * torch.rand(20, 28, 28), shape * torch.rand(20, 28, 28)
    assert spearman(one, other).mean() > 0.9
    assert spearman(one, other, foreground=True).mean().abs() < 0.15


@pytest.mark.parametrize("foreground", [False, True])
def test_constant_maps_have_an_answer(foreground):
    flat, other = torch.full((1, 12, 12), 2.0), torch.rand(1, 12, 12)
    for one, two, expected in [
        (flat, flat, 1), (flat, 3 * flat, 1), (flat, other, 0), (other, flat, 0), (0 * flat, 0 * flat, 1),
        (0 * flat, other, 0),
    ]:  # fmt: skip
        found = compare(one, two, foreground=foreground)
        assert found.values.tolist() == found.signed.tolist() == [expected]
        for measure in (found.ssim, found.hog):
            assert torch.isfinite(measure).all()


@pytest.mark.parametrize("foreground", [False, True])
def test_a_lone_place_has_an_answer(foreground):
    one = torch.zeros(1, 11, 11)
    one[0, 3, 3] = 1
    assert compare(one, 5 * one, foreground=foreground).values.tolist() == [1.0]


def test_absolute_and_signed_ranks_differ_by_signs():
    maps = torch.rand(3, 20, 20) - 0.2
    found = compare(maps, -maps)
    assert torch.allclose(found.values, torch.ones(3).double(), atol=1e-12)
    assert torch.allclose(found.signed, -torch.ones(3).double(), atol=1e-12)


def test_structural_similarity_is_scikit_images():
    one, other = torch.randn(3, 40, 33).double(), torch.randn(3, 40, 33).double()
    expected = [
        structural_similarity(
            a / a.max(), b / b.max(), data_range=1, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(one.abs().numpy(), other.abs().numpy(), strict=True)
    ]
    assert np.allclose(compare(one, other).ssim.numpy(), expected, atol=1e-10)


@pytest.mark.parametrize(
    ("shape", "cell"), [((64, 64), 16), ((50, 71), 16), ((50, 71), 8), ((28, 28), 9), ((9, 12), 3)]
)
def test_hog_is_scikit_images(shape, cell):
    maps = torch.rand(2, *shape).double()
    expected = [skimage_hog(one.numpy(), pixels_per_cell=(cell, cell)) for one in maps]
    assert np.allclose(hog(maps, cell).numpy(), expected, atol=1e-10)


def test_hog_cells_shrink_so_that_a_block_fits():
    maps = torch.rand(1, 28, 40)
    assert torch.equal(hog(maps), hog(maps, 9))


def test_hog_measure_is_the_rank_correlation_of_features():
    one, other = torch.rand(3, 48, 64).double(), torch.rand(3, 48, 64).double()
    features = [hog(each / each.amax((1, 2), keepdim=True)) for each in (one, other)]
    expected = [spearmanr(a, b).statistic for a, b in zip(*features, strict=True)]
    assert np.allclose(compare(one, other).hog.numpy(), expected, atol=1e-12)


def test_same_maps_are_alike_in_every_measure_and_in_any_unit():
    maps = torch.rand(3, 48, 48).double()
    found = compare(maps, 1e-8 * maps)
    for values in (found.values, found.signed, found.ssim, found.hog):
        assert torch.allclose(values, torch.ones(3).double(), atol=1e-9)
    assert set(found.estimates) == {"spearman", "signed", "ssim", "hog"}


def test_bad_input_is_named():
    with pytest.raises(InputError, match="two of one size"):
        compare(torch.rand(2, 12, 12), torch.rand(2, 12, 13))
    with pytest.raises(InputError, match="11 x 11"):
        compare(torch.rand(2, 10, 12), torch.rand(2, 10, 12))
    with pytest.raises(InputError, match="Number 1 of the other maps"):
        spearman(torch.rand(2, 4, 4), torch.stack([torch.rand(4, 4), torch.full((4, 4), torch.inf)]))

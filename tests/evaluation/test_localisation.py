"""Overlap and pointing: slow references, maps whose answer is known, and chance."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from linearscope.attribution import normalised
from linearscope.errors import InputError
from linearscope.evaluation import iou_curve, pointing_game


def random_masks(count, height, width, share=0.3):
    masks = torch.rand(count, height, width) < share
    masks[:, 0, 0] = True
    return masks


def slow_iou(heatmap, mask, t):
    chosen = heatmap >= t
    return int((chosen & mask).sum()) / max(1, int((chosen | mask).sum()))


def test_curve_is_that_of_one_threshold_at_a_time():
    maps = torch.randint(0, 6, (3, 7, 9)).double()
    masks = random_masks(3, 7, 9)
    found = iou_curve(maps, masks, thresholds=21)
    for at, t in enumerate(found.thresholds.tolist()):
        for image in range(3):
            expected = slow_iou(normalised(maps)[image], masks[image], t)
            assert found.curves[image, at] == pytest.approx(expected, abs=1e-12)
    assert torch.allclose(found.curve, found.curves.mean(0))


def test_area_is_the_integral_of_the_curve():
    maps, masks = torch.rand(4, 12, 10, dtype=torch.float64), random_masks(4, 12, 10)
    found = iou_curve(maps, masks)
    for image in range(4):
        levels = [0.0, *normalised(maps)[image].flatten().sort().values.tolist()]
        slow = sum(
            (high - low) * slow_iou(normalised(maps)[image], masks[image], high) for low, high in pairwise(levels)
        )
        assert float(found.auc[image]) == pytest.approx(slow, abs=1e-12)
    fine = iou_curve(maps, masks, thresholds=20_001)
    assert torch.allclose(torch.trapezoid(fine.curves, fine.thresholds, dim=1), fine.auc, atol=1e-3)
    assert torch.equal(fine.auc, found.auc)


def test_a_map_that_is_its_mask_is_perfect_at_every_threshold_above_zero():
    masks = random_masks(3, 8, 8)
    found = iou_curve(masks.float() * 5 - 2, masks)
    assert torch.equal(found.curves[:, 1:], torch.ones(3, 100, dtype=torch.float64))
    assert torch.allclose(found.curves[:, 0], masks.double().mean((1, 2)))
    assert found.auc.tolist() == [1.0] * 3
    assert found.estimate.mean == 1.0


def test_a_constant_map_has_no_overlap():
    masks = random_masks(2, 5, 5)
    found = iou_curve(torch.full((2, 5, 5), 3.0), masks)
    assert found.auc.tolist() == [0.0, 0.0]
    assert float(found.curves[:, 1:].abs().max()) == 0


def test_random_maps_have_the_expected_area():
    """Spacings of independent values do not depend on their order: E auc = mean over set sizes of E IoU."""
    height, width, marked = 6, 7, 11
    places = height * width
    mask = torch.zeros(places, dtype=torch.bool)
    mask[:marked] = True
    sizes = range(1, places)  # the set of all places stands at t = 0 alone
    shared = [np.arange(marked + 1) for _ in sizes]
    expected = np.mean([
        (hypergeom.pmf(both, places, marked, size) * both / (size + marked - both)).sum()
        for both, size in zip(shared, sizes, strict=True)
    ])  # fmt: skip
    found = iou_curve(torch.rand(4000, height, width), mask.reshape(1, height, width).expand(4000, -1, -1))
    error = float(found.auc.std() / 4000**0.5)
    assert abs(float(found.auc.mean()) - expected) < 4 * error
    assert error < 0.002


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9999, 1.0])
def test_chance_is_what_random_maps_of_many_places_have(share):
    mask = torch.zeros(1, 100, 100, dtype=torch.bool)
    mask.flatten(1)[:, : round(share * 10_000)] = True
    found = iou_curve(torch.rand(20, 100, 100), mask.expand(20, -1, -1))
    assert float(found.auc.mean()) == pytest.approx(float(found.chance[0]), rel=0.01)
    q = np.linspace(0, 1, 200_001)[1:]
    assert float(found.chance[0]) == pytest.approx(np.mean(share * q / (share + q - share * q)), rel=1e-4)


def test_pointing_is_a_hit_a_miss_or_the_share_of_ties():
    mask = torch.zeros(4, 5, 5, dtype=torch.bool)
    mask[:, 2, 2] = True
    maps = torch.zeros(4, 5, 5)
    maps[0, 2, 2] = 1
    maps[1, 0, 0] = 1
    maps[2, 2, 2] = maps[2, 4, 4] = maps[2, 0, 4] = 1
    found = pointing_game(maps, mask)
    assert found.values.tolist() == [1.0, 0.0, pytest.approx(1 / 3), pytest.approx(1 / 25)]
    assert torch.equal(found.values[3:], found.chance[3:])


def test_tolerance_is_a_euclidean_distance():
    mask = torch.zeros(1, 11, 11, dtype=torch.bool)
    mask[:, 5, 5] = True
    for row in range(11):
        for column in range(11):
            point = torch.zeros(1, 11, 11)
            point[:, row, column] = 1
            near = (row - 5) ** 2 + (column - 5) ** 2 <= 9
            assert pointing_game(point, mask, tolerance=3).values.item() == near


@pytest.mark.parametrize("metric", [iou_curve, pointing_game])
@pytest.mark.parametrize(
    ("maps", "masks", "words"),
    [
        (torch.rand(2, 4, 4), torch.ones(2, 4, 5, dtype=torch.bool), "bring both to one size"),
        (torch.rand(2, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool), "bring both to one size"),
        (torch.rand(2, 4, 4), torch.ones(2, 4, 4), "tensors of bool"),
        (torch.rand(2, 4, 4), torch.stack([torch.ones(4, 4), torch.zeros(4, 4)]) > 0, "Mask 1 is empty"),
        (torch.full((2, 4, 4), torch.nan), torch.ones(2, 4, 4, dtype=torch.bool), "NaN"),
        (torch.rand(2, 1, 4, 4), torch.ones(2, 4, 4, dtype=torch.bool), r"\(n, H, W\)"),
        (torch.rand(0, 4, 4), torch.ones(0, 4, 4, dtype=torch.bool), "at least 1"),
    ],
)
def test_bad_input_is_named(metric, maps, masks, words):
    with pytest.raises(InputError, match=words):
        metric(maps, masks)


def test_bad_numbers_are_named():
    mask = torch.ones(1, 4, 4, dtype=torch.bool)
    with pytest.raises(InputError, match="thresholds"):
        iou_curve(torch.rand(1, 4, 4), mask, thresholds=1)
    with pytest.raises(InputError, match="tolerance"):
        pointing_game(torch.rand(1, 4, 4), mask, tolerance=-1)

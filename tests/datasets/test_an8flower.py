"""Rendered plants: pure in their arguments, colour the only evidence of the class, masks exact, angles kept apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from linearscope.datasets import AN8FLOWER_BLOCKS, AN8FLOWER_CLASSES, an8flower, flower, flower_photo
from linearscope.datasets.flower_plant import LEAF, PETAL, STEM
from linearscope.datasets.flower_scene import FINER, _seen, draw_scene, render
from linearscope.errors import InputError, UnknownNameError

KINDS = tuple(AN8FLOWER_CLASSES)
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_the_same_arguments_give_the_same_plant_and_others_do_not(kind):
    first, again = flower(kind, 7, "test", seed=3), flower(kind, 7, "test", seed=3)
    assert torch.equal(first.photo, again.photo)
    assert torch.equal(first.mask, again.mask)
    assert (first.label, first.angle) == (again.label, again.angle)
    others = [flower(kind, 7, "train", seed=3), flower(kind, 7, "test", seed=4), flower(kind, 19, "test", seed=3)]
    others.append(flower(next(k for k in KINDS if k != kind), 7, "test", seed=3))
    assert all(first.angle != other.angle for other in others)
    assert all((first.photo != other.photo).double().mean() > 0.5 for other in others)


def test_a_plant_does_not_depend_on_those_made_before_it_or_on_global_seeds():
    alone = flower("double-12c", 14)
    np.random.seed(5)
    torch.manual_seed(5)
    images, labels, masks = an8flower("double-12c", count=16)
    assert torch.equal((255 * images[14]).round().to(torch.uint8), alone.photo)
    assert torch.equal(masks[14], alone.mask)
    assert labels[14] == alone.label
    later, more, _ = an8flower("double-12c", count=2, start=14)
    assert torch.equal(later, images[14:])
    assert torch.equal(more, labels[14:])


@pytest.mark.parametrize("side", [32, 65, 112])
def test_shapes_types_and_range(side):
    images, labels, masks = an8flower("single-6c", "test", 6, side)
    assert images.shape == (6, 3, side, side)
    assert masks.shape == (6, side, side)
    assert (images.dtype, labels.dtype, masks.dtype) == (torch.float32, torch.int64, torch.bool)
    assert 0 <= float(images.min()) < 0.2
    assert 0.8 < float(images.max()) <= 1


@every_kind
def test_another_class_of_the_same_scene_differs_inside_the_masks_alone_and_everywhere_there(kind):
    classes = len(AN8FLOWER_CLASSES[kind])
    changed_inside = inside = 0
    for index in range(10):
        made = [flower(kind, index, label=label) for label in range(classes)]
        for group in (made[:6], made[6:]):
            if group:
                changed = torch.stack([(one.photo != group[0].photo).any(0) for one in group[1:]]).any(0)
                assert all(torch.equal(one.mask, group[0].mask) for one in group)
                assert not (changed & ~group[0].mask).any()
                changed_inside += int(changed.sum())
                inside += int(group[0].mask.sum())
        if classes == 12:
            differs = (made[0].photo != made[6].photo).any(0)
            assert not (differs & ~(made[0].mask | made[6].mask)).any()
    assert changed_inside > 0.99 * inside


@every_kind
def test_pixels_outside_the_mask_do_not_tell_the_colour(kind):
    """A nearest-mean classifier of the colour histogram is right by chance outside the mask, and well inside."""

    def accuracy(inside: bool) -> float:
        features, truth = [], []
        for index in range(480):
            made = flower(kind, index, side=32)
            where = made.mask if inside else ~made.mask
            codes = (made.photo.long() // 64 * torch.tensor([16, 4, 1])[:, None, None]).sum(0)[where]
            features.append(codes.bincount(minlength=64).double() / len(codes))
            truth.append(made.label % 6)
        values, labels = torch.stack(features), torch.tensor(truth)
        means = torch.stack([values[:240][labels[:240] == k].mean(0) for k in range(6)])
        return float((torch.cdist(values[240:], means).argmin(1) == labels[240:]).double().mean())

    assert accuracy(True) > 0.6
    # 240 plants, chance 1/6: four standard deviations.
    assert accuracy(False) < 1 / 6 + 4 * (5 / 36 / 240) ** 0.5


@pytest.mark.parametrize("parts", [(PETAL,), (STEM, LEAF)], ids=["petals", "stem"])
def test_masks_agree_with_a_depth_buffer(parts):
    """Every point's nearest quadrilateral by exact depth, triangle by triangle, against the painter's order."""
    side = 32
    for seed in range(4):
        scene, angle = draw_scene(np.random.default_rng(seed)), 85.0 * seed
        _, mask = render(scene, angle, 0, parts, side)
        corners, _ = _seen(scene, angle)
        points = (np.stack(np.meshgrid(*2 * [np.arange(FINER * side)]), -1).reshape(-1, 2) + 0.5) / (FINER * side)
        nearest, part = np.full(len(points), -np.inf), np.full(len(points), -1)
        for face, kind in zip(corners, scene.mesh.parts, strict=True):
            for a, b, c in ((0, 1, 2), (0, 2, 3)):
                edges = np.stack([face[b, :2] - face[a, :2], face[c, :2] - face[a, :2]], 1)
                if abs(np.linalg.det(edges)) < 1e-9:
                    continue
                u, v = np.linalg.solve(edges, (points - face[a, :2]).T)
                depth = face[a, 2] + u * (face[b, 2] - face[a, 2]) + v * (face[c, 2] - face[a, 2])
                wins = (u >= 0) & (v >= 0) & (u + v <= 1) & (depth > nearest)
                nearest[wins], part[wins] = depth[wins], kind
        exact = np.isin(part, parts).reshape(side, FINER, side, FINER).any((1, 3))
        assert (mask & exact).sum() / (mask | exact).sum() > 0.85
        # What the painter shows beyond it lies on the outline, a pixel wide, but for a few points between two petals.
        grown = F.max_pool2d(torch.from_numpy(exact).float()[None, None], 3, 1, 1)[0, 0].bool().numpy()
        assert (mask & ~grown).sum() <= 0.03 * mask.sum()


@every_kind
def test_no_angle_hides_what_tells_the_class(kind):
    for index in range(0, 36, 3):
        for angle in range(0, 360, 15):
            label = (index // 3) % len(AN8FLOWER_CLASSES[kind])
            mask = flower(kind, index, side=32, angle=angle, label=label).mask
            assert 0.01 < float(mask.double().mean()) < 0.35, (index, angle)


def test_the_plant_turns():
    front, same, back = (flower("single-6c", 5, angle=angle) for angle in (20, 380, 200))
    assert torch.equal(front.mask, same.mask)
    assert (front.mask != back.mask).sum() > 50
    assert front.mask.sum() > back.mask.sum()


def test_angle_blocks_are_disjoint_and_make_the_whole_turn():
    spans = sorted(span for blocks in AN8FLOWER_BLOCKS.values() for span in blocks)
    assert spans[0][0] == 0
    assert spans[-1][1] == 360
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert sum(stop - start for start, stop in AN8FLOWER_BLOCKS["test"]) == 90


@pytest.mark.parametrize("split", ["train", "test"])
def test_angles_lie_in_the_blocks_of_their_split_and_fill_them(split):
    angles = torch.tensor([flower("single-6c", index, split, side=32).angle for index in range(240)])
    counts = [int(((angles >= start) & (angles < stop)).sum()) for start, stop in AN8FLOWER_BLOCKS[split]]
    assert sum(counts) == 240
    widths = torch.tensor([stop - start for start, stop in AN8FLOWER_BLOCKS[split]])
    expected = 240 * widths / widths.sum()
    assert float(((torch.tensor(counts) - expected) ** 2 / expected).sum()) < 17


@every_kind
def test_classes_are_balanced(kind):
    classes = len(AN8FLOWER_CLASSES[kind])
    _, labels, _ = an8flower(kind, count=3 * classes + 2, side=32)
    counts = labels.bincount(minlength=classes)
    assert (counts.min(), counts.max()) == (3, 4)
    assert len(set(AN8FLOWER_CLASSES[kind])) == classes


def test_a_scene_is_the_same_at_every_side():
    small, large = flower("single-6c", 3, side=32), flower("single-6c", 3, side=128)
    shrunk = F.avg_pool2d(large.photo[None].double(), 4)[0]
    assert (shrunk - small.photo).abs().mean() < 6
    assert small.angle == large.angle
    assert abs(float(small.mask.double().mean()) - float(large.mask.double().mean())) < 0.03


def test_the_photo_alone():
    picture = flower_photo("double-12c", 8)
    assert picture.mode == "RGB"
    assert torch.equal(torch.from_numpy(np.array(picture)).permute(2, 0, 1), flower("double-12c", 8, "test").photo)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        pytest.param(lambda: flower("single-7c", 0), UnknownNameError, "no kind of an8Flower 'single-7c'", id="kind"),
        pytest.param(
            lambda: flower("single-6c", 0, "val"), UnknownNameError, "no split of an8Flower 'val'", id="split"
        ),
        pytest.param(lambda: flower("single-6c", -1), InputError, "index -1", id="index"),
        pytest.param(lambda: flower("single-6c", 0, seed=-2), InputError, "seed -2", id="seed"),
        pytest.param(lambda: flower("single-6c", 0, side=31), InputError, "31 pixels", id="small"),
        pytest.param(lambda: flower("single-6c", 0, side=2000), InputError, "2000 pixels", id="large"),
        pytest.param(lambda: flower("single-6c", 0, label=6), InputError, "no class 6 in single-6c", id="label"),
        pytest.param(lambda: flower("single-6c", 0, label=-1), InputError, "no class -1", id="negative label"),
        pytest.param(lambda: flower("single-6c", 0, angle=float("nan")), InputError, "nan degrees", id="angle"),
        pytest.param(lambda: an8flower("single-6c", count=0), InputError, "0 plants", id="count"),
        pytest.param(lambda: an8flower("single-6c", "all", 3), UnknownNameError, "no split", id="split of many"),
    ],
)
def test_bad_input_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()

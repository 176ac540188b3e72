"""Rendered facades: the same from the same seed, labels exact, photo and labels of the same strokes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from linearscope.datasets import (
    FACADE_CLASSES,
    FACADE_PALETTE,
    facade,
    facade_labels,
    facade_map,
    facade_photo,
    facades,
)
from linearscope.datasets.facade_canvas import FINE, Canvas
from linearscope.datasets.facade_parts import BACKGROUND, FACADE, ROOF, WINDOW
from linearscope.errors import InputError


@pytest.fixture(scope="module")
def some():
    return facades(range(24))


def test_the_same_seed_gives_the_same_facade_and_another_does_not():
    first, again, other = facade(7), facade(7), facade(8)
    assert torch.equal(first.photo, again.photo)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.labels, other.labels)


def test_a_facade_does_not_depend_on_those_made_before_it_or_on_global_seeds():
    alone = facade(3).photo
    np.random.seed(5)
    torch.manual_seed(5)
    photos, _ = facades([1, 3])
    assert torch.equal(photos[1], alone)


@pytest.mark.parametrize("size", [32, 100, 128])
def test_shapes_and_types(size):
    made = facade(0, size)
    assert made.photo.shape == made.map.shape == (3, size, size)
    assert made.labels.shape == (size, size)
    assert made.photo.dtype == made.labels.dtype == made.map.dtype == torch.uint8
    assert made.seed == 0


def test_every_class_appears_and_no_other_label(some):
    _, labels = some
    counts = labels.long().flatten().bincount(minlength=len(FACADE_CLASSES))
    assert len(counts) == len(FACADE_CLASSES)
    assert (counts > 300).all()
    for one in labels:
        assert {BACKGROUND, FACADE, ROOF, WINDOW} <= set(one.unique().tolist())


def test_the_order_of_a_street_is_kept(some):
    """Roof above wall above street: their mean rows are in that order in every facade."""
    _, labels = some
    rows = torch.arange(128.0)[:, None].expand(128, 128)
    for one in labels:
        assert rows[one == ROOF].mean() < rows[one == FACADE].mean() < 110
        assert (one[-3:] == BACKGROUND).double().mean() > 0.3


def edges(photo):
    """Size of the step of colour to the right neighbour, (H, W - 1)."""
    return (photo[:, :, 1:].double() - photo[:, :, :-1].double()).norm(dim=0)


def test_photo_and_labels_are_aligned(some):
    """Steps of colour are larger where the label changes, and least so when the labels are moved against the photo."""
    photos, labels = some
    strength = {}
    for shift in range(-4, 5):
        there, elsewhere = [], []
        for photo, one in zip(photos, labels, strict=True):
            change = (one[:, 1:] != one[:, :-1])[:, 4:-4]
            steps = edges(photo)[:, 4 + shift : 123 + shift]
            there.append(steps[change].mean())
            elsewhere.append(steps[~change].mean())
        strength[shift] = float(torch.stack(there).mean() / torch.stack(elsewhere).mean())
    assert max(strength, key=strength.get) == 0
    assert strength[0] > 2
    assert strength[0] > 1.5 * max(strength[-3], strength[3])


def test_strokes_paint_photo_and_label_alike():
    """Random flat rectangles and discs: a slow painter, pixel by pixel, agrees on every point of both."""
    rng = np.random.default_rng(0)
    canvas = Canvas(16)
    side = 16 * FINE
    wanted = np.zeros((side, side), int)
    tones = rng.random((8, 3)).astype(np.float32)
    tones[0] = 0
    for label in range(1, 8):
        left, top, right, bottom = rng.integers(-4, side + 4, 4)
        if label % 2:
            canvas.rect(left, top, right, bottom, tones[label], label)
        else:
            where = canvas.box(left, top, right, bottom)
            y, x = canvas.grid(where)
            canvas.shape(where, (y - 16) ** 2 + (x - 16) ** 2 < 120, tones[label], label)
        for row in range(side):
            for column in range(side):
                if left <= column < right and top <= row < bottom:
                    away = (row + 0.5 - 16) ** 2 + (column + 0.5 - 16) ** 2
                    if label % 2 or away < 120:
                        wanted[row, column] = label
    assert np.array_equal(canvas.labels, wanted)
    assert np.array_equal(canvas.photo, tones[wanted])
    photo, labels = canvas.finished()
    assert np.array_equal(labels, wanted[1::2, 1::2])
    for row in range(16):
        for column in range(16):
            block = tones[wanted[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]]
            assert np.allclose(photo[row, column], block.mean((0, 1)), atol=1e-6)


def test_colours_and_labels_are_inverse_and_nearest(some):
    _, labels = some
    assert torch.equal(facade_labels(facade_map(labels)), labels.long())
    picture = torch.randint(0, 256, (3, 6, 7), generator=torch.Generator().manual_seed(0)).float()
    found = facade_labels(picture)
    for row in range(6):
        for column in range(7):
            pixel = picture[:, row, column].tolist()
            away = [sum((a - b) ** 2 for a, b in zip(pixel, colour, strict=True)) for colour in FACADE_PALETTE]
            assert away[int(found[row, column])] == min(away)


def test_a_blend_of_two_classes_that_touch_is_seldom_nearest_to_a_third(some):
    _, labels = some
    palette = torch.tensor(FACADE_PALETTE).double()
    pairs = torch.cat([labels[:, :, 1:].flatten() * 10 + labels[:, :, :-1].flatten()]).long().bincount(minlength=100)
    wrong = total = 0.0
    for a in range(10):
        for b in range(a):
            weight = float(pairs[10 * a + b] + pairs[10 * b + a])
            mixes = torch.linspace(0.05, 0.95, 19)[:, None] * (palette[a] - palette[b]) + palette[b]
            found = facade_labels(mixes.T[:, :, None]).flatten()
            wrong += weight * float(((found != a) & (found != b)).double().mean())
            total += weight
    assert wrong / total < 0.04


def test_the_photo_alone():
    picture = facade_photo(seed=2, size=64)
    assert picture.mode == "RGB"
    assert torch.equal(torch.from_numpy(np.array(picture)).permute(2, 0, 1), facade(2, 64).photo)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda: facade(-1), "seed of a facade is -1", id="seed"),
        pytest.param(lambda: facade(0, 31), "31 pixels", id="small"),
        pytest.param(lambda: facade(0, 4096), "4096 pixels", id="large"),
        pytest.param(lambda: facades([]), "No seeds", id="none"),
        pytest.param(lambda: facade_map(torch.tensor([[10]])), "not one of the 10", id="label"),
        pytest.param(lambda: facade_map(torch.tensor([[-1]])), "not one of the 10", id="negative"),
        pytest.param(lambda: facade_labels(torch.zeros(4, 2, 2)), "no three colours", id="channels"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(InputError, match=said):
        call()

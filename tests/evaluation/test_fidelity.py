"""Hiding pixels: against loops over pixels, and models whose answer is known."""

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from linearscope.errors import InputError
from linearscope.evaluation import background, deletion, insertion, top5_fidelity


def net(classes=12):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 6 * 8, classes)
    ).double().requires_grad_(False)  # fmt: skip


def images(count=3):
    return torch.rand(count, 3, 8, 10, dtype=torch.float64)


def slow_top5(model, image, heatmap, keep, fill):
    order = heatmap.flatten().argsort(descending=True)
    masked = image.clone()
    for place in order[round(keep * heatmap.numel()) :].tolist():
        masked[:, place // 10, place % 10] = fill[:, 0, 0] if isinstance(fill, torch.Tensor) else fill
    first, second = (set(model(x[None])[0].topk(5).indices.tolist()) for x in (image, masked))
    return len(first & second) / 5


@pytest.mark.parametrize("fill", [0.0, 0.4, torch.tensor([-2.1, -2.0, -1.8], dtype=torch.float64).reshape(3, 1, 1)])
@pytest.mark.parametrize("keep", [0.3, 0.05, 1.0])
def test_top5_is_that_of_one_image_and_pixel_at_a_time(fill, keep):
    model, x = net(), images()
    maps = torch.stack([torch.randperm(80).reshape(8, 10) for _ in x]).double()
    found = top5_fidelity(model, x, maps, keep=keep, fill=fill)
    assert found.values.tolist() == [slow_top5(model, *pair, keep, fill) for pair in zip(x, maps, strict=True)]
    assert found.kept.sum((1, 2)).tolist() == [round(keep * 80)] * 3


def test_keeping_all_pixels_keeps_all_classes():
    assert top5_fidelity(net(), images(), torch.rand(3, 8, 10), keep=1).values.tolist() == [1.0] * 3


def test_ties_are_broken_alike_for_every_method_and_not_from_the_top():
    constant = torch.zeros(1, 40, 40)
    picture = torch.rand(1, 3, 40, 40)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4800, 6))
    one = top5_fidelity(model, picture, constant).kept
    assert torch.equal(one, top5_fidelity(model, picture, constant + 7).kept)
    assert not torch.equal(one, top5_fidelity(model, picture, constant, seed=1).kept)
    halves = one[:, :20].sum(), one[:, 20:].sum()
    assert one.sum() == 480
    assert abs(int(halves[0]) - int(halves[1])) < 100


@pytest.mark.parametrize("insert", [False, True], ids=["deletion", "insertion"])
def test_curves_are_those_of_a_loop(insert):
    model, x = net(4), images()
    maps = torch.stack([torch.randperm(80).reshape(8, 10) for _ in x]).double()
    found = (insertion if insert else deletion)(model, x, maps, [1, 3, 0], steps=7, fill=0.2)
    for image in range(3):
        order = maps[image].flatten().argsort(descending=True)
        for step in range(8):
            places = order[: round(step * 80 / 7)]
            hidden = torch.full_like(x[image], 0.2)
            now = (hidden if insert else x[image]).clone().flatten(1)
            now[:, places] = (x[image] if insert else hidden).flatten(1)[:, places]
            expected = model(now.reshape(1, 3, 8, 10)).softmax(1)[0, [1, 3, 0][image]]
            assert float(found.curves[image, step]) == pytest.approx(float(expected), abs=1e-12)
    assert found.fractions[0] == 0
    assert found.fractions[-1] == 1
    assert torch.allclose(torch.trapezoid(found.curves, found.fractions, dim=1), found.auc)


def test_the_true_order_is_best_for_a_linear_model():
    """Probabilities stand in for a sum of pixels, so that the best order takes the largest first."""
    x = torch.rand(5, 1, 6, 6)
    total = lambda y: y.flatten(1).sum(1, keepdim=True) / 36  # noqa: E731
    areas = [deletion(total, x, maps, softmax=False, steps=36).auc for maps in (x[:, 0], torch.rand(5, 6, 6), -x[:, 0])]
    assert (areas[0] < areas[1]).all()
    assert (areas[1] < areas[2]).all()
    inserted = [insertion(total, x, maps, softmax=False, steps=36, fill=0.0).auc for maps in (x[:, 0], -x[:, 0])]
    assert (inserted[0] > inserted[1]).all()
    # What deletion leaves and what insertion brings sum to the whole image.
    both = areas[0] + inserted[0]
    assert torch.allclose(both, x.double().flatten(1).sum(1) / 36, atol=1e-6)


def test_default_target_is_the_first_class():
    model, x, maps = net(4), images(), torch.rand(3, 8, 10)
    assert torch.equal(deletion(model, x, maps, steps=3).targets, model(x).argmax(1))


def test_blur_is_a_gaussian_with_edges_repeated():
    x = torch.rand(2, 3, 40, 30, dtype=torch.float64)
    slow = gaussian_filter(x.numpy(), (0, 0, 5, 5), mode="nearest", radius=(0, 0, 15, 15))
    assert torch.allclose(background(x, "blur"), torch.from_numpy(slow), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, m: top5_fidelity(net(), x, m, keep=0.0), "above 0 and at most 1"),
        (lambda x, m: top5_fidelity(net(), x, m, keep=1.1), "above 0 and at most 1"),
        (lambda x, m: top5_fidelity(net(3), x, m), "3 classes"),
        (lambda x, m: top5_fidelity(net(), x, m[:2]), "one map"),
        (lambda x, m: top5_fidelity(net(), x[0], m), "Images have the shape"),
        (lambda x, m: top5_fidelity(net(), x, m * torch.nan), "NaN"),
        (lambda x, m: top5_fidelity(net(), x, m, fill="black"), "no fill"),
        (lambda x, m: top5_fidelity(net(), x, m, fill=torch.zeros(2, 1, 1)), "does not spread"),
        (lambda x, m: top5_fidelity(net(), x, m, fill=float("nan")), "finite number"),
        (lambda x, m: top5_fidelity(lambda y: net()(y)[:1], x, m), "one row an image"),
        (lambda x, m: top5_fidelity(lambda y: net()(y) / 0, x, m), "NaN or infinite"),
        (lambda x, m: deletion(net(4), x, m, 4), "no class 4"),
        (lambda x, m: deletion(net(4), x, m, [0, 1]), "3 images and 2 targets"),
        (lambda x, m: deletion(net(4), x, m, torch.rand(3)), "whole numbers"),
        (lambda x, m: deletion(net(4), x, m, steps=81), "81 steps"),
        (lambda x, m: insertion(net(4), x, m, steps=0), "number of steps"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call(images(), torch.rand(3, 8, 10))

"""The constrained lasso against a slow reference, scikit-learn's path, and its own certificate."""

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.concepts import lasso, lasso_path
from linearscope.concepts.lasso import project_l1


def problem(samples, units, classes, layers=4, seed=0):
    """Scores as units have them: not negative, each layer summing to 1, then rows of length 1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(samples) % classes
    noise = torch.rand(samples, units, generator=generator, dtype=torch.float64) ** 3
    own = 4 * torch.rand(classes, units, generator=generator, dtype=torch.float64) ** 6
    scores = (noise + own[labels]).reshape(samples, layers, -1)
    scores = (scores / scores.sum(2, keepdim=True)).reshape(samples, units)
    return scores / scores.norm(dim=1, keepdim=True), torch.nn.functional.one_hot(labels, classes).double()


def nearest(point, mu):
    """The nearest point of the ball by bisection on the shift: slow and simple."""
    if np.abs(point).sum() <= mu:
        return point
    low, high = 0.0, np.abs(point).max()
    for _ in range(60):
        middle = (low + high) / 2
        if np.maximum(np.abs(point) - middle, 0).sum() > mu:
            low = middle
        else:
            high = middle
    return np.sign(point) * np.maximum(np.abs(point) - high, 0)


def slowly(scores, target, mu, steps):
    """Projected gradient with no acceleration, one class at a time, in numpy."""
    a, y = scores.numpy(), target.numpy()
    gram, pull = a.T @ a, a.T @ y
    step = 1 / np.linalg.eigvalsh(gram)[-1]
    w = np.zeros(a.shape[1])
    for _ in range(steps):
        w = nearest(w - step * (gram @ w - pull), mu)
    return w


def sklearn_at(scores, target, mu):
    """Weights of scikit-learn's path where their sizes sum to ``mu``, or its last."""
    from sklearn.linear_model import lars_path

    path = lars_path(scores.numpy(), target.numpy(), method="lasso")[2]
    sums = np.abs(path).sum(0)
    place = int(np.searchsorted(sums, mu))
    if place >= len(sums):
        return path[:, -1]
    part = (mu - sums[place - 1]) / (sums[place] - sums[place - 1])
    return (1 - part) * path[:, place - 1] + part * path[:, place]


def error(scores, weights, target):
    return float(((scores @ torch.as_tensor(weights) - target) ** 2).sum())


@pytest.mark.parametrize("mu", [0.3, 2.0, 10.0])
@pytest.mark.parametrize("shape", [(60, 24, 3), (30, 48, 5)], ids=["gram", "operator"])
def test_agrees_with_scikit_learn(shape, mu):
    pytest.importorskip("sklearn")
    scores, targets = problem(*shape)
    found = lasso(scores, targets, mu)
    assert float(found.weights.abs().sum(0).max()) <= mu * (1 + 1e-9)
    for c in range(shape[2]):
        theirs = sklearn_at(scores, targets[:, c], mu)
        # Beyond that the layers' constant sums make the best weights not unique; the errors still agree.
        if mu < 5:
            assert np.abs(theirs - found.weights[:, c].numpy()).max() < 1e-6
        ours = error(scores, found.weights[:, c], targets[:, c])
        assert ours <= error(scores, theirs, targets[:, c]) + 1e-10


def test_agrees_with_plain_projected_gradient():
    scores, targets = problem(40, 8, 2)
    found = lasso(scores, targets, 1.5)
    for c in range(2):
        assert np.abs(slowly(scores, targets[:, c], 1.5, 1500) - found.weights[:, c].numpy()).max() < 1e-8


def test_projection_is_that_of_bisection():
    points = torch.randn(30, 7, dtype=torch.float64) * torch.logspace(-2, 1, 30, dtype=torch.float64)[:, None]
    expected = torch.from_numpy(np.stack([nearest(point.numpy(), 1.3) for point in points]))
    assert torch.allclose(project_l1(points, 1.3), expected, rtol=0, atol=1e-12)


def test_the_certificate_bounds_what_is_left():
    """The gap, computed here anew from its definition, is at least the distance to a much better solution."""
    scores, targets = problem(50, 32, 4)
    rough, fine = lasso(scores, targets, 4.0, tolerance=1e-1), lasso(scores, targets, 4.0, tolerance=1e-12)
    for c in range(4):
        slope = 2 * scores.T @ (scores @ rough.weights[:, c] - targets[:, c])
        gap = float(slope @ rough.weights[:, c] + 4.0 * slope.abs().max()) / float(targets[:, c].square().sum())
        assert float(rough.gap[c]) == pytest.approx(gap, rel=1e-6, abs=1e-12)
        left = error(scores, rough.weights[:, c], targets[:, c]) - error(scores, fine.weights[:, c], targets[:, c])
        assert -1e-10 <= left <= gap * float(targets[:, c].square().sum()) + 1e-10
    assert float(fine.gap.max()) <= 1e-12


def test_planted_units_are_found_exactly():
    """Each class has two units of its own; noise elsewhere: precision and recall are 1."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(240) % 4
    scores = 0.05 * torch.rand(240, 64, generator=generator, dtype=torch.float64)
    for c in range(4):
        for own in (16 * c, 16 * c + 5):
            scores[labels == c, own] += 0.5 + torch.rand(60, generator=generator, dtype=torch.float64)
    targets = torch.nn.functional.one_hot(labels, 4).double()
    weights = lasso(scores, targets, 0.7).weights
    for c in range(4):
        assert (weights[:, c] > 1e-6).nonzero().flatten().tolist() == [16 * c, 16 * c + 5]
    rare = torch.cat([(labels != 0).nonzero().flatten(), (labels == 0).nonzero().flatten()[:6]])
    weights = lasso(scores[rare], targets[rare], 0.7).weights
    assert int(weights[:, 0].argmax()) in (0, 5)  # six images against 180 are enough to find the unit


def test_copies_of_units_do_no_harm():
    scores, targets = problem(60, 24, 3)
    copied = torch.cat([scores, scores, scores[:, :5]], 1)
    plain, found = lasso(scores, targets, 5.0), lasso(copied, targets, 5.0)
    assert error(copied, found.weights, targets) == pytest.approx(error(scores, plain.weights, targets), abs=1e-8)


@pytest.mark.parametrize("shape", [(60, 24, 3), (20, 60, 3)], ids=["gram", "operator"])
def test_a_bound_that_does_not_bind_gives_least_squares(shape):
    scores, targets = problem(*shape)
    best = torch.linalg.lstsq(scores, targets, driver="gelsd").solution
    found = lasso(scores, targets, 1e4)
    assert error(scores, found.weights, targets) == pytest.approx(error(scores, best, targets), abs=1e-7)


def test_a_path_is_the_single_solutions():
    scores, targets = problem(50, 32, 3)
    bounds = [0.5, 1.0, 2.5]
    for one, mu in zip(lasso_path(scores, targets, bounds), bounds, strict=True):
        assert one.mu == mu
        assert torch.allclose(one.weights, lasso(scores, targets, mu).weights, rtol=0, atol=1e-6)


def test_zero_columns_and_a_class_of_zeros():
    scores, targets = problem(30, 12, 2)
    scores[:, 3] = 0
    targets = torch.cat([targets, torch.zeros(30, 1, dtype=torch.float64)], 1)
    found = lasso(scores, targets, 2.0)
    assert torch.isfinite(found.weights).all()
    assert torch.equal(found.weights[:, 2], torch.zeros(12, dtype=torch.float64))
    assert torch.equal(found.weights[3], torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mu": 0.0}, "mu is 0"),
        ({"mu": -1.0}, "mu is -1"),
        ({"mu": float("nan")}, "mu is nan"),
        ({"scores": torch.full((4, 3), float("nan"))}, "NaN"),
        ({"targets": torch.ones(3, 2)}, "do not fit"),
        ({"start": torch.ones(3, 2)}, "breaks the bound"),
        ({"start": torch.ones(2, 2)}, "The start has the shape"),
    ],
)
def test_bad_input_is_one_sentence(change, said):
    given = {"scores": torch.rand(4, 3), "targets": torch.ones(4, 2), "mu": 1.0, **change}
    with pytest.raises(ls.InputError, match=said):
        lasso(**given)


def test_bounds_that_fall_are_refused():
    with pytest.raises(ls.InputError, match="rise"):
        list(lasso_path(torch.rand(4, 3), torch.ones(4, 2), [2.0, 1.0]))

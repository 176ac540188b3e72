"""Intervals: against SciPy, their coverage, and what has no interval."""

import importlib
import json
import math

import numpy as np
import pytest
import torch
from scipy import stats

from linearscope.errors import InputError
from linearscope.evaluation import Estimate, difference, estimate


@pytest.mark.parametrize(
    "values", [np.arange(12.0) ** 2, np.random.default_rng(3).exponential(size=40)], ids=["squares", "skew"]
)
def test_bca_interval_is_scipys(values):
    found = estimate(values, resamples=50_000)
    other = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="BCa", random_state=np.random.default_rng(1))
    width = other.confidence_interval.high - other.confidence_interval.low
    assert found.mean == pytest.approx(values.mean(), abs=1e-12)
    assert found.low == pytest.approx(other.confidence_interval.low, abs=0.03 * width)
    assert found.high == pytest.approx(other.confidence_interval.high, abs=0.03 * width)


def test_interval_holds_the_true_mean_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = [not estimate(random.exponential(size=50), resamples=1000, seed=trial).excludes(1.0) for trial in range(400)]
    assert 0.90 < np.mean(held) < 0.98


def test_one_value_says_nothing_of_others_and_equal_values_say_all():
    assert estimate([2.0]) == Estimate(2.0, -math.inf, math.inf, 1)
    assert not estimate([2.0]).excludes(0)
    assert estimate([0.3] * 7) == Estimate(0.3, 0.3, 0.3, 7)
    assert all(math.isfinite(x) for x in json.loads(json.dumps([estimate([0, 0, 0, 1]).low])))


def test_same_seed_same_interval_and_tensors_are_lists():
    values = torch.rand(20, dtype=torch.float64)
    assert estimate(values) == estimate(values.tolist()) == estimate(values.numpy())
    assert estimate(values) != estimate(values, seed=1)


def test_rounds_of_resampling_are_one_bootstrap(monkeypatch):
    file = importlib.import_module("linearscope.evaluation.estimate")
    values = np.random.default_rng(0).normal(size=30)
    whole = estimate(values)
    monkeypatch.setattr(file, "ROUND", 7 * 30)
    assert estimate(values) == whole


def test_paired_difference_sees_what_the_means_hide():
    base = np.random.default_rng(0).normal(size=30) * 100
    found = difference(base + 1 + 0.1 * np.random.default_rng(1).normal(size=30), base)
    assert found.excludes(0)
    assert found.mean == pytest.approx(1, abs=0.1)
    assert estimate(base + 1).low < estimate(base).high


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: estimate([]), "at least 1"),
        (lambda: estimate([1.0, math.nan]), "Value 1 is NaN"),
        (lambda: estimate(torch.ones(2, 2)), "shape"),
        (lambda: difference([1.0], [1.0, 2.0]), "1 and 2"),
    ],
)
def test_bad_values_are_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_hits_and_misses_have_the_score_interval():
    from scipy.stats import binomtest

    for hits, count in ((8, 8), (0, 8), (3, 11)):
        found = estimate([1.0] * hits + [0.0] * (count - hits))
        expected = binomtest(hits, count).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)

"""Walks: where they go, what they look at, how they are cut into stretches."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import linearscope as ls
from linearscope.analysis.fields import fields
from linearscope.analysis.points import matching_output
from linearscope.analysis.walk import Steps, default_path, positions, stretches, walk

SHAPE = (3, 18, 14)


def upscaler():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)
    return nn.Sequential(*layers).double()


@pytest.fixture(scope="module")
def it():
    return ls.interpret(upscaler(), torch.rand(1, *SHAPE, dtype=torch.float64))


points = st.tuples(st.integers(0, SHAPE[1] - 1), st.integers(0, SHAPE[2] - 1))


@given(st.lists(points, min_size=2, max_size=5).filter(lambda path: len(set(path)) > 1), st.integers(2, 80))
def test_a_walk_begins_and_ends_on_its_path_and_stays_on_it(path, count):
    found = positions(path, SHAPE, count)
    assert len(found) == count
    assert (found[0], found[-1]) == (path[0], path[-1])
    for row, column in found:
        near = min(_distance((row, column), one, two) for one, two in pairwise(path))
        assert near <= 0.5 * 2**0.5 + 1e-9


@given(st.lists(points, min_size=2, max_size=5).filter(lambda path: len(set(path)) > 1))
def test_steps_are_equally_long(path):
    found = positions(path, SHAPE, 400)
    # Far more steps than pixels: one never jumps.
    assert all(max(abs(a - c), abs(b - d)) <= 1 for (a, b), (c, d) in pairwise(found))


def _distance(point, one, two):
    (y, x), (a, b), (c, d) = point, one, two
    length = (c - a) ** 2 + (d - b) ** 2
    along = 0 if length == 0 else min(1, max(0, ((y - a) * (c - a) + (x - b) * (d - b)) / length))
    return ((y - a - along * (c - a)) ** 2 + (x - b - along * (d - b)) ** 2) ** 0.5


@given(st.lists(st.sampled_from(["edge", "flat", "texture"]), min_size=1, max_size=60), st.integers(1, 6))
def test_stretches_cover_every_step_once_and_are_no_longer_than_asked(on, least):
    found = stretches(on, least, 2 * least)
    assert [step for one in found for step in range(one.start, one.stop)] == list(range(len(on)))
    assert all(1 <= one.stop - one.start <= 2 * least for one in found)
    assert {one.on for one in found} <= set(on)
    if least == 1:
        assert [one.on for one in found for _ in range(one.start, one.stop)] == on


def test_a_step_holds_the_filters_of_its_pixel(it):
    step = Steps(it, channel=2).at((7, 5))
    assert step.output_point == matching_output((7, 5), it.input_shape, it.output_shape) == (15, 11)
    for field, whole in ((step.row, it.rows((2, 15, 11))[0]), (step.column, it.columns((2, 7, 5))[0])):
        top, left = field.start[-2:]
        height, width = field.values.shape[-2:]
        inside = whole[:, top : top + height, left : left + width]
        assert torch.allclose(field.values, inside, atol=1e-12)
        assert abs(float(whole.square().sum() - inside.square().sum())) < 1e-12


def test_a_walk_too_large_for_memory_is_refused_after_its_first_step(it, monkeypatch):
    monkeypatch.setattr("linearscope.analysis.walk.available_memory", lambda device: 3000)
    asked = []

    def find(index, kind):
        asked.append(kind)
        return fields(it, index, kind)

    with pytest.raises(ls.InputError, match="free"):
        walk(Steps(it, find=find), [(2, 2), (9, 9)], 20)
    assert asked == ["row", "column"]


@pytest.mark.parametrize("which", ["row", "column"])
def test_only_what_was_asked_for_is_computed(it, which):
    asked = []

    def find(index, kind):
        asked.append(kind)
        return fields(it, index, kind)

    found = walk(Steps(it, which=which, find=find), [(2, 2), (9, 9)], 20)
    assert asked == [which] * len(set(found.positions))
    assert len(found.fields(which)) == len(asked)
    assert not found.fields("row" if which == "column" else "column")


def test_the_default_path_lies_inside_and_leads_somewhere(it):
    path = default_path(it)
    assert len(positions(path, it.input_shape, 50)) == 50
    for size in ((1, 2), (4, 4)):
        small = ls.interpret(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, *size))
        assert len(set(default_path(small))) > 1


@pytest.mark.parametrize(
    ("path", "count", "words"),
    [
        ([(0, 0)], 10, "at least two"),
        ([(3, 3), (3, 3)], 10, "different"),
        ([(0, 0), (18, 0)], 10, "row from 0 to 17 and a column from 0 to 13"),
        ([(0, -1), (5, 0)], 10, "row from 0 to 17 and a column from 0 to 13"),
        ([(0, 0), (5, 5)], 1, "1 steps"),
    ],
)
def test_walks_that_lead_nowhere_are_refused(it, path, count, words):
    with pytest.raises(ls.InputError, match=words):
        walk(Steps(it), path, count)


def test_kinds_channels_and_classifiers_are_refused(it):
    with pytest.raises(ls.InputError, match="'row'"):
        Steps(it, which="rows")
    with pytest.raises(ls.InputError, match="from 0 to 2"):
        Steps(it, channel=3)
    scores = ls.interpret(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), torch.rand(1, 3, 2, 2))
    with pytest.raises(ls.InputError, match="tour"):
        Steps(scores)

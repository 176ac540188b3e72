"""Sentences follow their numbers, at the edges too."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from linearscope.analysis import ClassificationTour, Contributions, Reach, Votes
from linearscope.report import About, sentences
from linearscope.report.page import stacked
from linearscope.report.words import amount, count, percent, signed, tiny

ABOUT = About("m", "i", labels=("cat", "dog", "owl"))


def votes(*winners: int) -> Votes:
    return Votes((0, 1, 2), torch.tensor([winners]), 1)


def test_votes() -> None:
    assert sentences.voted(votes(0, 0, 0, 1), 0, ABOUT).startswith(
        "“cat” gets 75\u202f% of the pixels' votes, the most of all; “dog” 25\u202f% ("
    )
    assert "the rest" not in sentences.voted(votes(0, 0, 0, 1), 0, ABOUT)
    assert "“owl” gets none" in sentences.voted(votes(0, 0, 0, 1), 2, ABOUT)
    assert "“dog” gets 25\u202f%, place 2 of 2 labels" in sentences.voted(votes(0, 0, 0, 1), 1, ABOUT)
    assert sentences.voted(votes(0, 0), 0, ABOUT).startswith("“cat” gets 100\u202f% of the pixels' votes, the most")
    assert "1 other label shares the rest" in sentences.voted(votes(0, 0, 1, 2), 0, ABOUT)


@pytest.mark.parametrize(
    ("given", "constants", "said"),
    [
        (1.0, 3.0, "+1.00 (25\u202f%) and the network's constants +3.00 (75\u202f%)."),
        (-1.0, 3.0, "−1.00 (−50\u202f%) and the network's constants +3.00 (150\u202f%), which pull in opposite"),
        (2.0, -2.0, "is zero: the image gives +2.00"),
    ],
)
def test_split(given: float, constants: float, said: str) -> None:
    c = Contributions(0, given + constants, given, {"a": constants}, 0.0)
    assert said in sentences.split(c, ABOUT)


def test_layered_counts_the_constants() -> None:
    assert "no constants" in sentences.layered(Contributions(0, 1.0, 1.0, {}, 0.0), ABOUT)
    assert "the only constant is a (+2.00)" in sentences.layered(Contributions(0, 3.0, 1.0, {"a": 2.0}, 0.0), ABOUT)
    many = {f"l{i}": float(i) for i in range(9)}
    text = sentences.layered(Contributions(0, 37.0, 1.0, many, 1e-8), ABOUT)
    assert "of 9 constants the largest are l8 (+8.00), l7 (+7.00) and l6 (+6.00)" in text
    assert "sum to 37.00" in text


def test_discussion_of_checkers_and_of_one_sign() -> None:
    checkers = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    assert "100\u202f% of neighbouring pixels have opposite signs" in sentences.one_discussion(checkers)
    assert "+4.00 for and 0 against leave 4.00; 0\u202f%" in sentences.one_discussion(torch.ones(2, 2))
    assert sentences.one_discussion(torch.ones(1, 1)) == "+1.00 for and 0 against leave 1.00."


REACH = Reach(0.25, 1.0, "relu", True, {"relu": 0.25, "pool": 0.5}, (0.5, 1.0), (0.1, 0.2))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            REACH,
            "after 25\u202f% of the way to the attacked image, at relu; up to there the map is the network itself.",
        ),
        (REACH, "At the attacked image 20\u202f% of all decisions have changed."),
        (replace(REACH, exact=False), "drift at any step"),
        (replace(REACH, step=1.6e-6), "after 1/620,000 of the way"),
        (replace(REACH, step=2.5), "after 2.50 times the way"),
        (replace(REACH, step=float("inf")), "the map stays exact"),
        (replace(REACH, step=0.0, layers={"pool": 0.0, "relu": 0.5}), "A decision at pool stands exactly on its"),
        (replace(REACH, step=0.0, layers={"pool": 0.0, "relu": 0.5}), "the next changes after 50\u202f% of the way"),
    ],
)
def test_reach(found: Reach, said: str) -> None:
    assert said in sentences.reached(found)


def test_inexact_reach_promises_nothing() -> None:
    assert "network itself" not in sentences.reached(replace(REACH, exact=False))
    assert "exact" not in sentences.reached(replace(REACH, exact=False, step=float("inf")))


def test_attack_that_fails(tour: ClassificationTour) -> None:
    assert tour.attack is not None
    same = replace(tour, attack=replace(tour.attack, after=tour.attack.before))
    assert "does not change the answer" in sentences.attacked(same, ABOUT, 2)
    assert "at most 1 level of 255" in sentences.attacked(same, ABOUT, 1)


def test_histograms_that_agree_and_that_do_not() -> None:
    one = Contributions(0, 6.0, 1.0, {"a": 2.0, "b": 3.0, "c": 0.0}, 0.0)
    other = replace(one, input=-1.0, layers={"a": -2.0, "b": -3.0, "c": 0.0})
    assert "is 1.00." in sentences.drifted(one, one, ABOUT)
    assert "is −1.00." in sentences.drifted(one, other, ABOUT)
    assert "add up to 6.00 without their signs before the attack and to 6.00 after" in sentences.drifted(
        one, other, ABOUT
    )


def test_short_names() -> None:
    about = About("m", "i", labels=("", "a" * 50, "crane", "crane, bird"))
    assert about.short(0) == "label 0"
    assert len(about.short(1)) == 32
    assert about.short(3) == "crane (3)"
    assert about.short(9) == "label 9"


def test_words() -> None:
    assert [amount(v) for v in (0.0, -0.5, 0.0072, 1.0, 123.45, 12345.6, 1e-5, float("nan"), float("-inf"))] == [
        "0", "−0.500", "0.0072", "1.00", "123.5", "12,346", "1e−5", "–", "−∞",
    ]  # fmt: skip
    assert [percent(v) for v in (0, 1, -0.02, 1.08, 0.0995, 0.995, -0.0004, 0.0996)] == [
        f"{text}\u202f%" for text in ("0", "100", "−2.0", "108", "10", "99.5", ">−0.1", "10")
    ]
    assert (signed(2.0), signed(-2.0), signed(0.0)) == ("+2.00", "−2.00", "0")
    assert (tiny(3.4e-7), count(2, "box", "boxes")) == ("3e−7", "2 boxes")


def test_bars_meet_at_the_score() -> None:
    same, apart, below = stacked([(1.0, 3.0), (2.0, -1.0), (-0.5, -0.5)])
    assert same["second"][0] == pytest.approx(sum(same["first"]))
    assert same["score"] == pytest.approx(100)
    assert sum(apart["second"]) == pytest.approx(apart["zero"]) == pytest.approx(20)
    assert apart["first"][0] == pytest.approx(apart["zero"])
    assert below["second"][0] == pytest.approx(below["score"]) == pytest.approx(0)
    assert stacked([(0.0, 0.0)])[0]["score"] == 0

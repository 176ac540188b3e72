"""The page of a tour: whole, self-contained, true to its numbers."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from linearscope.analysis import ClassificationTour
from linearscope.report import About, write_tour
from linearscope.report.words import amount, percent
from tests.report.conftest import Page, toy_tour


def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def numbers(folder: Path) -> dict[str, Any]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    loaded: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=refuse)
    return loaded


def test_every_panel_is_there_in_order(written: Path) -> None:
    text = page(written).text
    panels = [
        "Why toy gave its scores",
        "✓ exact",
        "The image or the constants?",
        "Where in the network the score is made",
        "The same score, read at every depth",
        "What the pixels say",
        "What a vote is, and what it is not",
        "Before and after an attack",
        "How far the explanation reaches",
        "What “exact” means here",
        "linearscope tour photo.jpg",
        "toy weights; CC0",
    ]
    places = [text.find(panel) for panel in panels]
    assert -1 not in places, panels[places.index(-1)]
    assert places == sorted(places)
    assert "The weights are random." in text


def test_nothing_is_loaded_from_outside_and_nothing_runs(written: Path) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    for tag, attributes in page(written).elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "srcset"):
            if name in attributes:
                assert attributes[name].startswith("data:image/png;base64,")
        assert "href" not in attributes
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_inlined_figures_are_the_files_beside_and_show_something(written: Path) -> None:
    images = page(written).all("img")
    files = {path.read_bytes(): path.name for path in (written / "figures").iterdir()}
    assert len(images) >= 18
    seen = set()
    for image in images:
        data = base64.b64decode(image["src"].partition(",")[2])
        seen.add(files[data])
        assert image["alt"]
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.size == (int(image["width"]), int(image["height"]))
            assert np.asarray(opened).std() > 2, files[data]
    assert seen == set(files.values()) == {Path(name).name for name in numbers(written)["figures"]}


def test_phones_get_charts_of_their_own(written: Path) -> None:
    sources = page(written).all("source")
    charts = [image for image in page(written).all("img") if int(image["width"]) > 1000]
    assert charts
    assert len(sources) >= len(charts)
    for source in sources:
        data = base64.b64decode(source["srcset"].partition(",")[2])
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.width < 700


def test_numbers_are_json_and_sum_to_the_scores(written: Path) -> None:
    found = numbers(written)
    assert found["schema"] == "linearscope.tour/1"
    for moment in ("before", "after"):
        one = found[moment]
        assert sum(entry["share"] for entry in one["votes"]["ranking"]) == pytest.approx(1)
        for c in one["contributions"]:
            assert c["input"] + sum(c["layers"].values()) == pytest.approx(c["score"], abs=1e-5)
            assert sum(c["stages"].values()) == pytest.approx(c["residual"], abs=1e-9)
            assert c["score"] == pytest.approx(one["scores"][c["label"]], abs=1e-6)
        for form in one["layerwise"]["layers"]:
            assert form["weighted"] + form["bias"] == pytest.approx(one["layerwise"]["score"], abs=1e-6)
        for entry in one["discussion"]["maps"]:
            assert entry["for"] + entry["against"] == pytest.approx(entry["sum"], abs=1e-5)
            assert entry["sum"] == pytest.approx(one["scores"][entry["label"]], abs=1e-4)
    assert found["reach"]["changed"][-1] >= 0
    assert found["attack"]["success"] == (found["attack"]["after"] != found["attack"]["label"])


def test_the_page_says_the_numbers_of_the_tour(written: Path, tour: ClassificationTour) -> None:
    text = page(written).text
    c = tour.before.contributions[tour.before.shown[0]]
    assert f"Of the score {amount(c.score)} for" in text
    assert percent(c.residual_ratio) in text
    assert percent(c.residual_share) in text
    _, most = tour.before.votes.ranking()[0]
    assert percent(most) in text
    assert f"{tour.before.certificate.reconstruction:.0e}"[0] + "e−" in text
    assert "nan" not in text.lower().split()


def test_other_numbers_give_other_sentences(written: Path, about: About, tmp_path: Path) -> None:
    other = page(write_tour(toy_tour(seed=3), about, tmp_path / "other").parent).text
    here = page(written).text
    for pattern in (
        r"The network gives .*? follows with [^.]*\.\d?",
        r"Of the score .*? for",
        r"of 3 constants the largest are .*? sum to",
        r"Read at the image, .*? halfway",
        r"what speaks for .*? together",
        r"Changing pixels .*? probability",
        r"The votes for .*? keep",
        r"The shares of .*? before",
    ):
        mine, its = re.search(pattern, here), re.search(pattern, other)
        assert mine is not None, pattern
        assert its is not None, pattern
        assert mine[0] != its[0]


def test_hostile_names_are_text(tour: ClassificationTour, tmp_path: Path) -> None:
    hostile = '<script>alert("1")</script>'
    about = About(hostile, hostile + ".jpg", labels=(hostile,) * 5, command=hostile, notes=(hostile,), source=hostile)
    folder = write_tour(tour, about, tmp_path / "tour").parent
    assert "<script" not in (folder / "index.html").read_text(encoding="utf-8")
    assert page(folder).text.count(hostile) > 5
    assert numbers(folder)["about"]["model"] == hostile


def test_two_labels_without_names_one_channel_no_attack(tmp_path: Path) -> None:
    tour = toy_tour(labels=2, channels=1, epsilon=None, pool=3)
    folder = write_tour(tour, About("two", "grey.png"), tmp_path / "tour").parent
    text = page(folder).text
    assert "label 0" in text
    assert "label 1" in text
    assert "attack" not in text.lower()
    assert "neighbourhood of 3 × 3 pixels" in text
    assert "Make this report again" not in text
    assert numbers(folder)["attack"] is None
    assert not list((folder / "figures").glob("*after*"))


def test_long_names_are_cut_in_sentences_and_whole_in_the_numbers(tour: ClassificationTour, tmp_path: Path) -> None:
    names = tuple(f"{'very ' * 30}long {i}" for i in range(5))
    folder = write_tour(tour, About("toy", "a.png", labels=names), tmp_path / "tour").parent
    assert numbers(folder)["before"]["predictions"][0]["name"] in names
    assert "very v…” the highest" in page(folder).text.split("The network gives")[1][:60]


def test_what_is_not_finite_is_null_and_a_dash(tour: ClassificationTour, about: About, tmp_path: Path) -> None:
    first = tour.before.shown[0]
    zero = replace(tour.before.contributions[first], score=0.0, input=-tour.before.contributions[first].residual)
    forms = {
        name: replace(one, ratio=float("nan"), share=float("nan")) for name, one in tour.before.layerwise.layers.items()
    }
    before = replace(
        tour.before,
        contributions={**tour.before.contributions, first: zero},
        layerwise=replace(tour.before.layerwise, score=0.0, layers=forms),
    )
    assert tour.reach is not None
    reach = replace(
        tour.reach, step=float("inf"), distance=float("inf"), layer="", exact=True, distances=(), changed=()
    )
    folder = write_tour(replace(tour, before=before, reach=reach), about, tmp_path / "tour").parent
    found = numbers(folder)
    assert found["before"]["contributions"][0]["residual_ratio"] is None
    assert found["reach"]["step"] is None
    text = page(folder).text
    assert "nan" not in text.lower().split()
    assert "is zero" in text
    assert "No switch of the network changes anywhere" in text
    assert not (folder / "figures" / "reach.png").exists()


def test_a_failed_proof_is_no_green_badge(tour: ClassificationTour, about: About, tmp_path: Path) -> None:
    proof = replace(tour.before.certificate, reconstruction=0.5)
    folder = write_tour(replace(tour, before=replace(tour.before, certificate=proof)), about, tmp_path / "t").parent
    assert "✗ not exact" in page(folder).text
    assert "✓ exact" not in page(folder).text

"""Every result has a card: with its numbers, its words escaped, small, and never an error."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope import analysis, concepts, evaluation
from linearscope.analysis import ImageSubject
from linearscope.analysis.eigen import eigen_pairs
from linearscope.attribution import compare
from linearscope.report.notebook import card
from linearscope.report.notebook_maps import flashlight_words
from linearscope.report.notebook_parts import Bar, Card, map_picture, render_card
from linearscope.report.words import amount, percent
from tests.report.conftest import Page, toy_image, toy_model, toy_tour


def upscaler():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.PixelShuffle(2))


def painter():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1)).double()


def labelled():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    images = torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    return model, images, [0, 1, 0, 1, 0, 1, 0, 1]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One of every class, by its name."""
    image = toy_image()
    classifier = ls.interpret(toy_model(), image)
    photo = torch.rand(1, 3, 24, 26, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    to_image = ls.interpret(painter(), photo)
    triplets = ls.svd(to_image, 2)
    found = [
        classifier,
        classifier.program,
        classifier.certificate,
        triplets,
        ls.SVDInterrupted(triplets),
        ls.fgsm(classifier.program, image, epsilon=0.1),
        ls.contributions(classifier, 1),
        ls.layerwise(classifier, 1),
        ls.discussion(classifier),
        ls.votes(ls.discussion(classifier)),
        ls.fields(to_image, (1, 10, 12)),
        ls.flashlight(to_image),
        ls.coupling(to_image.program, photo, points=4)[0],
        ls.off_diagonal(to_image, blocks=4),
        ls.templates(to_image, count=3),
        ls.quality(photo, photo + 0.01),
        ls.estimate(to_image),
        ls.explain(toy_model(), image, [2], method="gradient-x-input"),
        ls.Explainer(toy_model(), image),
        compare(ls.Explainer(toy_model(), image), image, 2, methods=["gradient", "gradient-x-input"]),
        toy_tour(),
        eigen_pairs(to_image, 2),
    ]
    found.append(found[-2].before)
    found.append(ls.reach(classifier, torch.rand(1, 3, 16, 14), [0.1, 1.0]))
    up = ImageSubject("upscaler", ls.capture(upscaler(), photo.float()), photo.float())
    found.append(analysis.tour_super_resolution(up, k=1))
    same = ImageSubject("<painter>", to_image.program, photo)
    found.append(analysis.tour_image_to_image(same, k=1, blocks=3, probes=2, rows=2))
    found.append(found[-1].network)
    small = ls.interpret(painter(), photo[..., :8, :8])
    store = tmp_path_factory.mktemp("notebook") / "f"
    found.append(ls.materialize(small))
    found.append(ls.materialize(small, out=store).matrix)
    model, images, labels = labelled()
    units = ls.relevant_units(model, images, labels, mu=2.0)
    found.append(units)
    found.append(concepts.relevant_explanation(ls.Explainer(model, images[:1]), images[:1], units, 0, top=2)[0])
    found.append(evaluation.estimate([0.2, 0.4, 0.9]))
    found.append(evaluation.PerImage(torch.tensor([0.2, 0.4, 0.9], dtype=torch.float64)))
    by_name = {type(one).__name__: one for one in found}
    by_name["Template"] = by_name["Templates"].items[0]
    by_name["LayerForm"] = next(iter(by_name["Layerwise"].layers.values()))
    return by_name


def words(html):
    """The text of a card, without the page in a frame."""
    page = Page(html)
    return page.text


def shown_classes():
    """The public classes of results: all but errors, warnings and what is no result."""
    classes = [getattr(ls, name) for name in ls.__all__ if isinstance(getattr(ls, name), type)]
    return [one for one in classes if not issubclass(one, (ls.LinearscopeError, Warning))]


@pytest.mark.parametrize("kind", shown_classes(), ids=lambda kind: kind.__name__)
def test_every_public_result_has_a_card(kind, results):
    html = results[kind.__name__]._repr_html_()
    assert html.startswith("<div")  # plain text would begin with <pre
    assert len(html) < (8_000_000 if kind is ls.Flashlight else 300_000)


OTHERS = ["ClassificationTour", "Comparison", "EigenPairs", "Estimate", "Explained", "ImageMap", "ImageToImageTour",
          "LayerForm", "PerImage", "RelevantExplanation", "SuperResolutionTour"]  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_so_has_every_result_behind_them(name, results):
    html = card(results[name])
    assert html.startswith("<div")
    assert len(html) < 300_000


def test_cards_hold_their_numbers(results):
    c = results["Contributions"]
    said = words(card(c))
    for number in (amount(c.score), amount(c.input), amount(c.residual), percent(c.residual_share)):
        assert number in said
    it = results["LinearInterpreter"]
    said = words(card(it))
    assert f"{it.shape[0]:,} × {it.shape[1]:,}" in said
    assert "relative error" in said
    assert "relu" in words(card(results["Program"]))
    for value in results["SVD"].singular_values.tolist():
        assert amount(value) in words(card(results["SVD"]))
    v = results["Votes"]
    assert percent(v.ranking()[0][1]) in words(card(v))
    assert f"{results['Quality'].psnr:.2f}" in words(card(results["Quality"]))


def test_pictures_are_png_and_have_words(results):
    for name in ("SVD", "Attack", "Discussion", "Votes", "Field", "Attribution", "Comparison", "Templates", "Template"):
        pictures = Page(card(results[name])).all("img")
        assert pictures, name
        for picture in pictures:
            assert picture["src"].startswith("data:image/png;base64,")
            assert picture["alt"]


def test_names_are_escaped(results):
    bad = "<script>alert(1)</script>&"
    html = card(replace(results["Attribution"], method=bad, layer=bad))
    assert "<script" not in html
    assert bad in words(html)
    assert bad in words(render_card(Card(bad, bad, bad, [(bad, bad)], [map_picture(np.eye(3), bad)],
                                         [Bar(bad, bad, -0.5)], [bad])))  # fmt: skip
    assert "<painter>" in words(card(results["ImageToImageTour"]))


def test_a_card_never_raises():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert card(Broken()) == '<pre style="white-space:pre-wrap">&lt;Broken&gt;</pre>'
    assert card(ls.Attack(None, None, 0.1, 1, 1, 2, 1)).startswith("<pre")
    assert "&lt;b&gt;" in card("<b>")


def test_what_is_too_large_is_left_out():
    rough = [map_picture(np.random.default_rng(i).normal(size=(144, 144)), f"map {i}") for i in range(40)]
    html = render_card(Card("Many", pictures=rough))
    assert len(html) < 300_000
    assert 0 < html.count("<img") < 40


def test_zeros_and_missing_numbers_are_drawn():
    for values in (np.zeros((4, 5)), np.full((4, 5), np.nan), np.array([[1.0, np.nan]])):
        assert map_picture(values, "").data.startswith("data:image/png")


def test_a_flashlight_is_a_page_in_a_frame(results):
    found = results["Flashlight"]
    assert found.interpreter is not None
    assert "interpreter" not in repr(found)
    html = card(found)
    frames = Page(html).all("iframe")
    assert len(frames) == 1
    assert "allow-same-origin" not in frames[0]["sandbox"]
    page = frames[0]["srcdoc"]
    assert "<title>Flashlight · network on image</title>" in page
    assert len(re.findall(r'id="piece-', page)) >= 9
    assert amount(found.score) in words(html.split("<iframe")[0])


def test_a_flashlight_alone_shows_some_of_its_columns(results):
    found = replace(results["Flashlight"], interpreter=None)
    page = Page(card(found))
    assert not page.all("iframe")
    assert len(page.all("img")) == 5


def test_the_score_in_words(results):
    found = results["Flashlight"]
    assert flashlight_words(replace(found, score=0.0, dark=0)) == "Columns are the same from place to place."
    assert flashlight_words(replace(found, score=0.05, dark=0)) == "Columns hardly change from place to place."
    assert flashlight_words(replace(found, score=0.2, dark=0)) == "Columns change from place to place."
    assert "follow the image" in flashlight_words(replace(found, score=0.9, dark=0))
    assert flashlight_words(replace(found, score=0.2, dark=2)).endswith("2 columns are zero and left out.")


def test_tours_keep_no_interpreter(results):
    assert results["ImageMap"].flashlight.interpreter is None


def test_nothing_that_draws_is_loaded_before_it_is_asked():
    code = (
        "import sys, linearscope; "
        "print([name for name in sys.modules if name.startswith(('matplotlib', 'linearscope.report'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"

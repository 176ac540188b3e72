"""The page of an evaluation: its words say what the numbers say, its figures show them."""

import numpy as np
import pytest
import torch
from markupsafe import escape

from linearscope.evaluation.metrics import METRICS, Curve
from linearscope.evaluation.results import Asked, Evaluated, Evaluation, Scored
from linearscope.report import About
from linearscope.report.evaluate import evaluation_numbers, write_evaluation
from linearscope.report.evaluate_figures import contact_sheet, curves_chart, ranking_chart, seconds_chart
from linearscope.report.evaluate_words import asked, headline, lead, lines, verdict
from linearscope.report.style import NARROW, png
from tests.report.conftest import Page

COUNT = 12


def made(shifts, metrics=("iou-auc", "deletion"), count=COUNT, masks=True):
    """Methods whose values are those of the images plus a shift; the longer a name's capitals, the more a baseline."""
    generator = torch.Generator().manual_seed(0)
    base = torch.rand(count, generator=generator, dtype=torch.float64) * 0.2 + 0.3
    noise = torch.tensor([1.0, -1.0] * count, dtype=torch.float64)[:count] * 0.004
    rows = []
    for name, shift in shifts.items():
        scored = {}
        for metric in metrics:
            sign = 1 if METRICS[metric].better == "higher" else -1
            values = base + sign * shift + (noise if shift else 0)
            x = torch.linspace(0, 1, 9, dtype=torch.float64)
            curve = Curve(x, values[:, None] * (1 - x)) if METRICS[metric].axes else None
            scored[metric] = Scored(values, curve, {"chance": values / 2})
        maps = torch.rand(2, 16, 16, generator=generator)
        rows.append(
            Evaluated(Asked(name), name, "family", "source", name.isupper(), "positive", 10**shift, maps, scored)
        )
    mask = torch.zeros(2, 16, 16, dtype=torch.bool)
    mask[:, 4:8, 4:8] = True
    return Evaluation(
        tuple(map(str, range(count))), torch.rand(2, 3, 16, 16), mask if masks else None,
        torch.arange(count) % 3, True, 0.75, tuple(rows), {metric: {} for metric in metrics}, {}, None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return made({"good": 0.05, "twin": 0.0501, "fair": 0.0, "bad": -0.2, "BASE": -0.1})


def test_words_say_who_leads(found):
    assert headline(found) == "twin leads by overlap with the mask"
    said = lead(found, "iou-auc")
    assert said.startswith("twin has the highest mean, 0.4")
    assert "All others are shown to be worse" in said
    assert "BASE" in said
    assert "3 of 4 methods are shown to beat it" in said
    assert lead(found, "deletion").startswith("twin has the lowest mean")
    assert verdict(found, "iou-auc", "twin") == "the one compared with"
    assert verdict(found, "iou-auc", "bad") == "worse"
    assert "75" in asked(found, About("m", "set"))
    assert "3 classes in all" in asked(found, About("m", "set"))


def test_words_say_who_cannot_be_told_apart():
    found = made({"good": 0.05, "twin": 0.0, "fair": -0.0001, "BASE": -0.1})
    tied = made({"one": 0.0005, "two": 0.0, "BASE": -0.1})
    assert headline(tied) == "one and two lead by overlap with the mask"
    assert "Not shown to be worse: two." in lead(tied, "iou-auc")
    assert headline(made({"one": -0.2, "two": -0.3, "BASE": 0.1})) == "No method is shown to beat the baselines"
    assert "no method is shown to beat it" in lead(made({"one": -0.2, "two": -0.3, "BASE": 0.1}), "iou-auc")
    assert any("not shown to be worse" in line for line in lines(tied))
    assert not any("not shown to be worse" in line for line in lines(found) if "fair" in line)


def test_a_single_image_has_no_interval(tmp_path):
    found = made({"one": 0.1, "two": 0.0, "BASE": -0.1}, count=1)
    page = write_evaluation(found, About("m", "set"), tmp_path / "page")
    assert "unknown" in page.read_text()
    assert evaluation_numbers(found, About("m", "set"))["metrics"][0]["not_shown_to_be_worse"] == ["two"]


def test_the_ranking_chart_stands_in_order_and_marks_baselines(found):
    axes = ranking_chart(found, "iou-auc").axes[0]
    labels = axes.get_yticklabels()
    assert (
        [label.get_text() for label in labels]
        == list(found.ranking("iou-auc"))
        == ["twin", "good", "fair", "BASE", "bad"]
    )
    assert [label.get_fontstyle() for label in labels].index("italic") == 3
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    means = [float(line.get_xdata()[0]) for line in dots]
    assert means == sorted(means, reverse=True)
    assert dots[3].get_markerfacecolor() == "white"


def test_curves_are_means(found):
    axes = curves_chart(found, "deletion").axes[0]
    lines_ = {line.get_label(): line for line in axes.lines}
    curve = found["fair"].scored["deletion"].curve
    assert np.allclose(lines_["fair"].get_ydata(), curve.y.mean(0))


@pytest.mark.parametrize("width", [NARROW, 9.4])
def test_the_contact_sheet_outlines_the_mask(found, width):
    photos = [About("m", "set").display(image[None]) for image in found.images]
    figure = contact_sheet(found, photos, width=width)
    assert len(figure.axes) == 2 * 6
    for axes in figure.axes:
        (contour,) = axes.collections
        corners = np.concatenate([path.vertices for path in contour.get_paths()])
        assert corners.min(0).tolist() == [3.5, 3.5]
        assert corners.max(0).tolist() == [7.5, 7.5]
    assert len(png(seconds_chart(found, width=width))) > 1000
    without = made({"one": 0.1, "BASE": 0.0}, masks=False)
    assert not any(axes.collections for axes in contact_sheet(without, photos, width=width).axes)


def test_the_page_holds_every_metric(found, tmp_path):
    page = write_evaluation(found, About("m", "set"), tmp_path / "page")
    text = page.read_text()
    Page(text)
    for metric in found.metrics:
        assert escape(METRICS[metric].asks) in text
        assert escape(METRICS[metric].limits) in text
        values = np.load(tmp_path / "page" / "values" / f"{metric}.npz")
        assert np.array_equal(values["good"], found["good"].scored[metric].values.numpy())
        assert values["good.curve"].shape == (COUNT, 9)

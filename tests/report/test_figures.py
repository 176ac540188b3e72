"""Figures show what they are given, and nothing beyond."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

from linearscope import report
from linearscope.analysis import ClassificationTour, Contributions
from linearscope.errors import InputError
from linearscope.report import (
    contribution_histogram,
    difference_panel,
    discussion_panel,
    layerwise_curve,
    photo_panel,
    png,
    reach_curve,
    statistics_figure,
    style,
    vote_panel,
)
from linearscope.report.figures import largest
from linearscope.report.layers import chosen_maps, trunk
from linearscope.report.pictures import difference_factor, robust_limit
from linearscope.report.stages import stage_depth, stages


def pixels(figure: object) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))  # type: ignore[arg-type]


def made(layers: dict[str, float], given: float = 1.0) -> Contributions:
    return Contributions(0, given + sum(layers.values()), given, layers, 0.0)


PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_histogram_has_a_bar_of_every_share_and_the_sum() -> None:
    c = made({f"stage{i // 10}.conv{i}": (-1) ** i * (i + 1) / 10 for i in range(60)})
    (axes,) = contribution_histogram(c).axes
    heights = [bar.get_height() for bar in axes.patches if hasattr(bar, "get_height")]
    for value in (c.input, c.score, *c.layers.values()):
        assert any(height == pytest.approx(value) for height in heights), value
    low, high = axes.get_ylim()
    assert low < min(c.layers.values())
    assert high > max(c.layers.values())
    for name, _ in largest(c):
        assert name in axes.get_title("left")


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 220])
@pytest.mark.parametrize("width", [3.7, 9.4])
def test_names_under_a_chart_do_not_lie_on_each_other(count: int, width: float) -> None:
    c = made({f"block{i // 5}.layer_with_a_name{i}": 0.1 for i in range(count)})
    figure = contribution_histogram(c, width=width)
    png(figure)
    (axes,) = figure.axes
    turned = axes.get_xticklabels()[0].get_rotation()
    centres = sorted(
        (axes.transData.transform((x, 0))[0], text)
        for x, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    )
    for (left, first), (right, second) in itertools.pairwise(centres):
        if turned:
            assert right - left >= first.get_fontsize() * figure.dpi / 72
        else:
            assert first.get_window_extent().x1 < second.get_window_extent().x0
    assert 0 < len(centres) <= 45


def test_signs_and_dollars_in_names_are_no_formulas() -> None:
    assert pixels(contribution_histogram(made({"$\\frac{": 1.0, "a_$b": -2.0}))).std() > 2


def test_page_and_figures_have_the_same_colours() -> None:
    css = (Path(report.__file__).parent / "templates" / "style.css").read_text()
    light = css.partition("@media")[0]
    for name, color in (("input", style.INPUT), ("constants", style.CONSTANTS), ("score", style.INK)):
        assert f"--{name}: {color};" in light


def test_drawing_changes_no_setting() -> None:
    before = dict(mpl.rcParams)
    png(contribution_histogram(made({"a": 1.0})))
    assert dict(mpl.rcParams) == before


def test_statistics_show_mean_and_band() -> None:
    figure = statistics_figure(["input", "a", "b"], [0.2, 0.5, 0.3], [0.1, 0.05, 0.2], 7)
    bars = [(bar.get_y(), bar.get_height()) for bar in figure.axes[0].patches if hasattr(bar, "get_height")]
    for mean, std in ((0.5, 0.05), (0.3, 0.2)):
        assert any(height == pytest.approx(mean) for _, height in bars)
        assert any((y, height) == pytest.approx((mean - std, 2 * std)) for y, height in bars)
    assert any("7 images" in text.get_text() for text in figure.legends[0].get_texts())
    with pytest.raises(InputError, match="every name"):
        statistics_figure(["input"], [1.0, 2.0], [0.0], 1)


def test_layerwise_line_is_the_trunk(tour: ClassificationTour) -> None:
    form = tour.before.layerwise
    line = trunk(form, tour.before.contributions[form.target])
    assert line == list(form.layers)
    marked = chosen_maps(form, line)
    assert len(marked) == 4
    assert marked[0] == "input"
    letters = [text.get_text() for text in layerwise_curve(form, line, marked).axes[0].texts]
    assert letters == ["A", "B", "C", "D"]


def test_feature_maps_in_a_branch_are_not_trunk() -> None:
    import linearscope as ls

    class Skip(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.Conv2d(3, 3, 3, padding=1)
            self.last = torch.nn.Linear(3 * 36, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.one(x)
            x = x + self.two(x).relu()
            return self.last(x.flatten(1))

    it = ls.interpret(Skip().eval(), torch.rand(1, 3, 6, 6))
    form, c = ls.layerwise(it, 0), ls.contributions(it, 0)
    line = trunk(form, c)
    assert {"input", "one", "last"} <= set(line)
    assert "two" not in line
    assert "relu" not in line


def test_reach_curve_starts_at_zero(tour: ClassificationTour) -> None:
    assert tour.reach is not None
    (line,) = reach_curve(tour.reach).axes[0].lines
    assert line.get_xdata()[0] == line.get_ydata()[0] == 0
    assert line.get_ydata()[-1] == tour.reach.changed[-1]
    with pytest.raises(InputError, match="nothing to draw"):
        reach_curve(replace(tour.reach, distances=(), changed=()))


def test_voters_are_shown_as_they_are_and_others_dark() -> None:
    mask = torch.zeros(20, 30, dtype=torch.bool)
    mask[3, 4] = True
    shown = pixels(vote_panel(PHOTO, mask))
    scale = shown.shape[0] // 20
    assert (shown.shape[0], shown.shape[1]) == (20 * scale, 30 * scale)
    assert shown.shape[1] >= 448
    small = shown[scale // 2 :: scale, scale // 2 :: scale].copy()
    assert (small[3, 4] == PHOTO[3, 4]).all()
    small[3, 4] = 0
    assert small.max() <= 72


def test_photo_keeps_every_pixel() -> None:
    shown = pixels(photo_panel(PHOTO))
    scale = shown.shape[0] // 20
    assert (shown[scale // 2 :: scale, scale // 2 :: scale] == PHOTO).all()


def test_discussion_is_red_for_blue_against_and_grey_at_zero() -> None:
    values = torch.zeros(2, 3)
    values[0, 0], values[1, 2] = 5.0, -5.0
    shown = pixels(discussion_panel(np.full((20, 30, 3), 128, dtype=np.uint8), values, 5.0)).astype(int)
    height, width = shown.shape[:2]
    red, zero, blue = shown[height // 4, width // 6], shown[height // 4, width // 2], shown[-height // 4, -width // 6]
    assert red[0] > red[2] + 50
    assert blue[2] > blue[0] + 50
    assert np.ptp(zero) < 8


def test_difference_is_magnified_within_range() -> None:
    after = PHOTO.astype(int)
    after[0, 0, 0] += 3 if after[0, 0, 0] < 200 else -3
    factor = difference_factor(PHOTO, after.astype(np.uint8))
    assert factor == 32
    assert difference_factor(PHOTO, PHOTO) == 1
    assert difference_factor(np.zeros_like(PHOTO), np.full_like(PHOTO, 255)) == 1
    shown = pixels(difference_panel(PHOTO, after.astype(np.uint8), factor))
    assert set(np.unique(shown)) in ({128, 128 + 96}, {128, 128 - 96})


def test_robust_limit_ignores_the_last_percent() -> None:
    values = torch.ones(10, 100)
    values[0, 0] = -1e6
    assert robust_limit(values) == pytest.approx(1.0)
    assert robust_limit(torch.zeros(2, 2)) == 1.0


def test_stages_put_layers_together_but_not_all() -> None:
    names = [f"blocks.{i}.{part}" for i in range(16) for part in ("conv", "bn", "act")]
    assert stage_depth(names) == 2
    assert [(s.name, s.start, s.stop) for s in stages(names, 2)][:2] == [("blocks.0", 0, 3), ("blocks.1", 3, 6)]
    assert stage_depth([f"layers.{i}.{part}" for i in range(90) for part in "ab"]) == 1

"""The page of several methods: whole, self-contained, true to its numbers; and the numbers themselves."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor

from linearscope.attribution import Comparison, Explainer, Made, compare, register_method
from linearscope.attribution import methods as registry
from linearscope.attribution.comparison import concentration, rank_correlation
from linearscope.errors import InputError, UnknownNameError
from linearscope.report import About
from linearscope.report.explain import write_explain
from linearscope.report.explain_figures import heat_pixels
from linearscope.report.explain_words import FAMILIES
from linearscope.report.words import amount, tiny
from tests.report.conftest import Page, toy_image, toy_model

NAMED = ["gradient", "guided-backprop", "grad-cam", "lrp-epsilon", "discussion"]


def toy_comparison(targets: list[int], methods: list[str] = NAMED, **options: object) -> Comparison:
    image = toy_image()
    return compare(Explainer(toy_model(), image), image, targets, methods=methods, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found() -> Comparison:
    return toy_comparison([2, 0])


@pytest.fixture(scope="module")
def written(found: Comparison, about: About, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explain(found, about, tmp_path_factory.mktemp("report") / "explain").parent


def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_every_panel_is_there_in_order(written: Path) -> None:
    text = page(written).text
    panels = [
        "5 methods on what toy saw",
        "crane (2) and tabby",
        "The weights are random.",
        "Side by side",
        "What each family asks",
        "In numbers",
        "Do they tell the labels apart?",
        "Who agrees with whom",
        "Make this report again",
        "linearscope tour photo.jpg",
        "toy weights; CC0",
    ]
    places = [text.find(panel) for panel in panels]
    assert -1 not in places, panels[places.index(-1)]
    assert places == sorted(places)
    assert "What could not be asked" not in text
    assert "nan" not in text.lower().split()


def test_every_method_has_its_source_its_sum_and_its_family(written: Path, found: Comparison) -> None:
    text = page(written).text
    for one in found.answers:
        assert one.method.name in text
        assert one.method.source in text
        assert FAMILIES[one.method.family] in text
        if one.attribution.check is not None:
            for error in one.attribution.check.error.tolist():
                assert f"sum checked: error {tiny(error)}" in text
    assert text.count("no sum to check") >= 4  # of the gradient and of Grad-CAM, for two labels
    for score in found.scores:
        assert f"score {amount(score)}" in text


def test_nothing_is_loaded_from_outside_and_nothing_runs(written: Path) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    for tag, attributes in page(written).elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base"}
        for name in ("src", "srcset"):
            if name in attributes:
                assert attributes[name].startswith("data:image/png;base64,")
    for word in ("http://", "https://", "url(", "@import"):
        assert word not in text


def test_inlined_figures_are_the_files_beside_and_show_something(written: Path) -> None:
    files = {path.read_bytes(): path.name for path in (written / "figures").iterdir()}
    seen = set()
    for image in page(written).all("img"):
        data = base64.b64decode(image["src"].partition(",")[2])
        seen.add(files[data])
        assert image["alt"]
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.size == (int(image["width"]), int(image["height"]))
            assert np.asarray(opened).std() > 2, files[data]
    assert seen == set(files.values())
    assert len(seen) == 1 + 2 * len(NAMED) + 2 + 1  # the photo, the maps, agreement for each label, the labels


def test_numbers_are_those_of_the_methods(written: Path, found: Comparison) -> None:
    numbers = json.loads((written / "result.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in numbers["methods"]] == NAMED
    assert np.allclose(numbers["agreement"], found.agreement)
    for one, entry in zip(found.answers, numbers["methods"], strict=True):
        stored = np.load(written / entry["values"])
        assert np.array_equal(stored["values"], one.attribution.values.numpy())
        assert ("coarse" in stored) == (one.attribution.coarse is not None)


def test_hostile_names_are_text(found: Comparison, tmp_path: Path) -> None:
    hostile = '<script>alert("1")</script>'
    about = About(hostile, hostile, labels=(hostile,) * 5, command=hostile, notes=(hostile,), source=hostile)
    folder = write_explain(found, about, tmp_path / "explain").parent
    assert "<script" not in (folder / "index.html").read_text(encoding="utf-8")
    assert page(folder).text.count(hostile) > 4


def test_a_constant_map_is_said_and_null(about: About, tmp_path: Path) -> None:
    @register_method("nothing", "nothing", "none", family="baseline", heatmap="positive")
    def nothing(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
        return Made(torch.zeros_like(images))

    try:
        found = toy_comparison([1, 3], ["nothing", "gradient"])
    finally:
        del registry._METHODS["nothing"]
    folder = write_explain(found, about, tmp_path / "explain").parent
    numbers = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert numbers["agreement"][0][0] == [None, None]
    assert numbers["methods"][0]["share_in_top_tenth"] == [None, None]
    text = page(folder).text
    assert "zero everywhere" in text
    assert "There are no two maps to compare." in text
    assert "nan" not in text.lower().split()


def test_one_method_about_one_score(tmp_path: Path) -> None:
    folder = write_explain(toy_comparison([1], ["gradient"]), About("toy", "a.png"), tmp_path / "explain").parent
    text = page(folder).text
    assert "1 method says which pixels matter to this score" in text
    assert "label 1" in text
    assert "Who agrees" not in text
    assert "tell the labels apart" not in text


def test_what_was_left_out_is_said(about: About, tmp_path: Path) -> None:
    found = toy_comparison([1], ["gradient", "cam"], strict=False)
    assert list(found.left_out) == ["cam"]
    text = page(write_explain(found, about, tmp_path / "explain").parent).text
    assert "1 could not be asked; the reason stands below" in text
    assert found.left_out["cam"] in text
    with pytest.raises(InputError, match="No method can be asked"):
        toy_comparison([1], ["cam"], strict=False)
    with pytest.raises(InputError, match="CAM"):
        toy_comparison([1], ["gradient", "cam"])


def test_comparing_asks_what_each_method_says_alone(found: Comparison) -> None:
    image = toy_image()
    explainer = Explainer(toy_model(), image)
    for i, one in enumerate(found.answers):
        for j, target in enumerate(found.targets):
            alone = explainer(image, target, method=one.method.name).heatmap()[0]
            assert torch.allclose(found.heatmaps[i, j], alone, atol=1e-6)


def test_compare_refuses(found: Comparison) -> None:
    image = toy_image()
    explainer = Explainer(toy_model(), image)
    with pytest.raises(UnknownNameError, match="grad-cam"):
        compare(explainer, image, methods=["gradcam"])
    with pytest.raises(UnknownNameError, match="votes"):
        compare(explainer, image, methods=["votes"], options={"vote": {"labels": 2}})
    with pytest.raises(InputError, match="No method was named"):
        compare(explainer, image, methods=[])
    with pytest.raises(InputError, match="No target was given"):
        compare(explainer, image, [], methods=["gradient"])
    with pytest.raises(InputError, match="one image, and 2"):
        compare(explainer, torch.cat([image, image]), methods=["gradient"])


def test_rank_correlation_is_that_of_scipy_ties_or_not() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(4, 9, 7, generator=generator, dtype=torch.float64)
    maps[1] = (3 * maps[1]).round()
    maps[2] = (maps[2] - 0.7).clamp_min(0)
    wanted = spearmanr(maps.flatten(1).numpy(), axis=1).statistic
    assert np.allclose(rank_correlation(maps).numpy(), wanted, atol=1e-12)
    assert rank_correlation(torch.full((1, 5, 3), 0.1)).isnan().all()


def test_concentration_is_the_share_of_the_largest_tenth() -> None:
    values = torch.arange(100, dtype=torch.float64).reshape(1, 10, 10)
    assert concentration(values).item() == pytest.approx(sum(range(90, 100)) / sum(range(100)))
    assert torch.equal(concentration(-values), concentration(values))
    assert concentration(torch.zeros(1, 4, 4)).isnan().all()


def test_where_a_map_is_zero_the_pale_photo_is_left() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    values = torch.zeros(6, 5, dtype=torch.float64)
    values[2, 3] = 1.0
    for kind in ("positive", "magnitude", "signed"):
        shown = heat_pixels(photo, values, kind, 1.0).astype(int)
        others = np.delete(shown.reshape(-1, 3), 2 * 5 + 3, axis=0)
        assert others.min() > 180
        assert np.ptp(shown[2, 3]) > 40
    against = heat_pixels(photo, -values, "signed", 1.0)[2, 3].astype(int)
    assert against[2] > against[0] + 40
    assert np.array_equal(heat_pixels(photo, 9 * values, "signed", 1.0), heat_pixels(photo, values, "signed", 1.0))

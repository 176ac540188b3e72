"""Statistics over a folder: the numbers and their page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from linearscope.analysis import Contributions
from linearscope.analysis.statistics import ImageRecord, record, summarise
from linearscope.errors import InputError
from linearscope.report import About, write_statistics
from tests.report.conftest import Page


def some(count: int, seed: int = 0) -> list[ImageRecord]:
    draw = np.random.default_rng(seed)
    records = []
    for i in range(count):
        given, first, last = draw.normal(1, 0.3), draw.normal(2, 0.5), draw.normal(3, 1.0)
        c = Contributions(0, given + first + last, given, {"body.conv": first, "head": last}, 0.0)
        records.append(record(f"{i}.png", f"label {i % 3}", c, 1e-7))
    return records


def test_summary_is_mean_deviation_median_and_interval() -> None:
    records = some(40)
    found = summarise(records)
    ratios = [one.residual_ratio for one in records]
    assert found.residual_ratio.mean == pytest.approx(np.mean(ratios))
    assert found.residual_ratio.std == pytest.approx(np.std(ratios, ddof=1))
    assert found.residual_ratio.median == pytest.approx(np.median(ratios))
    half = 1.96 * found.residual_ratio.std / np.sqrt(40)
    assert found.residual_ratio.low == pytest.approx(found.residual_ratio.mean - half, abs=0.3 * half)
    assert found.residual_ratio.high == pytest.approx(found.residual_ratio.mean + half, abs=0.3 * half)
    assert sum(found.mean) == pytest.approx(1, abs=1e-12)
    assert found.names == ("input", "body.conv", "head")
    assert summarise(records) == found


def test_one_image_and_a_score_of_zero() -> None:
    zero = record("z.png", "a", Contributions(0, 0.0, 1.0, {"head": -1.0}, 0.0), 1e-7)
    assert zero.residual_ratio is None
    assert zero.residual_share == 0.5
    found = summarise([*some(1), zero])
    assert found.counted == found.residual_ratio.count == 1
    assert found.residual_share.count == 2
    assert found.std == (0.0, 0.0, 0.0)
    with pytest.raises(InputError, match="zero"):
        summarise([zero])
    with pytest.raises(InputError, match="no image"):
        summarise([])


def test_records_are_json_and_come_back() -> None:
    (one,) = some(1)
    assert ImageRecord(**json.loads(json.dumps(asdict(one)))) == one


def test_page_and_numbers(tmp_path: Path) -> None:
    found = summarise(some(12))
    about = About("toy", "photos/<b>", command="linearscope contributions photos")
    out = write_statistics(found, about, tmp_path / "stats")
    page = Page(out.read_text(encoding="utf-8"))
    assert "toy on photos/<b>" in page.text
    assert not page.all("b")
    assert "Over 12 images" in page.text
    for one in found.records:
        assert one.file in page.text
    numbers = json.loads((out.parent / "result.json").read_text())
    assert numbers["schema"] == "linearscope.statistics/1"
    assert numbers["residual_ratio"] == asdict(found.residual_ratio)
    assert sum(numbers["layers"]["mean"]) == pytest.approx(1)
    assert len(numbers["records"]) == 12
    assert (out.parent / "figures" / "statistics.png").stat().st_size > 5000
    other = Page(write_statistics(summarise(some(12, seed=5)), about, tmp_path / "stats").read_text(encoding="utf-8"))
    assert other.text.split("Over 12 images")[1][:40] != page.text.split("Over 12 images")[1][:40]


def test_page_of_one_image_claims_no_spread(tmp_path: Path) -> None:
    text = Page(write_statistics(summarise(some(1)), About("toy", "one"), tmp_path / "s").read_text("utf-8")).text
    assert "Over 1 image," in text
    assert "interval of the mean 0" not in text
    assert "±" not in text.split("The residual's part")[0]

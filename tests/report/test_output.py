"""A report is there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from linearscope.analysis import ClassificationTour
from linearscope.errors import InputError
from linearscope.report import About, check_out, write_tour
from linearscope.report import tour as tour_module
from linearscope.report.output import replacing, write_json


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def report(folder: Path, text: str = "old") -> None:
    with replacing(folder) as inside:
        (inside / "index.html").write_text(text)
        (inside / "figures" / "a.png").write_bytes(b"png")
        write_json(inside / "result.json", {"schema": "linearscope.tour/1"})


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "does not fit on the disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.EIO, "Input/output error"), "cannot be written"),
    ],
)
def test_a_failing_disk_leaves_nothing_and_says_what_to_do(
    tour: ClassificationTour,
    about: About,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: OSError,
    said: str,
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(tour_module, "write_json", fail)
    with pytest.raises(InputError, match=said):
        write_tour(tour, about, tmp_path / "new" / "tour")
    assert everything(tmp_path) == []


@pytest.mark.parametrize("failure", [RuntimeError("a figure failed"), KeyboardInterrupt()])
def test_a_failing_figure_leaves_the_earlier_report(
    tour: ClassificationTour,
    about: About,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    def fail(*_: object) -> None:
        raise failure

    out = tmp_path / "tour"
    report(out)
    before = everything(tmp_path)
    monkeypatch.setattr(tour_module, "vote_panel", fail)
    with pytest.raises(type(failure)):
        write_tour(tour, about, out)
    assert everything(tmp_path) == before
    assert (out / "index.html").read_text() == "old"


def test_an_earlier_report_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "tour"
    report(out)
    with replacing(out) as inside:
        (inside / "index.html").write_text("new")
        write_json(inside / "result.json", {"schema": "linearscope.tour/1"})
    assert (out / "index.html").read_text() == "new"
    assert everything(tmp_path) == ["tour", "tour/figures", "tour/index.html", "tour/result.json"]


def test_an_empty_folder_and_a_link_to_one_are_used(tmp_path: Path) -> None:
    empty, link = tmp_path / "empty", tmp_path / "link"
    empty.mkdir()
    link.symlink_to(empty)
    report(link)
    assert link.is_symlink()
    assert (empty / "index.html").read_text() == "old"


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "years of work"},
        {"index.html": "someone's site"},
        {"index.html": "someone's site", "result.json": '{"schema": "other/1"}'},
        {"result.json": "[1, 2"},
        {"result.json": "[]"},
        {"result.json": '{"schema": "linearscope.tour/1"}', "notes.txt": "mine"},
        {"result.json": '{"schema": "linearscope.tour/1"}', "figures/mine.svg": "mine"},
    ],
)
def test_a_folder_with_other_things_is_refused_and_kept(tmp_path: Path, files: dict[str, str]) -> None:
    out = tmp_path / "mine"
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    before = everything(tmp_path)
    with pytest.raises(InputError, match="other things"):
        check_out(out)
    with pytest.raises(InputError, match="other things"), replacing(out):
        pass
    assert everything(tmp_path) == before


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tour").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        check_out(tmp_path / "tour")
    with pytest.raises(InputError, match="is a file"):
        check_out(tmp_path / "tour" / "deeper" / "still")
    assert (tmp_path / "tour").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_locked_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="no permission"):
            check_out(tmp_path / "deeper" / "tour")
        with pytest.raises(InputError, match="no permission"):
            report(tmp_path / "tour")
    finally:
        tmp_path.chmod(0o700)


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [float("nan"), (float("inf"), 1.5)], 3: {"b": -float("inf")}})
    assert "".join((tmp_path / "a.json").read_text().split()) == '{"a":[null,[null,1.5]],"3":{"b":null}}'

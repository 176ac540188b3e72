"""``linearscope walk``: the video, and what an interruption leaves."""

import sys

import numpy as np
import pytest

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed")

WALK = ["walk", "photo.png", "--model", "models.py:upscaler", "--size", "360"]
SHORT = ["--seconds", "2", "--fps", "4"]


def names(work):
    return sorted(path.name for path in work.iterdir() if path.name not in ("__pycache__", "models.py", "photo.png"))


def frames(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    return facts, [np.frombuffer(data, np.uint8) for data in reader]


def test_a_walk_is_a_video_with_subtitles(run, work):
    code, out, err = run(*WALK, *SHORT, "--path", "3,3 15,20", "--out", "a.mp4")
    assert code == 0, err
    facts, found = frames(work / "a.mp4")
    assert (facts["size"], facts["fps"], len(found)) == ((640, 360), 4, 8)
    assert names(work) == ["a.mp4", "a.srt"]
    assert str((work / "a.mp4").resolve()) in out


@pytest.mark.parametrize(
    "options", [["--kind", "row"], ["--colours", "colour", "--lossless"], ["--channel", "0", "--near", "2"]]
)
def test_by_default_it_walks_over_the_image(run, work, options):
    code, _, err = run(*WALK, *SHORT, *options)
    assert code == 0, err
    assert len(frames(work / "walk.mp4")[1]) == 8


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def counting(monkeypatch, after=None):
    """Count what is computed, and interrupt after so many."""

    module = sys.modules["linearscope.analysis.fields"]
    real, asked = module.fields, []

    def fields(it, index, *args, **kwargs):
        if after is not None and len(asked) == after:
            raise KeyboardInterrupt
        asked.append(index)
        return real(it, index, *args, **kwargs)

    monkeypatch.setattr(module, "fields", fields)
    return asked


def test_interrupted_while_computing_it_goes_on_with_nothing_lost(run, work, monkeypatch):
    with monkeypatch.context() as patch:
        done = counting(patch, after=7)
        code, _, err = run(*WALK, *SHORT, "--path", "3,3 15,20")
    assert code == 130
    assert "Traceback" not in err
    assert names(work) == [".walk.mp4.fields"]
    asked = counting(monkeypatch)
    code, _, err = run(*WALK, *SHORT, "--path", "3,3 15,20")
    assert code == 0, err
    assert not set(asked) & set(done)
    assert len(asked) + len(done) == 2 * 8
    assert names(work) == ["walk.mp4", "walk.srt"]
    resumed = frames(work / "walk.mp4")[1]
    assert run(*WALK, *SHORT, "--path", "3,3 15,20", "--out", "again.mp4")[0] == 0
    assert all((one == two).all() for one, two in zip(resumed, frames(work / "again.mp4")[1], strict=True))


def test_interrupted_while_encoding_no_part_of_a_video_is_left(run, work, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("linearscope.report.walk_layout.Diagram.show", interrupt)
        code, _, _ = run(*WALK, *SHORT)
    assert code == 130
    assert names(work) == [".walk.mp4.fields"]
    asked = counting(monkeypatch)
    assert run(*WALK, *SHORT)[0] == 0
    assert not asked
    assert names(work) == ["walk.mp4", "walk.srt"]


def test_filters_of_another_walk_are_not_taken_for_its_own(run, work, monkeypatch):
    monkeypatch.setattr("linearscope.report.walk_layout.Diagram.show", interrupt)
    assert run(*WALK, *SHORT, "--path", "3,3 15,20")[0] == 130
    for other in (
        ["--interpretation", "taylor"],
        ["--near", "3"],
        ["--dtype", "float64"],
        ["--preprocess", "mean=0.5"],
    ):
        asked = counting(monkeypatch)
        assert run(*WALK, *SHORT, "--path", "3,3 15,20", *other)[0] == 130
        assert len(asked) == 2 * 8, other


BAD = {
    "outside": (["--path", "3,3 20,3"], "row from 0 to 19 and a column from 0 to 23"),
    "negative": (["--path", "3,3 3,-1"], "row from 0 to 19 and a column from 0 to 23"),
    "one point": (["--path", "3,3"], "at least two"),
    "no point": (["--path", ""], "at least two"),
    "one pixel": (["--path", "3,3 3,3"], "different"),
    "no pixel": (["--path", "3,3 4"], "row and column"),
    "no frames": (["--fps", "0"], "--fps"),
    "NaN frames": (["--fps", "nan"], "--fps"),
    "too many frames": (["--fps", "61"], "--fps"),
    "no time": (["--seconds", "0"], "--seconds"),
    "endless": (["--seconds", "inf"], "--seconds"),
    "a single frame": (["--seconds", "0.1", "--fps", "4"], "no walk"),
    "too small": (["--size", "100"], "from 360 to 2160"),
    "no such kind": (["--kind", "columns"], "'column'"),
    "no such channel": (["--channel", "7"], "from 0 to 2"),
    "a classifier": (["--model", "models.py:classifier"], "tour"),
    "no video": (["--out", "walk.gif"], ".mp4"),
    "no folder": (["--out", "no/walk.mp4"], "no folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(run, work, case):
    options, words = BAD[case]
    code, _, err = run(*WALK, *options)
    assert code == 2, err
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not names(work)


def test_without_the_encoder_it_says_how_to_install_it(run, work, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    code, _, err = run(*WALK)
    assert code == 2
    assert "pip install imageio-ffmpeg" in err
    assert not names(work)

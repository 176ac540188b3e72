"""The video of a walk: its frames, the place they mark, what its subtitles say."""

import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import linearscope as ls
from linearscope.analysis.walk import Step, Walk
from linearscope.report.style import CONSTANTS
from linearscope.report.walk import WalkFrames, write_walk
from linearscope.report.walk_layout import HIGH, INPUT_LEFT, OUTPUT_LEFT, SIDE, TOP
from linearscope.report.walk_words import cues
from tests.report.fields import made, photo

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed")

SIZE = (24, 30)
NAMES = ("a network", "photo.png")
PATH = ((2, 3), (20, 3), (20, 27))


def toy_walk(steps=12, which="both", change=True):
    """A walk from the left to the right over a network that makes an image twice as large."""
    positions = tuple((4 + i, 3 + 2 * i) for i in range(steps))
    places = {}
    for i, (row, column) in enumerate(positions):
        seed = i if change else 0
        on = "edge" if i < steps // 2 else "flat"
        places[row, column] = Step(
            (row, column),
            (2 * row + 1, 2 * column + 1),
            on,
            30.0 if on == "edge" else None,
            made("row", point=(float(row), float(column)), seed=seed) if which != "column" else None,
            made("column", point=(2 * row + 0.5, 2 * column + 0.5), size=(48, 60), seed=seed)
            if which != "row"
            else None,
        )
    return Walk((positions[0], positions[-1]), positions, places, (1, 1))


def photos(value=None):
    if value is None:
        return photo(), photo((48, 60))
    return tuple(np.full((height, width, 3), value, np.uint8) for height, width in (SIZE, (48, 60)))


def frames(walk, **options):
    return WalkFrames(walk, photos(0), names=NAMES, height=360, **options)


def marked(frame, left, size):
    """Row and column on a photo of ``size`` of the middle of the orange frame in a panel."""
    unit = frame.shape[0] / HIGH
    top, start, side = (HIGH - TOP - SIDE) * unit, left * unit, SIDE * unit
    panel = frame[round(top) : round(top + side), round(start) : round(start + side)].astype(int)
    colour = [int(CONSTANTS[i : i + 2], 16) for i in (1, 3, 5)]
    rows, columns = np.nonzero(np.abs(panel - colour).max(2) < 40)
    pixel = side / max(size)  # the photo is wider than high, and in the middle
    y = ((rows.min() + rows.max() + 1) / 2 - (side - size[0] * pixel) / 2) / pixel - 0.5
    x = (columns.min() + columns.max() + 1) / 2 / pixel - 0.5
    return y, x


def test_every_frame_marks_its_pixel_on_the_input_and_on_the_output():
    walk = toy_walk()
    shown = WalkFrames(walk, photos(0), names=NAMES, height=720)
    half = shown.halves[0]
    seen = 0
    for (row, column), frame in zip(walk.positions, shown, strict=True):
        if not (half < row < SIZE[0] - 1 - half and half < column < SIZE[1] - 1 - half):
            continue  # the frame is cut off by the border
        seen += 1
        y, x = marked(frame, INPUT_LEFT, SIZE)
        assert abs(y - row) < 0.3
        assert abs(x - column) < 0.3
        y, x = marked(frame, OUTPUT_LEFT, (48, 60))
        assert abs(y - (2 * row + 1)) < 0.6
        assert abs(x - (2 * column + 1)) < 0.6
    assert seen >= 4


def test_the_light_is_brightest_at_the_pixel():
    walk = toy_walk()
    frame = next(iter(WalkFrames(walk, photos(200), names=NAMES, height=360)))
    unit = frame.shape[0] / HIGH
    top, start, side = ((HIGH - TOP - SIDE) * unit, INPUT_LEFT * unit, SIDE * unit)
    panel = frame[round(top) : round(top + side), round(start) : round(start + side)]
    row, column = walk.positions[0]
    at = side / 30
    near = panel[round((row + 3 + 2) * at), round((column + 2) * at)].astype(int).max()
    far = panel[round(20 * at), round(25 * at)].astype(int).max()
    assert near > 1.5 * far


@pytest.mark.parametrize(("height", "size"), [(360, (640, 360)), (361, (642, 360)), (500, (888, 500))])
def test_frames_have_an_even_size_of_16_to_9(height, size):
    shown = WalkFrames(toy_walk(2), photos(), names=NAMES, height=height)
    assert shown.size == size
    assert [frame.shape for frame in shown] == [(size[1], size[0], 3)] * 2


def test_frames_are_deterministic_and_follow_the_filters():
    first, second = (list(frames(toy_walk(3))) for _ in range(2))
    assert all((one == two).all() for one, two in zip(first, second, strict=True))
    assert all((one != two).any() for one, two in pairwise(first))


def test_steps_on_the_same_pixel_are_the_same_frame():
    walk = toy_walk(2)
    again = replace(walk, positions=(walk.positions[0], walk.positions[0], walk.positions[1]))
    one, two, three = frames(again)
    assert (one == two).all()
    assert (two != three).any()


@pytest.mark.parametrize("which", ["row", "column"])
def test_only_one_kind_is_drawn_when_only_one_is_there(which):
    (both, *_), (one, *_) = frames(toy_walk(2)), frames(toy_walk(2, which))
    middle = both.shape[1] // 2
    below = both.shape[0] * 6 // 10
    left, right = one[below:, : middle - 60], one[below:, middle + 60 :]
    drawn, empty = (left, right) if which == "row" else (right, left)
    assert (empty == 255).all()
    assert (drawn != 255).any()


def test_both_squares_show_the_same_area():
    shown = frames(toy_walk())
    one, two = shown.halves
    assert 2 * (2 * one + 1) <= 2 * two + 2 <= 2 * (2 * one + 1) + 2


@pytest.mark.parametrize("lossless", [False, True])
def test_the_video_holds_every_frame_and_a_subtitle_track(tmp_path, lossless):
    walk, out, shown = toy_walk(5), tmp_path / "walk.mp4", photos(128)
    beside = write_walk(walk, shown, out, fps=3, names=NAMES, height=360, lossless=lossless)
    reader = imageio_ffmpeg.read_frames(str(out))
    facts = next(reader)
    found = [np.frombuffer(data, np.uint8).reshape(360, 640, 3) for data in reader]
    assert facts["size"] == (640, 360)
    assert len(found) == len(walk.positions)
    for one, two in zip(found, WalkFrames(walk, shown, names=NAMES, height=360), strict=True):
        difference = np.abs(one.astype(int) - two)
        assert difference.max() == 0 if lossless else difference.mean() < 2
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(out), "-map", "0:s", "-f", "srt", "-"]
    track = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert track.split() == beside.read_text(encoding="utf-8").split()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["walk.mp4", "walk.srt"]


@pytest.mark.parametrize("steps", [2, 12, 90])
def test_subtitles_cover_the_video_in_order(steps):
    walk = toy_walk(min(steps, 12))
    walk = replace(walk, positions=tuple(walk.positions[i * 12 // steps % len(walk.positions)] for i in range(steps)))
    found = cues(walk, 5.0, NAMES)
    assert found[0].start == 0
    assert np.isclose(found[-1].end, steps / 5)
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(one.start < one.end for one in found)


def test_subtitles_say_what_is_seen():
    first, second = cues(toy_walk(), 3.0, NAMES)
    assert first.text.startswith("On an edge at 30°: 90\u202f% of the row’s energy within 2.2 px, along the edge (32°)")
    assert second.text.startswith("In a flat area: 90\u202f% of the row’s energy within 2.2 px, ")
    assert "\n90\u202f% of the column’s energy within 2.2 px" in first.text
    assert "unlike the mean" in first.text


def test_a_filter_that_never_changes_is_said_to_be_the_same():
    assert all(cue.text.count("the same as everywhere") == 2 for cue in cues(toy_walk(change=False), 3.0, NAMES))


@pytest.mark.parametrize("height", [0, 359, 2161, -720])
def test_heights_out_of_range_are_refused(height):
    with pytest.raises(ls.InputError, match="from 360 to 2160"):
        WalkFrames(toy_walk(2), photos(), names=NAMES, height=height)

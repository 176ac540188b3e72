"""Videos: as many frames as went in, subtitles in time, whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest

import linearscope as ls
from linearscope.report.video import Cue, subtitles, write_video

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed")

SIZE = (64, 48)
CUES = [Cue(0, 1.2, "On an edge:\nas far as 3\u202fpx, 90\u202f%"), Cue(1.2, 2.5, "In texture")]


def frames(count=10):
    """Blocks of 8 x 8 pixels in random colours."""
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return [np.kron(one, np.ones((8, 8, 1), np.uint8)) for one in small]


def decoded(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    return facts, [np.frombuffer(data, np.uint8).reshape(*facts["size"][::-1], 3) for data in reader]


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return found.stdout, found.stderr


def test_every_frame_comes_out_in_a_form_that_players_know(tmp_path):
    write_video(tmp_path / "a.mp4", frames(), SIZE, 4, CUES)
    facts, found = decoded(tmp_path / "a.mp4")
    assert (facts["codec"], facts["size"], facts["fps"]) == ("h264", SIZE, 4)
    assert facts["pix_fmt"].startswith("yuv420p")
    assert len(found) == 10
    for one, two in zip(found, frames(), strict=True):
        # Inside of the blocks, where halved colour resolution blurs nothing.
        assert abs(one[3::8, 3::8].astype(int) - two[3::8, 3::8]).max() <= 8


def test_a_video_without_loss_is_without_loss(tmp_path):
    write_video(tmp_path / "a.mp4", frames(), SIZE, 4, CUES, lossless=True)
    assert all((one == two).all() for one, two in zip(decoded(tmp_path / "a.mp4")[1], frames(), strict=True))


def test_subtitles_are_a_track_and_a_file_and_say_the_same(tmp_path):
    beside = write_video(tmp_path / "a.mp4", frames(), SIZE, 4, CUES)
    assert beside == tmp_path / "a.srt"
    assert beside.read_text(encoding="utf-8") == subtitles(CUES)
    _, facts = ffmpeg("-i", tmp_path / "a.mp4")
    assert "Subtitle: mov_text" in facts
    assert "(eng)" in facts
    track, _ = ffmpeg("-loglevel", "error", "-i", tmp_path / "a.mp4", "-map", "0:s", "-f", "srt", "-")
    assert track.split() == subtitles(CUES).split()


def test_the_index_comes_first_so_that_playing_begins_at_once(tmp_path):
    write_video(tmp_path / "a.mp4", frames(), SIZE, 4, CUES)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ls.InputError])
def test_interrupted_it_leaves_what_was_there(tmp_path, error):
    (tmp_path / "a.mp4").write_bytes(b"earlier")

    def broken():
        yield from frames(3)
        raise error

    with pytest.raises(error):
        write_video(tmp_path / "a.mp4", broken(), SIZE, 4, CUES)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"earlier"


def test_an_encoder_that_fails_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("linearscope.report.video.PLAYABLE", ("-c:v", "no_such_encoder"))
    with pytest.raises(ls.InputError, match="encoder failed"):
        write_video(tmp_path / "a.mp4", frames(400), SIZE, 4, CUES)
    assert not list(tmp_path.iterdir())


def test_without_the_package_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ls.InputError, match="pip install imageio-ffmpeg"):
        write_video(tmp_path / "a.mp4", frames(), SIZE, 4, CUES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "words"), [("a.avi", r"\.mp4"), ("folder.mp4", "folder"), ("no/a.mp4", "no folder")])
def test_places_that_cannot_hold_a_video_are_refused(tmp_path, name, words):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(ls.InputError, match=words):
        write_video(tmp_path / name, frames(), SIZE, 4, CUES)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_times_of_subtitles_are_written_in_full():
    assert "01:01:01,500 --> 01:01:02,000" in subtitles([Cue(3661.4999999, 3662, "late")])

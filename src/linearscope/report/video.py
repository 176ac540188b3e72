"""A video with a subtitle track, that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from linearscope.errors import InputError
from linearscope.report.about import Picture

__all__ = ["Cue", "check_video", "subtitles", "write_video"]

# What ordinary players show with the right colours: 4:2:0 in the range and with the primaries of HD television.
PLAYABLE = (
    *("-c:v", "libx264", "-preset", "medium", "-crf", "14", "-pix_fmt", "yuv420p", "-profile:v", "high"),
    *(
        "-vf",
        "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,"
        "setparams=color_primaries=bt709:color_trc=bt709",
    ),
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
)
LOSSLESS = ("-c:v", "libx264rgb", "-preset", "medium", "-qp", "0", "-pix_fmt", "rgb24")
SUBTITLES = ("-c:s", "mov_text", "-metadata:s:s:0", "language=eng", "-disposition:s:0", "default")


@dataclass(frozen=True)
class Cue:
    """One subtitle, shown from ``start`` to ``end`` in seconds."""

    start: float
    end: float
    text: str


def subtitles(cues: Sequence[Cue]) -> str:
    """Write cues as SubRip text.

    Examples
    --------
    >>> print(subtitles([Cue(0, 2.5, "On an edge")]), end="")
    1
    00:00:00,000 --> 00:00:02,500
    On an edge
    """
    blocks = (f"{i}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n" for i, cue in enumerate(cues, 1))
    return "\n".join(blocks)


def check_video(out: Path) -> None:
    """Refuse a place for a video that cannot be written, and say so where the encoder is not installed.

    Worth calling before a long computation; :func:`write_video` calls it too.

    Raises
    ------
    InputError
        When the name does not end in ``.mp4``, lies in no folder that can be written, or is a folder; or when
        the package imageio-ffmpeg is not installed.
    """
    encoder()
    if out.suffix.lower() != ".mp4":
        raise InputError(f"{out} does not end in .mp4. Choose an --out such as walk.mp4.")
    if out.is_dir():
        raise InputError(f"{out} is a folder and not a file. Choose another --out.")
    if not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}. Make it, or choose another --out.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise InputError(f"There is no permission to write {out}. Choose another --out.")


def encoder() -> str:
    """Find the encoder's program."""
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise InputError(
            "Videos need the package imageio-ffmpeg, which is not installed. "
            "Install it with `pip install imageio-ffmpeg`, or linearscope with its extra `video`."
        ) from error


def write_video(
    out: Path,
    frames: Iterable[Picture],
    size: tuple[int, int],
    fps: float,
    cues: Sequence[Cue],
    *,
    lossless: bool = False,
) -> Path:
    """Write frames as an MP4 with a subtitle track, and the subtitles beside it.

    Parameters
    ----------
    out
        The ``.mp4`` file; one that is there is replaced when the new one is whole.
    frames
        ``(height, width, 3)`` each.
    size
        ``(width, height)`` in pixels; both even.
    fps
        Frames a second.
    cues
        Subtitles in order; at least one.
    lossless
        H.264 in RGB without loss, which some players cannot show; otherwise H.264 as all play it, of high quality.

    Returns
    -------
    Path
        Of the subtitles, ``out`` with the ending ``.srt``.

    Raises
    ------
    InputError
        As :func:`check_video`, or when the encoder fails. Nothing half-written is left.
    """
    check_video(out)
    text = out.with_suffix(".srt")
    unfinished = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        unfinished.mkdir()
        spoken, video = unfinished / text.name, unfinished / out.name
        spoken.write_text(subtitles(cues), encoding="utf-8")
        _encode(video, frames, size, fps, spoken, lossless)
        video.replace(out)
        spoken.replace(text)
    except OSError as error:
        reason = "The disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise InputError(f"The video {out} cannot be written: {reason}. Choose another --out.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return text


def _encode(
    video: Path, frames: Iterable[Picture], size: tuple[int, int], fps: float, spoken: Path, lossless: bool
) -> None:
    width, height = size
    command = [
        *(encoder(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-"),
        *("-i", str(spoken), "-map", "0:v", "-map", "1:s"),
        *(LOSSLESS if lossless else PLAYABLE),
        *(*SUBTITLES, "-movflags", "+faststart", str(video)),
    ]
    # In a group of its own the encoder does not hear Ctrl-C, and is ended here, after which its files can be removed.
    log = spoken.with_name("log")
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors, start_new_session=True)
        assert process.stdin is not None
        try:
            _send(process.stdin, frames, size)
            failed = process.wait() != 0
        except BrokenPipeError:
            failed = True
        finally:
            with suppress(OSError):
                process.stdin.close()
            if process.poll() is None:
                process.kill()
            process.wait()
    if failed:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it ended without a word"]
        raise OSError(None, f"the encoder failed, {said[-1].rstrip('.')}")


def _send(pipe: IO[bytes], frames: Iterable[Picture], size: tuple[int, int]) -> None:
    for frame in frames:
        assert frame.shape == (size[1], size[0], 3)
        pipe.write(np.ascontiguousarray(frame).data)
    pipe.close()


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"

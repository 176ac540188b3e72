"""Files that users name: there, readable and not empty, or a sentence that says what is wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from linearscope.errors import InputError

__all__ = ["readable_file"]


def readable_file(path: str | os.PathLike[str], advice: str) -> Path:
    """Return the path of a file that can be opened and has content.

    Parameters
    ----------
    path
        What the user gave.
    advice
        The sentence that ends most messages: what to do instead.

    Raises
    ------
    InputError
        When it is missing, a folder, a device or pipe (reading one might never end), empty, or cannot be opened.
    """
    file = Path(path)
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{file} is a folder. {advice}")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{file} is a device or a pipe and no file. {advice}")
        if status.st_size == 0:
            raise InputError(f"{file} is empty. {advice}")
        with file.open("rb"):
            return file
    except FileNotFoundError as error:
        raise InputError(f"There is no file {file}. {advice}") from error
    except PermissionError as error:
        raise InputError(f"{file} cannot be read: permission denied. Change its permissions or copy it.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}. {advice}") from error
    except InputError:
        raise
    # A path with a NUL in it.
    except ValueError as error:
        raise InputError(f"{str(file)!r} is no path. {advice}") from error

"""The one family of errors.

Every failure a user can cause or meet is a :class:`LinearscopeError` whose message is one sentence saying what is
wrong and one saying what to do; the command line prints it and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CaptureError",
    "CertificateError",
    "InputError",
    "LinearscopeError",
    "LinearscopeWarning",
    "UnknownNameError",
    "UnsupportedOperationError",
]


class LinearscopeError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(LinearscopeError, ValueError):
    """An image, a file, a shape or an option that cannot be used."""


class UnknownNameError(InputError):
    """A name that is not in a list of names; the message gives the nearest ones.

    Examples
    --------
    >>> str(UnknownNameError("layer", "featurs.0", ["features.0", "classifier"]))
    "There is no layer 'featurs.0'; the nearest is 'features.0'."
    """

    def __init__(self, kind: str, name: object, choices: Iterable[str], *, hint: str = "") -> None:
        known = [str(choice) for choice in choices]
        begun = [choice for choice in known if name and choice.startswith(str(name))]
        near = begun[:5] or difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
        message = f"There is no {kind} {name!r}"
        if len(near) == 1:
            message += f"; the nearest is {near[0]!r}."
        elif near:
            message += "; the nearest are " + ", ".join(repr(choice) for choice in near) + "."
        elif 0 < len(known) <= 12:
            message += "; there are " + ", ".join(repr(choice) for choice in known) + "."
        else:
            message += "."
        super().__init__(message + (f" {hint}" if hint else ""))


class CaptureError(LinearscopeError):
    """A model that could not be turned into a Program."""


class UnsupportedOperationError(LinearscopeError):
    """An operation on the image for which no rule is registered."""


class CertificateError(LinearscopeError):
    """An interpreter whose measured error is more than rounding explains."""


class LinearscopeWarning(UserWarning):
    """Something was done that the user should know of, such as a final softmax cut off."""

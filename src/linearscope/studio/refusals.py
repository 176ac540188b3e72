"""What a visitor is told when there is no answer: a status, a code, and a sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from linearscope.errors import LinearscopeError
from linearscope.studio.jobs import Busy, Dropped

__all__ = ["Missing", "Refusal", "refusal", "unreadable"]

LOG = logging.getLogger("linearscope.studio")

#: Status, code and sentence.
Refusal = tuple[int, str, str]

DROPPED: Final[Mapping[str, Refusal]] = {
    "superseded": (
        409,
        "superseded",
        "A newer question of this page took the place of this one. Nothing needs to be done.",
    ),
    "gone": (409, "gone", "Whoever asked went away before the answer was there. Ask again."),
    "ending": (503, "ending", "The studio's server was stopped before the answer was there. Start it again."),
}
BUSY: Final[Refusal] = (429, "busy", "Too many questions wait for an answer. Wait a few seconds and ask again.")
MEMORY: Final[Refusal] = (503, "memory", "Memory ran out. Choose a smaller side, fewer labels or fewer methods.")
UNEXPECTED: Final[Refusal] = (
    500, "unexpected", "Something went wrong in the studio; what it was stands in its terminal. Load the page again."
)  # fmt: skip


class Missing(Exception):
    """Something that the studio does not hold; the message says what to do."""


def refusal(error: BaseException) -> Refusal:
    """Put an error into words; one that nobody expected is written into the log."""
    if isinstance(error, Dropped):
        return DROPPED[error.reason]
    if isinstance(error, Busy):
        return BUSY
    if isinstance(error, Missing):
        return 404, "missing", str(error)
    if isinstance(error, LinearscopeError):
        return 422, "input", str(error)
    if isinstance(error, MemoryError) or ("alloc" in str(error) and "memory" in str(error)):
        return MEMORY
    LOG.error("A question failed", exc_info=error)
    return UNEXPECTED


def unreadable(errors: Sequence[Mapping[str, Any]]) -> str:
    """Put what was found wrong with the parameters of a question into one sentence and an advice.

    Examples
    --------
    >>> unreadable([{"loc": ("query", "row"), "type": "int_parsing", "input": "x", "msg": ""}])
    "The row is 'x'. Give a whole number."
    """
    first = errors[0]
    name, given, limits = ".".join(map(str, first["loc"][1:])), first.get("input"), first.get("ctx", {})
    kind = first["type"]
    if not name:
        return "The question is no JSON object. Send one." if given is not None else "The question is empty. Send JSON."
    if kind == "missing":
        return f"The {name} is missing. Give it."
    if kind == "extra_forbidden":
        return f"There is no {name}. Leave it out."
    if kind == "repeated":
        return f"The {name} is given more than once. Give it once."
    if kind == "json_invalid":
        return "The question is no JSON. Send a JSON object."
    advice = _ADVICE.get(kind, first["msg"].rstrip(".") + ".").format(**limits)
    return f"The {name} is {_short(given)}. {advice}"


_ADVICE: Final = {
    "int_parsing": "Give a whole number.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "int_parsing_size": "Give a smaller number.",
    "float_parsing": "Give a number.",
    "float_type": "Give a number.",
    "finite_number": "Give a finite number.",
    "string_type": "Give a text.",
    "string_too_short": "Give at least {min_length} character.",
    "string_too_long": "Give at most {max_length} characters.",
    "greater_than": "Give more than {gt}.",
    "greater_than_equal": "Give at least {ge}.",
    "less_than": "Give less than {lt}.",
    "less_than_equal": "Give at most {le}.",
    "literal_error": "Give {expected}.",
    "enum": "Give {expected}.",
    "string_pattern_mismatch": "Give it in the form that the page uses.",
    "model_attributes_type": "Send a JSON object.",
    "dict_type": "Send a JSON object.",
}


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."

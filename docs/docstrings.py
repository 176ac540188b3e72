"""Docstrings as the pages show them; they are written to be read in a terminal too."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:class|meth|func|data|mod|attr):(?=`)")
_PRODUCT = re.compile(r"<([^<>`\n]+, [^<>`\n]+)>")
_SOURCE = re.compile(r"\n\n(Source: .*?)(?=\n\n|\Z)", re.DOTALL)
_SECTION = re.compile(r"\n\n(?=\w+\n-{3,}\n)")


class Docstrings(Extension):
    """Objects without roles, inner products as such, and the source, which comes last, before the first section."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.is_alias or obj.docstring is None:
            return
        text = _ROLE.sub("", obj.docstring.value)
        # Markdown would take <u, v> for a tag.
        text = _PRODUCT.sub(r"⟨\1⟩", text)
        source = _SOURCE.search(text)
        section = _SECTION.search(text)
        if source is not None and section is not None and section.start() < source.start():
            text = text[: source.start()] + text[source.end() :]
            text = f"{text[: section.start()]}\n\n{source[1]}{text[section.start() :]}"
        obj.docstring.value = text

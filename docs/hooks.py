"""What the documentation's pages need beyond Markdown."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":(?:class|meth|func|data|mod|attr):(?=<code>)")


def on_page_content(html: str, **_: Any) -> str:
    """Docstrings name objects by roles such as ``:class:`X```; pages show the name alone."""
    return _ROLE.sub("", html)

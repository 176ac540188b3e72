"""The sections of docs/benchmarks.md: each benchmark rewrites its own and leaves the others as they are."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import torch

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
ORDER = ("speed", "fields", "materialize", "svd", "attribution", "relevant", "studio")
HEAD = "# Benchmarks\n\n`make bench` makes this page; each part can be made alone by its file in `benchmarks/`.\n"


def machine() -> str:
    """What the figures were measured on."""
    place = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    return f"{place}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Replace the section ``name`` of the page."""
    assert name in ORDER
    found = (
        dict(re.findall(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->|\Z)", page.read_text(), re.S)) if page.exists() else {}
    )
    found[name] = text.strip() + "\n\n"
    body = "".join(f"<!-- {one} -->\n{found[one]}" for one in ORDER if one in found)
    page.write_text(f"{HEAD}\n{body}".rstrip() + "\n")

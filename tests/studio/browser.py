"""The browser that the page is tested in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

__all__ = ["browsing"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browsing() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright. Skips the test where one is missing; with
    ``LINEARSCOPE_BROWSER=required`` in the environment it fails instead."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing("Chromium is not installed: the page is not tested")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed: the page is not tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def _missing(why: str) -> NoReturn:
    if os.environ.get("LINEARSCOPE_BROWSER") == "required":
        pytest.fail(why)
    pytest.skip(why)

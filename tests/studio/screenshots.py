"""Screenshots of every view of the studio, to be looked at: both themes, a phone, a tablet and a desk.

``python tests/studio/screenshots.py OUT [--only VIEW] [--widths 390,1024,1440] [--themes light,dark]`` starts a studio
of its own and writes ``OUT/VIEW-THEME-WIDTH.png``, each the whole page once everything asked for has been answered. It
says what the browser complained of and what is wider than the page, and then ends with 1.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, Request, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"

#: Every view by its name, and the address of what it shows.
VIEWS: Final = {
    "flashlight": "#/flashlight?model=espcn_x2&image=espresso&side=128&at=1,80,150&kind=row",
    "classification": "#/classification?model=efficientnet_lite0&image=espresso",
    "spectrum": "#/spectrum?model=denoiser&image=espresso-noisy&side=64",
    "compare": "#/compare?model=small_vgg&image=espresso",
}

COMMAND: Final = [sys.executable, "-c", "from linearscope.cli import main; main()", "studio", "--no-browser", "--port"]

#: Seconds for the studio to start, for a view to be done, and without a question after which it is.
START: Final = 60.0
DONE: Final = 240.0
QUIET: Final = 1.5


@contextmanager
def studio() -> Iterator[str]:
    """A studio at a free port; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    server = subprocess.Popen([*COMMAND, str(port)], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START
        while True:
            if server.poll() is not None:
                raise SystemExit("The studio ended before it answered.")
            try:
                with urllib.request.urlopen(address, timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end:
                    raise SystemExit(f"The studio did not answer within {START:.0f} s.") from None
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


class Watch:
    """What a page waits for, and what it complains of."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: set[Request] = set()
        self._last = time.monotonic()
        self.complaints: list[str] = []
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def _asked(self, request: Request) -> None:
        self._open.add(request)
        self._last = time.monotonic()

    def _answered(self, request: Request) -> None:
        self._open.discard(request)
        self._last = time.monotonic()

    def until_done(self) -> None:
        """Wait until nothing has been asked or answered for a while, streams included."""
        end = time.monotonic() + DONE
        while self._open or time.monotonic() - self._last < QUIET:
            if time.monotonic() > end:
                waiting = ", ".join(sorted(request.url for request in self._open))
                self.complaints.append(f"not done after {DONE:.0f} s: {waiting}")
                return
            self._page.wait_for_timeout(100)


def shoot(browser: Browser, address: str, theme: str, width: int, file: Path) -> list[str]:
    """One screenshot; returns what is wrong."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    page.goto(address)
    watch.until_done()
    page.screenshot(path=file, full_page=True)
    wide = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => `${one.tagName.toLowerCase()}.${one.getAttribute("class")} is wider than the page`)"""
    )
    context.close()
    return [*watch.complaints, *wide[:5]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them; returns 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the pictures")
    parser.add_argument("--only", choices=VIEWS, metavar="VIEW", help=f"one of {', '.join(VIEWS)}")
    parser.add_argument("--widths", default="390,1024,1440", help="of the window in pixels")
    parser.add_argument("--themes", default="light,dark")
    given = parser.parse_args(arguments)
    widths, themes = [int(width) for width in given.widths.split(",")], given.themes.split(",")
    given.out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with studio() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for view in [given.only] if given.only else VIEWS:
            for theme in themes:
                for width in widths:
                    file = given.out / f"{view}-{theme}-{width}.png"
                    found = shoot(browser, address + VIEWS[view], theme, width, file)
                    wrong += len(found)
                    print(file, *found, sep="\n    ", flush=True)
        browser.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The studio's page as a visitor has it: opens a view, waits until it is done, reads what is seen."""

import base64
import io
import re
from contextlib import contextmanager

import numpy as np
from PIL import Image

PATIENCE = 90_000


class Visit:
    """A browser of a visitor, at a view."""

    def __init__(self, context, url):
        self.url = url
        self.wrong, self.open = [], set()
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def go(self, address=""):
        """Open an address of the page, and wait for the view."""
        self.page.goto(self.url + address)
        self.ready()
        return self

    def hash(self, address):
        """Change the address by hand."""
        self.page.evaluate("(to) => { location.hash = to; }", address)

    def ready(self):
        self.page.wait_for_function("() => document.querySelector('button.badge')?.textContent.includes('Exact')")

    def shown(self, at):
        """Wait for a filter of the flashlight: "column,all,3,4"."""
        self.page.wait_for_selector(f'.flash-filter[data-at="{at}"]')

    @property
    def keys(self):
        """What the address holds."""
        text = self.page.evaluate("() => location.hash")
        view, _, query = text.removeprefix("#/").partition("?")
        pairs = dict(part.split("=", 1) for part in query.split("&") if part)
        return {"view": view, **{key: re.sub("%2C", ",", value) for key, value in pairs.items()}}

    def addressed(self, **wanted):
        """Wait until the address has these values; it is written a moment after what it says."""
        self.page.wait_for_function(
            """(wanted) => {
              const said = new URLSearchParams(location.hash.split("?")[1] ?? "");
              return Object.entries(wanted).every(([key, value]) => said.get(key) === value);
            }""",
            arg={key: str(value) for key, value in wanted.items()},
        )

    def notice(self, text):
        """Wait for a notice that holds a text."""
        self.page.locator("[role=status], [role=alert]").get_by_text(text).first.wait_for()

    def save(self, name):
        """Take an entry of the download menu; its file name and its bytes."""
        self.page.get_by_role("button", name="Download").click()
        with self.page.expect_download() as waiting:
            self.page.get_by_role("menuitem", name=name).first.click()
        return waiting.value.suggested_filename, waiting.value.path().read_bytes()

    def pixels(self, canvas):
        """What a canvas holds, ``(H, W, 3)``."""
        data = canvas.evaluate("(one) => one.toDataURL('image/png')").partition(",")[2]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


@contextmanager
def visiting(browser, url, *, wrong=0, **options):
    """A visitor with a browser of their own. It fails on what the page complains of, but for ``wrong`` requests."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **options})
    visit = Visit(context, url)
    try:
        yield visit
        assert len(visit.wrong) <= wrong, visit.wrong
    finally:
        context.close()


# The page's signed scale (frontend/src/core/colour.ts), light.
PLACES = [-1, -0.6, -0.2, 0, 0.2, 0.6, 1]
COLOURS = [(5, 48, 97), (67, 147, 195), (209, 229, 240), (247, 247, 247), (253, 219, 199), (214, 96, 77), (103, 0, 31)]


def limit_of(values):
    """The value that the page gives the full colour: all but 1 in 1,000 of the sizes stay below it."""
    sizes = np.sort(np.abs(values), axis=None)
    return sizes[int(np.ceil(0.999 * sizes.size)) - 1] or sizes[-1] or 1


def signed_colours(values, limit):
    """The colours that the page gives a signed map ``(h, w)``: ``(h, w, 3)``."""
    at = np.clip(values / limit, -1, 1)
    return np.stack([np.interp(at, PLACES, [colour[c] for colour in COLOURS]) for c in range(3)], -1)

"""The static flashlight page in a browser, from disk, with the network off: what it shows is what F is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.report.flashlight_page import write_flashlight_page
from tests.studio.browser import browsing

STRIDE = 4


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))


@pytest.fixture(scope="module")
def it():
    return ls.interpret(network(), torch.rand(1, 3, 22, 26, generator=torch.Generator().manual_seed(4)))


@pytest.fixture(scope="module")
def browser():
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def path(it, tmp_path_factory):
    return write_flashlight_page(
        tmp_path_factory.mktemp("page") / "flashlight.html", it, stride=STRIDE, model="net", photo="cup & saucer"
    )


@pytest.fixture
def page(browser, path):
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 760}, color_scheme="light")
    page = context.new_page()
    page.wrong = []
    page.asked = []
    page.on(
        "console", lambda message: page.wrong.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("main[data-at]")
    yield page
    assert page.wrong == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def at(page):
    return tuple(int(part) for part in page.get_attribute("main", "data-at").split(","))


def wait_for(page, row, column):
    page.wait_for_selector(f'main[data-at="{row},{column}"]')


def photo(page):
    return page.locator(".picture.interactive")


def middle(page, row, column):
    """Where on the screen the middle of a pixel of the photo is."""
    box = photo(page).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / 26, box["y"] + (row + 0.5) * box["height"] / 22


def test_it_opens_with_its_title_and_the_light_in_the_middle(page):
    assert page.title() == "Flashlight · net on cup & saucer"
    assert page.inner_text("h1") == "Flashlight · net on cup & saucer"
    rows, columns = places(page)
    assert at(page) == (rows[len(rows) // 2], columns[len(columns) // 2])
    assert "relative error" in page.text_content(".about")


def test_the_filter_follows_the_pointer_and_the_keys(page):
    page.mouse.move(*middle(page, 8, 12))
    where = nearest(page, 8, 12)
    wait_for(page, *where)
    photo(page).focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, where[0], where[1] + STRIDE)
    page.keyboard.press("ArrowDown")
    wait_for(page, where[0] + STRIDE, where[1] + STRIDE)
    page.keyboard.press("Home")
    wait_for(page, where[0] + STRIDE, places(page)[1][0])
    assert f"What input pixel {where[0] + STRIDE}, {places(page)[1][0]} sends out" in page.inner_text("main")


def places(page):
    found = json.loads(page.text_content("#about"))
    return found["rows"], found["columns"]


def nearest(page, row, column):
    rows, columns = places(page)
    return min(rows, key=lambda r: abs(r - row)), min(columns, key=lambda c: abs(c - column))


def test_what_is_seen_is_the_column(page, it):
    """The picture's pixels against it.columns: the sum over channels in the page's own colours."""
    page.mouse.move(*middle(page, 10, 14))
    row, column = nearest(page, 10, 14)
    wait_for(page, row, column)
    page.get_by_role("radio", name="Whole").check()
    page.wait_for_timeout(100)
    exact = it.columns([(c, row, column) for c in range(3)]).sum((0, 1)).numpy()
    seen = page.evaluate(
        """() => {
          const canvas = document.querySelectorAll(".picture > canvas")[1];
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          const out = [];
          for (let y = 0; y < 44; y++) for (let x = 0; x < 52; x++) {
            const at = Math.floor(((y + 0.5) * height) / 44) * width + Math.floor(((x + 0.5) * width) / 52);
            out.push(data[4 * at] - data[4 * at + 2]);
          }
          return out;
        }"""
    )
    seen = np.array(seen, float).reshape(44, 52)
    limit = np.abs(exact).max()
    # Red above zero, blue below; the frame of the window is drawn between pixels and their middles stay free.
    strong = np.abs(exact) > 0.1 * limit
    assert strong.sum() >= 4
    assert np.array_equal(np.sign(seen[strong]), np.sign(exact[strong]))
    window = it.column_window((0, row, column))
    outside = np.ones((44, 52), bool)
    (top, bottom), (left, right) = window.box[1:]
    outside[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = False
    assert np.all(seen[outside] == 0)


def test_pixels_are_pinned_and_compared(page):
    for row, column in ((5, 5), (17, 21)):
        page.mouse.click(*middle(page, row, column))
    page.wait_for_selector(".pin >> nth=1")
    page.wait_for_function("() => document.querySelectorAll('.pin')[1].textContent.includes('cosine 1')")
    first = nearest(page, 5, 5)
    page.locator(".pin-go").first.click()
    wait_for(page, *first)
    page.wait_for_function("() => document.querySelectorAll('.pin')[0].textContent.includes('cosine 1')")
    page.get_by_role("button", name="Remove pin 1").click()
    assert page.locator(".pin").count() == 1
    photo(page).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".pin >> nth=1")


def test_the_picture_is_saved(page):
    with page.expect_download() as found:
        page.get_by_role("button", name="Save PNG").click()
    row, column = at(page)
    assert found.value.suggested_filename == f"net-cup-saucer-column-{row}-{column}.png"


def test_bicubic_stands_for_the_network_on_its_scale(page):
    legend = page.locator(".legend").first.inner_text()
    page.get_by_role("radio", name="Bicubic").check()
    page.wait_for_function("() => document.querySelector('main').innerText.includes('sends out · bicubic')")
    assert "50, 90, 99 % within" in page.inner_text(".facts")
    # A grey pixel of three channels goes 4 x 4 wide to each; bicubic's is never above 3 and the scale holds both.
    seen = float(page.locator(".legend").first.inner_text().split()[-1].lstrip("+"))
    assert seen >= float(legend.split()[-1].lstrip("+"))


@pytest.fixture(scope="module")
def session(it, tmp_path_factory):
    path = tmp_path_factory.mktemp("session") / "flashlight.html"
    return write_flashlight_page(
        path, it, stride=STRIDE, channel=1, light=(2, 3), pins=[(0, 0), (21, 25)], path=[(5, 5), (6, 8), (7, 11)]
    )


def test_a_session_opens_with_its_light_pins_and_path(browser, session):
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.goto(session.as_uri())
    wait_for(page, 2, 3)
    page.wait_for_selector(".flash-film-frame >> nth=2")
    page.wait_for_function("() => document.querySelectorAll('.flash-film canvas')[2].width > 1")
    assert page.locator(".pin").all_inner_texts()[1].split("\n")[0] == "2 21, 25"
    assert "2, 3, G" in page.inner_text(".facts")
    page.get_by_role("button", name="Play").click()
    wait_for(page, 7, 11)
    assert page.locator(".flash-film-frame[aria-current]").count() == 1
    photo(page).focus()
    page.keyboard.press("ArrowRight")
    rows, columns = places(page)
    wait_for(page, min(rows, key=lambda r: abs(r - 7)), min(c for c in columns if c > 11))
    assert page.locator(".flash-film-frame[aria-current]").count() == 0
    page.mouse.move(*middle(page, 6, 8))
    wait_for(page, 6, 8)  # a place of the path, between those of the stride
    page.get_by_role("button", name="Remove path").click()
    assert page.locator(".flash-path").is_hidden()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
def test_it_fits_and_follows_the_colour_scheme(browser, path, scheme, width):
    context = browser.new_context(offline=True, viewport={"width": width, "height": 760}, color_scheme=scheme)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("main[data-at]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width > 1000:
        assert page.evaluate("document.documentElement.scrollHeight") <= 760
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in light[4:-1].split(",")) > 384) == (scheme == "light")
    context.close()


def test_in_a_notebook_it_runs_in_a_frame_of_its_own(browser, it, tmp_path):
    (tmp_path / "cell.html").write_text("<!doctype html>" + ls.flashlight(it, side=3)._repr_html_(), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.goto((tmp_path / "cell.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("main[data-at]").wait_for()
    assert frame.locator(".picture").count() == 2
    assert frame.locator(".problem").first.is_hidden()
    context.close()

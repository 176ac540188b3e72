"""The flashlight as it is used: what is seen under the light is the column or the row of F."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.studio.pages import limit_of, signed_colours, visiting

SIDE = 32
VIEW = f"#/flashlight?model=espcn_x2&image=espresso&side={SIDE}&beside=none"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio, accept_downloads=True) as visit:
        yield visit


@pytest.fixture(scope="module")
def it(interpreter):
    return interpreter("espcn_x2", side=SIDE)


def picture(visit):
    return visit.page.locator(".flash-walk .picture.interactive")


def place(visit, row, column, height=SIDE, width=SIDE):
    """Where on the screen a pixel of the picture is."""
    picture(visit).scroll_into_view_if_needed()
    box = picture(visit).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / width, box["y"] + (row + 0.5) * box["height"] / height


def limit(visit, figure=0):
    return float(visit.page.locator(".flash-filter").nth(figure).get_attribute("data-limit"))


def exactly(it, kind, channel, row, column):
    """The column or the row of F by the library, ``(C, H, W)``; of all channels their sum."""
    ask = it.columns if kind == "column" else it.rows
    channels = range(3) if channel == "all" else [int(channel)]
    return ask([(c, row, column) for c in channels]).sum(0).numpy()


def middles(data, shape):
    """The colours of a PNG in the middle of each of the picture's pixels."""
    seen = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    factor = seen.shape[0] // shape[0]
    assert seen.shape[:2] == (factor * shape[0], factor * shape[1])
    return seen[factor // 2 :: factor, factor // 2 :: factor]


def fits(limit, values):
    """Whether the scale is the one of these values: no larger than the largest, and at most 1 in 1,000 beyond it."""
    sizes = np.abs(values)
    return limit <= 1.001 * sizes.max() and (sizes > 1.001 * limit).sum() <= 0.001 * sizes.size


def test_there_is_something_to_see_at_once(visit):
    visit.go()
    visit.page.wait_for_function("() => location.hash.startsWith('#/flashlight?')")
    visit.page.wait_for_selector(".flash-filter[data-at]")
    assert "64, 64" in visit.page.locator(".flash-filters .flash-title").inner_text()


@pytest.mark.parametrize(("kind", "channel"), [("column", "all"), ("column", "1"), ("row", "2")])
def test_the_picture_is_the_column_or_the_row(visit, it, kind, channel):
    visit.go(f"{VIEW}&kind={kind}&at={channel},9,13&zoom=whole&circles=no")
    visit.shown(f"{kind},{channel},9,13")
    name, data = visit.save("as PNG")
    exact = exactly(it, kind, channel, 9, 13).sum(0)
    assert np.abs(middles(data, exact.shape) - signed_colours(exact, limit(visit))).max() <= 3
    assert fits(limit(visit), exact)
    assert name.startswith("espcn_x2-")


def test_the_picture_is_one_channel_of_the_column(visit, it):
    visit.go(f"{VIEW}&at=all,9,13&zoom=whole&circles=no&show=G")
    visit.shown("column,all,9,13")
    exact = exactly(it, "column", "all", 9, 13)
    seen = middles(visit.save("as PNG")[1], exact.shape[1:])
    assert np.abs(seen - signed_colours(exact[1], limit(visit))).max() <= 3
    assert np.abs(seen - signed_colours(exact.sum(0), limit(visit))).max() > 30


def test_the_picture_is_the_column_in_colours_around_grey(visit, it):
    visit.go(f"{VIEW}&at=0,9,13&zoom=whole&circles=no&show=colour")
    visit.shown("column,0,9,13")
    exact = exactly(it, "column", "0", 9, 13)
    seen = middles(visit.save("as PNG")[1], exact.shape[1:])
    wanted = np.clip(127.5 + 127.5 * exact.transpose(1, 2, 0) / limit(visit), 0, 255)
    assert np.abs(seen - wanted).max() <= 3
    assert fits(limit(visit), exact)


def test_a_closer_look_shows_the_same_pixels_larger(visit, it):
    """Of the whole, the window and the close-up each is a part of the one before."""
    visit.go(f"{VIEW}&at=all,9,13&circles=no")
    visit.shown("column,all,9,13")
    exact = exactly(it, "column", "all", 9, 13).sum(0)
    sides = []
    for name, zoom in (("Whole", "whole"), ("Window", None), ("Close-up", "near")):
        visit.page.locator(".flash").get_by_role("radio", name=name, exact=True).first.check(force=True)
        visit.page.wait_for_function(
            "(zoom) => new URLSearchParams(location.hash.split('?')[1]).get('zoom') === zoom", arg=zoom
        )
        picture = Image.open(io.BytesIO(visit.save("as PNG")[1]))
        # A PNG has as many dots for a pixel as fit into 1024, 16 at most.
        factor = max(f for f in range(1, 17) if picture.height % f == 0 and picture.height // f * f <= 1024)
        seen = np.asarray(picture.convert("RGB"))[factor // 2 :: factor, factor // 2 :: factor].astype(float)
        height, width = seen.shape[:2]
        wanted = signed_colours(exact, limit(visit))
        parts = np.lib.stride_tricks.sliding_window_view(wanted, (height, width), axis=(0, 1))
        off = np.abs(parts - seen.transpose(2, 0, 1)).max((2, 3, 4))
        assert off.min() <= 3
        sides.append(height)
    assert sides[0] == 64
    assert sides[0] > sides[1] > sides[2]


def test_the_light_follows_the_pointer_and_the_keys(visit):
    visit.go(VIEW)
    for row, column in ((5, 7), (20, 11), (31, 0)):
        visit.page.mouse.move(*place(visit, row, column))
        visit.shown(f"column,all,{row},{column}")
    picture(visit).focus()
    for key, at in (
        ("ArrowUp", "30,0"),
        ("ArrowRight", "30,1"),
        ("Shift+ArrowRight", "30,11"),
        ("Shift+ArrowUp", "20,11"),
        ("Home", "20,0"),
        ("End", "20,31"),
        ("ArrowRight", "20,31"),
    ):
        visit.page.keyboard.press(key)
        visit.shown(f"column,all,{at}")


def test_only_the_newest_question_counts(visit):
    """While one is on its way no other is asked; then the last position is, and none between."""
    visit.go(VIEW)
    visit.shown("column,all,16,16")
    held = []
    visit.page.route("**/field?*", lambda route: held.append(route))
    with visit.page.expect_request("**/field?*"):
        visit.page.mouse.move(*place(visit, 0, 30))
    for step in range(1, 25):
        visit.page.mouse.move(*place(visit, step, 30 - step))
    visit.page.get_by_text("Row 24, column 6").first.wait_for()
    assert len(held) == 1
    with visit.page.expect_request("**/field?*") as following:
        held[0].continue_()
    assert "row=24&column=6" in following.value.url
    visit.page.wait_for_function("() => document.querySelector('.flash-filter').dataset.at !== 'column,all,16,16'")
    assert len(held) == 2
    held[1].continue_()
    visit.shown("column,all,24,6")
    assert len(held) == 2


def test_pins_by_click_and_by_key_and_their_removal(visit):
    visit.go(VIEW)
    picture(visit).click(position={"x": 40, "y": 60})
    pins = visit.page.locator(".flash-pin")
    pins.nth(0).wait_for()
    picture(visit).focus()
    for count in (2, 3, 4):
        visit.page.keyboard.press("Shift+ArrowRight")
        visit.page.keyboard.press("ArrowDown")
        visit.page.keyboard.press("Enter")
        pins.nth(count - 1).wait_for()
    visit.page.wait_for_function("() => location.hash.split('column,').length === 5")
    places = visit.keys["pins"].split("_")
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    visit.notice("4 pins are the most. Remove one first.")
    assert pins.count() == 4
    visit.page.get_by_role("button", name="Remove pin 2").click()
    visit.page.wait_for_function("() => document.querySelectorAll('.flash-pin').length === 3")
    visit.addressed(pins="_".join([places[0], *places[2:]]))


def test_a_scale_that_is_held_stays(visit):
    visit.go(f"{VIEW}&at=all,9,13")
    visit.shown("column,all,9,13")
    first = limit(visit)
    visit.page.get_by_label("Hold scale").check()
    visit.page.wait_for_function("() => location.hash.includes('hold=')")
    assert float(visit.keys["hold"]) == pytest.approx(first, rel=1e-4)
    picture(visit).focus()
    visit.page.keyboard.press("Home")
    visit.shown("column,all,9,0")
    assert limit(visit) == pytest.approx(first, rel=1e-4)
    visit.page.get_by_label("Hold scale").uncheck()
    visit.page.wait_for_function(
        "(held) => document.querySelector('.flash-filter').dataset.limit !== held", arg=str(first)
    )
    assert limit(visit) != pytest.approx(first, rel=1e-4)


def test_a_tap_pins(chromium, studio):
    with visiting(chromium, studio, has_touch=True, viewport={"width": 390, "height": 800}) as visit:
        visit.go(VIEW)
        visit.shown("column,all,16,16")
        picture(visit).tap(position={"x": 100, "y": 100})
        visit.page.locator(".flash-pin").first.wait_for()


def test_a_drag_is_a_path(visit):
    visit.go(VIEW)
    visit.shown("column,all,16,16")
    visit.page.mouse.move(*place(visit, 4, 4))
    visit.page.mouse.down()
    for step in range(5, 25):
        visit.page.mouse.move(*place(visit, step, step))
    visit.page.mouse.up()
    frames = visit.page.locator(".flash-film-frame")
    frames.first.wait_for()
    assert 5 <= frames.count() <= 24
    frames.nth(3).click()
    where = frames.nth(3).get_attribute("title").replace(" ", "")
    visit.shown(f"column,all,{where}")


@pytest.mark.parametrize("at", ["9,13", "0,31"])
def test_bicubic_interpolation_beside_it(visit, interpreter, at):
    """The page makes its filters itself; inside and at a corner they are those of the network bicubic_x2."""
    visit.go(f"#/flashlight?model=espcn_x2&image=espresso&side={SIDE}&at=all,{at}&zoom=whole&circles=no")
    visit.page.locator(f'.flash-filter[data-at="column,all,{at}"]').nth(1).wait_for()
    assert "Bicubic" in visit.page.locator(".flash-filter").nth(1).inner_text()
    bicubic = interpreter("bicubic_x2", side=SIDE)
    exact = exactly(bicubic, "column", "all", *map(int, at.split(","))).sum(0)
    seen = middles(visit.save("beside it as PNG")[1], exact.shape)
    assert np.abs(seen - signed_colours(exact, limit(visit, 1))).max() <= 3


def test_another_network_beside_it(visit, interpreter):
    visit.go(f"{VIEW}&at=all,10,10&zoom=whole&circles=no")
    visit.shown("column,all,10,10")
    visit.page.get_by_label("Beside").select_option("edsr_small_x2")
    beside = visit.page.locator(".flash-filter").nth(1)
    beside.get_by_text("EDSR").wait_for()
    visit.page.locator('.flash-filter[data-at="column,all,10,10"]').nth(1).wait_for()
    visit.addressed(beside="edsr_small_x2")
    other = interpreter("edsr_small_x2", side=SIDE)
    exact = exactly(other, "column", "all", 10, 10).sum(0)
    seen = middles(visit.save("beside it as PNG")[1], exact.shape)
    assert np.abs(seen - signed_colours(exact, limit(visit, 1))).max() <= 3


def facts(visit):
    """What is measured on the filter, but for the time that it took: the numbers by their names."""
    said = visit.page.locator(".flash-facts").first.locator("div").all_inner_texts()
    return {
        name: [float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)]
        for name, text in (one.split("\n", 1) for one in said)
        if name not in ("Computed in", "Orientation")
    }


def test_a_copied_link_brings_the_same_view_back(chromium, studio):
    with visiting(chromium, studio, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.go(f"{VIEW}&kind=row&at=1,40,21&pins=row,1,40,22")
        visit.shown("row,1,40,21")
        visit.page.get_by_label("Drawn as").select_option("colour")
        visit.page.get_by_label("Contrast").select_option("4")
        picture(visit).focus()
        visit.page.keyboard.press("ArrowRight")
        visit.shown("row,1,40,22")
        visit.addressed(at="1,40,22")
        visit.page.get_by_role("button", name="Copy link").click()
        visit.page.get_by_text("Copied").first.wait_for()
        link = visit.page.evaluate("() => navigator.clipboard.readText()")
        known = facts(visit)
        with visiting(chromium, "") as other:
            other.go(link)
            other.shown("row,1,40,22")
            assert other.page.locator(".flash-pin").count() == 1
            assert other.page.get_by_label("Drawn as").input_value() == "colour"
            assert other.page.get_by_label("Contrast").input_value() == "4"
            assert limit(other) == pytest.approx(limit(visit), rel=1e-3)
            again = facts(other)
            assert len(known) >= 5
            assert list(again) == list(known)
            for name, numbers in known.items():
                assert again[name] == pytest.approx(numbers, rel=0.02, abs=0.11), name


def test_a_place_outside_is_said_and_the_middle_is_shown(visit):
    visit.go(f"{VIEW}&at=all,99,2")
    visit.shown("column,all,16,16")
    visit.notice("The address points at “all,99,2”, which is no pixel of the picture.")
    visit.addressed(at="all,16,16")


def test_what_cannot_be_read_is_repaired_in_an_open_tab_too(visit):
    """A channel by its name can be read; a place that cannot does not stay in the address."""
    visit.go(f"{VIEW}&at=all,16,16")
    visit.shown("column,all,16,16")
    visit.hash(f"{VIEW}&at=G,3,4")
    visit.shown("column,1,3,4")
    visit.hash(f"{VIEW}&at=Q,3,4")
    visit.notice("The address points at “Q,3,4”")
    visit.addressed(at="all,16,16")


def test_the_file_is_the_column(visit, it):
    visit.go(f"{VIEW}&at=2,8,30")
    visit.shown("column,2,8,30")
    name, data = visit.save("as npz")
    assert name == "espcn_x2-Espresso-32-column-B-8-30.npz"
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        whole = np.zeros(about["shape"], np.float32)
        spot = tuple(slice(a, a + n) for a, n in zip(about["start"], file["values"].shape, strict=True))
        whole[spot] = file["values"]
    assert np.allclose(whole, it.columns([(2, 8, 30)])[0].numpy(), atol=1e-6)


def test_the_session_as_one_page(visit, chromium, it, tmp_path):
    """Its size is said before it is made, and the file works with the network off, with the pins and the path."""
    visit.go(f"{VIEW}&at=all,30,5&pins=column,all,2,3_row,all,9,9&path=4,4_10,12_16,20")
    visit.shown("column,all,30,5")
    visit.page.get_by_role("button", name="Take away as one page").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("combobox").last.select_option("4")
    dialog.get_by_text("69 filters, about").wait_for()
    assert "1 pin, the path and bicubic interpolation. Left out: 1 pin of another kind" in dialog.inner_text()
    with visit.page.expect_download() as waiting:
        dialog.get_by_role("link", name="Make and save the page").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.suffix == ".html"
    context = chromium.new_context(offline=True, color_scheme="light", accept_downloads=True)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("main[data-at]")
    assert page.title() == "Flashlight · espcn_x2 on Espresso"
    light = page.locator(".picture.interactive")
    light.focus()
    before = page.get_attribute("main", "data-at")
    assert before == "30,5"
    assert page.locator(".pin").count() == 1
    assert page.locator(".flash-film-frame").count() == 3
    page.locator(".flash-film-frame").nth(1).click()
    page.wait_for_selector('main[data-at="10,12"]')
    page.locator(".pin-go").click()
    page.wait_for_selector('main[data-at="2,3"]')
    assert "cosine 1" in page.locator(".pin").inner_text()
    page.get_by_role("button", name="Remove pin 1").click()  # the scale would reach its values, too
    light.focus()
    before = page.get_attribute("main", "data-at")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(before) => document.querySelector('main').dataset.at !== before", arg=before)
    row, column = map(int, page.get_attribute("main", "data-at").split(","))
    page.get_by_role("radio", name="Whole").check(force=True)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save PNG").click()
    exact = exactly(it, "column", "all", row, column)
    seen = middles(waiting.value.path().read_bytes(), exact.shape[1:])
    values = exact.sum(0)
    top, left = (np.flatnonzero(np.any(values, axis)) for axis in (1, 0))
    own = limit_of(values[top[0] : top[-1] + 1, left[0] : left[-1] + 1])
    assert np.abs(seen - signed_colours(values, own)).max() <= 3
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()

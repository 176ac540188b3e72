"""The flashlight as it is used: what is seen under the light is the column or the row of F."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.studio.pages import signed_colours, visiting

SIDE = 32
VIEW = f"#/flashlight?model=espcn_x2&image=espresso&side={SIDE}&beside=none"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio, accept_downloads=True) as visit:
        yield visit


@pytest.fixture(scope="module")
def it(stage):
    return stage.subject(stage.recipe("espcn_x2", "espresso", SIDE)).it


def picture(visit):
    return visit.page.locator(".flash-walk .picture.interactive")


def place(visit, row, column, height=SIDE, width=SIDE):
    """Where on the screen a pixel of the picture is."""
    picture(visit).scroll_into_view_if_needed()
    box = picture(visit).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / width, box["y"] + (row + 0.5) * box["height"] / height


def limit(visit):
    return float(visit.page.locator(".flash-filter").first.get_attribute("data-limit"))


def test_there_is_something_to_see_at_once(visit):
    visit.go()
    assert visit.keys["view"] == "flashlight"
    visit.page.wait_for_selector(".flash-filter[data-at]")
    assert "64, 64" in visit.page.locator(".flash-filters .flash-title").inner_text()


@pytest.mark.parametrize(("kind", "channel"), [("column", "all"), ("column", "1"), ("row", "2")])
def test_the_picture_is_the_column_or_the_row(visit, it, kind, channel):
    visit.go(f"{VIEW}&kind={kind}&at={channel},9,13&zoom=whole&circles=no")
    visit.shown(f"{kind},{channel},9,13")
    name, data = visit.save("as PNG")
    ask = it.columns if kind == "column" else it.rows
    exact = ask([(c, 9, 13) for c in (range(3) if channel == "all" else [int(channel)])]).sum((0, 1)).numpy()
    seen = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    factor = seen.shape[0] // exact.shape[0]
    assert seen.shape[:2] == (factor * exact.shape[0], factor * exact.shape[1])
    middle = seen[factor // 2 :: factor, factor // 2 :: factor]
    wanted = signed_colours(exact, limit(visit))
    assert np.abs(middle - wanted).max() <= 3
    assert name.startswith("espcn_x2-")


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
    """While one is on its way no other is asked; then the last position is."""
    asked, on_the_way, most = [], 0, 0

    def slow(route):
        nonlocal on_the_way, most
        on_the_way += 1
        most = max(most, on_the_way)
        asked.append(route.request.url)
        route.continue_()

    def done(request):
        nonlocal on_the_way
        if "/field?" in request.url:
            on_the_way -= 1

    visit.go(VIEW)
    visit.shown("column,all,16,16")
    visit.page.route("**/field?*", slow)
    visit.page.on("requestfinished", done)
    visit.page.on("requestfailed", done)
    for step in range(25):
        visit.page.mouse.move(*place(visit, step, 30 - step))
    visit.shown("column,all,24,6")
    assert most == 1
    assert len(asked) <= 25
    assert "row=24&column=6" in asked[-1]


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
    visit.page.get_by_role("button", name="Remove pin 2").click()
    visit.page.wait_for_function("() => document.querySelectorAll('.flash-pin').length === 3")


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


def test_another_network_beside_it(visit, stage):
    visit.go(f"#/flashlight?model=espcn_x2&image=espresso&side={SIDE}&at=all,10,10")
    visit.page.locator(".flash-filter").nth(1).wait_for()
    assert "Bicubic" in visit.page.locator(".flash-filter").nth(1).inner_text()
    visit.page.get_by_label("Beside").select_option("edsr_small_x2")
    visit.page.wait_for_function(
        "() => document.querySelectorAll('.flash-filter')[1].textContent.includes('EDSR')"
        " && document.querySelectorAll('.flash-filter')[1].dataset.at === 'column,all,10,10'"
    )
    visit.page.wait_for_function("() => location.hash.includes('beside=edsr_small_x2')")


def test_a_link_brings_the_same_view_back(visit, chromium, studio):
    visit.go(f"{VIEW}&kind=row&at=1,40,22&zoom=near&show=colour&pins=row,1,40,22")
    visit.shown("row,1,40,22")
    visit.page.wait_for_timeout(400)
    link = visit.page.evaluate("() => location.hash")
    with visiting(chromium, studio) as other:
        other.go(link)
        other.shown("row,1,40,22")
        assert other.page.locator(".flash-pin").count() == 1
        assert other.page.get_by_role("radio", name="Close-up").is_checked()
        assert other.keys["show"] == visit.keys["show"]


def test_a_place_outside_is_said_and_the_middle_is_shown(visit):
    visit.go(f"{VIEW}&at=all,99,2")
    visit.shown("column,all,16,16")
    visit.notice("outside")


def test_the_file_is_the_column(visit, it):
    visit.go(f"{VIEW}&at=2,8,30")
    visit.shown("column,2,8,30")
    name, data = visit.save("as npz")
    assert name == "espcn_x2-espresso-column-B-8-30.npz"
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        whole = np.zeros(about["shape"], np.float32)
        spot = tuple(slice(a, a + n) for a, n in zip(about["start"], file["values"].shape, strict=True))
        whole[spot] = file["values"]
    assert np.allclose(whole, it.columns([(2, 8, 30)])[0].numpy(), atol=1e-6)


def test_the_session_as_one_page(visit, chromium, it, tmp_path):
    """Its size is said before it is made, and the file works with the network off."""
    visit.go(VIEW)
    visit.page.get_by_role("button", name="Take away as one page").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("combobox").last.select_option("4")
    dialog.get_by_text("64 filters, about").wait_for()
    with visit.page.expect_download() as waiting:
        dialog.get_by_role("link", name="Make and save the page").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.suffix == ".html"
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("main[data-at]")
    assert page.title() == "Flashlight · espcn_x2 on Espresso"
    context.close()

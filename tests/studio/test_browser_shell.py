"""Choosing what is shown, and what the page does when something is wrong."""

import re

import pytest

from linearscope.models import default_image
from linearscope.studio import Stage, create_app
from linearscope.studio.security import Guard
from tests.studio.pages import visiting
from tests.studio.raw import serving

SMALL = "#/flashlight?model=espcn_x2&image=espresso&side=32"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio) as visit:
        yield visit


def test_a_network_that_the_view_cannot_show_opens_the_one_that_can(visit):
    visit.go(SMALL)
    visit.page.get_by_label("Network", exact=True).select_option("small_vgg")
    visit.page.locator(".classification").wait_for()
    assert visit.keys["view"] == "classification"
    visit.page.get_by_label("Network", exact=True).select_option("denoiser")
    visit.page.locator(".flash").wait_for()


def test_a_link_to_a_view_that_does_not_fit_opens_the_one_that_does(visit):
    visit.go("#/spectrum?model=small_vgg")
    visit.page.locator(".classification").wait_for()
    visit.notice("small_vgg")


def test_an_address_that_is_wrong_is_repaired_and_said(visit):
    visit.go("#/flashlight?model=nothing&image=none&side=77")
    visit.page.locator(".flash").wait_for()
    visit.notice("nothing")
    assert visit.keys["model"] == "espcn_x2"
    assert visit.keys["image"] == "espresso"


def test_the_certificate_is_that_of_the_interpreter(visit, stage):
    visit.go(SMALL)
    certificate = stage.subject(stage.recipe("espcn_x2", "espresso", 32)).it.certificate
    visit.page.get_by_role("button", name="Exact").click()
    panel = visit.page.get_by_role("dialog", name="Certificate")
    text = panel.inner_text()
    said = [float(f"{number}e-{power}") for number, power in re.findall(r"(\d(?:\.\d+)?)e−(\d+)", text)]
    for error in (certificate.reconstruction, certificate.adjoint, certificate.tolerance):
        assert any(one == pytest.approx(error, rel=0.06) for one in said)
    assert certificate.interpretation in text
    for kind, count in certificate.frozen.items():
        assert re.search(rf"{kind}\s+{count}", text)
    visit.page.keyboard.press("Escape")
    panel.wait_for(state="hidden")


def test_photos_are_picked_brought_and_refused(chromium, studio, tmp_path):
    with visiting(chromium, studio, wrong=1) as visit:
        visit.go(SMALL)
        visit.page.get_by_role("button", name="Photo").click()
        visit.page.get_by_text("Rendered facade").first.click()
        visit.page.wait_for_function("() => location.hash.includes('image=facade')")
        visit.ready()
        visit.page.get_by_role("button", name="Photo").click()
        visit.page.locator("input[type=file]").first.set_input_files(default_image())
        visit.page.wait_for_function("() => /image=[0-9a-f]{16}/.test(location.hash)")
        visit.ready()
        assert "espresso.jpg" in visit.page.get_by_role("button", name="Photo").inner_text()
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
        visit.page.get_by_role("button", name="Photo").click()
        visit.page.locator("input[type=file]").first.set_input_files(broken)
        visit.notice("broken.png")
        assert re.fullmatch("[0-9a-f]{16}", visit.keys["image"])


def test_back_goes_to_the_view_before(visit):
    visit.go(SMALL)
    visit.page.get_by_role("link", name="Spectrum").or_(visit.page.get_by_role("tab", name="Spectrum")).first.click()
    visit.page.locator(".spectrum").wait_for()
    visit.page.go_back()
    visit.page.locator(".flash").wait_for()
    visit.page.go_forward()
    visit.page.locator(".spectrum").wait_for()


def test_the_theme_is_chosen_and_kept(visit):
    visit.go(SMALL)

    def ground():
        return visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    light = ground()
    visit.page.get_by_role("button", name="Theme").click()
    visit.page.get_by_text("Dark", exact=True).click()
    assert ground() != light
    visit.page.reload()
    visit.ready()
    assert visit.page.evaluate("() => document.documentElement.dataset.theme") == "dark"


def test_the_system_is_dark(chromium, studio):
    with visiting(chromium, studio, color_scheme="dark") as visit:
        visit.go(SMALL)
        red, green, blue = map(
            int,
            re.findall(r"\d+", visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor"))[:3],
        )
        assert max(red, green, blue) < 60


def test_help_and_its_end(visit):
    visit.go(SMALL)
    visit.page.keyboard.press("F1")
    dialog = visit.page.get_by_role("dialog", name="Keys and gestures")
    dialog.wait_for()
    assert "arrow" in dialog.inner_text().lower()
    visit.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_the_link_is_copied(chromium, studio):
    with visiting(chromium, studio, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.go(SMALL)
        visit.page.get_by_role("button", name="Copy link").click()
        visit.page.get_by_text("Copied").first.wait_for()
        assert visit.page.evaluate("() => navigator.clipboard.readText()") == visit.page.url


@pytest.mark.parametrize("view", ["flashlight", "spectrum", "compare"])
def test_nothing_sticks_out_on_a_phone(chromium, studio, view):
    with visiting(chromium, studio, viewport={"width": 360, "height": 740}) as visit:
        visit.go(f"#/{view}?model=espcn_x2&image=espresso&side=32&k=2&tol=0.01&methods=gradient,contributions")
        visit.page.wait_for_load_state("networkidle")
        assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_nothing_of_the_labels_sticks_out_on_a_phone(chromium, studio):
    with visiting(chromium, studio, viewport={"width": 360, "height": 740}) as visit:
        for view in ("classification", "compare"):
            visit.go(f"#/{view}?model=small_vgg&image=espresso")
            visit.page.wait_for_load_state("networkidle")
            assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_a_server_that_ends_is_said_and_one_that_comes_back_is_used(chromium):
    """The page stays, says what happened, and goes on when the server is there again."""
    with visiting(chromium, "", wrong=100) as visit:
        with serving(lambda at: Guard(create_app(Stage()), hosts=at.hosts, names=at.names, port=at.port)) as place:
            visit.url = place.url
            visit.go(SMALL + "&beside=none")
            visit.shown("column,all,16,16")
        visit.page.locator(".flash-walk .picture.interactive").focus()
        visit.page.keyboard.press("ArrowUp")
        visit.notice("does not answer")

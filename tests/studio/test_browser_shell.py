"""Choosing what is shown, and what the page does when something is wrong."""

import base64
import re

import pytest
from PIL import Image

from linearscope.errors import InputError
from linearscope.models import default_image
from linearscope.models.images import image_from_bytes
from linearscope.studio import Stage, create_app
from linearscope.studio.photos import UPLOAD_BYTES, UPLOAD_PIXELS
from linearscope.studio.security import Guard
from tests.studio.pages import visiting
from tests.studio.raw import serving

OWN = "/image=[0-9a-f]{16}/.test(location.hash)"
SMALL = "#/flashlight?model=espcn_x2&image=espresso&side=32"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio) as visit:
        yield visit


def test_the_network_is_chosen_by_keyboard(visit):
    visit.go(SMALL)
    network = visit.page.get_by_label("Network", exact=True)
    names = network.evaluate("(one) => [...one.options].map((each) => each.value)")
    network.focus()
    visit.page.keyboard.press("ArrowDown")
    wanted = names[names.index("espcn_x2") + 1]
    visit.addressed(model=wanted, side=32)
    visit.ready()
    assert network.input_value() == wanted
    assert network.evaluate("(one) => one === document.activeElement")


def test_the_side_is_chosen(visit):
    visit.go(SMALL)
    visit.page.get_by_label("Side in pixels").select_option("48")
    visit.addressed(side=48)
    visit.ready()
    visit.page.locator(".flash-walk").get_by_text("48 × 48 px").wait_for()
    visit.page.locator(".flash-filter").first.get_by_text("96 × 96 px").wait_for()


def test_a_network_that_the_view_cannot_show_opens_the_one_that_can(visit):
    visit.go(SMALL)
    visit.page.get_by_label("Network", exact=True).select_option("small_vgg")
    visit.page.locator(".classification").wait_for()
    visit.page.wait_for_function("() => location.hash.startsWith('#/classification?')")
    visit.page.get_by_label("Network", exact=True).select_option("denoiser")
    visit.page.locator(".flash").wait_for()


def test_a_link_to_a_view_that_does_not_fit_opens_the_one_that_does(visit):
    visit.go("#/spectrum?model=small_vgg")
    visit.page.locator(".classification").wait_for()
    visit.notice("small_vgg")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("#/nothing?model=espcn_x2&image=espresso&side=32", "There is no view named “nothing”."),
        ("#/flashlight?model=nothing&image=espresso&side=32", "without the network “nothing”. It shows espcn_x2."),
        ("#/flashlight?model=espcn_x2&image=none&side=32", "The photo of this address is not in this studio"),
        ("#/flashlight?model=espcn_x2&image=espresso&side=77", "espcn_x2 has no side of “77” pixels. It is shown 128."),
        ("#/flashlight?model=espcn_x2&image=espresso&side=32&strange=1", "This view does not know “strange”"),
    ],
)
def test_an_address_that_is_wrong_is_repaired_and_said(visit, address, said):
    visit.go(address)
    visit.notice(said)
    visit.page.locator(".flash").wait_for()
    visit.addressed(model="espcn_x2", image="espresso", side=128 if "77" in address else 32)
    visit.page.wait_for_function("() => location.hash.startsWith('#/flashlight?')")
    visit.page.wait_for_function("() => !location.hash.includes('strange')")


def test_the_certificate_is_that_of_the_interpreter(visit, interpreter):
    visit.go(SMALL)
    certificate = interpreter("espcn_x2", side=32).certificate
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


def bring(visit, path):
    """Choose a file of one's own."""
    visit.page.locator("input[type=file]").first.set_input_files(path)


def test_photos_are_picked_and_brought(visit):
    visit.go(SMALL)
    visit.page.get_by_role("button", name="Photo").click()
    visit.page.get_by_text("Rendered facade").first.click()
    visit.addressed(image="facade")
    visit.ready()
    bring(visit, default_image())
    visit.page.wait_for_function(f"() => {OWN}")
    visit.ready()
    assert "espresso.jpg" in visit.page.get_by_role("button", name="Photo").inner_text()


def test_a_photo_is_dropped_on_the_page(visit):
    visit.go(SMALL)
    carried = visit.page.evaluate_handle(
        """(data) => {
          const carried = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          carried.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
          return carried;
        }""",
        base64.b64encode(default_image().read_bytes()).decode(),
    )
    visit.page.dispatch_event("body", "dragenter", {"dataTransfer": carried})
    visit.page.get_by_text("Drop the photo to look at it with espcn_x2.").wait_for()
    visit.page.dispatch_event("body", "drop", {"dataTransfer": carried})
    visit.page.wait_for_function(f"() => {OWN}")
    visit.ready()
    assert "dropped.jpg" in visit.page.get_by_role("button", name="Photo").inner_text()
    assert visit.page.locator(".drop").is_hidden()


def test_what_is_no_photo_is_refused_and_the_old_one_stays(chromium, studio, tmp_path):
    """Two are refused by the server, in its own words; one is so large that it is not even sent."""
    broken, wide, heavy = (tmp_path / name for name in ("broken.png", "wide.png", "heavy.png"))
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.new("1", (UPLOAD_PIXELS // 4000 + 1, 4000)).save(wide)
    with heavy.open("wb") as file:
        file.truncate(UPLOAD_BYTES + 1)
    with visiting(chromium, studio, wrong=2) as visit:
        visit.go(SMALL)
        sent = []
        visit.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        for count, path in enumerate((broken, wide), start=1):
            with pytest.raises(InputError) as refused:
                image_from_bytes(path.read_bytes(), path.name)
            bring(visit, path)
            visit.notice(str(refused.value))
            assert len(sent) == count
        bring(visit, heavy)
        visit.notice("heavy.png has")
        assert len(sent) == 2
        assert visit.keys["image"] == "espresso"
        assert "Espresso" in visit.page.get_by_role("button", name="Photo").inner_text()
        assert visit.page.locator(".flash").is_visible()


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


@pytest.mark.parametrize("view", ["flashlight", "compare"])
def test_the_page_follows_the_system(chromium, studio, view):
    """Background and text of the page and of its panels, also when the system changes while the page is open."""

    def shades():
        return visit.page.evaluate(
            """() => [document.body, document.querySelector(".panel")].map((element) => {
              const shade = (colour) => {
                const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
                return (red + green + blue) / 3;
              };
              const { backgroundColor, color } = getComputedStyle(element);
              return [shade(backgroundColor), shade(color)];
            })"""
        )

    with visiting(chromium, studio, color_scheme="dark") as visit:
        visit.go(f"#/{view}?model=espcn_x2&image=espresso&side=32&methods=gradient,contributions")
        visit.page.locator(".panel").first.wait_for()
        for ground, text in shades():
            assert ground < 60
            assert text > 180
        visit.page.emulate_media(color_scheme="light")
        visit.page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
        for ground, text in shades():
            assert ground > 220
            assert text < 80


def test_help_and_its_end(visit):
    visit.go(SMALL)
    network = visit.page.get_by_label("Network", exact=True)
    network.focus()
    visit.page.keyboard.press("F1")
    dialog = visit.page.get_by_role("dialog", name="Keys and gestures")
    dialog.wait_for()
    assert "arrow" in dialog.inner_text().lower()
    visit.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert network.evaluate("(one) => one === document.activeElement")


def test_the_first_tab_skips_to_the_view(visit):
    visit.go(SMALL)
    visit.addressed(kind="column")
    before = visit.keys
    visit.page.keyboard.press("Tab")
    skip = visit.page.get_by_role("link", name="Skip to the view")
    assert skip.evaluate("(one) => one === document.activeElement")
    assert skip.bounding_box()["y"] >= 0
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("() => document.activeElement.id === 'stage'")
    assert visit.keys == before
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("() => document.activeElement.closest('#stage') !== null")


def test_the_link_is_copied(chromium, studio):
    with visiting(chromium, studio, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.go(SMALL)
        visit.addressed(kind="column", side=32)
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
    """The page stays, says what happened, and goes on when the server is there again, which has forgotten all."""

    def served(port=0):
        return serving(lambda at: Guard(create_app(Stage()), hosts=at.hosts, names=at.names, port=at.port), port=port)

    with visiting(chromium, "", wrong=100) as visit:
        picture = visit.page.locator(".flash-walk .picture.interactive")
        with served() as place:
            visit.url = place.url
            visit.go(SMALL + "&beside=none&at=all,16,16")
            visit.shown("column,all,16,16")
        picture.focus()
        visit.page.keyboard.press("ArrowUp")
        visit.notice("does not answer")
        assert visit.page.locator('.flash-filter[data-at="column,all,16,16"]').is_visible()
        visit.addressed(at="all,15,16")
        with served(place.port):
            visit.page.keyboard.press("ArrowUp")
            visit.notice("had forgotten this network")
            visit.ready()
            picture.focus()
            visit.page.keyboard.press("ArrowRight")
            visit.page.wait_for_selector('.flash-filter[data-at$=",17"]')
            assert visit.page.get_by_text("does not answer").count() == 0

"""The comparison as it is used: each method's map and check, and how alike the maps are."""

import re

import numpy as np
import pytest

from linearscope.attribution import compare
from tests.studio.pages import visiting

VIEW = "#/compare?model=small_vgg&image=espresso"
IMAGE = "#/compare?model=espcn_x2&image=espresso&methods=gradient"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio, accept_downloads=True) as visit:
        yield visit


def ended(visit):
    visit.page.get_by_text(re.compile(r"it took|was kept from before")).first.wait_for()


def card(visit, name):
    return visit.page.locator(".compare-card", has=visit.page.get_by_role("heading", name=name, exact=True))


def test_the_first_look_and_its_checks(visit, shown):
    visit.go(VIEW)
    ended(visit)
    assert visit.page.locator(".compare-card").count() == 6
    assert "Sums to the score" in card(visit, "LRP-epsilon").inner_text()
    assert "No sum is promised" in card(visit, "Gradient").inner_text()
    subject = shown("small_vgg")
    names = ["gradient", "grad-cam"]
    wanted = compare(subject.captured.explainer, subject.it.image, methods=names).agreement[0]
    table = visit.page.get_by_role("region", name="Rank correlations")
    said = {
        row.locator("th").inner_text().split(maxsplit=1)[1]: row.locator("td").all_inner_texts()
        for row in table.locator("tbody tr").all()
    }
    order = [*said]
    assert float(said["Gradient"][order.index("Grad-CAM")].replace("−", "-")) == pytest.approx(
        float(wanted[0, 1]), abs=0.006
    )


def test_a_map_is_the_methods_own(visit, shown):
    visit.go(f"{VIEW}&methods=gradient&opacity=100")
    ended(visit)
    visit.page.wait_for_load_state("networkidle")
    subject = shown("small_vgg")
    exact = compare(subject.captured.explainer, subject.it.image, methods=["gradient"]).heatmaps[0, 0].numpy()
    seen = visit.pixels(card(visit, "Gradient").locator("canvas").first).astype(float)
    red = (seen[..., 0] - seen[..., 2])[:: seen.shape[0] // 32, :: seen.shape[1] // 32]
    # The most important pixels are the reddest, the least important grey.
    order = np.argsort(exact, axis=None)
    assert red.flat[order[-100:]].mean() > red.flat[order[:100]].mean() + 40


def test_a_method_that_cannot_be_asked_says_why(visit):
    visit.go("#/compare?model=espcn_x2&image=espresso&side=32&methods=gradient,cam,contributions")
    ended(visit)
    assert "Sums to the score" in visit.page.locator(".compare-grid").inner_text()
    assert visit.page.locator(".card-reason:visible").count() == 1


def test_another_label_is_asked_about(visit):
    visit.go(f"{VIEW}&methods=gradient,contributions")
    ended(visit)
    box = visit.page.get_by_role("combobox", name="Label asked about")
    box.fill("ship")
    visit.page.get_by_role("option", name="ship").click()
    visit.addressed(target="8,ship")
    visit.page.get_by_text(re.compile("^Ship: ")).wait_for()


def test_a_pixel_of_an_image_is_asked_about(visit):
    visit.go("#/compare?model=espcn_x2&image=espresso&side=32&methods=gradient,contributions")
    ended(visit)
    picture = visit.page.locator(".target-picture .picture.interactive")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": 9.5 * box["width"] / 64, "y": 21.5 * box["height"] / 64})
    visit.addressed(target="R,21,9")
    ended(visit)
    assert "row 21, column 9" in visit.page.locator(".compare-ask").inner_text().lower()


def asked_about(visit, text):
    visit.page.locator(".compare-ask").get_by_text(text).first.wait_for()


def unaddressed(visit):
    """Wait until the address names no target."""
    visit.page.wait_for_function("() => !location.hash.includes('target=')")


def test_a_pixel_outside_of_a_smaller_output_is_not_another_one_in_silence(visit):
    visit.go(f"{IMAGE}&side=64&target=G,100,9")
    asked_about(visit, "row 100, column 9")
    visit.page.get_by_label("Side in pixels").select_option("32")
    visit.notice("“G,100,9” is no channel, row and column of this output")
    unaddressed(visit)
    asked_about(visit, "row 32, column 32")


def test_a_pixel_that_is_kept_for_a_larger_output_is_said_to_lie_elsewhere(visit):
    visit.go(f"{IMAGE}&side=32&target=2,21,9")
    visit.addressed(target="B,21,9")
    visit.page.get_by_label("Side in pixels").select_option("48")
    visit.notice("The pixel B,21,9 is kept, but the output has 96 × 96 pixels now")
    visit.addressed(target="B,21,9", side="48")
    asked_about(visit, "row 21, column 9")


@pytest.mark.parametrize(
    ("at", "target"), [(IMAGE, "2000"), (IMAGE, "8,ship"), (f"{VIEW}&methods=gradient", "R,2,3"), (VIEW, "0,2,3")]
)
def test_a_target_of_another_kind_of_network_is_not_read(visit, at, target):
    visit.go(f"{at}&target={target}")
    visit.notice(f"target “{target}” is no")
    unaddressed(visit)


def test_a_label_does_not_become_a_pixel(visit):
    visit.go(f"{VIEW}&methods=gradient&target=8")
    visit.addressed(target="8,ship")
    visit.page.get_by_label("Network", exact=True).select_option("espcn_x2")
    visit.notice("target “8,ship” is no channel, row and column")
    unaddressed(visit)


def test_a_label_stays_with_a_network_that_has_it_and_no_other(visit):
    visit.go(f"{VIEW}&methods=gradient&target=3")
    visit.addressed(target="3,cat")
    network = visit.page.get_by_label("Network", exact=True)
    network.select_option("small_vgg_bn")
    visit.page.get_by_text(re.compile("^Cat: ")).wait_for()
    visit.addressed(model="small_vgg_bn", target="3,cat")
    network.select_option("an8flower_6c")
    visit.notice(re.compile("Label 3 of an8flower_6c is “.*”, not “cat”. The best score is asked about"))
    unaddressed(visit)
    ended(visit)
    name = visit.page.get_by_role("combobox", name="Label asked about").input_value()
    assert visit.page.locator(".compare-ask .verdict").inner_text().lower().startswith(name.lower())
    visit.page.go_back()
    visit.page.get_by_text(re.compile("^Cat: ")).wait_for()
    visit.addressed(model="small_vgg_bn", target="3,cat")


def test_a_link_with_a_label_of_another_network_says_so(visit):
    visit.go("#/compare?model=an8flower_6c&image=espresso&methods=gradient&target=3,cat")
    visit.notice(re.compile("Label 3 of an8flower_6c is “.*”, not “cat”"))
    unaddressed(visit)


def test_a_method_that_the_page_cannot_ask_is_offered_with_its_reason(visit):
    visit.go(f"{VIEW}&methods=gradient,relevant-units")
    visit.notice("no method “relevant-units” can be asked here")
    visit.page.locator(".method-picker > summary").click()
    box = visit.page.get_by_role("checkbox", name=re.compile("Relevant units"))
    assert box.is_disabled()
    reason = visit.page.locator(f"#{box.get_attribute('aria-describedby')}").inner_text()
    assert "needs a file" in reason
    assert "`" not in reason
    there = visit.page.locator(".method-picker input:not(:disabled)").count()
    assert visit.page.locator(".method-picker > summary .num").inner_text() == f"1 of {there}"


def partial(visit, shown, methods):
    """The agreement panel speaks of these, as the library does."""
    panel = visit.page.get_by_role("region", name="Agreement")
    panel.get_by_text(f"Of {len(methods)} of 3 methods: the others have no map.").wait_for()
    subject = shown("small_vgg")
    wanted = compare(subject.captured.explainer, subject.it.image, methods=methods).agreement[0]
    said = [float(text.replace("−", "-")) for text in panel.locator("td").all_inner_texts()]
    assert said == pytest.approx(wanted.flatten().tolist(), abs=0.006)


def test_after_a_cancel_those_that_have_answered_are_compared(visit, shown):
    # The server's answer, held back after the second method.
    visit.page.add_init_script(
        """const real = window.fetch;
        window.fetch = async (...asked) => {
          const answer = await real(...asked);
          if (!String(asked[0]).includes("/compare?")) return answer;
          const parts = (await answer.text()).split("event: answer");
          const start = new TextEncoder().encode(parts.slice(0, 3).join("event: answer"));
          const held = new ReadableStream({ start: (stream) => stream.enqueue(start) });
          return new Response(held, { headers: answer.headers });
        };"""
    )
    visit.go(f"{VIEW}&methods=gradient,contributions,grad-cam")
    visit.page.get_by_text("2 of 3 methods answered").wait_for()
    visit.page.locator(".compare-card:not(.is-waiting)").nth(1).wait_for()
    visit.page.get_by_role("button", name="Cancel").click()
    partial(visit, shown, ["gradient", "contributions"])


def test_after_a_failure_those_that_have_answered_are_compared(visit, shown):
    def cut(route):
        answer = route.fetch()
        route.fulfill(response=answer, body="event: answer".join(answer.text().split("event: answer")[:3]))

    visit.page.route("**/compare?*", cut)
    visit.go(f"{VIEW}&methods=gradient,contributions,grad-cam")
    partial(visit, shown, ["gradient", "contributions"])
    visit.notice("broke off before it was whole")


def test_a_check_that_does_not_hold_is_red(visit):
    def spoiled(route):
        answer = route.fetch()
        text = answer.text().replace('"holds": true', '"holds": false').replace('"error": ', '"error": 0.03, "was": ')
        route.fulfill(response=answer, body=text)

    visit.page.route("**/compare?*", spoiled)
    visit.go(f"{VIEW}&methods=contributions")
    ended(visit)
    text = visit.page.locator(".compare-card .check-text").inner_text()
    assert "misses" in text.lower()
    assert "3 %" in text


def test_what_is_wrong_in_the_address_is_said_by_name(visit):
    visit.go(f"{VIEW}&methods=foo,gradient,bar&target=99")
    for part in ("foo", "bar", "99"):
        visit.notice(part)
    visit.page.wait_for_function("() => !/foo|bar|target=99/.test(location.hash)")

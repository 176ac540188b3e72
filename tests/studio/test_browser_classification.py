"""The classification view as it is used: its numbers and pictures are the library's."""

import re

import numpy as np
import pytest

import linearscope as ls
from linearscope.analysis import share_maps
from tests.studio.pages import visiting

VIEW = "#/classification?model=small_vgg&image=espresso"


@pytest.fixture
def visit(chromium, studio):
    with visiting(chromium, studio) as visit:
        yield visit


@pytest.fixture(scope="module")
def subject(shown):
    return shown("small_vgg")


def number(text):
    """The first number of a text of the page."""
    found = re.search(r"[−+]?\d[\d,]*\.?\d*(e[−]?\d+)?", text)
    return float(found[0].replace("−", "-").replace(",", ""))


def panel(visit, name):
    return visit.page.get_by_role("region", name=name)


def test_the_scores_are_those_of_the_network(visit, subject):
    visit.go(VIEW)
    rows = visit.page.locator(".score-row")
    rows.nth(9).wait_for()
    wanted = subject.it.output.flatten().sort(descending=True)
    for i in range(10):
        assert subject.name(int(wanted.indices[i])) in rows.nth(i).inner_text()
        assert number(rows.nth(i).locator(".bar-value").inner_text()) == pytest.approx(
            float(wanted.values[i]), abs=0.006
        )


def test_labels_are_added_by_name_and_removed(visit):
    visit.go(VIEW)
    chips = visit.page.locator(".chip")
    chips.nth(2).wait_for()
    box = visit.page.get_by_role("combobox", name="Add a label")
    box.fill("shi")
    visit.page.get_by_role("option", name="ship").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    chips.nth(3).wait_for()
    assert "ship" in chips.nth(3).inner_text()
    visit.page.wait_for_function("() => location.hash.includes('labels=')")
    visit.page.get_by_role("button", name="Remove ship").click()
    visit.page.wait_for_function("() => document.querySelectorAll('.chip').length === 3")


def test_contributions_sum_to_the_score_and_open_into_maps(visit, subject):
    visit.go(VIEW)
    contributions = panel(visit, "Contributions by layer")
    contributions.locator(".share-total").wait_for()
    wanted = ls.contributions(subject.it, int(subject.it.output.argmax()))
    text = contributions.inner_text()
    assert number(re.search(r"Pixels\n(\S+)", text)[1]) == pytest.approx(wanted.input, rel=0.01)
    assert number(contributions.locator(".share-total").inner_text().split("Score")[1]) == pytest.approx(
        wanted.score, abs=0.006
    )
    first = contributions.get_by_role("button", name=re.compile("^Pixels")).first
    first.click()
    assert first.get_attribute("aria-expanded") == "true"
    canvas = contributions.locator(".figure canvas").first
    canvas.wait_for()
    visit.page.wait_for_function("() => !document.querySelector('.share-body .figure [aria-busy=true]')")
    seen = visit.pixels(canvas).astype(int)
    exact = share_maps(subject.it, int(subject.it.output.argmax()))["input"].numpy()
    # Red where the pixels speak for the label, blue where against.
    tone = (seen[..., 0] - seen[..., 2])[:: seen.shape[0] // 32, :: seen.shape[1] // 32]
    strong = np.abs(exact) > 0.3 * np.abs(exact).max()
    assert np.array_equal(np.sign(tone[strong]), np.sign(exact[strong]))
    first.press("Enter")
    assert first.get_attribute("aria-expanded") == "false"


def test_votes_among_the_chosen_labels(visit, subject):
    visit.go(f"{VIEW}&labels=1,6,5")
    votes = panel(visit, "Votes")
    votes.locator(".vote-list li").nth(2).wait_for()
    visit.page.wait_for_function("() => /\\d %/.test(document.querySelector('.vote-list').textContent)")
    found = ls.votes(ls.discussion(subject.it, [1, 6, 5]))
    for i, label in enumerate((1, 6, 5)):
        text = votes.locator(".vote-list").first.locator("li").nth(i).inner_text()
        assert subject.name(label) in text
        assert number(text.split("\n")[-1]) == pytest.approx(100 * found.share(label), abs=0.6)


def test_votes_among_all_labels(visit, subject):
    visit.go(VIEW)
    votes = panel(visit, "Votes")
    votes.get_by_role("button", name="Vote among all").click()
    ranked = votes.locator("ol.vote-list li")
    ranked.filter(has_text="%").first.wait_for()
    for i, (label, share) in enumerate(ls.votes(ls.discussion(subject.it)).ranking()[:5]):
        assert subject.name(label) in ranked.nth(i).inner_text()
        assert number(ranked.nth(i).inner_text().split("\n")[-1]) == pytest.approx(100 * share, abs=0.6)


def test_discussions_follow_the_definition_and_the_opacity(visit):
    visit.go(f"{VIEW}&labels=1")
    canvas = panel(visit, "Discussions").locator("canvas").first
    canvas.wait_for()
    visit.page.wait_for_load_state("networkidle")
    spread = visit.pixels(canvas)
    visit.page.get_by_label("Definition").select_option("input")
    visit.page.wait_for_function("() => location.hash.includes('variant=input')")
    visit.page.wait_for_load_state("networkidle")
    given = visit.pixels(canvas)
    assert not np.array_equal(spread, given)
    panel(visit, "Discussions").get_by_role("slider").fill("0")
    visit.page.wait_for_timeout(300)
    plain = visit.pixels(canvas).astype(int)
    assert np.abs(plain[..., 0] - plain[..., 2]).max() <= 2


def test_an_attack_changes_everything(visit, subject):
    visit.go(VIEW)
    visit.page.locator(".score-row").nth(9).wait_for()
    before = visit.page.locator(".score-row").first.inner_text()
    slider = panel(visit, "Photo and attack").get_by_role("slider")
    slider.fill("4")
    verdict = panel(visit, "Photo and attack").locator(".verdict")
    visit.page.wait_for_function("() => location.hash.includes('epsilon=4')")
    verdict.get_by_text(re.compile("at 4 levels|frog|automobile")).first.wait_for()
    visit.page.wait_for_function("(old) => document.querySelector('.score-row').innerText !== old", arg=before)
    lower, upper = subject.placed.bounds
    attack = ls.fgsm(subject.it.program, subject.it.image, epsilon=4 / 255, lower=lower, upper=upper)
    visit.page.wait_for_function(
        "(name) => document.querySelector('.verdict').textContent.includes(name)", arg=subject.name(attack.after)
    )
    slider.fill("0")
    visit.page.wait_for_function("(old) => document.querySelector('.score-row').innerText === old", arg=before)


def test_what_is_wrong_in_the_address_is_said_at_once(visit):
    visit.go(f"{VIEW}&labels=77&variant=none&epsilon=x")
    visit.page.locator(".score-row").first.wait_for()
    for part in ("77", "none", "x"):
        visit.notice(part)
    visit.page.wait_for_function("() => !/77|none|epsilon=x/.test(location.hash)")


def test_another_network_gives_up_labels_that_are_not_its_own_and_begins_no_vote(visit):
    visit.go(f"{VIEW.replace('small_vgg', 'efficientnet_lite0')}&labels=1,3")
    visit.page.locator(".score-row").nth(11).wait_for()
    visit.hash("#/classification?model=small_vgg&image=espresso&labels=1,3&vote=all")
    visit.notice("are not those of small_vgg")
    visit.page.wait_for_function("() => !/labels=|vote=/.test(location.hash)")
    assert visit.page.locator(".chip").count() == 3


def test_the_focus_is_on_the_fourth_label(visit):
    visit.go(VIEW)
    visit.page.locator(".chip").nth(2).wait_for()
    box = visit.page.get_by_role("combobox", name="Add a label")
    box.fill("ship")
    visit.page.get_by_role("option", name="ship").wait_for()
    box.press("Enter")
    visit.page.wait_for_function("() => document.activeElement.getAttribute('aria-label') === 'Remove ship'")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_cards_keep_their_height_under_attack(visit, width):
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.go(VIEW)
    visit.page.locator(".score-row").nth(5).wait_for()
    card = panel(visit, "Photo and attack")
    height = card.bounding_box()["height"]
    for epsilon in ("0.5", "2", "8"):
        card.get_by_role("slider").fill(epsilon)
        visit.page.wait_for_function(
            "(level) => document.querySelector('.verdict').textContent.includes(` at ${level} `)", arg=epsilon
        )
        assert card.bounding_box()["height"] == pytest.approx(height, abs=1)


def test_a_link_opens_the_groups_that_are_open(visit):
    visit.go(VIEW.replace("small_vgg", "efficientnet_lite0"))
    group = visit.page.locator("button.share-line[aria-label*=' layers']").first
    group.click()
    visit.page.wait_for_function("() => location.hash.includes('groups=')")
    visit.page.reload()
    visit.page.wait_for_selector("button.share-line[aria-label*=' layers'][aria-expanded=true]")

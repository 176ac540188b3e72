"""Everyone can use it: rules of WCAG by axe, and the keyboard alone."""

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

from tests.studio.pages import visiting  # noqa: E402

VIEWS = {
    "flashlight": "#/flashlight?model=espcn_x2&image=espresso&side=32&pins=column,all,4,4",
    "classification": "#/classification?model=small_vgg&image=espresso",
    "spectrum": "#/spectrum?model=espcn_x2&image=espresso&side=32&k=2&tol=0.05",
    "compare": "#/compare?model=small_vgg&image=espresso&methods=gradient,contributions",
}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def broken(visit):
    """What axe finds, in words."""
    found = axe.Axe().run(visit.page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} | {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_rules_of_wcag(chromium, studio, view, scheme, width):
    # axe is put into the page as text, which the page's own policy would refuse.
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with visiting(chromium, studio, **options) as visit:
        visit.go(VIEWS[view])
        visit.page.wait_for_load_state("networkidle")
        assert broken(visit) == []


@pytest.mark.parametrize("opened", ["Photo", "Exact", "Download", "Help", "Take away as one page"])
def test_rules_of_wcag_for_what_opens(chromium, studio, opened):
    with visiting(chromium, studio, bypass_csp=True) as visit:
        visit.go(VIEWS["flashlight"])
        visit.page.get_by_role("button", name=opened).first.click()
        visit.page.wait_for_timeout(300)
        assert broken(visit) == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_keyboard_reaches_everything_and_is_seen(chromium, studio, view):
    """Tab goes round the page: every control once, none a trap, each with a ring."""
    with visiting(chromium, studio) as visit:
        visit.go(VIEWS[view])
        visit.page.wait_for_load_state("networkidle")
        seen, rings = [], []
        for _ in range(250):
            visit.page.keyboard.press("Tab")
            at = visit.page.evaluate(
                """() => {
                  const e = document.activeElement;
                  if (!e || e === document.body) return null;
                  const near = [e, e.closest("label"), e.nextElementSibling].filter(Boolean);
                  const shown = near.some((one) => {
                    const style = getComputedStyle(one);
                    const ring = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
                    return ring || style.boxShadow !== "none";
                  });
                  e.dataset.visited = (e.dataset.visited ?? 0) * 1 + 1;
                  const name = e.getAttribute("aria-label") ?? e.textContent.slice(0, 40);
                  return [e.tagName, name, shown, e.dataset.visited];
                }"""
            )
            if at is None or int(at[3]) > 1:
                break
            seen.append(at[:2])
            rings.append(at[2])
        assert len(seen) >= 10
        assert all(rings), [one for one, ring in zip(seen, rings, strict=True) if not ring]
        missed = visit.page.evaluate(
            """() => [...document.querySelectorAll("button, select, input, a[href], [tabindex='0']")]
              .filter((e) => e.checkVisibility() && !e.disabled && !e.dataset.visited && e.tabIndex >= 0)
              .filter((e) => e.type !== "radio" && !e.closest("[popover]:not(:popover-open)"))
              .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert missed == []

"""The guard against a real browser: the studio's own page gets all it needs, another site's page gets nothing."""

import json

import pytest

from linearscope.studio.security import Guard, cookie_name
from tests.studio.browser import browsing
from tests.studio.raw import guarded, serving

TOKEN = "correct-horse"
OWN = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>own</title>
<link rel="stylesheet" href="/own.css"><script type="module" src="/own.js"></script><p>Own.</p></html>"""
SCRIPT = b"""
const said = {};
for (const [name, path, options] of [
  ["get", "/api/a"],
  ["json", "/api/b", { method: "POST", body: "{}", headers: { "content-type": "application/json", "x-visitor": "1" } }],
  ["upload", "/api/images", { method: "POST", body: new Blob(["photo"]) }],
])
  said[name] = await fetch(path, options).then((reply) => reply.status, String);
said.colour = getComputedStyle(document.body).color;
document.title = JSON.stringify(said);
"""
FOREIGN = b"<!doctype html><title>foreign</title><body></body>"


def pages(seen):
    """An application with a page of its own that remembers what it was asked."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        # The tab of whatever page of ours is shown, be it a refusal, wants an icon of its own accord.
        if scope["path"] != "/favicon.ico":
            seen.append((scope["method"], scope["path"]))
        kind, body = {
            "/": ("text/html", OWN),
            "/own.js": ("text/javascript", SCRIPT),
            "/own.css": ("text/css", b"body { color: rgb(1, 2, 3) }"),
            "/foreign": ("text/html", FOREIGN),
        }.get(scope["path"], ("application/json", b"{}"))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.fixture(scope="module")
def browser():
    with browsing() as browser:
        yield browser


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def studio(seen):
    with serving(lambda at: Guard(pages(seen), hosts=at.hosts, port=at.port)) as place:
        yield place


@pytest.fixture
def foreign(page):
    """The page on another site: another name, and no guard."""
    with serving(lambda at: pages([])) as place:
        page.goto(f"http://localhost:{place.port}/foreign")
        yield page


def test_the_own_page_gets_all_it_needs(page, studio):
    page.goto(studio.url)
    page.wait_for_function("() => document.title.startsWith('{')")
    assert json.loads(page.title()) == {"get": 200, "json": 200, "upload": 200, "colour": "rgb(1, 2, 3)"}


def test_inline_scripts_do_not_run(page, studio):
    page.goto(studio.url)
    ran = page.evaluate(
        """() => new Promise((tell) => {
          document.addEventListener("securitypolicyviolation", (event) => tell(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
        })"""
    )
    assert ran == "script-src-elem"
    assert page.evaluate("window.ran") is None


ATTEMPTS = {
    "fetch": "(url) => fetch(url + 'api/a').then(() => 'read', () => 'refused')",
    "no-cors": "(url) => fetch(url + 'api/a', { mode: 'no-cors' }).then(() => 'opaque', () => 'refused')",
    "post": "(url) => fetch(url + 'api/b', { method: 'POST', mode: 'no-cors', body: '{}' })"
    ".then(() => 'opaque', () => 'refused')",
    "preflight": "(url) => fetch(url + 'api/b', { method: 'POST', headers: { 'content-type': 'application/json' } })"
    ".then(() => 'read', () => 'refused')",
    "script": """(url) => new Promise((tell) => {
      const script = Object.assign(document.createElement("script"), { src: url + "own.js" });
      script.onload = () => tell("ran"); script.onerror = () => tell("refused"); document.body.append(script); })""",
    "frame": """(url) => new Promise((tell) => {
      const frame = Object.assign(document.createElement("iframe"), { src: url });
      frame.onload = () => tell(frame.contentDocument ? "shown" : "refused"); document.body.append(frame); })""",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_another_sites_page_reaches_nothing(foreign, studio, seen, attempt):
    """What the browser tells that page may be an error or an answer it cannot read; the application is not asked."""
    for name in ("127.0.0.1", "localhost"):  # another site, and the same site on another port
        said = foreign.evaluate(ATTEMPTS[attempt], f"http://{name}:{studio.port}/")
        assert said in ("refused", "opaque")
    assert seen == []


def test_a_form_of_another_site_is_refused(foreign, studio, seen):
    with foreign.expect_navigation() as navigation:
        foreign.evaluate(
            """(url) => {
              const form = Object.assign(document.createElement("form"), { action: url + "api/b", method: "post" });
              document.body.append(form); setTimeout(() => form.submit()); }""",
            studio.url,
        )
    assert navigation.value.status == 403
    assert seen == []


def test_a_name_that_points_here_is_refused(page, studio, seen):
    """As after DNS rebinding: to the browser the studio is that site's own server."""
    assert page.goto(f"http://rebound.example.localhost:{studio.port}/").status == 421
    assert seen == []


def test_the_token_opens_the_page_and_leaves_the_address(page):
    with guarded(token=TOKEN) as place:
        assert page.goto(f"http://127.0.0.1:{place.port}/").status == 401
        assert "Open the whole address" in page.inner_text("main")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "20px"
        assert page.goto(f"http://127.0.0.1:{place.port}/?token={TOKEN}").status == 200
        assert page.url == f"http://127.0.0.1:{place.port}/"
        assert page.evaluate("document.cookie") == ""
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (cookie_name(place.port), True, "Strict")


def test_a_link_with_the_token_on_another_site_works(foreign):
    with guarded(token=TOKEN) as place:
        own = f"http://127.0.0.1:{place.port}/"
        foreign.evaluate("(url) => { setTimeout(() => { location.href = url; }); }", f"{own}?token={TOKEN}")
        foreign.wait_for_url(own)
        assert json.loads(foreign.inner_text("body"))["path"] == "/"

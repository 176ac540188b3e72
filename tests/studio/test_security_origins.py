"""Who may ask: names of the server, other sites' pages, the token; and what every response carries."""

import asyncio

import pytest

from linearscope.studio.responses import POLICY
from linearscope.studio.security import Guard, cookie_name
from tests.studio.raw import ask, echo, guarded

TOKEN = "correct-horse"
NAVIGATION = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
PAGE = ("Accept", "text/html,*/*;q=0.8")


@pytest.fixture(scope="module")
def local():
    with guarded() as place:
        yield place.port


@pytest.fixture(scope="module")
def far():
    """A server with a token, as on an address that others reach."""
    with guarded(token=TOKEN) as place:
        yield place.port


@pytest.fixture(scope="module")
def everywhere():
    """A server that listens on every address goes by any in digits."""
    with guarded(hosts=None, names=frozenset({"localhost", "desk"}), token=TOKEN) as place:
        yield place.port


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_names_of_loopback(local, name):
    assert ask(local, host=f"{name}:{local}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example:PORT",
        "evil.example@127.0.0.1:PORT",
        "localhost.:PORT",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:0PORT",
        "127.0.0.1:",
        "::1:PORT",
        "[::1]",
        "192.168.0.7:PORT",
        "2130706433:PORT",
        "0.0.0.0:PORT",
    ],
)
def test_other_names_are_refused(local, host):
    reply = ask(local, host=host.replace("PORT", str(local)))
    assert reply.status == 421
    assert reply.code == "host"


def test_a_request_without_a_name_or_with_two_is_refused(local):
    assert ask(local, host=None).status == 400
    assert ask(local, "/", ("Host", "evil.example")).status == 400


def test_listening_everywhere_takes_digits_and_the_machines_names(everywhere):
    shown = ("Authorization", f"Bearer {TOKEN}")
    for name in ("192.168.0.7", "[fe80::1]", "127.0.0.1", "desk", "Localhost"):
        assert ask(everywhere, "/", shown, host=f"{name}:{everywhere}").status == 200
    for host in (f"evil.example:{everywhere}", f"2130706433:{everywhere}", "192.168.0.7", f"[desk]:{everywhere}"):
        assert ask(everywhere, "/", shown, host=host).status == 421
    assert ask(everywhere, host=f"192.168.0.7:{everywhere}").status == 401


def test_the_pages_own_origin(local):
    assert ask(local, "/api/studio", ("Origin", f"http://127.0.0.1:{local}"), method="POST", body=b"{}").status == 200
    own = ("Origin", f"http://localhost:{local}")
    assert ask(local, "/", own, host=f"localhost:{local}").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:PORT",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:PORT",
        "http://127.0.0.1:PORT.evil.example",
        "http://127.0.0.1:PORT/",
        "file://",
    ],
)
def test_other_origins_are_refused(local, origin):
    reply = ask(local, "/api/studio", ("Origin", origin.replace("PORT", str(local))))
    assert reply.status == 403
    assert reply.code == "origin"


def test_every_origin_counts(local):
    own = ("Origin", f"http://127.0.0.1:{local}")
    assert ask(local, "/", own, ("Origin", "http://evil.example")).status == 403
    assert ask(local, "/", ("Origin", "http://evil.example"), own).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_other_sites_load_is_refused(local, site):
    said = ("Sec-Fetch-Site", site)
    assert ask(local, "/api/studio", said).status == 403
    assert ask(local, "/", said).status == 403
    assert ask(local, "/api/studio", said, *NAVIGATION).status == 403
    assert ask(local, "/", said, NAVIGATION[0], ("Sec-Fetch-Dest", "iframe")).status == 403
    assert ask(local, "/", said, *NAVIGATION, method="POST", body=b"").status == 403


def test_a_link_on_another_site_may_lead_here(local):
    assert ask(local, "/", ("Sec-Fetch-Site", "cross-site"), *NAVIGATION).status == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_and_the_address_bar(local, site):
    assert ask(local, "/api/studio", ("Sec-Fetch-Site", site)).status == 200


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get"])
def test_other_methods_are_refused(local, method):
    reply = ask(local, "/api/studio", method=method)
    assert reply.status == 405
    assert reply.code == "method"
    assert reply.header("allow") == "GET, HEAD, POST"


def test_a_preflight_is_refused_without_a_word_about_origins(local):
    asked = (("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST"))
    for headers in (asked, asked[1:]):
        reply = ask(local, "/api/studio", *headers, method="OPTIONS")
        assert reply.status in (403, 405)
        assert not [name for name, _ in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "//", f"/?{'a' * 9000}"])
def test_strange_targets_do_no_harm(local, target):
    assert ask(local, target).status in (200, 400)
    assert ask(local, "/").status == 200


def test_head(local):
    reply = ask(local, "/", method="HEAD")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/", ()), ("/api/studio", ()), ("/", (("Origin", "null"),)), ("/fails", ()), ("/", (("Origin", "null"), PAGE))],
)
def test_every_response_is_secured(local, target, headers):
    reply = ask(local, target, *headers)
    policy = reply.header("content-security-policy")
    assert policy is not None
    assert "unsafe" not in policy
    for part in ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert part in policy.split("; ")
    assert policy == POLICY or reply.header("content-type") == "text/html; charset=utf-8"
    assert reply.header("x-content-type-options") == "nosniff"
    assert reply.header("referrer-policy") == "no-referrer"
    assert reply.header("cross-origin-opener-policy") == "same-origin"
    assert reply.header("cross-origin-resource-policy") == "same-origin"
    assert "camera=()" in (reply.header("permissions-policy") or "")
    assert reply.header("cache-control") == ("no-cache" if target == "/" and not headers else "no-store")
    names = [name for name, _ in reply.headers]
    assert not [name for name in names if name.startswith("access-control-") or name == "server"]


def test_without_the_token_nothing_is_answered(far):
    for target in ("/", "/api/studio", "/studio.js", "/?token=wrong", "/?token=", "/api/studio?token=" + TOKEN):
        reply = ask(far, target)
        assert (reply.status, reply.code) == (401, "token")
        assert reply.header("set-cookie") is None
    for header in (
        ("Authorization", "Bearer wrong"),
        ("Authorization", f"Basic {TOKEN}"),
        ("Cookie", f"{cookie_name(far)}=wrong"),
        ("Cookie", f"{cookie_name(far + 1)}={TOKEN}"),
        ("Cookie", f"{cookie_name(far)}=\xff"),
    ):
        assert ask(far, "/", header).status == 401


def test_a_person_without_the_token_is_told_what_to_do(far):
    reply = ask(far, "/", PAGE)
    assert reply.status == 401
    assert reply.header("content-type") == "text/html; charset=utf-8"
    assert b"Open the whole address that was printed" in reply.body
    assert b"<script" not in reply.body


def test_the_address_with_the_token_gives_a_cookie_and_goes_on(far):
    reply = ask(far, f"/?token={TOKEN}")
    assert (reply.status, reply.header("location")) == (303, "/")
    cookie = reply.header("set-cookie")
    assert cookie == f"linearscope-{far}={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert ask(far, "/api/studio", ("Cookie", f"a=b; {cookie.partition(';')[0]}; c=d")).status == 200
    assert ask(far, "/api/studio", ("Authorization", f"Bearer {TOKEN}")).status == 200


def test_a_link_with_the_token_on_another_site_goes_on_from_a_page_of_ours(far):
    """A redirect would be that site's still, and the browser would not send a strict cookie along."""
    reply = ask(far, f"/?token={TOKEN}", PAGE, ("Sec-Fetch-Site", "cross-site"), *NAVIGATION)
    assert reply.status == 200
    assert reply.header("set-cookie") is not None
    assert b'<meta http-equiv="refresh" content="0;url=/">' in reply.body
    assert TOKEN.encode() not in reply.body
    assert ask(far, f"/?token={TOKEN}", PAGE, ("Sec-Fetch-Site", "none"), *NAVIGATION).status == 303


def test_the_token_is_of_no_use_to_other_sites(far):
    shown = ("Cookie", f"{cookie_name(far)}={TOKEN}")
    assert ask(far, "/api/studio", shown, ("Origin", "http://evil.example")).status == 403
    assert ask(far, "/api/studio", shown, host=f"evil.example:{far}").status == 421
    assert ask(far, f"/?token={TOKEN}", ("Origin", "http://evil.example")).status == 403


def test_no_websockets(local):
    reply = ask(local, "/", ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
    assert reply.status == 200  # as if it had not asked for one

    said = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        said.append(message)

    guard = Guard(echo, hosts=frozenset({"127.0.0.1"}), port=local)
    asyncio.run(guard({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert said == [{"type": "websocket.close", "code": 1008}]


def test_a_failure_is_said_and_the_server_goes_on(local, caplog):
    reply = ask(local, "/fails")
    assert (reply.status, reply.code) == (500, "internal")
    assert b"on purpose" not in reply.body
    assert "on purpose" in caplog.text
    assert ask(local).status == 200

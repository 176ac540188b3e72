"""The server's start and end: its port, what it prints, the browser, Ctrl-C."""

import re
import signal
import socket
import subprocess
import sys
import threading
import webbrowser

import pytest

from linearscope.errors import InputError
from linearscope.studio import server
from linearscope.studio.server import listen, serve
from tests.studio.raw import PATIENCE, ask, connected, echo, guarded, read

#: A server of its own process, with a stream that never ends and a thread that cannot be stopped.
PROGRAM = """
import asyncio, sys, threading, time
from linearscope.studio.server import serve

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for said in ("startup", "shutdown"):
            await receive()
            print("lifespan", said, flush=True)
            await send({"type": f"lifespan.{said}.complete"})
        return
    if scope["path"] == "/stuck":
        threading.Thread(target=time.sleep, args=(600,)).start()
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b": still here\\n\\n", "more_body": True})
        await asyncio.sleep(0.05)

try:
    serve(app, announce=lambda line: print(line, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.fixture
def process():
    """The program, and the port it printed."""
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and their children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    line = child.stdout.readline()
    port = int(re.fullmatch(r"The studio is at http://127\.0\.0\.1:(\d+)/\n", line)[1])
    assert child.stdout.readline() == "Press Ctrl-C to end it.\n"
    assert child.stdout.readline() == "lifespan startup\n"
    yield child, port
    child.kill()
    child.communicate()


@pytest.fixture
def started(monkeypatch):
    """``serve`` without serving; returns the lines it printed."""
    monkeypatch.setattr(server.Server, "run", lambda *_, **__: None)

    def start(**options):
        lines = []
        serve(echo, announce=lines.append, **options)
        return lines

    return start


@pytest.fixture
def browser(monkeypatch):
    """A browser that remembers what it was shown."""
    shown = threading.Event()
    shown.urls = []

    def show(url):
        shown.urls.append(url)
        shown.set()

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: None)
    monkeypatch.setattr(webbrowser, "open", show)
    return shown


def test_a_port_that_is_taken_is_said():
    with guarded() as place, pytest.raises(InputError, match=f"Port {place.port} of 127.0.0.1 is in use. Give another"):
        serve(echo, port=place.port)


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", -1, "--port is -1. Give a number"),
        ("127.0.0.1", 65536, "--port is 65536. Give a number"),
        ("", 0, "There is no address ''"),
        ("300.1.1.1", 0, "no address"),
        ("a b", 0, "no address"),
        ("x" * 300, 0, "no address"),
        ("192.0.2.55", 0, "192.0.2.55 is no address of this machine. Give"),
    ],
)
def test_places_that_cannot_be(host, port, said):
    with pytest.raises(InputError, match=said):
        serve(echo, host=host, port=port)


def test_the_port_is_there_before_the_server_runs():
    taken, place = listen("127.0.0.1", 0)
    with taken, connected(place.port):
        assert place.port > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost", "127.0.0.1 "])
def test_a_loopback_address_needs_no_token(host):
    taken, place = listen(host, 0)
    with taken:
        assert place.token is None
        assert place.url == f"http://127.0.0.1:{place.port}/"
        assert place.hosts >= {"127.0.0.1", "localhost", "[::1]"}


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_the_loopback_address_of_ipv6():
    try:
        taken, place = listen("::1", 0)
    except InputError:
        pytest.skip("this machine has no IPv6")
    with taken:
        assert place.token is None
        assert place.url == f"http://[::1]:{place.port}/"


def test_every_other_address_needs_a_token_of_its_own():
    tokens = set()
    for _ in range(2):
        taken, place = listen("0.0.0.0", 0)
        with taken:
            assert place.hosts is None
            assert "localhost" in place.names
            assert len(place.token) >= 40
            tokens.add(place.token)
    assert len(tokens) == 2


def test_a_server_on_every_address_answers_with_its_token_only():
    with guarded(host="0.0.0.0") as place:
        assert ask(place.port).status == 401
        assert ask(place.port, "/", ("Authorization", f"Bearer {place.token}")).status == 200


def test_the_address_is_printed(started):
    lines = started()
    assert re.fullmatch(r"The studio is at http://127\.0\.0\.1:\d+/", lines[0])
    assert lines[1:] == ["Press Ctrl-C to end it."]


def test_the_token_is_printed_once_with_a_warning(started, capfd):
    lines = started(host="0.0.0.0")
    token = re.fullmatch(r"The studio is at http://\S+:\d+/\?token=(\S+)", lines[0])[1]
    assert "\n".join(lines).count(token) == 1
    assert lines[1].startswith("Others on the network can use it with this address")
    printed = capfd.readouterr()
    assert token not in printed.out + printed.err


def test_the_browser_is_opened_when_asked(started, browser):
    url = started(open_browser=True)[0].split()[-1]
    assert browser.wait(PATIENCE)
    assert browser.urls == [url]


def test_the_browser_is_not_opened(started, browser, monkeypatch):
    started(open_browser=False)
    started(open_browser=True, host="0.0.0.0")  # its address holds the token
    monkeypatch.setattr(webbrowser, "get", lambda: exec("raise webbrowser.Error", {"webbrowser": webbrowser}))
    started(open_browser=True)
    if sys.platform == "linux":
        monkeypatch.setattr(webbrowser, "get", lambda: None)
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            monkeypatch.delenv(name, raising=False)
        started(open_browser=True)
    for thread in threading.enumerate():
        assert thread.name != "browser"
    assert browser.urls == []


def test_a_browser_that_does_not_come_back_is_not_awaited(started, browser, monkeypatch):
    going = threading.Event()
    monkeypatch.setattr(webbrowser, "open", lambda url: going.wait(PATIENCE))
    assert started(open_browser=True)
    assert not going.is_set()
    going.set()


def test_ctrl_c_ends_streams(process):
    child, port = process
    with connected(port) as client:
        client.sendall(f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert client.recv(17) == b"HTTP/1.1 200 OK\r\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE)
        while client.recv(100_000):
            pass
    assert (child.returncode, out, err) == (130, "lifespan shutdown\ninterrupted\n", "")


def test_ctrl_c_ends_what_cannot_be_stopped(process):
    child, port = process
    with connected(port) as client:
        client.sendall(f"GET /stuck HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert ask(port, method="PUT").status == 405  # the first is being answered by now
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, err) == (130, "")


def test_sigterm_ends_it(process):
    child, _ = process
    child.terminate()
    child.communicate(timeout=PATIENCE)
    assert child.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_nothing_is_logged_of_ordinary_requests(process):
    child, port = process
    assert ask(port, method="PUT").status == 405
    with connected(port) as client:
        client.sendall(b"no http\r\n\r\n")
        assert read(client).status == 400
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (out, err) == ("lifespan shutdown\ninterrupted\n", "")

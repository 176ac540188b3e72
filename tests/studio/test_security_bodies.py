"""How much and how often: bodies, rates, and requests that never come to their end."""

import threading

import pytest

from linearscope.studio import security
from linearscope.studio.connections import Connection
from linearscope.studio.photos import UPLOAD_BYTES
from linearscope.studio.rates import Rates
from linearscope.studio.security import BODY_BYTES
from tests.studio.raw import PATIENCE, ask, connected, ended, guarded, read, serving


@pytest.fixture(scope="module")
def port():
    with guarded() as place:
        yield place.port


@pytest.fixture(scope="module")
def small():
    """A server whose uploads are bounded at 1000 bytes and other bodies at 100."""
    with guarded(upload_bytes=1000, body_bytes=100) as place:
        yield place.port


class Hasty(Connection):
    """Waits a moment where the real one waits longer."""

    head_seconds = 0.2
    rest_seconds = 0.2
    stalled_seconds = 0.2


@pytest.fixture(scope="module")
def hasty():
    with guarded(connection=Hasty, body_seconds=0.2) as place:
        yield place.port


def start(port, *headers, method="POST", target="/api/images"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]).encode()


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize(("target", "limit"), [("/api/images", 1000), ("/api/images?name=a", 1000), ("/api/x", 100)])
def test_bodies_up_to_the_limit(small, target, limit):
    assert ask(small, target, method="POST", body=b"a" * limit).json["length"] == limit
    reply = ask(small, target, method="POST", body=b"a" * (limit + 1))
    assert (reply.status, reply.code) == (413, "size")
    assert ask(small, "/api/images/", method="POST", body=b"a" * 101).status == 413


def test_a_body_without_a_length_is_counted(small):
    for sizes, status in (((100,) * 10, 200), ((100,) * 10 + (1,), 413), ((5000,), 413)):
        with connected(small) as client:
            client.sendall(start(small, "Transfer-Encoding: chunked"))
            for size in sizes:
                client.sendall(chunk(b"a" * size))
            client.sendall(b"0\r\n\r\n")
            reply = read(client)
        assert reply.status == status
        assert reply.json["length"] == 1000 if status == 200 else reply.code == "size"


def test_a_length_that_is_too_long_is_refused_before_the_body_is_sent(port):
    for length in (UPLOAD_BYTES + 1, 10**15, "9" * 18, "9" * 400):
        with connected(port) as client:
            client.sendall(start(port, f"Content-Length: {length}"))
            reply = read(client)
        assert reply.status == 413 or (len(str(length)) > 20 and reply.status == 400)
    assert "20 MB" in ask(port, "/api/images", ("Content-Length", str(UPLOAD_BYTES + 1)), method="POST").body.decode()
    assert ask(port, "/", ("Content-Length", str(BODY_BYTES + 1)), method="POST").status == 413


def test_the_sender_of_a_long_body_gets_the_answer(port):
    """Closing at once would reset the connection, and a browser would show no answer at all."""
    with connected(port) as client:
        client.sendall(start(port, f"Content-Length: {UPLOAD_BYTES + 1}"))
        client.sendall(b"a" * (UPLOAD_BYTES + 1))
        assert read(client).code == "size"


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "ten", "", "1, 2"])
def test_lengths_that_are_no_numbers(port, length):
    assert ask(port, "/api/images", ("Content-Length", length), method="POST").status == 400


def test_two_lengths_or_a_length_and_chunks_are_never_two_requests(port):
    body = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    for headers in (
        ("Content-Length: 5", "Content-Length: 6"),
        (f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
    ):
        with connected(port) as client:
            client.sendall(start(port, *headers) + body)
            reply = read(client)
            assert reply.status in (200, 400, 501)
            assert b"smuggled" not in reply.body
            following = read(client)
            assert following is None or following.status == 400
    assert ask(port).status == 200


def test_a_body_with_get_is_bounded_too(small):
    assert ask(small, "/api/images", body=b"a" * 100).json["length"] == 100
    assert ask(small, "/api/images", body=b"a" * 101).status == 413


def test_a_body_that_dribbles_is_refused(hasty):
    with connected(hasty) as client:
        client.sendall(start(hasty, "Content-Length: 100") + b"a")
        reply = read(client)
    assert (reply.status, reply.code) == (408, "slow")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: "])
def test_a_head_that_does_not_end_is_refused(hasty, sent):
    with connected(hasty) as client:
        client.sendall(sent)
        reply = read(client)
        assert reply is None or (reply.status, reply.code) == (408, "slow")
        assert ended(client)


def test_the_head_of_a_second_request_is_bounded_too(hasty):
    with connected(hasty) as client:
        client.sendall(start(hasty, method="GET", target="/"))
        assert read(client).status == 200
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert read(client).code == "slow"
        assert ended(client)


def test_the_rest_of_a_body_that_was_answered_is_not_awaited_for_ever(hasty):
    with connected(hasty) as client:
        client.sendall(start(hasty, f"Content-Length: {10**9}") + b"a")
        assert read(client).status == 413
        client.settimeout(0.05)
        for _ in range(400):
            try:
                client.sendall(b"a")
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the server reads on and on")


def test_a_client_that_takes_nothing_of_its_answer_is_let_go():
    gone = threading.Event()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        await receive()
        if (await receive())["type"] == "http.disconnect":
            gone.set()

    with serving(lambda at: app, connection=Hasty) as place, connected(place.port) as client:
        client.sendall(start(place.port, method="GET", target="/"))
        assert gone.wait(PATIENCE)


def test_a_client_that_leaves_in_the_middle_does_no_harm(hasty):
    for sent in (b"POST", start(hasty, "Content-Length: 100") + b"a", start(hasty, method="GET", target="/")):
        with connected(hasty) as client:
            client.sendall(sent)
    with connected(hasty) as client:
        client.sendall(start(hasty, method="GET", target="/"))
        assert read(client).status == 200


def test_what_is_no_http_is_refused(port):
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", b"hello\r\n\r\n"):
        with connected(port) as client:
            client.sendall(sent)
            reply = read(client)
            assert (reply.status, reply.code) == (400, "request")
            assert reply.header("x-content-type-options") == "nosniff"


def test_a_head_that_grows_without_end_is_refused(port):
    with connected(port) as client:
        client.sendall(start(port, method="GET", target="/")[:-2] + b"A: " + b"a" * 60_000)
        assert read(client).code == "request"


def test_too_many_connections_are_refused():
    few = type("Few", (Connection,), {"most": 2})
    with guarded(connection=few) as place, connected(place.port) as one, connected(place.port) as two:
        for client in (one, two):
            client.sendall(start(place.port, method="GET", target="/"))
            assert read(client).status == 200
        with connected(place.port) as three:
            assert read(three).code == "busy"
            assert ended(three)


def test_too_many_requests_at_once_are_refused():
    with guarded(at_once=1) as place, connected(place.port) as one:
        one.sendall(start(place.port, "Content-Length: 2", "Expect: 100-continue"))
        assert one.recv(100).startswith(b"HTTP/1.1 100")  # it is being answered now
        reply = ask(place.port)
        assert (reply.status, reply.code, reply.header("retry-after")) == (503, "busy", "1")
        one.sendall(b"ab")
        assert read(one).json["length"] == 2
        assert ask(place.port).status == 200


def test_bodies_that_are_held_together_are_bounded(monkeypatch):
    monkeypatch.setattr(security, "HELD_BYTES", 1500)
    with guarded() as place, connected(place.port) as one:
        one.sendall(start(place.port, "Content-Length: 1001", "Expect: 100-continue"))
        assert one.recv(100).startswith(b"HTTP/1.1 100")
        one.sendall(b"a" * 1000)
        full = ask(place.port, "/api/images", method="POST", body=b"a" * 1501)
        assert (full.status, full.code) == (503, "busy")
        # Once it has been answered, what it held is free again.
        one.sendall(b"a")
        assert read(one).json["length"] == 1001
        for _ in range(3):
            assert ask(place.port, "/api/images", method="POST", body=b"a" * 1400).status == 200


def test_more_requests_than_the_rate_are_refused():
    with guarded(per_second=0.001, burst=3) as place:
        replies = [ask(place.port) for _ in range(5)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
        assert replies[-1].code == "rate"
        assert int(replies[-1].header("retry-after")) > 1


def test_what_other_sites_send_takes_nothing_from_the_visitors_rate():
    with guarded(per_second=0.001, burst=1) as place:
        assert {ask(place.port, "/", ("Origin", "http://evil.example")).status for _ in range(5)} == {403}
        assert {ask(place.port, host="evil.example").status for _ in range(5)} == {421}
        assert ask(place.port).status == 200


def test_a_bucket_fills_steadily_and_no_higher_than_its_burst():
    now = [0.0]
    rates = Rates(per_second=2, burst=3, clock=lambda: now[0])
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take("b") == 0
    now[0] = 0.5
    assert [rates.take("a") for _ in range(2)] == [0, 0.5]
    now[0] = 1e9
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_clients_that_are_remembered_are_bounded():
    rates = Rates(per_second=1, burst=1, most=2, clock=lambda: 0.0)
    for client in "abcdef":
        assert rates.take(client) == 0
    assert len(rates._left) == 2
    assert rates.take("f") == 1

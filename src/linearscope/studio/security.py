"""Who may ask the studio's server what: everything that is refused is refused here, before the application sees it.

A page of another site can make a visitor's browser send requests to a server on the visitor's own machine. It cannot
choose the headers ``Host``, ``Origin`` and ``Sec-Fetch-Site`` that the browser sends along, so these decide.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from linearscope.studio.photos import UPLOAD_BYTES
from linearscope.studio.rates import Rates
from linearscope.studio.responses import (
    Headers,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
    document,
    error_json,
    policy_of,
    secured,
)

__all__ = ["BODY_BYTES", "UPLOAD_PATH", "Application", "Guard", "cookie_name"]

#: The path that takes a photo.
UPLOAD_PATH: Final = "/api/images"
#: Every other body.
BODY_BYTES: Final = 64_000
#: All bodies that wait to be answered, together.
HELD_BYTES: Final = 8 * UPLOAD_BYTES

METHODS: Final = ("GET", "HEAD", "POST")
LONGEST_QUERY: Final = 8_000

logger = logging.getLogger("linearscope.studio")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def cookie_name(port: int) -> str:
    """Cookies know no ports, so each server's has its own name."""
    return f"linearscope-{port}"


class Guard:
    """An ASGI application in front of another that lets through only what the studio's own page may ask.

    Parameters
    ----------
    app
        What answers.
    hosts
        Names that the server goes by, without port and with the brackets of IPv6; None where it listens everywhere:
        then any address in digits is right, and ``names`` besides.
    port
        That it listens on.
    token
        What a visitor has to show, or None on a loopback address.
    names
        See ``hosts``.
    per_second, burst
        Requests of one address: for ever, and at once.
    at_once
        Requests that are being answered at one time, streams among them.
    upload_bytes, body_bytes
        Longest body at :data:`UPLOAD_PATH` and elsewhere.
    body_seconds
        How long a body may take to arrive.
    """

    def __init__(
        self,
        app: Application,
        *,
        hosts: frozenset[str] | None,
        port: int,
        token: str | None = None,
        names: frozenset[str] = frozenset(),
        per_second: float = 200,
        burst: int = 400,
        at_once: int = 200,
        upload_bytes: int = UPLOAD_BYTES,
        body_bytes: int = BODY_BYTES,
        body_seconds: float = 30,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.port = port
        self.token = token
        self.names = names
        self.rates = Rates(per_second, burst)
        self.at_once = at_once
        self.upload_bytes = upload_bytes
        self.body_bytes = body_bytes
        self.body_seconds = body_seconds
        self._running = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(scope, send)
        held = _Held()
        self._running += 1
        try:
            self._check_host(scope)
            self._check_request(scope)
            self._check_page(scope)
            self._check_rate(scope)
            if self.token is not None and self._shows_token(scope):
                await answer.enter(cookie_name(self.port), self.token)
                return
            self._check_token(scope)
            body = await self._body(scope, receive, held)
            await self.app(scope, receive if body is None else _replay(body, receive), answer.send)
        except Refusal as refusal:
            if answer.started:
                raise
            await answer.refuse(refusal)
        except _GoneError:
            return
        except Exception:
            if answer.complete:
                return  # Starlette raises what it has answered and told once more.
            if answer.started:
                raise
            logger.exception("The studio failed at %s %r", scope["method"], scope["path"])
            await answer.refuse(
                Refusal(500, "internal", "The studio failed at this. The terminal it was started in says why.")
            )
        finally:
            self._running -= 1
            self._held -= held.bytes

    def _check_host(self, scope: Scope) -> None:
        given = _values(scope, b"host")
        if len(given) == 1:
            name, colon, port = given[0].lower().rpartition(":")
            if not colon or port.endswith("]"):
                name, port = given[0].lower(), "80"
            if port == str(self.port) and self._is_ours(name):
                return
        raise Refusal(
            421, "host", "The studio does not go by this name. Open the address that was printed where it was started."
        )

    def _is_ours(self, name: str) -> bool:
        if self.hosts is not None:
            return name in self.hosts
        # Any digits will do: a page of another site has to come by a name to be taken for this server.
        try:
            ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
        except ValueError:
            return name in self.names
        return True

    def _check_request(self, scope: Scope) -> None:
        if scope["method"] not in METHODS:
            raise Refusal(
                405,
                "method",
                "The studio knows no such request. Ask with GET, HEAD or POST.",
                (b"allow", ", ".join(METHODS).encode()),
            )
        if not scope["path"].startswith("/") or len(scope["query_string"]) > LONGEST_QUERY:
            raise Refusal(400, "request", "This is no address of the studio. Start again from its first page.")
        if self._running > self.at_once:
            raise Refusal(
                503, "busy", "The studio is answering too many requests. Ask again in a second.", (b"retry-after", b"1")
            )

    def _check_page(self, scope: Scope) -> None:
        own = f"http://{_values(scope, b'host')[0].lower()}"
        foreign = any(origin.lower() != own for origin in _values(scope, b"origin"))
        if any(site not in ("same-origin", "none") for site in _values(scope, b"sec-fetch-site")):
            link = (
                scope["method"] == "GET"
                and scope["path"] == "/"
                and _values(scope, b"sec-fetch-mode") == ["navigate"]
                and _values(scope, b"sec-fetch-dest") == ["document"]
            )
            foreign = foreign or not link
        if foreign:
            raise Refusal(403, "origin", "Another site's page asked for this. Use the studio's own page.")

    def _check_rate(self, scope: Scope) -> None:
        client = scope.get("client")
        wait = self.rates.take(client[0] if client else "")
        if wait:
            raise Refusal(
                429,
                "rate",
                "Too many requests came from this address. Wait a second and ask again.",
                (b"retry-after", str(math.ceil(wait)).encode()),
            )

    def _shows_token(self, scope: Scope) -> bool:
        if scope["path"] != "/" or scope["method"] == "POST":
            return False
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        return any(name == "token" and self._is_token(value) for name, value in query)

    def _check_token(self, scope: Scope) -> None:
        if self.token is None:
            return
        shown = [text[7:].strip() for text in _values(scope, b"authorization") if text[:7].lower() == "bearer "]
        for line in _values(scope, b"cookie"):
            for pair in line.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == cookie_name(self.port):
                    shown.append(value)
        if not any(self._is_token(value) for value in shown):
            raise Refusal(
                401,
                "token",
                "The studio does not know this browser. Open the whole address that was printed where it was started.",
                (b"www-authenticate", b"Bearer"),
            )

    def _is_token(self, text: str) -> bool:
        assert self.token is not None
        return secrets.compare_digest(text.encode("utf-8", "surrogateescape"), self.token.encode())

    async def _body(self, scope: Scope, receive: Receive, held: _Held) -> bytes | None:
        """The whole body, which is bounded; None where there is none."""
        declared = _values(scope, b"content-length")
        if scope["method"] != "POST" and not declared and not _values(scope, b"transfer-encoding"):
            return None
        upload = scope["method"] == "POST" and scope["path"] == UPLOAD_PATH
        limit = self.upload_bytes if upload else self.body_bytes
        if any(not text.isascii() or not text.isdigit() for text in declared):
            raise Refusal(400, "request", "The length of the request is no number. Send it again.")
        # Longer digits than int() takes at a sensible cost are too long whatever they say.
        if any(len(text) > 18 or int(text) > limit for text in declared):
            raise _too_large(upload, limit)
        try:
            async with asyncio.timeout(self.body_seconds):
                return await self._read(receive, held, upload, limit)
        except TimeoutError:
            raise Refusal(
                408, "slow", "The request took too long to arrive. Send it again over a faster connection."
            ) from None

    async def _read(self, receive: Receive, held: _Held, upload: bool, limit: int) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            part = message.get("body", b"")
            body += part
            held.bytes += len(part)
            self._held += len(part)
            if len(body) > limit:
                raise _too_large(upload, limit)
            if self._held > HELD_BYTES:
                raise Refusal(
                    503,
                    "busy",
                    "The studio is taking in too many photos. Send this again in a second.",
                    (b"retry-after", b"1"),
                )
            if not message.get("more_body", False):
                return bytes(body)


class _GoneError(Exception):
    """The client left while it was sending."""


class _Held:
    """Bytes of one request that count among those of all."""

    bytes = 0


class _Answer:
    """The way back: every response leaves with the same headers."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.started = False
        self.complete = False

    async def send(self, message: Message) -> None:
        """Pass on what the application says."""
        if message["type"] == "http.response.start":
            self.started = True
            cache = b"no-store" if self._scope["path"].startswith("/api") else b"no-cache"
            headers = secured(list(message.get("headers", [])), cache=cache, policy=policy_of(False))
            message = {**message, "headers": headers}
        await self._send(message)
        self.complete = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def refuse(self, refusal: Refusal) -> None:
        """Say why not."""
        if self._is_for_a_person():
            body, kind = document("linearscope studio", refusal.message), b"text/html; charset=utf-8"
        else:
            body, kind = error_json(refusal.code, refusal.message), b"application/json"
        await self._whole(refusal.status, [(b"content-type", kind), *refusal.headers], body)

    async def enter(self, cookie: str, token: str) -> None:
        """Remember the token in the browser, and take it out of the address."""
        given = f"{cookie}={token}; Path=/; HttpOnly; SameSite=Strict".encode()
        headers: Headers = [(b"set-cookie", given)]
        if self._is_for_a_person() and _values(self._scope, b"sec-fetch-site") != ["none"]:
            # A link on another site may have led here. A redirect would then count as that site's, and the browser
            # would keep the cookie back; from a page of our own it does not.
            body = document("linearscope studio", "The studio opens.", to="/")
            await self._whole(200, [*headers, (b"content-type", b"text/html; charset=utf-8")], body)
        else:
            await self._whole(303, [*headers, (b"location", b"/")], b"")

    def _is_for_a_person(self) -> bool:
        accepted = ",".join(_values(self._scope, b"accept"))
        return self._scope["method"] in ("GET", "HEAD") and "text/html" in accepted

    async def _whole(self, status: int, headers: Headers, body: bytes) -> None:
        self.started = True
        page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        headers = secured(headers, cache=b"no-store", policy=policy_of(page))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, and then what comes after it."""
    parts = [body]

    async def replay() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replay


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def _too_large(upload: bool, limit: int) -> Refusal:
    if upload:
        return Refusal(413, "size", f"The photo is larger than {limit / 1e6:g} MB. Send a smaller one.")
    return Refusal(413, "size", f"The request is longer than {limit / 1e3:g} kB. Send a shorter one.")

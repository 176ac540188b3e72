"""A server in a thread and a client made of nothing but a socket, which can say what no browser would."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from linearscope.studio.connections import Connection
from linearscope.studio.security import Guard
from linearscope.studio.server import Place, listen, server_of

#: Longer than any answer takes; reached only where something hangs.
PATIENCE = 20.0


@dataclass(frozen=True)
class Reply:
    """One HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name.lower()]
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a refusal, whose sentences are checked on the way."""
        error = self.json["error"]
        assert self.json == {"error": {"code": error["code"], "message": error["message"]}}
        first, second = error["message"].rstrip(".").split(". ")
        assert first
        assert second
        return str(error["code"])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application that says what reached it; some of its paths do what applications should not."""
    if scope["type"] == "lifespan":
        for said in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{said}"
            await send({"type": f"lifespan.{said}.complete"})
        return
    if scope["path"] == "/fails":
        raise ValueError("on purpose")
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    said = json.dumps({"method": scope["method"], "path": scope["path"], "length": length}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(said)).encode()),
        (b"access-control-allow-origin", b"*"),
        (b"cache-control", b"public, max-age=9999"),
        (b"server", b"secret/1.0"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@contextmanager
def serving(
    make_app: Callable[[Place], Any],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    connection: type[Connection] = Connection,
) -> Iterator[Place]:
    """A server in a thread for as long as the context lasts, on a free port where none is named."""
    taken, place = listen(host, port)
    server = server_of(make_app(place), connection=connection)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        taken.close()
        assert not thread.is_alive(), "the server did not end"


@contextmanager
def guarded(*, host: str = "127.0.0.1", connection: type[Connection] = Connection, **options: Any) -> Iterator[Place]:
    """:func:`echo` behind a guard."""

    def make(at: Place) -> Guard:
        return Guard(echo, **{"hosts": at.hosts, "names": at.names, "port": at.port, "token": at.token, **options})

    with serving(make, host=host, connection=connection) as place:
        yield place


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A connection to the server on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        yield client


def read(client: socket.socket, *, head: bool = False) -> Reply | None:
    """The next response; None where the server closed without one. ``head``: it is one to HEAD."""
    stream = client.makefile("rb")
    line = stream.readline()
    if not line:
        return None
    headers = []
    while (text := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers.append((name.lower(), value.strip()))
    length = dict(headers).get("content-length")
    body = b"" if head else stream.read() if length is None else stream.read(int(length))
    return Reply(int(line.split()[1]), tuple(headers), body)


def ended(client: socket.socket) -> bool:
    """Whether the server closed the connection, or does before patience ends."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def ask(
    port: int,
    target: str = "/",
    *headers: tuple[str, str],
    method: str = "GET",
    body: bytes | None = None,
    host: str | None = "",
) -> Reply:
    """One request, byte by byte as given. ``host``: empty for the right one, None for none."""
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host or f'127.0.0.1:{port}'}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    with connected(port) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
        reply = read(client, head=method == "HEAD")
    assert reply is not None
    return reply

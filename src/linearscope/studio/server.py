"""The studio's server: an address of its own, the word about it, and an end when it is asked for."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import uvicorn

from linearscope.errors import InputError
from linearscope.studio.connections import Connection
from linearscope.studio.security import Application, Guard

__all__ = ["Place", "Server", "listen", "serve", "server_of"]

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
BACKLOG: Final = 128
#: Lines of a request before its body that has not come to their end.
HEAD_BYTES: Final = 32_000
#: Seconds after Ctrl-C: for what is being answered, and for all of it.
GRACE: Final = 1
LONGEST_END: Final = 2.5
#: An address of no one (RFC 5737). Nothing is sent there; the system only says from where it would be.
ELSEWHERE: Final = ("192.0.2.1", 9)


@dataclass(frozen=True)
class Place:
    """Where a server listens, and who may ask it there.

    Attributes
    ----------
    host
        As it stands in an address, IPv6 with brackets.
    port
        Its number.
    hosts
        Names that it goes by; None where it listens on every address of the machine.
    names
        Names besides, where it listens on every address.
    token
        What a visitor has to show; None on a loopback address.
    """

    host: str
    port: int
    hosts: frozenset[str] | None
    names: frozenset[str] = frozenset()
    token: str | None = None

    @property
    def url(self) -> str:
        """The address to open, with the token where one is needed."""
        return f"http://{self.host}:{self.port}/" + ("" if self.token is None else f"?token={self.token}")


def listen(host: str, port: int) -> tuple[socket.socket, Place]:
    """Take a port, so that a browser that comes early waits and is not turned away.

    Parameters
    ----------
    host
        A name or an address of this machine. Any but a loopback address needs a token, which is made here.
    port
        0 for any that is free.

    Raises
    ------
    InputError
        When the port is taken or not allowed, or the machine has no such address.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port is {port}. Give a number from 0 (any that is free) to 65535.")
    family, address = _resolved(host, port)
    # With its protocol named, asyncio sends at once on its connections; without, an answer waits 40 ms for the client.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif sys.platform == "win32":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address[0] == "::" else 1)
        taken.bind(address)
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise InputError(_why_not(error, host, port)) from error
    return taken, _place(host, taken.getsockname())


def serve(
    app: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = False,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve an application until Ctrl-C, which ends it as it ends any command: by KeyboardInterrupt.

    Parameters
    ----------
    app
        What answers; a :class:`Guard` is put around it.
    host, port
        As for :func:`listen`.
    open_browser
        Open the address, if this machine has a browser to show and no token is needed.
    announce
        Is told what the user has to know, a line at a time.
    """
    taken, place = listen(host, port)
    with taken:
        guard = Guard(app, hosts=place.hosts, names=place.names, port=place.port, token=place.token)
        server = server_of(guard)
        announce(f"The studio is at {place.url}")
        if place.token is not None:
            announce(
                "Others on the network can use it with this address, and nothing that is sent is encrypted. "
                "Give the address only to people you trust."
            )
        announce("Press Ctrl-C to end it.")
        # With a token the address would stand in the list of processes, for everyone on this machine to read.
        if open_browser and place.token is None and _has_browser():
            threading.Thread(target=_open, args=(place.url,), daemon=True, name="browser").start()
        before = set(threading.enumerate())
        try:
            server.run(sockets=[taken])
        finally:
            if all(thread.daemon or thread in before for thread in threading.enumerate()):
                server.calm()
    if server.interrupted:
        raise KeyboardInterrupt


class Server(uvicorn.Server):
    """Ends soon after it is asked to, whatever is being answered."""

    interrupted = False
    _last: threading.Timer | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, and make sure of it."""
        if not self.should_exit:
            self.interrupted = sig == signal.SIGINT
            # A computation may be deep inside PyTorch, where no thread can be stopped.
            self._last = threading.Timer(LONGEST_END, _end_now, [128 + sig])
            self._last.daemon = True
            self._last.start()
        super().handle_exit(sig, frame)

    def calm(self) -> None:
        """Nothing is left that would have to be cut short."""
        if self._last is not None:
            self._last.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close connections as browsers do, which ends their streams and drops their work."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets=sockets)


def server_of(app: Application, *, connection: type[Connection] = Connection) -> Server:
    """An application's server, which :meth:`Server.run` starts on a socket; HTTP/1.1 and nothing else."""
    called: Any = app
    return Server(
        uvicorn.Config(
            called,
            loop="asyncio",
            http=connection,
            ws="none",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=HEAD_BYTES,
            workers=1,
        )
    )


def _end_now(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)


def _resolved(host: str, port: int) -> tuple[int, Any]:
    name = host.strip().removeprefix("[").removesuffix("]")
    if name.lower() == "localhost":
        name = "127.0.0.1"
    try:
        if not name:
            raise OSError
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise InputError(f"There is no address {host!r} here. Give --host 127.0.0.1, or 0.0.0.0 for all.") from None
    return found[0][0], found[0][4]


def _place(host: str, address: Any) -> Place:
    number, port = ipaddress.ip_address(str(address[0]).partition("%")[0]), int(address[1])
    given = _in_brackets(host.strip().lower())
    own = _in_brackets(str(number))
    if number.is_loopback:
        return Place(own, port, LOOPBACK_NAMES | {given, own})
    token = secrets.token_urlsafe(32)
    if number.is_unspecified:
        name = socket.gethostname().lower()
        return Place(_seen_from_outside(), port, None, frozenset({"localhost", name, f"{name}.local"}), token)
    return Place(given, port, frozenset({given, own}), frozenset(), token)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _seen_from_outside() -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(ELSEWHERE)
            return str(asking.getsockname()[0])
    except OSError:
        return socket.gethostname().lower()


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use. Give another with --port, or --port 0 for any that is free."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} needs rights that you do not have. Give one above 1023 with --port, or 0 for any."
    return f"{host} is no address of this machine. Give --host 127.0.0.1, or 0.0.0.0 for all."


def _has_browser() -> bool:
    # Without a screen Python would find a browser for the terminal, and start it in the middle of ours.
    if sys.platform.startswith("linux") and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _open(url: str) -> None:
    try:
        webbrowser.open(url)
    except Exception:
        logging.getLogger("linearscope.studio").debug("no browser", exc_info=True)

"""One connection of the server: uvicorn's, with ends to what it would wait for without end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from linearscope.studio.responses import error_json, policy_of, secured

__all__ = ["Connection"]

#: Connections at one time. A browser opens six to a server.
MOST: Final = 256
#: Seconds for the lines of a request before its body; for what is left of a body after its answer; and for a visitor
#: who takes nothing of an answer.
HEAD_SECONDS: Final = 20.0
REST_SECONDS: Final = 10.0
STALLED_SECONDS: Final = 60.0


class Connection(H11Protocol):
    """HTTP/1.1 with bounds on how long a client may say nothing whole, and refusals as JSON."""

    head_seconds = HEAD_SECONDS
    rest_seconds = REST_SECONDS
    stalled_seconds = STALLED_SECONDS
    most = MOST

    _head: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, but not for ever."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse(503, "busy", "The studio has too many visitors. Try again in a minute.")
            return
        self._head = self.loop.call_later(self.head_seconds, self._late)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a request that has begun has to come to the end of its head."""
        super().data_received(data)
        waiting = self.conn.their_state is h11.IDLE
        if not waiting:
            _stop(self._head)
            self._head = None
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_seconds, self._late)

    def on_response_complete(self) -> None:
        """Go on reading a body that was answered early, so that the answer reaches its sender; but not for ever."""
        super().on_response_complete()
        _stop(self._rest)
        self._rest = None
        if self.conn.their_state is h11.SEND_BODY:
            self._rest = self.loop.call_later(self.rest_seconds, self._drop_rest)

    def pause_writing(self) -> None:
        """The client takes nothing for now."""
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client takes more."""
        _stop(self._stalled)
        self._stalled = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        for timer in (self._head, self._rest, self._stalled):
            _stop(timer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "request", "This is no request that the studio can read. Send HTTP/1.1 with short headers.")

    def _late(self) -> None:
        self._head = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._refuse(408, "slow", "The request took too long to arrive. Send it again over a faster connection.")

    def _drop_rest(self) -> None:
        self._rest = None
        if self.conn.their_state is h11.SEND_BODY and self.conn.our_state is not h11.SEND_BODY:
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = error_json(code, message)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        headers = secured(headers, cache=b"no-store", policy=policy_of(False))
        events: list[Any] = [h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()

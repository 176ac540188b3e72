"""Questions about a subject: taken to the queue, attended while somebody waits, and answered in the form asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from linearscope.studio import answers, long_answers
from linearscope.studio.jobs import Dropped, Queue
from linearscope.studio.packets import file_name, npz, packet
from linearscope.studio.refusals import Missing, refusal
from linearscope.studio.stage import Stage
from linearscope.studio.subject import Subject

__all__ = ["Desk", "attended", "visitor_of"]

T = TypeVar("T")

#: Seconds without an event after which a stream shows that it is alive.
HEARTBEAT: Final = 10.0


class _Away(Exception):
    """A subject that was held a moment ago."""


class Desk:
    """Takes a question about a subject to the queue, and brings back what is said while somebody waits for it."""

    def __init__(self, stage: Stage, queue: Queue) -> None:
        self.stage, self.queue = stage, queue

    async def ask(
        self, request: Request, subject: str, question: Callable[[Subject], T], visitor: str | None, slot: str = "",
        *, heavy: bool = False,
    ) -> T:  # fmt: skip
        """Ask a subject; one that is not held is made again first."""
        who = visitor_of(request, visitor)
        run = self.queue.heavy if heavy else self.queue.light

        async def asked() -> T:
            while True:
                await self._hold(subject, who)
                try:
                    return await run(lambda: question(self._held(subject)), who, slot)
                except _Away:
                    continue

        return await attended(request, asked())

    async def _hold(self, subject: str, who: str) -> None:
        """See to it that a subject is held. Making it is a capture, which has to be alone."""
        if self.stage.held(subject) is None:
            await self.queue.heavy(lambda: self.stage.find(subject), who, alone=True)

    def _held(self, subject: str) -> Subject:
        found = self.stage.held(subject)
        if found is None:
            raise _Away
        return found

    async def arrays(
        self, request: Request, subject: str, question: Callable[[Subject], answers.Told], visitor: str | None,
        form: str, *named: str | int, slot: str = "", heavy: bool = False,
    ) -> Response:  # fmt: skip
        """Ask for arrays: a packet, or an npz file whose name says what is in it."""

        def told(subject: Subject) -> Response:
            header, found = question(subject)
            if form == "packet":
                return Response(packet(header, found), media_type="application/octet-stream")
            about = {
                "model": subject.recipe.model,
                "image": subject.recipe.image,
                "side": subject.recipe.side,
                "attack": None if subject.attack is None else subject.attack.model_dump(),
                "weights": subject.placed.model.source,
                "interpretation": subject.it.certificate.interpretation,
                "dtype": subject.info.certificate.dtype,
                **header,
            }
            return attachment(npz(about, found), self.name(subject, *named) + ".npz", "application/octet-stream")

        return await self.ask(request, subject, told, visitor, slot, heavy=heavy)

    async def events(
        self, request: Request, subject: str, steps: Callable[[Subject], long_answers.Events], visitor: str | None,
        slot: str,
    ) -> Response:  # fmt: skip
        """Stream what a long answer says. Its first event is awaited, so that a mistake is an answer of its own."""

        def opened() -> Generator[long_answers.Event, None, None]:
            yield from steps(self._held(subject))

        first, said = await self._begun(request, subject, opened, visitor, slot)
        return StreamingResponse(
            _told(first, said), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    async def file(
        self, request: Request, subject: str, parts: Callable[[Subject, str], Generator[str, None, None]],
        visitor: str | None, *named: str | int,
    ) -> Response:  # fmt: skip
        """Send a file of text as it is made. What fails on the way cuts it short, so that the browser says so."""

        def opened() -> Generator[str, None, None]:
            found = self._held(subject)
            yield self.name(found, *named) + ".html"
            yield from parts(found, self.title(found))

        name, said = await self._begun(request, subject, opened, visitor, "")
        first = await attended(request, anext(said))

        async def sent() -> AsyncIterator[str]:
            yield first
            async for part in said:
                yield part

        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(sent(), media_type="text/html; charset=utf-8", headers=headers)

    async def _begun(
        self, request: Request, subject: str, opened: Callable[[], Generator[T, None, None]], visitor: str | None,
        slot: str,
    ) -> tuple[T, AsyncGenerator[T, None]]:  # fmt: skip
        """Start a stream, and wait for the first that it says."""
        who = visitor_of(request, visitor)
        while True:
            await attended(request, self._hold(subject, who))
            said = self.queue.stream(opened(), who, slot)
            try:
                return await attended(request, anext(said)), said
            except _Away:
                continue

    def title(self, subject: Subject) -> str:
        """What a subject's photo is called."""
        try:
            return self.stage.photos.about(subject.recipe.image).title
        except Missing:
            return subject.recipe.image

    def name(self, subject: Subject, *named: str | int) -> str:
        """A file name that says network, photo and what."""
        recipe = subject.recipe
        attack = [f"attacked-{recipe.epsilon:g}"] if recipe.of else []
        return file_name(
            recipe.model,
            Path(self.title(subject)).stem,
            *([] if recipe.side is None else [recipe.side]),
            *attack,
            *named,
        )


async def attended(request: Request, asked: Awaitable[T]) -> T:
    """Wait for an answer as long as whoever asked is there.

    Raises
    ------
    Dropped
        When the connection is closed before.
    """
    answer = asyncio.ensure_future(asked)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise Dropped("gone")
    finally:
        gone.cancel()
        if not answer.done():
            answer.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _told(first: long_answers.Event, said: AsyncGenerator[long_answers.Event, None]) -> AsyncIterator[str]:
    """Events as text; a failure is the last of them."""
    coming: asyncio.Future[long_answers.Event] | None = None
    try:
        yield _event(*first)
        while True:
            coming = coming or asyncio.ensure_future(anext(said))
            await asyncio.wait({coming}, timeout=HEARTBEAT)
            if not coming.done():
                yield ": still here\n\n"
                continue
            event, coming = coming.result(), None
            yield _event(*event)
    except StopAsyncIteration:
        return
    except Exception as error:
        _, code, message = refusal(error)
        yield _event("failed", {"error": {"code": code, "message": message}})
    finally:
        if coming is not None:
            coming.cancel()
        with suppress(Exception):
            await said.aclose()


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n"


def attachment(data: bytes, name: str, media_type: str) -> Response:
    """A file that the browser saves."""
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def visitor_of(request: Request, visitor: str | None) -> str:
    """Who asks: the page's own name and the address it is at."""
    return f"{request.client.host if request.client else ''} {visitor or ''}"

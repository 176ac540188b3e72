"""One queue of computations: in order, fair to all visitors, and dropped when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Final, Generic, TypeVar

from linearscope.studio.memory import give_back

__all__ = ["Busy", "Dropped", "Queue"]

T = TypeVar("T")

#: Computations that may wait, of one visitor and of all.
PER_VISITOR: Final = 64
MOST: Final = 256


class Dropped(Exception):
    """A computation that ended before it was done.

    Attributes
    ----------
    reason
        ``"superseded"`` by a newer one, ``"gone"`` is who asked, ``"ending"`` is the server.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Busy(Exception):
    """Too much waits already."""


class _Job(Generic[T]):
    """Steps that end with a result. What it says is put into an asyncio queue of the loop that waits for it."""

    def __init__(self, steps: Generator[T, None, Any], visitor: str, slot: str) -> None:
        self.steps, self.visitor, self.slot = steps, visitor, slot
        self.dropped: str | None = None
        self._loop = asyncio.get_running_loop()
        self.said: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def tell(self, what: str, value: Any) -> None:
        """Called by the worker: ``"step"``, ``"result"`` or ``"error"``."""
        try:
            self._loop.call_soon_threadsafe(self.said.put_nowait, (what, value))
        except RuntimeError:  # the loop is closed: nobody listens
            self.dropped = self.dropped or "ending"


class Queue:
    """Runs computations one at a time on a thread of its own.

    Light ones, such as one column, run to their end, the visitors taking turns. Heavy ones are generators: after each
    of their steps every visitor's next light one runs, and then the next heavy one takes a step. So a pointer is
    followed while singular vectors are looked for, nothing starves, and no two computations share the cores.
    """

    def __init__(self) -> None:
        self._light: deque[_Job[Any]] = deque()
        self._heavy: deque[_Job[Any]] = deque()
        self._running: _Job[Any] | None = None
        self._lock = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="computations", daemon=True)
        self._thread.start()

    # -- asking, from the event loop ---------------------------------------------------------------------------------

    async def light(self, work: Callable[[], T], visitor: str, slot: str = "") -> T:
        """Run ``work``. A newer question of the same visitor and slot takes its place, unless the slot is empty.

        Raises
        ------
        Dropped, Busy
        """
        return await self._whole(self._add(self._light, _once(work), visitor, slot))

    async def heavy(self, work: Callable[[], T], visitor: str, slot: str = "") -> T:
        """Run ``work``, which may take seconds, after the light ones that wait."""
        return await self._whole(self._add(self._heavy, _once(work), visitor, slot))

    async def stream(self, steps: Generator[T, None, Any], visitor: str, slot: str = "") -> AsyncGenerator[T, None]:
        """Take a generator's steps and yield what it yields."""
        job = self._add(self._heavy, steps, visitor, slot)
        try:
            while True:
                what, value = await job.said.get()
                if what == "result":
                    return
                if what == "error":
                    raise value
                yield value
        finally:
            self._drop(job, "gone")

    def close(self) -> None:
        """Drop everything, and end the thread after the step it is in."""
        with self._lock:
            self._closed = True
            for job in (*self._light, *self._heavy, *filter(None, [self._running])):
                job.dropped = job.dropped or "ending"
            self._lock.notify()
        self._thread.join(10)

    @property
    def waiting(self) -> int:
        """How many computations wait or run."""
        with self._lock:
            return len(self._light) + len(self._heavy) + (self._running is not None)

    async def _whole(self, job: _Job[T]) -> T:
        try:
            what, value = await job.said.get()
        except BaseException:
            self._drop(job, "gone")
            raise
        if what == "error":
            raise value
        result: T = value
        return result

    def _add(self, line: deque[_Job[Any]], steps: Generator[Any, None, Any], visitor: str, slot: str) -> _Job[Any]:
        job = _Job(steps, visitor, slot)
        with self._lock:
            if self._closed:
                raise Dropped("ending")
            waiting = [one for one in (*self._light, *self._heavy) if one.dropped is None]
            if slot:
                for one in (*waiting, *filter(None, [self._running])):
                    if (one.visitor, one.slot) == (visitor, slot):
                        one.dropped = one.dropped or "superseded"
            own = sum(one.visitor == visitor and one.dropped is None for one in waiting)
            if own >= PER_VISITOR or len(waiting) >= MOST:
                raise Busy
            line.append(job)
            self._lock.notify()
        return job

    def _drop(self, job: _Job[Any], reason: str) -> None:
        with self._lock:
            job.dropped = job.dropped or reason
            self._lock.notify()

    # -- working, on the thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._lock:
                while not (self._light or self._heavy or self._closed):
                    self._lock.wait()
                if self._closed and not (self._light or self._heavy):
                    return
            for job in self._round():
                self._step(job)
            with self._lock:
                heavy = self._heavy.popleft() if self._heavy else None
            if heavy is None:
                continue
            if self._step(heavy):
                with self._lock:
                    self._heavy.append(heavy)
            else:
                give_back()

    def _round(self) -> list[_Job[Any]]:
        """Take every visitor's next light job out of the line."""
        with self._lock:
            taken: dict[str, _Job[Any]] = {}
            rest: deque[_Job[Any]] = deque()
            for job in self._light:
                # One that was dropped costs nothing, and is told at once.
                if job.dropped is None and job.visitor in taken:
                    rest.append(job)
                else:
                    taken[job.visitor if job.dropped is None else f"dropped {id(job)}"] = job
            self._light.clear()  # the same line: somebody may be about to join it
            self._light.extend(rest)
            return list(taken.values())

    def _step(self, job: _Job[Any]) -> bool:
        """Take one step of a job; whether there is another."""
        with self._lock:
            self._running = job
        try:
            if job.dropped is None:
                try:
                    job.tell("step", next(job.steps))
                    return True
                except StopIteration as end:
                    if job.dropped is None:
                        job.tell("result", end.value)
                        return False
            job.steps.close()
            job.tell("error", Dropped(job.dropped or "gone"))
        except BaseException as error:
            job.tell("error", error)
        finally:
            with self._lock:
                self._running = None
        return False


def _once(work: Callable[[], T]) -> Generator[None, None, T]:
    """A generator without steps."""
    return work()
    yield

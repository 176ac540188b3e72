"""One queue of computations: fair to all visitors, and dropped when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import nullcontext
from typing import Any, Final, Generic, TypeVar

import torch

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

    def __init__(self, steps: Generator[T, None, Any], visitor: str, slot: str, alone: bool) -> None:
        self.steps, self.visitor, self.slot, self.alone = steps, visitor, slot, alone
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
    """Runs computations on two threads: light ones on one, heavy ones on the other.

    Light ones, such as one column, run to their end, the visitors taking turns. Heavy ones are generators that take
    steps in turn. So a pointer is followed while singular vectors are looked for, and nothing starves. A heavy one that
    is to be alone, such as a capture, which changes what PyTorch does in the whole process, has no light one beside it.
    """

    def __init__(self) -> None:
        self._light: deque[_Job[Any]] = deque()
        self._heavy: deque[_Job[Any]] = deque()
        self._running: set[_Job[Any]] = set()
        self._lock = threading.Condition()
        self._alone = threading.Lock()
        self._closed = False
        # Light ones gain nothing from all cores, which the heavy ones and the browser use meanwhile.
        cores = torch.get_num_threads()
        self._threads = [
            threading.Thread(target=self._work, args=work, name=f"computations, {name}", daemon=True)
            for name, *work in (
                ("light", self._work_light, max(1, cores // 2)),
                ("heavy", self._work_heavy, cores),
            )
        ]
        for thread in self._threads:
            thread.start()

    # -- asking, from the event loop ---------------------------------------------------------------------------------

    async def light(self, work: Callable[[], T], visitor: str, slot: str = "") -> T:
        """Run ``work``. A newer question of the same visitor and slot takes its place, unless the slot is empty.

        Raises
        ------
        Dropped, Busy
        """
        return await self._whole(self._add(self._light, _once(work), visitor, slot))

    async def heavy(self, work: Callable[[], T], visitor: str, slot: str = "", *, alone: bool = False) -> T:
        """Run ``work``, which may take seconds."""
        return await self._whole(self._add(self._heavy, _once(work), visitor, slot, alone))

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
        """Drop everything, and end the threads after the steps they are in."""
        with self._lock:
            self._closed = True
            for job in (*self._light, *self._heavy, *self._running):
                job.dropped = job.dropped or "ending"
            self._lock.notify_all()
        for thread in self._threads:
            thread.join(10)

    @property
    def waiting(self) -> int:
        """How many computations wait or run."""
        with self._lock:
            return len(self._light) + len(self._heavy) + len(self._running)

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

    def _add(
        self, line: deque[_Job[Any]], steps: Generator[Any, None, Any], visitor: str, slot: str, alone: bool = False
    ) -> _Job[Any]:
        job = _Job(steps, visitor, slot, alone)
        with self._lock:
            if self._closed:
                raise Dropped("ending")
            waiting = [one for one in (*self._light, *self._heavy) if one.dropped is None]
            if slot:
                for one in (*waiting, *self._running):
                    if (one.visitor, one.slot) == (visitor, slot):
                        one.dropped = one.dropped or "superseded"
            own = sum(one.visitor == visitor and one.dropped is None for one in waiting)
            if own >= PER_VISITOR or len(waiting) >= MOST:
                raise Busy
            line.append(job)
            self._lock.notify_all()
        return job

    def _drop(self, job: _Job[Any], reason: str) -> None:
        with self._lock:
            job.dropped = job.dropped or reason

    # -- working, on the threads -------------------------------------------------------------------------------------

    def _work(self, work: Callable[[], None], cores: int) -> None:
        # Of this thread alone, once it has taken over what is set for the process, which it does at its first question.
        torch.get_num_threads()
        torch.set_num_threads(cores)
        work()

    def _work_light(self) -> None:
        while self._await(self._light):
            for job in self._round():
                with self._alone:
                    self._step(job)

    def _work_heavy(self) -> None:
        while self._await(self._heavy):
            with self._lock:
                job = self._heavy.popleft()
                self._running.add(job)
            with self._alone if job.alone else nullcontext():
                more = self._step(job)
            if more:
                with self._lock:
                    self._heavy.append(job)
            else:
                give_back()

    def _await(self, line: deque[_Job[Any]]) -> bool:
        """Wait for a job in line; False when there will be none."""
        with self._lock:
            while not line and not self._closed:
                self._lock.wait()
            return bool(line)

    def _round(self) -> list[_Job[Any]]:
        """Take every visitor's next light job out of the line."""
        with self._lock:
            taken: dict[str, _Job[Any]] = {}
            rest: list[_Job[Any]] = []
            for job in self._light:
                # One that was dropped costs nothing, and is told at once.
                if job.dropped is None and job.visitor in taken:
                    rest.append(job)
                else:
                    taken[job.visitor if job.dropped is None else f"dropped {id(job)}"] = job
            self._light.clear()  # the same line: somebody may be about to join it
            self._light.extend(rest)
            self._running.update(taken.values())
            return [*taken.values()]

    def _step(self, job: _Job[Any]) -> bool:
        """Take one step of a job; whether there is another."""
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
                self._running.discard(job)
        return False


def _once(work: Callable[[], T]) -> Generator[None, None, T]:
    """A generator without steps."""
    return work()
    yield

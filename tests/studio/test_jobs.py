"""The queue: order, turns, dropping, bounds."""

import asyncio
import threading

import pytest
import torch

from linearscope.studio.jobs import MOST, PER_VISITOR, Busy, Dropped, Queue


@pytest.fixture
def queue():
    queue = Queue()
    yield queue
    queue.close()


class Gate:
    """Holds the worker until it is opened."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        assert self.opened.wait(20)


async def held(queue):
    """Occupy the worker, so that what is asked next waits."""
    gate = Gate()
    task = asyncio.create_task(queue.light(gate, "holder"))
    await asyncio.to_thread(gate.reached.wait, 20)
    return gate, task


def test_results_and_errors_come_back(queue):
    async def ask():
        assert await queue.light(lambda: 7, "a") == 7
        assert await queue.heavy(lambda: "x", "a") == "x"
        with pytest.raises(ZeroDivisionError):
            await queue.light(lambda: 1 / 0, "a")
        assert await queue.light(lambda: 8, "a") == 8

    asyncio.run(ask())


def test_visitors_take_turns(queue):
    order = []

    async def ask():
        gate, task = await held(queue)
        asked = [
            asyncio.create_task(queue.light(lambda name=name: order.append(name), name[0]))
            for name in ("a1", "a2", "a3", "b1", "c1", "b2")
        ]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(task, *asked)

    asyncio.run(ask())
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_newer_question_takes_the_place_of_an_older(queue):
    async def ask():
        gate, task = await held(queue)
        ran = []
        old = asyncio.create_task(queue.light(lambda: ran.append("old"), "a", "field"))
        other = asyncio.create_task(queue.light(lambda: ran.append("other"), "a", "beside"))
        stranger = asyncio.create_task(queue.light(lambda: ran.append("stranger"), "b", "field"))
        await asyncio.sleep(0)
        new = asyncio.create_task(queue.light(lambda: ran.append("new"), "a", "field"))
        await asyncio.sleep(0)
        gate.opened.set()
        with pytest.raises(Dropped) as dropped:
            await old
        await asyncio.gather(task, other, stranger, new)
        assert dropped.value.reason == "superseded"
        assert sorted(ran) == ["new", "other", "stranger"]

    asyncio.run(ask())


def test_heavy_ones_take_steps_in_turn(queue):
    order = []

    def steps(name, count):
        for i in range(count):
            order.append(f"{name}{i}")
            yield i

    async def ask():
        gate = Gate()
        holder = asyncio.create_task(queue.heavy(gate, "holder"))
        await asyncio.to_thread(gate.reached.wait, 20)

        async def read(name):
            return [step async for step in queue.stream(steps(name, 3), name)]

        one, two = asyncio.create_task(read("x")), asyncio.create_task(read("y"))
        await asyncio.sleep(0)
        gate.opened.set()
        assert await one == await two == [0, 1, 2]
        await holder

    asyncio.run(ask())
    assert order == ["x0", "y0", "x1", "y1", "x2", "y2"]


@pytest.mark.parametrize("alone", [False, True])
def test_light_ones_run_beside_heavy_ones_that_are_not_alone(queue, alone):
    async def ask():
        gate = Gate()
        heavy = asyncio.create_task(queue.heavy(gate, "a", alone=alone))
        await asyncio.to_thread(gate.reached.wait, 20)
        light = asyncio.create_task(queue.light(lambda: gate.opened.is_set(), "a"))
        if not alone:
            assert await light is False
        gate.opened.set()
        assert await light is alone
        await heavy

    asyncio.run(ask())


def test_work_ends_when_nobody_waits(queue):
    async def ask():
        closed = threading.Event()

        def endless():
            try:
                while True:
                    yield 1
            finally:
                closed.set()

        stream = queue.stream(endless(), "a")
        assert await anext(stream) == 1
        await stream.aclose()
        assert await asyncio.to_thread(closed.wait, 20)

        gate, task = await held(queue)
        ran = []
        waiting = asyncio.create_task(queue.light(lambda: ran.append(1), "a"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.opened.set()
        await task
        assert await queue.light(lambda: 2, "a") == 2
        assert ran == []
        assert queue.waiting == 0

    asyncio.run(ask())


def test_an_error_within_a_stream_ends_it(queue):
    def steps():
        yield 1
        raise ValueError("broken")

    async def ask():
        stream = queue.stream(steps(), "a")
        assert await anext(stream) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)
        assert await queue.light(lambda: 3, "a") == 3

    asyncio.run(ask())


def test_the_line_is_bounded(queue):
    async def ask():
        gate, task = await held(queue)
        own = [asyncio.create_task(queue.light(lambda: None, "a")) for _ in range(PER_VISITOR)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await queue.light(lambda: None, "a")
        others = [asyncio.create_task(queue.light(lambda: None, str(i))) for i in range(MOST - PER_VISITOR)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await queue.light(lambda: None, "one more")
        gate.opened.set()
        await asyncio.gather(task, *own, *others)
        assert await queue.light(lambda: 5, "a") == 5

    asyncio.run(ask())


def test_closing_drops_what_waits():
    queue = Queue()

    async def ask():
        gate, task = await held(queue)
        waiting = asyncio.create_task(queue.light(lambda: None, "a"))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(queue.close))
        await asyncio.sleep(0.05)
        gate.opened.set()
        await closing
        for one in (task, waiting):
            with pytest.raises(Dropped) as dropped:
                await one
            assert dropped.value.reason == "ending"
        with pytest.raises(Dropped):
            await queue.light(lambda: None, "a")

    asyncio.run(ask())
    assert not any(thread.is_alive() for thread in queue._threads)


class Overtaken:
    """A lock before which, once, the worker takes a round."""

    def __init__(self, queue):
        self.queue, self.lock = queue, queue._lock

    def __enter__(self):
        self.queue._lock = self.lock
        self.queue._round()
        return self.lock.__enter__()

    def __exit__(self, *error):
        return self.lock.__exit__(*error)


def test_a_question_asked_while_a_round_is_taken_is_answered(queue):
    async def ask():
        queue._lock = Overtaken(queue)
        assert await asyncio.wait_for(queue.light(lambda: 7, "a"), 20) == 7

    asyncio.run(ask())


def test_light_ones_leave_cores_to_the_rest(queue):
    own = torch.get_num_threads()

    async def ask():
        return await queue.light(torch.get_num_threads, "a"), await queue.heavy(torch.get_num_threads, "a")

    assert asyncio.run(ask()) == (max(1, own // 2), own)
    assert torch.get_num_threads() == own

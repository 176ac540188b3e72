"""Many visitors at once, visitors who go away, and a long time: on a real server, in a process of its own."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from tests.studio.asking import unpack  # noqa: E402

VISITORS = 20
EACH = 15


@pytest.fixture(scope="module")
def server():
    process = subprocess.Popen(
        [sys.executable, "-c", "from linearscope.cli import main; main()", "studio", "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    url = process.stdout.readline().split()[-1]
    assert url.startswith("http://127.0.0.1:")
    yield process, url
    process.send_signal(signal.SIGINT)
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def subject(server):
    answer = httpx.post(
        f"{server[1]}api/subjects", json={"model": "espcn_x2", "image": "espresso", "side": 64}, timeout=120
    )
    return answer.json()["id"]


def resident(process):
    """Bytes of memory that a process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def field(subject, row, column, kind="column"):
    return f"api/subjects/{subject}/field?kind={kind}&row={row}&column={column}&slot=light"


def test_twenty_visitors_get_their_answers_in_order(server, subject):
    """None gets another's answer, an error, or all of its answers after everyone else has theirs."""
    finished = []

    async def visit(number, at):
        async with httpx.AsyncClient(base_url=server[1], timeout=120, headers={"X-Visitor": str(number)}) as client:
            for turn in range(EACH):
                await at.wait()
                row, column = (3 * number + turn) % 64, (7 * turn + number) % 64
                answer = await client.get(field(subject, row, column))
                assert answer.status_code == 200, answer.text
                header, _ = unpack(answer.content)
                assert (header["row"], header["column"]) == (row, column)
                finished.append(number)

    async def everyone():
        at = asyncio.Event()
        visits = [asyncio.create_task(visit(number, at)) for number in range(VISITORS)]
        at.set()
        await asyncio.gather(*visits)

    asyncio.run(everyone())
    assert len(finished) == VISITORS * EACH
    half = finished[: len(finished) // 2]
    counts = [half.count(number) for number in range(VISITORS)]
    assert min(counts) >= EACH // 5, counts


def test_a_light_is_answered_while_singular_vectors_are_looked_for(server, subject):
    async def both():
        async with httpx.AsyncClient(base_url=server[1], timeout=120) as client:
            async with client.stream("GET", f"api/subjects/{subject}/spectrum?k=24&tol=1e-8") as stream:
                lines = stream.aiter_lines()
                assert (await anext(lines)).startswith("event: step")
                for place in range(10):
                    answer = await client.get(field(subject, place, place))
                    assert answer.status_code == 200
                    assert await anext(lines) is not None
            return True

    assert asyncio.run(both())


def test_a_visitor_who_goes_away_frees_the_work(server, subject):
    """A search that would take minutes does not go on for nobody: what is asked next is answered at once."""

    async def go():
        async with httpx.AsyncClient(base_url=server[1], timeout=120) as client:
            for _ in range(6):
                async with client.stream("GET", f"api/subjects/{subject}/spectrum?k=24&tol=1e-8") as stream:
                    await anext(stream.aiter_lines())
            await asyncio.sleep(1)
            taken = cpu(server[0])
            await asyncio.sleep(2)
            return cpu(server[0]) - taken

    assert asyncio.run(go()) < 1.0


def cpu(process):
    """Seconds of computing that a process has used."""
    numbers = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def test_a_replay_leaves_memory_flat(server):
    """A shortened replay: lights, other networks and sides, searches left midway, uploads; again and again."""
    process, url = server
    draw = random.Random(0)
    photo = (Path(__file__).parents[2] / "src/linearscope/models/assets/espresso.jpg").read_bytes()
    held = []
    with httpx.Client(base_url=url, timeout=120) as client:
        for turn in range(12):
            name = client.post("api/images?name=a.jpg", content=photo + bytes([turn])).json()["id"]
            for side in (32, 48, 64, 96):
                asked = {"model": "espcn_x2", "image": name, "side": side}
                subject = client.post("api/subjects", json=asked).json()["id"]
                for _ in range(8):
                    place = draw.randrange(side), draw.randrange(side)
                    assert client.get(field(subject, *place, draw.choice(["row", "column"]))).status_code == 200
                with client.stream("GET", f"api/subjects/{subject}/spectrum?k=8&tol=1e-6") as stream:
                    next(stream.iter_lines())
            asked = {"model": "small_vgg", "image": name, "side": None}
            subject = client.post("api/subjects", json=asked).json()["id"]
            assert client.get(f"api/subjects/{subject}/discussion?targets=1,2").status_code == 200
            held.append(resident(process))
    first, second = held[len(held) // 3 : 2 * len(held) // 3], held[2 * len(held) // 3 :]
    grown = (sum(second) / len(second)) / (sum(first) / len(first))
    assert grown < 1.15, [round(one / 1e6) for one in held]


def test_ctrl_c_ends_a_stream_and_the_server():
    process = subprocess.Popen(
        [sys.executable, "-c", "from linearscope.cli import main; main()", "studio", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    url = process.stdout.readline().split()[-1]
    subject = httpx.post(
        f"{url}api/subjects", json={"model": "espcn_x2", "image": "espresso", "side": 64}, timeout=120
    ).json()["id"]
    with httpx.stream("GET", f"{url}api/subjects/{subject}/spectrum?k=24&tol=1e-8", timeout=120) as stream:
        lines = stream.iter_lines()
        next(lines)
        process.send_signal(signal.SIGINT)
        try:
            said = list(lines)
        except httpx.HTTPError:
            said = []
    begun = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip() in ("", "Interrupted.")
    assert time.monotonic() - begun < 25
    assert not any(line.startswith("event: done") for line in said)
    assert all(json.loads(line[6:]) is not None for line in said if line.startswith("data: "))

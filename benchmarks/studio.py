"""The studio in a real browser: from the pointer to the picture, first paint, weight; and its memory over a replay.

``python benchmarks/studio.py`` measures times and writes them into docs/benchmarks.md; with ``--replay 60`` it replays
visitors for so many minutes instead, prints what the server's memory does, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median

import httpx
from page import machine, write_section
from playwright.sync_api import Page, sync_playwright

PATH = Path(__file__).parent / "pointer_path.json"
PHOTO = Path(__file__).parent.parent / "src/linearscope/models/assets/espresso.jpg"
CHROMIUM = "/usr/bin/chromium"
#: Network, side, and the goal for the 95th percentile in milliseconds.
CASES = (("espcn_x2", 128, 60), ("edsr_small_x2", 256, 150))
PAINT, WEIGHT = 1000, 500

#: Notes when the pointer moves to another pixel, and when the filter of a pixel has been painted: after the frame in
#: whose callbacks it is drawn, or after the next one where it is drawn between frames.
WATCH = """
window.seen = { moves: [], shown: [] };
let inFrame = false;
const frames = requestAnimationFrame.bind(window);
window.requestAnimationFrame = (work) => frames((time) => {
  inFrame = true;
  try { work(time); } finally { queueMicrotask(() => queueMicrotask(() => { inFrame = false; })); }
});
addEventListener("DOMContentLoaded", () => {
  let last = "";
  const after = (work) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = work;
    channel.port2.postMessage(0);
  };
  new MutationObserver(() => {
    const title = document.querySelector(".flash-filters .flash-title")?.textContent ?? "";
    if (title === last || !title.includes("pixel")) return;
    last = title;
    const note = () => after(() => seen.shown.push([performance.now(), title]));
    if (inFrame) note();
    else frames(note);
  }).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
  addEventListener("pointermove", (event) => {
    const at = event.timeStamp;
    frames(() => after(() => {
      const where = document.querySelector(".flash-walk-tools .num")?.textContent ?? "";
      if (seen.moves.at(-1)?.[1] !== where) seen.moves.push([at, where]);
    }));
  });
});
"""


@contextmanager
def studio() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A studio in a process of its own: its address, and the process."""
    command = [sys.executable, "-c", "from linearscope.cli import main; main()", "studio", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    try:
        yield url, process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def percentile(values: list[float], part: float) -> float:
    """The smallest value that ``part`` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, max(0, -(-round(part * 1000) * len(values) // 1000) - 1))]


def yardstick() -> float:
    """Milliseconds of a million additions in Python: how fast the machine is at the moment."""
    start, total = time.perf_counter(), 0
    for number in range(1_000_000):
        total += number
    return 1000 * (time.perf_counter() - start)


def follow(page: Page, url: str, model: str, side: int) -> list[float]:
    """Milliseconds from every move of the pointer to another pixel until a picture at least as new is painted."""
    page.goto("about:blank")  # so that no filter is kept from the time before
    page.goto(f"{url}#/flashlight?model={model}&side={side}&image=espresso&beside=none")
    picture = page.locator(".flash-walk .picture")
    picture.wait_for(timeout=120_000)
    page.wait_for_function("() => document.querySelector('.flash-filters .flash-title')?.textContent.includes('pixel')")
    page.wait_for_timeout(1500)
    box = picture.bounding_box()
    assert box is not None
    page.evaluate("seen.moves.length = seen.shown.length = 0")
    start = time.perf_counter()
    for at, x, y in json.loads(PATH.read_text()):
        wait = at / 1000 - (time.perf_counter() - start)
        if wait > 0:
            time.sleep(wait)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.wait_for_timeout(2000)
    moves, shown = page.evaluate("[seen.moves, seen.shown]")
    places = [tuple(map(int, re.findall(r"\d+", where))) for _, where in moves]
    painted = [(at, tuple(map(int, re.findall(r"\d+", title)[-2:]))) for at, title in shown]
    waits = []
    for number, (at, _) in enumerate(moves):
        # Pixels that the pointer has come back to count as new when they were painted after the move.
        later = set(places[number:])
        waits.append(next(when for when, place in painted if when >= at and place in later) - at)
    return waits


def asked(url: str, model: str, side: int) -> list[float]:
    """Milliseconds of one column over HTTP, one after the other."""
    draw = random.Random(0)
    with httpx.Client(base_url=url, timeout=120) as client:
        asked = {"model": model, "image": "espresso", "side": side}
        subject = client.post("api/subjects", json=asked).json()["id"]
        times = []
        for _ in range(100):
            query = {"kind": "column", "row": draw.randrange(side), "column": draw.randrange(side)}
            start = time.perf_counter()
            client.get(f"api/subjects/{subject}/field", params=query).raise_for_status()
            times.append(1000 * (time.perf_counter() - start))
        return times[10:]


def search(url: str, model: str, side: int, ended: threading.Event) -> None:
    """Look for singular vectors until told to stop."""
    with httpx.Client(base_url=url, timeout=120) as client:
        asked = {"model": model, "image": "espresso", "side": side}
        subject = client.post("api/subjects", json=asked).json()["id"]
        while not ended.is_set():
            with client.stream("GET", f"api/subjects/{subject}/spectrum?k=24&tol=1e-8") as stream:
                for _ in stream.iter_lines():
                    if ended.is_set():
                        return


def opened(page: Page, url: str) -> tuple[float, float, float]:
    """Milliseconds until something is painted and until the first filter is; kilobytes of the page itself."""
    page.goto(url)
    # Seldom, as looking takes time from the page.
    page.wait_for_function("() => window.seen.shown.length > 0", timeout=120_000, polling=250)
    page.wait_for_load_state("networkidle")
    paint, useful, sizes = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime, seen.shown[0][0],"
        " ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))"
        " .map((one) => [one.name, one.decodedBodySize])]"
    )
    return paint, useful, sum(size for name, size in dict(sizes).items() if "/api/" not in name) / 1000


def measure(rounds: int) -> str:
    """The Markdown of the figures."""
    lines = [
        "## The studio",
        "",
        f"On {machine()}, server and Chromium on the same cores. Pointer: the moves of "
        "`benchmarks/pointer_path.json`, 60 a second; from each move to another pixel until a picture at least as "
        f"new is painted; {rounds} rounds together. Beside a search: while another visitor's singular vectors of the "
        "same network are looked for. HTTP: 90 columns, one after the other.",
        "",
        "| network | input | pointer to picture: median, 95 %, ms | goal 95 % | beside a search: median, 95 %, ms "
        "| one column over HTTP: median, 95 %, ms |",
        "|---|---|---|---|---|---|",
    ]
    with studio() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(WATCH)
        speeds: list[float] = []
        for model, side, goal in CASES:
            alone = []
            for _ in range(rounds):
                alone += follow(page, url, model, side)
                speeds.append(yardstick())
            plain = asked(url, model, side)
            ended = threading.Event()
            other = threading.Thread(target=search, args=(url, model, side, ended))
            other.start()
            beside = follow(page, url, model, side)
            ended.set()
            other.join()
            most = percentile(alone, 0.95)
            word = f"{goal} ({'met' if most <= goal else 'not met'})"
            times = [f"{median(one):.0f}, {percentile(one, 0.95):.0f}" for one in (alone, beside, plain)]
            lines.append(f"| {model} | {side} x {side} | {times[0]} | {word} | {times[1]} | {times[2]} |")
            print(lines[-1], file=sys.stderr, flush=True)
        first = []
        for _ in range(9):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.add_init_script(WATCH)
            first.append(opened(page, url))
            context.close()
        browser.close()
    paint, useful, weight = (median(one) for one in zip(*first, strict=True))
    lines += [
        "",
        f"First paint {paint:.0f} ms and first filter {useful:.0f} ms after the address is opened (goal {PAINT} ms, "
        f"{'met' if useful <= PAINT else 'not met'}; median of 9, the network captured). The page weighs "
        f"{weight:.0f} kB (goal {WEIGHT}, {'met' if weight <= WEIGHT else 'not met'}).",
        "",
        f"The machine is shared, and its speed changes: after each round a million additions in Python took "
        f"{min(speeds):.0f} to {max(speeds):.0f} ms, median {median(speeds):.0f}. The times above change with it.",
    ]
    return "\n".join(lines)


def resident(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Bytes of memory and the number of threads of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines())
    return 1024 * int(found["VmRSS"].split()[0]), int(found["Threads"])


def replay(minutes: float) -> None:
    """Visitors come and go: lights, networks, sides, uploads, attacks, searches left midway; memory every minute."""
    draw = random.Random(0)
    photo = PHOTO.read_bytes()
    lights = subjects = left = 0
    held: list[int] = []
    with studio() as (url, process), httpx.Client(base_url=url, timeout=600) as client:
        begin = time.monotonic()
        while time.monotonic() - begin < 60 * minutes:
            upload = client.post("api/images?name=a.jpg", content=photo + os.urandom(8)).json()["id"]
            image = draw.choice([upload, "espresso", "facade"])
            model = draw.choice(["espcn_x2", "edsr_small_x2", "denoiser", "facades", "small_vgg", "efficientnet_lite0"])
            sized = model in ("espcn_x2", "edsr_small_x2", "denoiser")
            asked = {"model": model, "image": image, "side": draw.choice([32, 48, 64, 96, 128]) if sized else None}
            said = client.post("api/subjects", json=asked).raise_for_status().json()
            path = f"api/subjects/{said['id']}"
            subjects += 1
            if said["kind"] == "classification":
                client.get(f"{path}/discussion?targets=1,2").raise_for_status()
                client.post(f"{path}/attack", json={"epsilon": 1.0 + draw.random(), "label": None}).raise_for_status()
                long = "compare?methods=gradient,grad-cam,occlusion"
            else:
                _, height, width = said["input_shape"]
                for _ in range(60):
                    at = f"row={draw.randrange(height)}&column={draw.randrange(width)}"
                    client.get(f"{path}/field?kind=column&slot=light&{at}").raise_for_status()
                    lights += 1
                long = "spectrum?k=8&tol=1e-6"
            with client.stream("GET", f"{path}/{long}") as stream:
                for number, _ in enumerate(stream.iter_lines()):
                    if number > 12:
                        left += 1
                        break
            if time.monotonic() - begin > 60 * len(held):
                held.append(resident(process)[0])
                print(f"minute {len(held) - 1}: {held[-1] / 1e6:.0f} MB, {resident(process)[1]} threads", flush=True)
    third = len(held) // 3
    middle, last = mean(held[third : 2 * third]), mean(held[2 * third :])
    print(
        f"{lights} lights, {subjects} subjects, {left} long answers left midway. Memory {held[0] / 1e6:.0f} MB at "
        f"first, {max(held) / 1e6:.0f} MB at most, {held[-1] / 1e6:.0f} MB at the end; the last third is "
        f"{(last - middle) / 1e6:+.1f} MB ({100 * (last / middle - 1):+.1f} %) from the middle third."
    )


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replay", type=float, metavar="MINUTES", help="replay visitors and print memory")
    parser.add_argument("--out", type=Path, help="another page than docs/benchmarks.md")
    args = parser.parse_args()
    if args.replay is not None:
        replay(args.replay)
        return
    text = measure(args.rounds)
    write_section("studio", text, *([args.out] if args.out else []))
    print(text)


if __name__ == "__main__":
    main()

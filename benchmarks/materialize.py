"""All of F by structured probing beside one column at a time and torch.func, and how it grows with the image.

``python benchmarks/materialize.py`` rewrites its section of docs/benchmarks.md. The alternatives would take hours, so a
sample of their columns (or rows) is timed and multiplied; the page says so.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch
from page import machine, write_section
from speed import peak_now, reset_peak
from torch import Tensor

import linearscope as ls
from linearscope.analysis.matrix_plan import readable_bytes
from linearscope.networks.espcn import ESPCN

SIDES = (64, 128, 256, 512)
GOAL = 20
#: Columns or rows in a sample, and those that torch.vmap takes at a time.
SAMPLE, CHUNK = 32, 16
#: Only sizes below this are made; of larger ones the estimate is shown.
LIMIT = 2 << 30


def network(side: int) -> tuple[ESPCN, Tensor]:
    """The upscaler of four layers, x2, RGB, random weights; and an image."""
    torch.manual_seed(0)
    model = ESPCN(2, 3).eval().requires_grad_(False)
    return model, torch.rand(1, 3, side, side)


def alternatives(model: ESPCN, x: Tensor) -> dict[str, tuple[Callable[[], Tensor], str]]:
    """Ways to ``SAMPLE`` columns or rows in the middle, without structure: how, and which of the two."""
    outputs = model(x).shape
    first = prod(x.shape) // 2

    def impulses(shape: torch.Size, count: int, start: int) -> Tensor:
        found = torch.zeros(count, prod(shape))
        found[range(count), range(start, start + count)] = 1
        return found.reshape(count, *shape)

    def one_by_one() -> Tensor:
        probes = impulses(x.shape, SAMPLE, first)
        return torch.stack([torch.func.jvp(model, (x,), (v,))[1] for v in probes])

    def together() -> Tensor:
        def product(v: Tensor) -> Tensor:
            return torch.func.jvp(model, (x,), (v,))[1]

        return torch.func.vmap(product, chunk_size=CHUNK)(impulses(x.shape, SAMPLE, first))

    def by_rows() -> Tensor:
        # What torch.func.jacrev(chunk_size=CHUNK) does, for a sample of the rows.
        _, back = torch.func.vjp(model, x)
        return torch.func.vmap(lambda u: back(u)[0], chunk_size=CHUNK)(impulses(outputs, SAMPLE, prod(outputs) // 2))

    return {
        "torch.func.jvp, one column at a time": (one_by_one, "columns"),
        f"vmap(jvp), {CHUNK} columns at a time": (together, "columns"),
        f"jacrev, {CHUNK} rows at a time": (by_rows, "rows"),
    }


def race(side: int, rounds: int) -> dict[str, object]:
    """All of F in turns with samples of the alternatives; the alternatives' columns are compared with F's."""
    model, x = network(side)
    it = ls.interpret(model, x)
    plan = ls.estimate(it, kind="columns")
    others = alternatives(model, x)
    seconds: dict[str, list[float]] = {name: [] for name in ("structured probing", *others)}
    for turn in range(rounds + 1):
        start = time.perf_counter()
        made = ls.materialize(it, plan=plan)
        if turn:
            seconds["structured probing"].append(time.perf_counter() - start)
        for name, (run, kind) in others.items():
            start = time.perf_counter()
            run()
            count = it.shape[1] if kind == "columns" else it.shape[0]
            if turn:
                seconds[name].append((time.perf_counter() - start) * count / SAMPLE)
    run, _ = next(iter(others.values()))
    first = prod(x.shape) // 2
    real = run().reshape(SAMPLE, -1)
    mine = made.columns(list(range(first, first + SAMPLE))).reshape(SAMPLE, -1)
    error = float((mine - real).abs().max() / real.abs().max())
    assert error < 1e-4, error
    found = {name: statistics.median(values) for name, values in seconds.items()}
    return {"side": side, "plan": plan, "seconds": found, "error": error}


def growth(side: int) -> dict[str, object]:
    """Time, memory and probes for one image side; what is too large is estimated."""
    model, x = network(side)
    it = ls.interpret(model, x)
    plan = ls.estimate(it, kind="columns")
    if plan.memory_bytes > LIMIT:
        return {"side": side, "plan": plan, "seconds": plan.seconds, "memory": plan.memory_bytes, "measured": False}
    before = reset_peak()
    made = ls.materialize(it, plan=plan)
    return {"side": side, "plan": plan, "seconds": made.seconds, "memory": peak_now() - before, "measured": True}


def section(rounds: int = 3, sides: tuple[int, ...] = SIDES) -> str:
    """Measure, and return the Markdown of these figures."""
    found = race(64, rounds)
    plan, seconds = found["plan"], found["seconds"]
    best = seconds["structured probing"]
    lines = [
        "## All of F",
        "",
        f"The upscaler of four layers (x2, RGB, random weights, float32) on 64 x 64 pixels: F has {plan.shape[0]:,} "
        f"rows and {plan.shape[1]:,} columns, and its structure allows {plan.nonzeros:,} entries. On {machine()}; "
        f"medians of {rounds} rounds in which the contenders take turns. Structured probing is timed whole, to the "
        f"sparse matrix; of the others {SAMPLE} columns or rows are timed and multiplied.",
        "",
        "| way | probes | seconds | of structured probing |",
        "|---|---|---|---|",
    ]
    for name, value in seconds.items():
        count = plan.probes if name == "structured probing" else plan.shape[0 if "rows" in name else 1]
        lines.append(f"| {name} | {count:,} | {value:,.1f} | {value / best:,.1f} |")
    ratio = seconds["torch.func.jvp, one column at a time"] / best
    least = min(value for name, value in seconds.items() if name != "structured probing") / best
    lines += [
        "",
        f"Probes: {plan.probes}, the lower bound is {plan.least}. One column at a time takes {ratio:.1f} times as long "
        f"(goal {GOAL}: {'met' if ratio >= GOAL else 'not met'}), the fastest alternative {least:.1f} times. Columns "
        f"differ by at most {found['error']:.0e} of the largest entry.",
        "",
        "How it grows with the image; probes stay, and so the time grows as the image does. `memory` is the growth of "
        f"the peak resident set. Where the matrix takes more than {readable_bytes(LIMIT)}, time and memory are "
        "estimated from a few probes and the structure (marked e); it is then written to disk.",
        "",
        "| image | probes | entries | seconds | memory | on disk, at most |",
        "|---|---|---|---|---|---|",
    ]
    for side in sides:
        row = growth(side)
        print(row, file=sys.stderr, flush=True)
        mark = "" if row["measured"] else " e"
        lines.append(
            f"| {side} x {side} | {row['plan'].probes} | {row['plan'].nonzeros:,} | {row['seconds']:.1f}{mark} "
            f"| {readable_bytes(row['memory'])}{mark} | {readable_bytes(row['plan'].disk_bytes)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", nargs="+", type=int, default=list(SIDES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="another page than docs/benchmarks.md")
    args = parser.parse_args()
    text = section(args.rounds, tuple(args.sides))
    write_section("materialize", text, *([args.out] if args.out else []))
    print(text)


if __name__ == "__main__":
    main()

"""Rows and columns of F by windows beside whole products and torch.func, and how they grow with the image.

``python benchmarks/fields.py`` rewrites its section of docs/benchmarks.md. Contenders take turns; figures are medians.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from page import machine, write_section
from speed import Edsr, peak_now, reset_peak, turns
from torch import Tensor, nn

import linearscope as ls

SIDES = (64, 128, 256, 512)


def contenders(model: nn.Module, image: Tensor, it: ls.LinearInterpreter, kind: str) -> dict[str, Callable[[], Tensor]]:
    """One row or one column in the middle of the image: by its window, by a whole product, by torch.func."""
    forward = kind == "column"
    shape = it.input_shape if forward else it.output_shape
    index = (1, shape[1] // 2, shape[2] // 2)
    probe = torch.zeros(1, *shape, device=image.device)
    probe[(0, *index)] = 1
    window = it.column_window if forward else it.row_window
    product = it.matvec if forward else it.rmatvec

    def func() -> Tensor:
        if forward:
            return torch.func.jvp(model, (image,), (probe,))[1]
        return torch.func.vjp(model, image)[1](probe)[0]

    def synchronised(run: Callable[[], Tensor]) -> Callable[[], Tensor]:
        def timed() -> Tensor:
            result = run()
            if image.device.type == "cuda":
                torch.cuda.synchronize()
            return result

        return timed

    made = {"window": lambda: window(index).values, "whole product": lambda: product(probe), "torch.func": func}
    return {name: synchronised(run) for name, run in made.items()}


def measure(side: int, rounds: int, blocks: int, width: int, device: str) -> list[dict[str, object]]:
    """Seconds and growth of the peak of memory for one image side, rows and columns."""
    torch.manual_seed(0)
    model = Edsr(blocks, width).eval().to(device)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    image = torch.rand(1, 3, side, side, device=device)
    it = ls.interpret(model, image, memory="store")
    rows: list[dict[str, object]] = []
    for kind in ("column", "row"):
        runs = contenders(model, image, it, kind)
        reference = runs["torch.func"]()
        whole = (it.column_window if kind == "column" else it.row_window)(
            (1, *(size // 2 for size in (it.input_shape if kind == "column" else it.output_shape)[1:]))
        ).whole()
        error = float((whole - reference[0]).abs().max() / reference.abs().max())
        assert error < 1e-4, error
        seconds = turns(runs, rounds)
        memory = {}
        for name, run in runs.items():
            before, _ = (reset_peak(), run())
            memory[name] = max(0, peak_now() - before)
        rows.append({"side": side, "kind": kind, "seconds": seconds, "memory": memory, "error": error})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def section(rows: list[dict[str, object]], rounds: int, blocks: int, width: int) -> str:
    """The Markdown of these figures."""
    lines = [
        "## One row, one column",
        "",
        f"An EDSR-style x2 upscaler ({blocks} blocks of {width} channels, random weights, float32) on {machine()}; "
        f"medians of {rounds} rounds in which the contenders take turns. `window` computes what the row or column can "
        "reach and no more, `whole product` is `it.matvec` or `it.rmatvec` of one impulse, `torch.func` is jvp or vjp "
        "of the model. The goal is a window at least 8 times as fast as the whole product at 256 x 256.",
        "",
        "| image | filter | window, ms | whole product, ms | torch.func, ms | whole product / window "
        "| torch.func / window | filters a second | memory: window, whole, torch.func (MB) | largest difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        s, m = row["seconds"], row["memory"]
        w, p, f = (s[name] for name in ("window", "whole product", "torch.func"))
        held = ", ".join(f"{m[name] / 1e6:.0f}" for name in ("window", "whole product", "torch.func"))
        lines.append(
            f"| {row['side']} x {row['side']} | {row['kind']} | {1e3 * w:.1f} | {1e3 * p:.0f} | {1e3 * f:.0f} "
            f"| {p / w:.1f} | {f / w:.1f} | {1 / w:.1f} | {held} | {row['error']:.0e} |"
        )
    at = {row["kind"]: row["seconds"]["whole product"] / row["seconds"]["window"] for row in rows if row["side"] == 256}
    if at:
        words = " and ".join(f"{kind} {ratio:.1f}" for kind, ratio in at.items())
        lines += ["", f"At 256 x 256: {words}; goal 8 {'met' if min(at.values()) >= 8 else 'not met'}."]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", nargs="+", type=int, default=list(SIDES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="another page than docs/benchmarks.md")
    args = parser.parse_args()
    rows = [row for side in args.sides for row in measure(side, args.rounds, args.blocks, args.width, args.device)]
    text = section(rows, args.rounds, args.blocks, args.width)
    write_section("fields", text, *([args.out] if args.out else []))
    print(text)


if __name__ == "__main__":
    main()

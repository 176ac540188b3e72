"""Speed and memory of the interpreter beside the alternatives, in one run: ``make bench`` writes docs/benchmarks.md.

Every figure is a ratio of medians over rounds in which the contenders take turns, so that a machine that drifts drifts
for all of them. Memory is the growth of the peak resident set of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from page import machine, write_section
from torch import Tensor, nn

import linearscope as ls
from linearscope.models.torchvision_compat import declare_operators

NETWORKS = ("vgg11", "vgg19_bn", "resnet50", "densenet121", "inception_v3", "convnext_tiny", "edsr")
PROBES = (1, 8, 32)
BATCHES = (1, 2, 4, 8, 16, 32)


class Edsr(nn.Module):
    """An EDSR-like upscaler: residual blocks without norms, x2 by pixel shuffle."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(True), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(blocks)
        )
        self.tail = nn.Sequential(
            nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(width, 3, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, 3, 2 H, 2 W)."""
        x = y = self.head(x)
        for block in self.body:
            y = y + block(y)
        return self.tail(x + y)


def network(name: str, size: int) -> tuple[nn.Module, Tensor]:
    """The network with random weights, and an image."""
    torch.manual_seed(0)
    if name == "edsr":
        return Edsr().eval(), torch.rand(1, 3, size // 4, size // 4)
    declare_operators()
    from torchvision.models import get_model

    model = get_model(name, weights=None).eval()
    return model, torch.rand(1, 3, size, size)


def turns(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each contender over rounds in which they take turns; one turn each goes uncounted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


@torch.no_grad()
def fastest_batch(model: nn.Module, image: Tensor, rounds: int) -> int:
    """The batch size at which the plain model takes least time an image."""
    shape = image.shape[1:]
    inputs = {b: torch.rand(b, *shape) for b in BATCHES}
    runs = {str(b): (lambda x=x: model(x)) for b, x in inputs.items()}
    medians = turns(runs, max(1, rounds - 1))
    return min(BATCHES, key=lambda b: medians[str(b)] / b)


def plain(model: nn.Module, images: Tensor, batch: int) -> Callable[[], object]:
    """Push images through the model, ``batch`` at a time."""

    @torch.no_grad()
    def run() -> object:
        return [model(part) for part in images.split(batch)]

    return run


def measure(name: str, size: int, rounds: int) -> dict[str, object]:
    """All ratios of one network."""
    model, image = network(name, size)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    start = time.perf_counter()
    program = ls.capture(model, image)
    captured = time.perf_counter() - start
    it = ls.interpret(program, image)
    batch = fastest_batch(model, image, rounds)
    row: dict[str, object] = {"network": name, "input": list(image.shape), "capture": captured, "batch": batch}
    row["certificate"] = it.certificate.reconstruction
    for count in PROBES:
        probes = torch.randn(count, *it.input_shape)
        outputs = torch.randn(count, *it.output_shape)
        lanes, seeds = probes.unsqueeze(1), outputs.unsqueeze(1)
        for _ in range(2):  # the batch size is chosen by measurement: let it be chosen
            it.matvec(probes)
            it.rmatvec(outputs)
        variable = image.clone().requires_grad_()

        def batched_grads(v: Tensor = variable, s: Tensor = seeds) -> object:
            return torch.autograd.grad(model(v), v, s, is_grads_batched=True)

        def push(l: Tensor = lanes) -> object:  # noqa: E741
            return torch.vmap(lambda v: torch.func.jvp(model, (image,), (v,))[1])(l)

        def pull(s: Tensor = seeds) -> object:
            return torch.vmap(torch.func.vjp(model, image)[1])(s)

        contenders = {
            "plain": plain(model, probes, batch),
            "F v": lambda p=probes: it.matvec(p),
            "F^T u": lambda u=outputs: it.rmatvec(u),
            "vmap(jvp)": push,
            "vmap(vjp)": pull,
            "is_grads_batched": batched_grads,
        }
        medians = turns(contenders, rounds)
        row[str(count)] = medians
    one = plain(model, image, 1)
    medians = turns({"plain": one, "contributions": lambda: ls.contributions(it, [0])}, 2 * rounds + 1)
    row["contributions"] = medians["contributions"] / medians["plain"]
    switches = [d for _, d in it.decisions()]
    floats = 4 * sum(d.numel() for d in switches)
    row["decisions"] = it.decision_bytes / floats if floats else None
    row["decision_bytes"] = it.decision_bytes
    row["decisions_by_kind"] = dict(it.certificate.frozen)
    memory = {way: peak(name, size, way) for way in ("autograd", "store", "stream")}
    row["memory"] = memory
    return row


def peak(name: str, size: int, way: str) -> int:
    """Growth of the peak resident set, in bytes, of F^T u for 8 outputs in a fresh process."""
    command = [sys.executable, __file__, "--memory", way, "--networks", name, "--size", str(size)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def memory(name: str, size: int, way: str) -> int:
    """What :func:`peak` runs."""
    model, image = network(name, size)
    count = 8
    if way == "autograd":
        with torch.no_grad():
            shape = model(image).shape[1:]
        seeds = torch.randn(count, *shape)
        variable = image.expand(count, *image.shape[1:]).clone().requires_grad_()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        before = reset_peak()
        torch.autograd.grad(model(variable), variable, seeds)
        return peak_now() - before
    program = ls.capture(model, image)
    it = ls.interpret(program, image, memory=way)
    seeds = torch.randn(count, *it.output_shape)
    before = reset_peak()
    it.rmatvec(seeds)
    return peak_now() - before


def reset_peak() -> int:
    """Set the peak resident set back to the resident set, and return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_now()


def peak_now() -> int:
    """Peak resident set in bytes."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def table(rows: list[dict[str, object]], rounds: int) -> str:
    """The Markdown of these figures."""
    lines = [
        "## Products",
        "",
        f"On {machine()}, float32, random weights; medians of {rounds} rounds in which the contenders take turns. "
        "Ratios are to pushing as many images through the plain model at its own fastest batch size; below 1 is faster "
        "than the plain model.",
        "",
        "Goals: F v and F^T u at 32 probes at most 1.10; contributions of all layers at most 3.0 plain passes of one "
        "image; "
        "peak memory of F^T u at most 1/4 of autograd's; stored decisions 1/32 of float storage.",
        "",
        "| network | input | fastest plain batch | probes | plain, ms an image | F v | vmap(jvp) | F^T u | vmap(vjp) "
        "| is_grads_batched |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for count in PROBES:
            m = row[str(count)]
            p = m["plain"]
            ratios = [m[k] / p for k in ("F v", "vmap(jvp)", "F^T u", "vmap(vjp)", "is_grads_batched")]
            cells = " | ".join(f"{r:.2f}" for r in ratios)
            lines.append(
                f"| {row['network']} | {'x'.join(map(str, row['input'][2:]))} | {row['batch']} | {count} "
                f"| {1000 * p / count:.1f} | {cells} |"
            )
    last = str(PROBES[-1])
    met = [
        (r["network"], r[last]["F v"] / r[last]["plain"] <= 1.10, r[last]["F^T u"] / r[last]["plain"] <= 1.10)
        for r in rows
    ]
    lines += [
        "",
        f"Goal at {last} probes met for F v on {sum(a for _, a, _ in met)} of {len(met)} networks"
        + _missed([n for n, a, _ in met if not a])
        + f", for F^T u on {sum(b for _, _, b in met)}"
        + _missed([n for n, _, b in met if not b])
        + ".",
        "",
        "## Contributions, memory, decisions",
        "",
        "| network | contributions / forward pass | F^T u memory, autograd (MB) | store | stream | store / autograd | "
        "decisions kept (kB) | of float storage |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        memory_ = row["memory"]
        part = f"1/{1 / row['decisions']:.1f}" if row["decisions"] else "-"
        lines.append(
            f"| {row['network']} | {row['contributions']:.2f} | {memory_['autograd'] / 1e6:.0f} "
            f"| {memory_['store'] / 1e6:.0f} "
            f"| {memory_['stream'] / 1e6:.0f} | {memory_['store'] / memory_['autograd']:.2f} "
            f"| {row['decision_bytes'] / 1e3:.0f} | {part} |"
        )
    lines += [
        "",
        "Memory is the growth of the peak resident set during F^T u for 8 outputs in a fresh process. Decisions are "
        "set against the float storage of the same switches and selections: a switch takes one bit (1/32), a place in "
        "a pooling window one byte (1/4), a smooth unit its slope (1/1); networks of smooth units have no switches to "
        "compare with.",
    ]
    return "\n".join(lines) + "\n"


def _missed(names: list[str]) -> str:
    return f" (not on {', '.join(names)})" if names else ""


def main() -> None:
    """Measure, write the page, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="another page than docs/benchmarks.md")
    parser.add_argument("--records", type=Path, help="a JSON-lines file to resume from and add to")
    parser.add_argument("--memory", choices=("autograd", "store", "stream"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory:
        print(memory(args.networks[0], args.size, args.memory))
        return
    rows = (
        [json.loads(x) for x in args.records.read_text().splitlines()] if args.records and args.records.exists() else []
    )
    for name in args.networks:
        if any(row["network"] == name for row in rows):
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        row = measure(name, args.size, args.rounds)
        rows.append(json.loads(json.dumps(row)))
        if args.records:
            with args.records.open("a") as file:
                file.write(json.dumps(row) + "\n")
    page = table(rows, args.rounds)
    write_section("speed", page, *([args.out] if args.out else []))
    print(page)


if __name__ == "__main__":
    main()

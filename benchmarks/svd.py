"""Singular values: products and seconds of each method at the same residual, in one run.

    python benchmarks/svd.py [--networks espcn_x2 ...] [--size 32] [--out FILE]

Every contender gets the same matrix (float64, the middle of one photo), the same k and the same tolerance. The best
momentum is m = s^4 / 4 of the next singular value, which only who has it already can give. What has no test of
convergence, or would take more than its allowance, is stopped, and its residual is what it had then.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from page import machine, write_section

import linearscope as ls
from linearscope.models import default_image, load_model, read_image

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "weights"
#: Networks by name, and the published weights of those that are not bundled with any.
NETWORKS: dict[str, str | None] = {
    "espcn_x2": None,
    "edsr_small_x2": None,
    "bicubic_x2": None,
    "espcn_x3": "sr_espcn_relu_x3.safetensors",
    "fsrcnn_subpixel_x2": "sr_fsrcnn_x2.safetensors",
    "carn_m_x4": "sr_carn_m.safetensors",
}
COUNT = 10
TOL = 1e-6
#: The products that others are allowed, in those of Golub-Kahan-Lanczos.
ALLOWED = 20


@dataclass(frozen=True)
class Row:
    """One method on one network."""

    network: str
    shape: tuple[int, int]
    method: str
    products: int
    seconds: float
    residual: float | None
    converged: int


def available(names: Sequence[str] | None = None) -> list[str]:
    """The networks asked for whose weights are here."""
    return [name for name in names or NETWORKS if NETWORKS[name] is None or (SHARED / str(NETWORKS[name])).exists()]


def interpreter(name: str, size: int) -> ls.LinearInterpreter:
    """F of a network on the middle of the bundled photo."""
    file = NETWORKS[name]
    loaded = load_model(name, weights=None if file is None else SHARED / file)
    photo = read_image(default_image())
    left, top = ((length - size) // 2 for length in photo.size)
    image = loaded.preprocessing(photo.crop((left, top, left + size, top + size))).double()
    assert isinstance(loaded.module, torch.nn.Module)
    return ls.interpret(loaded.module.double(), image)


def contenders(best: ls.SVD, allowed: int) -> dict[str, dict[str, Any]]:
    """The other methods and their options; ``best`` has one singular value more than is wanted."""
    momenta = [float(value) ** 4 / 4 for value in best.singular_values[1 : COUNT + 1]]
    return {
        "ARPACK": {"method": "arpack"},
        "PROPACK": {"method": "propack"},
        "Algorithm 1, best momentum": {"method": "algorithm1", "momentum": momenta},
        "Algorithm 1, momentum found": {"method": "algorithm1"},
        "Algorithm 1, as printed": {"method": "algorithm1", "as_printed": True, "steps": (allowed - 40) // 20},
    }


def measure(name: str, size: int) -> list[Row]:
    """Every method on one network."""
    it = interpreter(name, size)
    best = ls.svd(it, COUNT + 1, tol=1e-8)
    ours = ls.svd(it, COUNT, tol=TOL)
    rows = [_row(name, it, "Golub-Kahan-Lanczos", ours)]
    allowed = ALLOWED * ours.products
    for method, options in contenders(best, allowed).items():
        print(f"{name}: {method} ...", file=sys.stderr, flush=True)
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ls.LinearscopeWarning)
            try:
                found = ls.svd(it, COUNT, tol=TOL, max_products=allowed, **options)
            except ls.InputError:
                seconds = time.perf_counter() - start
                rows.append(Row(name, it.shape, method, 0, seconds, None, 0))
                continue
        rows.append(_row(name, it, method, found))
    return rows


def _row(name: str, it: ls.LinearInterpreter, method: str, found: ls.SVD) -> Row:
    whole = len(found.residuals) == COUNT
    residual = float(found.residuals.max() / found.singular_values[0]) if whole else None
    return Row(name, it.shape, method, found.products, found.seconds, residual, int(found.converged.sum()))


def section(names: Sequence[str] | None = None, size: int = 32) -> str:
    """Measure, and write it up as a section of docs/benchmarks.md."""
    rows = [row for name in available(names) for row in measure(name, size)]
    lines = [
        "## Singular values",
        "",
        f"Products with F and its transpose, those that measure the residuals included, and seconds, for the first "
        f"{COUNT} singular triplets to a residual of {TOL:g} of the largest, on {size} x {size} pixels, float64, "
        f"on {machine()}. Others may use {ALLOWED} times the products of Golub-Kahan-Lanczos; "
        "Algorithm 1 as printed has no test of convergence and uses them all. The best momentum takes the singular "
        "values as known. Only Golub-Kahan-Lanczos looks for copies of multiple values; that is counted.",
        "",
        "| network | F | method | products | / ours | seconds | / ours | largest residual | converged |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours = next(one for one in rows if one.network == row.network)
        if row.products:
            residual = f"{row.residual:.0e}" if row.residual is not None else "not all found"
            cells = f"{row.products:,} | {row.products / ours.products:.1f} | {row.seconds:.1f} "
            cells += f"| {row.seconds / ours.seconds:.1f} | {residual} | {row.converged} of {COUNT}"
        else:
            cells = f"failed | - | {row.seconds:.1f} | - | - | 0 of {COUNT}"
        lines.append(f"| {row.network} | {row.shape[0]:,} x {row.shape[1]:,} | {row.method} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS))
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--out", type=Path, help="another page than docs/benchmarks.md")
    args = parser.parse_args()
    text = section(args.networks, args.size)
    write_section("svd", text, *([args.out] if args.out else []))
    print(text)


if __name__ == "__main__":
    main()

"""Try every model, one line of JSON each, and write the table of the docs.

``python tests/zoo/zoo.py`` resumes where it stopped; ``--again`` starts over; names as arguments try those alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):
    sys.path.insert(0, str(_ROOT))

from tests.zoo.architectures import TIMM, build, every_model, smallest_image  # noqa: E402
from tests.zoo.measure import randomise, survey  # noqa: E402

RESULTS = _ROOT / "build" / "zoo.jsonl"
TABLE = _ROOT / "docs" / "models.md"

#: Largest model, in bytes of float64 parameters, that is taken in float64; larger ones are taken in float32.
_DOUBLE = 6 << 30


def try_model(name: str, threads: int) -> dict[str, Any]:
    """Everything measured of one model, or the reason why it cannot be interpreted."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    try:
        model = build(name)
        size = sum(p.numel() for p in model.parameters())
        model = model.eval().to(torch.float64 if 8 * size <= _DOUBLE else torch.float32)
        image = smallest_image(model)
        randomise(model, image)
        output = "out" if name.startswith("segmentation:") else None
        return {"model": name, "parameters": size, **survey(model, image, output)}
    except Exception as error:
        return {
            "model": name,
            "reason": f"{type(error).__name__}: {str(error).strip()}"[:400],
            "where": "".join(traceback.format_tb(error.__traceback__)[-3:]),
        }
    finally:
        gc.collect()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="models; all of them when left out")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--retry", action="store_true", help="try failures again")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", type=Path, default=TABLE, help="where the table of the docs is written")
    args = parser.parse_args()
    args.results.parent.mkdir(parents=True, exist_ok=True)
    if args.again:
        args.results.unlink(missing_ok=True)
    done = read(args.results)
    if args.retry:
        done = {name: entry for name, entry in done.items() if "reason" not in entry}
    names = args.names or [name for name in every_model() if name not in done]
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=12)
    try:
        for place, name in enumerate(names, 1):
            try:
                entry = pool.submit(try_model, name, args.threads).result()
            except BrokenProcessPool:
                entry = {"model": name, "reason": "the process ended (out of memory?)"}
                pool = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=12)
            with args.results.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            print(f"{place}/{len(names)} {summary(entry)}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
        write_table(read(args.results), args.table)
    return 0


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The latest entry of every model tried so far."""
    if not path.exists():
        return {}
    entries = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return {entry["model"]: entry for entry in entries}


def summary(entry: dict[str, Any]) -> str:
    """One line for the terminal."""
    if "reason" in entry:
        return f"{entry['model']}: {entry['reason']}"
    numbers = " ".join(f"{error:.0e}" for kind in ("freeze", "taylor") for error in entry[kind].values())
    return f"{entry['model']} {entry['input']} {entry['operations']} operations, {entry['seconds']} s: {numbers}"


_HEAD = """# Models

Every classification and segmentation model of torchvision {torchvision} and one small member of each of {families}
families of timm {timm}, tried with random weights (batch norms and biases randomised too) on the smallest square image
of noise that the model takes. `make zoo` makes this table.

Each certificate is five numbers: the error of F x0 + r against y0; the mismatch of <F v, u> against <v, F^T u>; the
error of F (a v + b w) against a F v + b F w; the error of the input's share plus every constant's against the largest
score; and the error of a row and a column by windows against whole products. All are relative to the largest term
summed.

{verdict}
"""

_ORDER = ("reconstruction", "adjoint", "linearity", "contributions", "windows")


def write_table(entries: dict[str, dict[str, Any]], path: Path) -> None:
    """Write the table of all models tried so far."""
    from importlib.metadata import version

    good = [entry for entry in entries.values() if "reason" not in entry]
    bad = [entry for entry in entries.values() if "reason" in entry]
    worst = {
        dtype: max((e for g in group for kind in ("freeze", "taylor") for e in g[kind].values()), default=0.0)
        for dtype in sorted({g["dtype"] for g in good})
        for group in [[g for g in good if g["dtype"] == dtype]]
    }
    numbers = ", ".join(f"{error:.1e} in {dtype}" for dtype, error in worst.items())
    verdict = f"{len(good)} of {len(entries)} models are interpreted; the largest of all errors is {numbers}."
    lines = [
        _HEAD.format(torchvision=version("torchvision"), timm=version("timm"), families=len(TIMM), verdict=verdict),
        "| model | input | type | operations on the image | frozen units | freeze | taylor | export, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in sorted(good, key=_place):
        frozen = ", ".join(f"{count} {kind}" for kind, count in entry["frozen"].items())
        cells = (
            entry["model"], " x ".join(map(str, entry["input"])), entry["dtype"], entry["operations"], frozen,
            *(" ".join(f"{entry[kind][name]:.0e}" for name in _ORDER) for kind in ("freeze", "taylor")),
            entry["seconds"],
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    if bad:
        lines += ["", "## Not interpreted", "", "| model | reason |", "|---|---|"]
        lines += [
            f"| {e['model']} | {e['reason'].splitlines()[0].replace('|', ' ')} |" for e in sorted(bad, key=_place)
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.replace(path)


def _place(entry: dict[str, Any]) -> tuple[int, str]:
    source, _, name = entry["model"].partition(":")
    return ("torchvision", "segmentation", "timm").index(source), name


if __name__ == "__main__":
    raise SystemExit(main())

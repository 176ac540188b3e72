"""Do far off-diagonals of image-to-image networks come from instance norm alone?

    python benchmarks/off_diagonals.py ../shared/data/bsd100 --networks \
        transformer_net=../shared/data/weights/style_transformernet_candy.safetensors facades

For every network (``NAME`` or ``NAME=WEIGHTS``), size and photo, rows of F at random output numbers under three
interpretations of the norms: mean and deviation frozen, the deviation only, first order. Of each row: the part of the
energy outside of the structural field (where no path of convolutions leads), the part more than an eighth of the image
away, and the same parts of the sum of |row * x0|. ``facades`` is shown rendered facades that it was not trained on.
Means over photos with 95 % bootstrap intervals. ``--figure`` draws one row of the first network on the first photo.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from linearscope import capture, coupling, interpret
from linearscope.analysis.off_diagonal import structural_field
from linearscope.datasets import facade
from linearscope.interpreter.plan import INTERPRETATIONS
from linearscope.models import LoadedModel, load_model, read_image
from linearscope.report.off_diagonal_figures import coupling_figure
from linearscope.report.style import png

MEASURES = ("outside", "far", "outside_contribution", "far_contribution", "area")
SUFFIXES = {".png", ".jpg", ".jpeg"}
#: Facades of these seeds were not trained on.
FIRST_SEED = 1_000_000


def network(text: str, size: int) -> LoadedModel:
    """Load ``NAME`` or ``NAME=WEIGHTS`` with its own preprocessing at another size."""
    name, _, weights = text.partition("=")
    return load_model(name, weights=Path(weights) if weights else None, preprocess=f"resize={size},crop={size}")


def pictures(text: str, model: LoadedModel, photos: list[Path], size: int, count: int) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of the images a network is shown."""
    if text.startswith("facades"):
        for seed in range(FIRST_SEED, FIRST_SEED + count):
            pixels = facade(seed, size).photo[None].float() / 255
            lower, upper = model.preprocessing.lower, model.preprocessing.upper
            yield f"facade {seed}", pixels * (upper - lower) + lower
    else:
        for photo in photos[:count]:
            yield photo.name, model.preprocessing(read_image(photo))


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval of the mean."""
    draws = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(values[draws].mean(1), [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def title(text: str) -> str:
    """A short name for a table."""
    name, _, weights = text.partition("=")
    return f"{name} ({Path(weights).stem.split('_')[-1]})" if weights else name


def report(path: Path) -> None:
    """Print means over photos as a Markdown table."""
    groups = defaultdict(list)
    for record in map(json.loads, path.read_text().splitlines()):
        groups[title(record["network"]), record["size"], record["interpretation"]].append(record)
    print(
        "| network | side | photos | rows | norms | outside the field | far | outside, of the sum | largest outside |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    order = {name: place for place, name in enumerate(INTERPRETATIONS)}
    for (name, size, way), records in sorted(groups.items(), key=lambda item: (*item[0][:2], order[item[0][2]])):
        cells = []
        for measure in ("outside", "far", "outside_contribution"):
            mean, low, high = interval(np.array([np.mean(record[measure]) for record in records]))
            cells.append(f"{100 * mean:.1f} % ({100 * low:.1f} to {100 * high:.1f})")
        most = max(max(record["outside"]) for record in records)
        rows = sum(len(record["outside"]) for record in records)
        print(f"| {name} | {size} | {len(records)} | {rows} | {way} | {' | '.join(cells)} | {100 * most:.1f} % |")
    for (name, size, way), records in sorted(groups.items()):
        if way == "freeze":
            area = np.mean([np.mean(record["area"]) for record in records])
            exact = max(max(record["outside"]) for record in records) == 0
            print(
                f"{name} at {size}: {100 * area:.1f} % of the image lies outside of the field; frozen, exactly 0 "
                f"there: {exact}"
            )


def draw(text: str, size: int, photos: list[Path], point: tuple[int, int], file: Path) -> None:
    """One row of the middle channel under every interpretation."""
    model = network(text, size)
    _, x = next(pictures(text, model, photos, size, 1))
    program = capture(model.module, x)
    names = dict(zip(INTERPRETATIONS, ("mean and deviation frozen", "deviation frozen", "first order"), strict=True))
    rows, field = {}, None
    for way, name in names.items():
        it = interpret(program, x, interpretation=way)
        rows[name] = it.rows([(1, *point)])[0]
        field = field or structural_field(it)
    shown = None if field is None else (field[0][point[0]], field[1][point[1]])
    file.write_bytes(png(coupling_figure(rows, model.preprocessing.display(x), point, shown)))


def main() -> None:
    """Measure what is not in the file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--networks", nargs="+", default=["facades"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--points", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("off_diagonals.jsonl"))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--point", type=int, nargs=2, default=[40, 90], help="row and column of the figure's pixel")
    args = parser.parse_args()
    photos = [file for path in args.photos for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    photos = [photo for photo in photos if photo.suffix.lower() in SUFFIXES]
    if args.figure:
        draw(args.networks[0], args.sizes[0], photos, (args.point[0], args.point[1]), args.figure)
        return
    done = set()
    if args.out.exists():
        done = {(r["network"], r["size"], r["image"]) for r in map(json.loads, args.out.read_text().splitlines())}
    for size in args.sizes:
        for text in args.networks:
            model = network(text, size)
            program = None
            for name, x in pictures(text, model, photos, size, args.count):
                if (text, size, name) in done:
                    continue
                with torch.no_grad():
                    program = program or capture(model.module, x)
                found = coupling(program, x, points=args.points)
                with args.out.open("a") as file:
                    for one in found:
                        numbers = {measure: getattr(one, measure).tolist() for measure in MEASURES}
                        file.write(json.dumps({
                            "network": text, "size": size, "image": name, "interpretation": one.interpretation,
                            "near": one.near, **numbers,
                        }) + "\n")  # fmt: skip
    report(args.out)


if __name__ == "__main__":
    main()

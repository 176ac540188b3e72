"""Are the templates of the facade network triggered by pixels on edges and corners?

    python benchmarks/templates.py

On rendered facades that ``facades`` was not trained on the output is cut into connected areas of one label; for each of
the largest, the row of F of its mean colour, and the fewest input pixels that hold half of that row's energy. How many
of these lie on edges and corners of the photo, against how many of all pixels around the segment do. Means over photos
of means over segments, with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from linearscope import capture, interpret, output_segments, templates
from linearscope.datasets import FACADE_CLASSES, FACADE_PALETTE, facade
from linearscope.interpreter.plan import INTERPRETATIONS
from linearscope.models import load_model
from linearscope.progress import track

FIRST_SEED = 1_000_000


def interval(values: list[float]) -> str:
    """Mean in per cent with its 95 % bootstrap interval."""
    array = np.array(values)
    draws = np.random.default_rng(0).integers(0, len(array), (10_000, len(array)))
    low, high = np.quantile(array[draws].mean(1), [0.025, 0.975])
    return f"{100 * array.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Measure and print two tables: over all segments, and by label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=20, help="photos")
    parser.add_argument("--segments", type=int, default=20)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--interpretations", nargs="+", default=INTERPRETATIONS)
    args = parser.parse_args()
    model = load_model("facades", weights=args.weights)
    palette = np.asarray(FACADE_PALETTE) / 127.5 - 1
    program = None
    photos = defaultdict(lambda: defaultdict(list))
    labels = defaultdict(lambda: defaultdict(list))
    for seed in track(range(FIRST_SEED, FIRST_SEED + args.count), "facades"):
        x = facade(seed, args.size).photo[None].float() / 127.5 - 1
        with torch.no_grad():
            program = program or capture(model.module, x)
        for way in args.interpretations:
            it = interpret(program, x, interpretation=way)
            found = templates(it, output_segments(it.output, palette=palette.tolist()), count=args.segments)
            for one in found.items:
                name = FACADE_CLASSES[int(((palette - np.array(one.colour)) ** 2).sum(1).argmin())]
                for key in ("on_edges", "chance", "far", "half", "area"):
                    labels[way, name][key].append(getattr(one, key))
            for key in ("on_edges", "chance", "far"):
                photos[way][key].append(float(np.mean([getattr(one, key) for one in found.items])))
            photos[way]["more"].append(float(np.mean([one.on_edges - one.chance for one in found.items])))
    print("| norms | photos | triggers on edges | pixels around on edges | difference | energy far away |")
    print("|---|---|---|---|---|---|")
    for way, kept in photos.items():
        cells = [interval(kept[key]) for key in ("on_edges", "chance", "more", "far")]
        print(f"| {way} | {len(kept['far'])} | {' | '.join(cells)} |")
    print("\n| norms | label | segments | median area | median triggers | triggers on edges | around | far away |")
    print("|---|---|---|---|---|---|---|---|")
    for (way, name), kept in sorted(labels.items()):
        means = [f"{100 * np.mean(kept[key]):.1f} %" for key in ("on_edges", "chance", "far")]
        sizes = [f"{np.median(kept[key]):.0f}" for key in ("area", "half")]
        print(f"| {way} | {name} | {len(kept['far'])} | {' | '.join(sizes + means)} |")


if __name__ == "__main__":
    main()

"""Do the relevant units matter more than others: accuracy without them, and without equally many random ones.

    python benchmarks/relevant_ablation.py [--cifar test_first2000.npz] [--mnist FOLDER --lenet5 FILE]

For every network the units are found on one half of the images (of an8Flower: on training plants) and the accuracy is
measured on the other: without all identified units (the union over classes of those with a weight) and 50 draws of
equally many random ones, by ``linearscope.evaluation.ablation``; on all layers, and on convolutions alone. The final
layer's outputs are no units. Random units match the chosen ones layer by layer, or in total alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import linearscope as ls
from linearscope.datasets import an8flower
from linearscope.evaluation import ablation
from linearscope.models import LoadedModel, load_model

Half = tuple[Tensor, Tensor]


def flowers(kind: str, loaded: LoadedModel, count: int) -> tuple[Half, Half]:
    """Plants for the units, and plants at other angles for the accuracy."""

    def half(split: str) -> Half:
        images, labels, _ = an8flower(kind, split, count, side=64, seed=3)  # type: ignore[arg-type]
        lower, upper = loaded.preprocessing.lower, loaded.preprocessing.upper
        return images * (upper - lower) + lower, labels

    return half("train"), half("test")


def photos(pixels: np.ndarray, labels: np.ndarray, loaded: LoadedModel, count: int) -> tuple[Half, Half]:
    """The first ``count`` images for the units, the next for the accuracy."""
    images = torch.cat([loaded.preprocessing(Image.fromarray(one)) for one in pixels[: 2 * count]])
    truth = torch.from_numpy(labels[: 2 * count].astype(np.int64))
    return (images[:count], truth[:count]), (images[count:], truth[count:])


def measure(
    name: str, loaded: LoadedModel, halves: tuple[Half, Half], mus: list[float], draws: int, match: str
) -> list[dict]:
    """One row a bound mu and kind of layers."""
    assert isinstance(loaded.module, torch.nn.Module)
    (seen, seen_labels), (images, labels) = halves
    explainer = ls.Explainer(loaded.module, images[:16])
    rows = []
    for mu in mus:
        units = ls.relevant_units(explainer, seen, seen_labels, mu=mu)
        chosen: dict[str, list[int]] = {}
        for layer, channel in units.identified():
            chosen.setdefault(layer, []).append(channel)
        for only in (None, "conv"):
            try:
                found = ablation(explainer, images, labels, chosen, draws=draws, only=only, match=match)  # type: ignore[arg-type]
            except ls.InputError as error:
                print(name, mu, only, error)
                continue
            row = {
                "network": name, "mu": mu, "layers": only or "all", "match": match,
                "units": len(units.units), "removed": sum(found.removed.values()),
                "intact": float(found.intact.mean()), "without": float(found.without.mean()),
                "random": float(found.draws.mean()), "random_std": float(found.accuracies.std()),
                "difference": found.estimate.mean, "low": found.estimate.low, "high": found.estimate.high,
            }  # fmt: skip
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def main() -> None:
    """Measure what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--lenet5", type=Path, help="weights of mnist_lenet5")
    parser.add_argument("--count", type=int, default=480, help="images for each half")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--match", default="layers", choices=("layers", "total"))
    parser.add_argument("--mu", type=float, nargs="+", default=[1.0, 5.0, 10.0])
    parser.add_argument("--out", type=Path, default=Path("relevant-ablation.json"))
    args = parser.parse_args()
    rows: list[dict] = []
    for name, kind in (("an8flower_6c", "single-6c"), ("an8flower_12c", "double-12c")):
        loaded = load_model(name)
        rows += measure(name, loaded, flowers(kind, loaded, args.count), args.mu, args.draws, args.match)
    if args.cifar is not None:
        data = np.load(args.cifar)
        images, labels = (data[key] for key in data.files[:2])
        for name in ("small_vgg", "small_vgg_bn"):
            loaded = load_model(name)
            rows += measure(name, loaded, photos(images, labels, loaded, args.count), args.mu, args.draws, args.match)
    if args.mnist is not None:
        pixels, labels = (
            np.frombuffer(gzip.decompress((args.mnist / f"t10k-{part}-ubyte.gz").read_bytes())[skip:], np.uint8)
            for part, skip in (("images-idx3", 16), ("labels-idx1", 8))
        )
        loaded = load_model("mnist_lenet5", weights=args.lenet5)
        digits = photos(pixels.reshape(-1, 28, 28), labels, loaded, args.count)
        rows += measure("mnist_lenet5", loaded, digits, args.mu, args.draws, args.match)
    args.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

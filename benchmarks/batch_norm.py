"""What batch norm does to the residual: the small VGG pair on CIFAR-10 test images.

    python benchmarks/batch_norm.py ../shared/data/cifar10/test_first2000.npz [FOLDER_OF_SEEDS]

For every pair of networks (the bundled one, or ``small_vgg-seedN.safetensors`` with ``small_vgg_bn-seedN.safetensors``)
and every image: the residual's share of the top score in both definitions, the contribution of every convolution (its
batch norm counted with it) divided by the score, and bias / score at the output of every ReLU. Intervals are 95 %
bootstrap intervals of the mean over images of the paired difference; over pairs, mean and standard deviation.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from linearscope import capture, contributions, interpret, layerwise
from linearscope.models import load_model, load_weights
from linearscope.progress import track

NETWORKS = ("small_vgg", "small_vgg_bn")


def layers_of(model: torch.nn.Module) -> dict[str, str]:
    """Name of every constant's node to the name of the layer it counts with: conv1 ... conv8, fc1, fc2."""
    names: dict[str, str] = {}
    conv = dense = 0
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            conv += 1
            names[name] = f"conv{conv}"
        elif isinstance(module, torch.nn.BatchNorm2d):
            names[name] = f"conv{conv}"
        elif isinstance(module, torch.nn.Linear):
            dense += 1
            names[name] = f"fc{dense}"
    return names


def measure(name: str, weights: Path | None, images: np.ndarray) -> dict[str, np.ndarray]:
    """Per image: both residual shares, every layer's contribution / score, bias / score by depth, correctness."""
    loaded = load_model(name)
    if weights is not None:
        load_weights(loaded.module, weights)
    names = layers_of(loaded.module)
    relus = [n for n, m in loaded.module.named_modules() if isinstance(m, torch.nn.ReLU)]
    order = ["input", *dict.fromkeys(names.values())]
    lower, upper = loaded.preprocessing.lower, loaded.preprocessing.upper
    pixels = torch.from_numpy(images).float() / 255 * (upper - lower) + lower
    program = capture(loaded.module, pixels[:1])
    ratio, share, table, depth, top = [], [], [], [], []
    for x in track(pixels.unsqueeze(1), name, len(pixels)):
        it = interpret(program, x)
        target = int(it.output.argmax())
        c = contributions(it, target)
        row = dict.fromkeys(order, 0.0)
        row["input"] = c.input
        for node, value in c.layers.items():
            row[names[node]] += value
        form = layerwise(it, target, relus)
        top.append(target)
        ratio.append(c.residual_ratio)
        share.append(c.residual_share)
        table.append([value / c.score for value in row.values()])
        depth.append([form.layers[relu].ratio for relu in relus])
    return {
        "ratio": np.array(ratio), "share": np.array(share), "layers": np.array(table), "depth": np.array(depth),
        "top": np.array(top), "names": np.array(order), "relus": np.array(relus),
    }  # fmt: skip


def interval(values: np.ndarray) -> list[float]:
    """Mean and 95 % bootstrap interval of the mean over the first axis."""
    draws = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(values[draws].mean(1), [0.025, 0.975])
    return [float(values.mean()), float(low), float(high)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("seeds", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("batch_norm.json"))
    args = parser.parse_args()
    data = np.load(args.images)
    key = next(k for k in data.files if data[k].ndim == 4)
    images = data[key][: args.count]
    if images.shape[-1] == 3:
        images = images.transpose(0, 3, 1, 2)
    labels = data[next(k for k in data.files if data[k].ndim == 1)][: args.count]
    pairs: list[tuple[str, dict[str, Path | None]]] = [("bundled", dict.fromkeys(NETWORKS))]
    if args.seeds:
        found = sorted(args.seeds.glob("small_vgg-seed*.safetensors"))
        pairs = [
            (
                path.stem.split("-")[1],
                {"small_vgg": path, "small_vgg_bn": path.with_name(path.name.replace("vgg-", "vgg_bn-"))},
            )
            for path in found
            if path.with_name(path.name.replace("vgg-", "vgg_bn-")).exists()
        ]
    results = {}
    for seed, weights in pairs:
        plain, normed = (measure(name, weights[name], images) for name in NETWORKS)
        results[seed] = {
            "accuracy": [float((m["top"] == labels).mean()) for m in (plain, normed)],
            **{
                f"{kind}_{name}": [float(m[kind].mean()), float(m[kind].std(ddof=1)), float(np.median(m[kind]))]
                for kind in ("ratio", "share")
                for name, m in zip(NETWORKS, (plain, normed), strict=True)
            },
            **{f"{kind}_difference": interval(normed[kind] - plain[kind]) for kind in ("ratio", "share")},
            "layers": {
                str(n): [
                    [float(m["layers"][:, i].mean()), float(m["layers"][:, i].std(ddof=1))] for m in (plain, normed)
                ]
                for i, n in enumerate(plain["names"])
            },
            "bias_over_score_median": [np.median(m["depth"], 0).tolist() for m in (plain, normed)],
        }
        print(seed, json.dumps(results[seed], indent=1))
        args.out.write_text(json.dumps(results, indent=1))
    if len(results) > 1:
        for kind in ("ratio", "share"):
            differences = np.array([r[f"{kind}_difference"][0] for r in results.values()])
            print(
                f"{kind}: difference over {len(differences)} pairs "
                f"{differences.mean():.3f} +- {differences.std(ddof=1):.3f}"
            )


if __name__ == "__main__":
    main()

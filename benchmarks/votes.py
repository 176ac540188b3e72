"""Which discussion's votes overlap best with object masks: the measurement behind the default variant.

    python benchmarks/votes.py ../shared/data/voc --weights ../shared/data/weights/squeezenet1_1.safetensors

For every image with a mask, every variant, neighbourhood and set of labels: the share of pixels that vote for the top
label, how many of these lie on an object (precision), against the share of the image the objects cover (chance), and
the overlap (IoU). The label's own discussion, thresholded at the same number of pixels, is measured beside it.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from linearscope import capture, discussion, interpret, votes
from linearscope.analysis import Discussion
from linearscope.models import load_model, read_image

POOLS = (1, 9, 25)
SETS = {"all labels": None, "top 100": 100, "top 10": 10}


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Images of the folder with their masks (index masks, or RGB ones with a black background)."""
    found = []
    for image in sorted(folder.iterdir()):
        for ending in ("_mask.png", "_mask_rgb.png"):
            mask = folder / (image.stem + ending)
            if mask.exists():
                found.append((image, mask))
    return found


def object_mask(path: Path, size: int = 224, short: int = 256) -> torch.Tensor:
    """Where any object is, after the same resize and centre crop as the image; the void border counts as background."""
    mask = Image.open(path)
    array = np.array(mask)
    if array.ndim == 3:
        void = (array == (224, 224, 192)).all(-1)
        inside = (array[..., :3] != 0).any(-1) & ~void
    else:
        inside = (array != 0) & (array != 255)
    picture = Image.fromarray(inside.astype(np.uint8) * 255)
    width, height = picture.size
    scale = short / min(width, height)
    picture = picture.resize((int(width * scale), int(height * scale)), Image.Resampling.NEAREST)
    left, top = round((picture.width - size) / 2), round((picture.height - size) / 2)
    return torch.from_numpy(np.array(picture.crop((left, top, left + size, top + size))) > 127)


def subset(d: Discussion, places: list[int]) -> Discussion:
    """The discussion of some of its targets."""
    return Discussion(d.variant, tuple(d.targets[i] for i in places), d.scores[places], d.maps[places], d.scale[places])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="of squeezenet1_1; without it only the bundled model is measured")
    parser.add_argument("--layered", action="store_true", help="also the slow variant, among the top 10 labels")
    parser.add_argument("--variants", default="spread,input,printed,weighted")
    parser.add_argument("--out", type=Path, default=Path("votes.jsonl"))
    args = parser.parse_args()
    models = ([("squeezenet1_1", args.weights)] if args.weights else []) + [("efficientnet_lite0", None)]
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    done = {(r["model"], r["image"], r["variant"]) for r in map(json.loads, lines)}
    for name, weights in models:
        loaded = load_model(name, weights=weights)
        program = None
        for image, mask in pairs(args.folder):
            x = loaded.preprocessing(read_image(image))
            program = program or capture(loaded.module, x)
            it = interpret(program, x)
            inside = object_mask(mask)
            order = it.output[0].argsort(descending=True).tolist()
            for variant in [*args.variants.split(","), *(["layered"] if args.layered else [])]:
                if (name, image.name, variant) in done:
                    continue
                d = discussion(it, order[:10] if variant == "layered" else order, variant=variant)
                rows = []
                for label, count in SETS.items():
                    if variant == "layered" and count != 10:
                        continue
                    part = subset(d, list(range(min(count or len(order), len(d.targets)))))
                    for pool in POOLS:
                        won = votes(part, pool=pool).mask(order[0])
                        number, hits = int(won.sum()), int((won & inside).sum())
                        union = int((won | inside).sum())
                        smooth = torch.nn.functional.avg_pool2d(
                            d.maps[:1, None], pool, 1, pool // 2, count_include_pad=False
                        )[0, 0]
                        best = torch.zeros_like(inside).flatten()
                        best[smooth.flatten().topk(max(number, 1)).indices] = True
                        rows.append({
                            "labels": label, "pool": pool, "share": number / won.numel(),
                            "area": float(inside.double().mean()),
                            "precision": hits / number if number else None, "iou": hits / union if union else 0.0,
                            "discussion_precision": float(inside.flatten()[best].double().mean()),
                        })  # fmt: skip
                with args.out.open("a") as file:
                    file.write(json.dumps({
                        "model": name, "image": image.name, "variant": variant, "label": loaded.labels[order[0]],
                        "rows": rows,
                    }) + "\n")  # fmt: skip
    report(args.out)


def report(path: Path) -> None:
    """Print means over images as a Markdown table."""
    groups = defaultdict(list)
    for record in map(json.loads, path.read_text().splitlines()):
        for row in record["rows"]:
            groups[record["model"], record["variant"], row["labels"], row["pool"]].append(row)
    print("| model | variant | among | pool | top label's share | on objects | chance | lift | IoU |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (model, variant, labels, pool), rows in sorted(groups.items()):
        voted = [row for row in rows if row["precision"] is not None]
        mean = {key: np.mean([row[key] for row in voted]) if voted else np.nan for key in ("precision", "area")}
        print(
            f"| {model} | {variant} | {labels} | {pool} | {np.mean([row['share'] for row in rows]):.3f} "
            f"| {mean['precision']:.3f} | {mean['area']:.3f} | {mean['precision'] / mean['area']:.2f} "
            f"| {np.mean([row['iou'] for row in rows]):.3f} |"
        )


if __name__ == "__main__":
    main()

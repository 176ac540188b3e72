"""Residuals, flashlight and singular vectors of networks that make images, over several photos.

    python benchmarks/image_networks.py ../shared/data/set14 --networks bicubic_x2 espcn_x2 edsr_small_x2 \
        carn_m_x2=../shared/data/weights/sr_carn_m.safetensors transformer_net=...candy.safetensors facades

For every network (``NAME`` or ``NAME=WEIGHTS``) the middle of each photo, for an upscaler made smaller by its scale
first: |r| / |y0|, the flashlight score, and of the first singular vectors the 90 % radius, the share of the image they
cover, the mean frequency, and how many of them have a direction. ``facades`` is shown rendered facades that it was not
trained on. Prints a Markdown table of means over photos with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from off_diagonals import FIRST_SEED, SUFFIXES, interval, network, title
from PIL import Image
from torch import Tensor

import linearscope as ls
from linearscope.analysis.eigen import eigen_pairs
from linearscope.analysis.flashlight import grid_period
from linearscope.datasets import facade_photo, shrink
from linearscope.models import LoadedModel, read_image

MEASURES = {
    "residual": "\\|r\\| / \\|y0\\|",
    "flashlight": "flashlight",
    "radius": "90 % radius of eigen-inputs, px",
    "area": "area of eigen-inputs",
    "frequency": "cycles / px",
    "directed": "with a direction",
}
PERCENT = ("residual", "area", "directed")


def shown(text: str, model: LoadedModel, photo: Image.Image, scale: int, size: int) -> Tensor:
    """The middle ``size`` pixels of what a network is shown."""
    low = shrink(photo, scale)[1] if scale > 1 else photo
    left, top = (low.size[0] - size) // 2, (low.size[1] - size) // 2
    return model.preprocessing(low.crop((left, top, left + size, top + size)))


def measure(model: LoadedModel, image: Tensor, count: int) -> dict[str, float]:
    """All numbers of one network on one image."""
    assert isinstance(model.module, torch.nn.Module)
    it = ls.interpret(model.module, image)
    pairs = eigen_pairs(it, count, tol=1e-3).pairs
    seen = [pair.input_pattern for pair in pairs]
    return {
        "residual": float(it.residual.norm() / it.output.norm()),
        "flashlight": ls.flashlight(it, period=grid_period(it.program)).score,
        "radius": float(np.mean([one.radius for one in seen])),
        "area": float(np.mean([one.area for one in seen])),
        "frequency": float(np.mean([one.frequency for one in seen])),
        "directed": float(np.mean([one.orientation is not None for one in seen])),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos")
    parser.add_argument("--networks", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=6, help="photos")
    parser.add_argument("--size", type=int, default=64, help="side of the image a network is shown")
    parser.add_argument("-k", type=int, default=6, help="singular vectors")
    args = parser.parse_args()
    files = sorted(path for path in args.folder.iterdir() if path.suffix.lower() in SUFFIXES)[: args.count]
    print("| network | " + " | ".join(MEASURES.values()) + " |")
    print("|---|" + "---|" * len(MEASURES))
    for text in args.networks:
        model = network(text, args.size) if "_x" not in text else network_as_is(text)
        scale = int(text.split("_x")[1][0]) if "_x" in text else 1
        photos = [read_image(path) for path in files]
        if text == "facades":
            photos = [facade_photo(seed=FIRST_SEED + i, size=args.size) for i in range(args.count)]
        records = []
        for photo in photos:
            records.append(measure(model, shown(text, model, photo, scale, args.size), args.k))
            print(text, records[-1], file=sys.stderr, flush=True)
        cells = []
        for name in MEASURES:
            mean, low, high = interval(np.array([record[name] for record in records]))
            cells.append(
                f"{mean:.1%} ({low:.1%} to {high:.1%})" if name in PERCENT else f"{mean:.3g} ({low:.3g} to {high:.3g})"
            )
        print(f"| {title(text)} | " + " | ".join(cells) + " |", flush=True)


def network_as_is(text: str) -> LoadedModel:
    """Load ``NAME`` or ``NAME=WEIGHTS`` with its own preprocessing."""
    from linearscope.models import load_model

    name, _, weights = text.partition("=")
    return load_model(name, weights=Path(weights) if weights else None)


if __name__ == "__main__":
    main()

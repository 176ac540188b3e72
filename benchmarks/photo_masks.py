"""A folder of real photos with labels and masks for ``linearscope evaluate``, from ImageNet photos and a segmenter.

    python benchmarks/photo_masks.py ../shared/data/imagenet deeplabv3_mnv2_voc.safetensors OUT

Photos are named ``NNNN_*.jpg`` by their ImageNet class. Those whose class belongs to one of Pascal VOC's are kept when
DeepLabV3 finds that object in the middle square on 2 to 80 % of its pixels. **The masks are predictions**, not a
person's; every figure measured on them says so.
"""

from __future__ import annotations

import argparse
import csv
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from linearscope.models import load_model, read_image
from linearscope.progress import track

# Pascal VOC's index: the ImageNet classes that are one of its objects.
OBJECTS: dict[int, set[int]] = {
    1: {404},
    2: {444, 671},
    3: set(chain(range(7, 25), range(80, 101), range(127, 147))),
    4: {472, 554, 576, 625, 814, 914},
    5: {440, 720, 737, 898, 907},
    6: {654, 779, 874},
    7: {407, 436, 468, 511, 609, 627, 656, 661, 751, 817},
    8: set(range(281, 286)),
    9: {423, 559, 765},
    10: {345},
    11: {532},
    12: set(range(151, 269)),
    13: {339},
    14: {665, 670},
    16: {738},
    17: {348},
    18: {831},
    19: {466, 547, 820},
    20: {664, 782, 851},
}
SIDE = 513
LEAST, MOST = 0.02, 0.8


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("weights", type=Path, help="of deeplabv3_mnv2_voc")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    segmenter = load_model("deeplabv3_mnv2_voc", weights=args.weights).module
    assert isinstance(segmenter, torch.nn.Module)
    for name in ("images", "masks"):
        (args.out / name).mkdir(parents=True, exist_ok=True)
    kept: list[tuple[str, int]] = []
    for path in track(sorted(args.photos.glob("[0-9]*_*.jpg")), "segmenting"):
        label = int(path.name.split("_")[0])
        wanted = next((voc for voc, classes in OBJECTS.items() if label in classes), None)
        if wanted is None:
            continue
        photo = read_image(path)
        scale = SIDE / max(photo.size)
        small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BILINEAR)
        x = torch.from_numpy(np.array(small)).permute(2, 0, 1).float().unsqueeze(0) / 127.5 - 1
        # The segmenter takes squares; what lies beside the photo is grey.
        x = F.pad(x, (0, SIDE - small.width, 0, SIDE - small.height))
        with torch.no_grad():
            found = segmenter(x)[0].argmax(0)[: small.height, : small.width] == wanted
        mask = Image.fromarray(found.numpy().astype(np.uint8) * 255).resize(photo.size, Image.Resampling.NEAREST)
        side = min(photo.size)
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        share = float((np.array(mask.crop((left, top, left + side, top + side))) > 0).mean())
        if LEAST <= share <= MOST:
            photo.save(args.out / "images" / f"{path.stem}.png")
            mask.save(args.out / "masks" / f"{path.stem}.png")
            kept.append((path.stem, label))
    with (args.out / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(kept)
    print(f"{len(kept)} photos with predicted masks in {args.out}")


if __name__ == "__main__":
    main()

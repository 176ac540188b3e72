"""Train the classifiers of rendered plants, one for each kind of an8Flower.

    python training/train_an8flower.py --out runs

renders the plants (kept in ``runs``, so that they are rendered once), trains one network for each kind and seed and
writes ``an8flower_<6c|12c>-seed<k>.safetensors`` and a JSON of the same name with its metrics and how it was made. A
network whose JSON is there and was made with the same settings is not trained again; one that was stopped goes on from
the last epoch, with the same batches as if it had not been stopped.

* ``linearscope.networks.FlowerNet`` on 64 x 64 pixels: seven 3 x 3 convolutions with batch norm, a global average and
  one linear layer; 0.2 million parameters. Initial weights are torch's.
* Training plants are the first ``--plants`` of the split "train"; 1,200 held-out ones the first of the split "test",
  whose angles are of other blocks. Half of the training plants are mirrored, afresh in every epoch; nothing else is
  varied.
* Cross-entropy; AdamW; learning rate up linearly over the first 10 % of all steps, then down to zero along half a
  cosine.

The held-out plants are looked at once, after the last step. Convolutions may run in bfloat16 (``--precision bf16``);
weights, the loss and the final metrics are float32.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from linearscope.datasets import AN8FLOWER_CLASSES, an8flower
from linearscope.networks import FlowerNet
from linearscope.progress import track

KINDS: dict[str, Literal["single-6c", "double-12c"]] = {"6c": "single-6c", "12c": "double-12c"}
SIDE = 64
HELD_OUT = 1200
WARMUP = 0.1
MEAN, STD = 0.5, 0.25


def write_whole(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def rendered(folder: Path, short: str, split: Literal["train", "test"], count: int) -> tuple[Tensor, Tensor]:
    """Photos uint8 (N, 3, H, W) and labels int64 (N,), from the folder or made and kept there."""
    path = folder / f"an8flower_{short}-{split}-{count}.safetensors"
    if not path.exists():
        photos, labels, step = [], [], 200
        for start in track(range(0, count, step), f"rendering {short}, {split}"):
            images, classes, _ = an8flower(KINDS[short], split, min(step, count - start), SIDE, start=start)
            photos.append((255 * images).round().to(torch.uint8))
            labels.append(classes)
        write_whole(path, save({"photos": torch.cat(photos), "labels": torch.cat(labels)}))
    both = load(path.read_bytes())
    return both["photos"], both["labels"]


def normalised(photos: Tensor) -> Tensor:
    """From uint8 to the network's input."""
    return (photos.float() / 255 - MEAN) / STD


def pace(step: int, total: int) -> float:
    """Fraction of the peak learning rate at a step."""
    done = (step + 1) / total
    if done < WARMUP:
        return done / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


def train(
    short: str, seed: int, photos: Tensor, labels: Tensor, settings: argparse.Namespace, checkpoint: Path
) -> nn.Module:
    """Train one network, going on from a checkpoint that fits."""
    torch.manual_seed(seed)
    model = FlowerNet(len(AN8FLOWER_CLASSES[KINDS[short]])).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    made, first = recipe(settings, short, seed), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["recipe"] == made:
            model.load_state_dict(saved["model"])
            optimiser.load_state_dict(saved["optimiser"])
            first = saved["epoch"]
            print(f"  from epoch {first}", flush=True)
    per_epoch = len(photos) // settings.batch
    total, begin = settings.epochs * per_epoch, time.monotonic()
    for epoch in track(range(first, settings.epochs), f"{short}, seed {seed}"):
        generator = torch.Generator().manual_seed(1000 * seed + epoch)
        order = torch.randperm(len(photos), generator=generator)
        running = right = 0.0
        for k in range(per_epoch):
            chosen = order[k * settings.batch : (k + 1) * settings.batch]
            mirrored = torch.rand(len(chosen), generator=generator) < 0.5
            inputs = torch.where(mirrored[:, None, None, None], photos[chosen].flip(-1), photos[chosen])
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * pace(epoch * per_epoch + k, total)
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
                scores = model(normalised(inputs).contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.float(), labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            running += float(loss.detach()) / per_epoch
            right += float((scores.argmax(1) == labels[chosen]).float().mean()) / per_epoch
        seconds = time.monotonic() - begin
        print(f"  epoch {epoch + 1:2d}  loss {running:.4f}  training accuracy {right:.4f}  {seconds:.0f} s", flush=True)
        if not math.isfinite(running):
            raise SystemExit(f"The loss of {short}, seed {seed}, is not finite; lower --learning-rate.")
        part = checkpoint.with_name(checkpoint.name + ".part")
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch + 1, "recipe": made}
        torch.save(state, part)
        part.replace(checkpoint)
    return model


@torch.no_grad()
def measure(model: nn.Module, photos: Tensor, labels: Tensor, names: tuple[str, ...]) -> dict[str, object]:
    """Accuracy in all and by class, in float32 and evaluation mode."""
    model.eval()
    right = torch.cat([model(normalised(part)).argmax(1) for part in photos.split(100)]) == labels
    each = {name: round(float(right[labels == k].double().mean()), 4) for k, name in enumerate(names)}
    return {"accuracy": float(right.double().mean()), "by_class": each}


def recipe(settings: argparse.Namespace, short: str, seed: int) -> dict[str, object]:
    """Everything the result depends on, as it is written beside the weights."""
    return {
        "kind": KINDS[short],
        "seed": seed,
        "side": SIDE,
        "train_plants": settings.plants,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "warmup": WARMUP,
        "precision": settings.precision,
    }


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train classifiers of rendered plants.")
    parser.add_argument("--out", type=Path, required=True, help="folder for plants, weights and metrics")
    parser.add_argument("--kinds", choices=list(KINDS), nargs="+", default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--plants", type=int, default=9600, help="how many training plants are rendered")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    return parser.parse_args()


def main() -> None:
    """Train what is asked for and not yet there."""
    settings = parse()
    settings.out.mkdir(parents=True, exist_ok=True)
    for short in settings.kinds:
        photos, labels = rendered(settings.out, short, "train", settings.plants)
        test_photos, test_labels = rendered(settings.out, short, "test", HELD_OUT)
        for seed in settings.seeds:
            name = f"an8flower_{short}-seed{seed}"
            record, checkpoint = settings.out / f"{name}.json", settings.out / f"{name}.checkpoint"
            made = recipe(settings, short, seed)
            if record.exists() and json.loads(record.read_text())["recipe"] == made:
                print(f"{name}: already there", flush=True)
                continue
            print(name, flush=True)
            begin = time.process_time()
            model = train(short, seed, photos, labels, settings, checkpoint)
            seconds = time.process_time() - begin
            metrics = measure(model, test_photos, test_labels, AN8FLOWER_CLASSES[KINDS[short]])
            state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
            write_whole(settings.out / f"{name}.safetensors", save(state, metadata={"format": "pt"}))
            entry = {
                **metrics,
                "held_out_plants": len(test_photos),
                "parameters": sum(p.numel() for p in model.parameters()),
                "processor_seconds": round(seconds),
                "torch": torch.__version__,
                "machine": f"cpu, {platform.machine()}",
                "recipe": made,
            }
            write_whole(record, (json.dumps(entry, indent=2) + "\n").encode())
            print(json.dumps(metrics, indent=2), flush=True)


if __name__ == "__main__":
    main()

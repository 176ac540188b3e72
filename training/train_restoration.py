"""Train the upscalers and the denoisers that come with the package.

    python training/train_restoration.py --data photos --out runs
    python training/train_restoration.py --data photos --out runs --networks denoiser denoiser_biased

``photos`` holds the folders ``bsd100`` and ``imagenet`` to learn from, and ``set5`` and ``set14``, which are only
measured on, once, after the last step: no setting is chosen by them here. For each network ``NAME.safetensors`` and
``NAME.json``, with its figures and how it was made, are written to ``--out``, and all figures to ``summary.json``. A
network whose JSON is there and was made with the same settings is not trained again, and one that was stopped goes on
from its last checkpoint.

One recipe for all four:

* Photos: those of ``bsd100`` as they are; those of ``imagenet`` at half their size, which removes most of what JPEG
  left in them. Random square patches, turned and mirrored at random.
* Upscalers see the low resolution (antialiased bicubic, rounded to 8 bits) and are compared with the photo. Denoisers
  see the photo with Gaussian noise, of a standard deviation that is uniform from 5 to 40 of 255 and differs from patch
  to patch; neither noise nor sum is rounded or clipped.
* Mean absolute error, Adam, learning rate up linearly over the first 2 % of the steps and then down to zero along half
  a cosine, gradient norm clipped at 1.
* Convolutions may run in bfloat16 (``--precision bf16``); weights, their updates and all figures are float32.

The two denoisers differ by their biases alone: same size, same seed, same patches, same noise.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor, nn

from linearscope.datasets import luma, psnr, read_photos, shrink
from linearscope.networks import EDSR, ESPCN, Bicubic, DnCNN
from linearscope.progress import track

SCALE = 2
SIGMAS = (5.0, 40.0)
MEASURED_SIGMAS = (5, 10, 15, 25, 40, 55, 75)
WARMUP = 0.02
CLIP = 1.0
SAVED_EVERY = 250


@dataclass(frozen=True)
class Recipe:
    """What one network is and how it is trained."""

    make: Callable[[], nn.Module]
    scale: int
    patch: int
    batch: int
    steps: int
    learning_rate: float

    def described(self, settings: argparse.Namespace) -> dict[str, object]:
        """Everything the result depends on, as it is written beside the weights."""
        known = {key: value for key, value in asdict(self).items() if key != "make"}
        steps = settings.steps or self.steps
        return {**known, "steps": steps, "seed": settings.seed, "precision": settings.precision, "sigmas": list(SIGMAS)}


RECIPES = {
    "espcn_x2": Recipe(lambda: ESPCN(SCALE, channels=3), SCALE, 64, 8, 10000, 1e-3),
    "edsr_small_x2": Recipe(lambda: EDSR(SCALE, blocks=8, width=32, white=1.0), SCALE, 64, 8, 8000, 1e-3),
    "denoiser": Recipe(lambda: DnCNN(3, depth=8, width=32, bias=False), 1, 40, 16, 4500, 1e-3),
    "denoiser_biased": Recipe(lambda: DnCNN(3, depth=8, width=32, bias=True), 1, 40, 16, 4500, 1e-3),
}


def planes(photo: Image.Image) -> Tensor:
    """Return a photo as uint8 ``(3, H, W)``."""
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous()


def picture(image: Tensor) -> np.ndarray:
    """Return ``(1, 3, H, W)`` from 0 to 1 as RGB from 0 to 255, clipped and not rounded."""
    return image[0].permute(1, 2, 0).double().clamp(0, 1).numpy() * 255


def pairs(data: Path, scale: int) -> list[tuple[Tensor, Tensor]]:
    """Return the photos to learn from, each with its low resolution (itself where the scale is 1)."""
    halves = [shrink(photo, 2)[1] for photo in read_photos(data / "imagenet")]
    return [tuple(map(planes, shrink(photo, scale))) for photo in [*read_photos(data / "bsd100"), *halves]]


def patches(
    photos: Sequence[tuple[Tensor, Tensor]], recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw a batch of patches; return the photo's and the low resolution's, from 0 to 1."""

    def draw(below: int) -> int:
        return int(torch.randint(below, (), generator=generator))

    size, highs, lows = recipe.patch // recipe.scale, [], []
    for _ in range(recipe.batch):
        high, low = photos[draw(len(photos))]
        top, left, turn, mirror = (draw(low.shape[1] - size + 1), draw(low.shape[2] - size + 1), draw(4), draw(2))
        for source, scale, found in ((high, recipe.scale, highs), (low, 1, lows)):
            patch = source[:, top * scale : (top + size) * scale, left * scale : (left + size) * scale]
            patch = torch.rot90(patch, turn, (1, 2))
            found.append(patch.flip(2) if mirror else patch)
    return torch.stack(highs).float() / 255, torch.stack(lows).float() / 255


def pace(step: int, total: int) -> float:
    """Fraction of the peak learning rate at a step."""
    done = (step + 1) / total
    return done / WARMUP if done < WARMUP else 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


def train(name: str, photos: Sequence[tuple[Tensor, Tensor]], settings: argparse.Namespace) -> tuple[nn.Module, float]:
    """Train one network, from its last checkpoint if it has one; return it and the seconds this took."""
    recipe = RECIPES[name]
    made = recipe.described(settings)
    total = int(str(made["steps"]))
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    model = recipe.make().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=recipe.learning_rate)
    checkpoint, begin, spent, running = settings.out / f"{name}.checkpoint", 0, 0.0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["recipe"] == made:
            model.load_state_dict(saved["model"])
            optimiser.load_state_dict(saved["optimiser"])
            generator.set_state(saved["generator"])
            begin, spent = saved["step"], saved["seconds"]
            print(f"{name}: goes on at step {begin}", flush=True)
    clock = time.monotonic()
    for step in track(range(begin, total), name):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * pace(step, total)
        high, low = patches(photos, recipe, generator)
        if recipe.scale == 1:
            deviations = torch.empty(len(low), 1, 1, 1).uniform_(*SIGMAS, generator=generator) / 255
            low = low + deviations * torch.randn(low.shape, generator=generator)
        low = low.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            result = model(low)
        loss = (result.float() - high).abs().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        running += float(loss.detach())
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == total:
            seconds = spent + time.monotonic() - clock
            print(f"  step {step + 1:6d}  error {255 * running / SAVED_EVERY:.3f} levels  {seconds:.0f} s", flush=True)
            if not math.isfinite(running):
                raise SystemExit("The error is not finite; lower the learning rate.")
            running = 0.0
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            part = checkpoint.with_name(checkpoint.name + ".part")
            torch.save({**state, "generator": generator.get_state(), "seconds": seconds, "recipe": made}, part)
            part.replace(checkpoint)
    return model.eval(), spent + time.monotonic() - clock


@torch.no_grad()
def measure_upscaler(model: nn.Module, data: Path) -> dict[str, object]:
    """PSNR of luma on Set5 and Set14, border cut by the scale, beside bicubic interpolation."""
    figures: dict[str, object] = {}
    rivals = {"psnr": model, "bicubic": Bicubic(SCALE), "bicubic_075": Bicubic(SCALE, a=-0.75)}
    for folder in ("set5", "set14"):
        found: dict[str, list[float]] = {rival: [] for rival in rivals}
        for photo in read_photos(data / folder):
            high, low = shrink(photo, SCALE)
            image = planes(low)[None].float() / 255
            for rival, network in rivals.items():
                found[rival].append(psnr(luma(picture(network(image))), luma(high), border=SCALE))
        figures[folder] = {rival: round(float(np.mean(values)), 3) for rival, values in found.items()}
    return figures


@torch.no_grad()
def measure_denoiser(model: nn.Module, data: Path) -> dict[str, object]:
    """PSNR of RGB on Set14 by noise level, the noise drawn from a fixed seed."""
    figures = {}
    photos = read_photos(data / "set14")
    for sigma in MEASURED_SIGMAS:
        generator = torch.Generator().manual_seed(0)
        noisy, clean = [], []
        for photo in photos:
            image = planes(photo)[None].float() / 255
            seen = image + sigma / 255 * torch.randn(image.shape, generator=generator)
            noisy.append(psnr(picture(seen), np.array(photo)))
            clean.append(psnr(picture(model(seen)), np.array(photo)))
        figures[str(sigma)] = {"noisy": round(float(np.mean(noisy)), 3), "psnr": round(float(np.mean(clean)), 3)}
    return {"set14": figures}


def write_whole(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def summarise(out: Path) -> None:
    """Collect the JSON of every network in the folder into ``summary.json``."""
    found = {
        name: json.loads((out / f"{name}.json").read_text()) for name in RECIPES if (out / f"{name}.json").exists()
    }
    write_whole(out / "summary.json", (json.dumps(found, indent=2) + "\n").encode())


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the bundled upscalers and denoisers.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds bsd100, imagenet, set5 and set14")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and figures")
    parser.add_argument("--networks", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--steps", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    return parser.parse_args()


def main() -> None:
    """Train what is asked for and not yet there."""
    settings = parse()
    settings.out.mkdir(parents=True, exist_ok=True)
    for name in settings.networks:
        recipe = RECIPES[name]
        made = recipe.described(settings)
        record = settings.out / f"{name}.json"
        if record.exists() and json.loads(record.read_text())["recipe"] == made:
            print(f"{name}: already there", flush=True)
            continue
        print(name, flush=True)
        model, seconds = train(name, pairs(settings.data, recipe.scale), settings)
        figures = (measure_denoiser if recipe.scale == 1 else measure_upscaler)(model, settings.data)
        state = {key: value.detach().contiguous() for key, value in model.state_dict().items()}
        write_whole(settings.out / f"{name}.safetensors", save(state, metadata={"format": "pt"}))
        entry = {
            **figures,
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "seconds": round(seconds),
            "torch": torch.__version__,
            "machine": f"cpu, {platform.machine()}",
            "recipe": made,
        }
        write_whole(record, (json.dumps(entry, indent=2) + "\n").encode())
        print(f"{name}: {figures}, {seconds:.0f} s", flush=True)
    summarise(settings.out)


if __name__ == "__main__":
    main()

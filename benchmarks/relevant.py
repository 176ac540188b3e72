"""Relevant units: what the scores cost over a plain forward pass, and the lasso beside scikit-learn's.

scikit-learn solves the penalised form, one class at a time; it is given the penalty that belongs to our solution and
timed on a few classes, and the time for all is its mean times their number.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import numpy as np
import torch
from page import machine, write_section

import linearscope as ls
from linearscope.concepts import UnitScorer, lasso
from linearscope.models.torchvision_compat import declare_operators

SCORES_GOAL = 1.3


@torch.no_grad()
def scores(name: str, images: int, batch: int) -> tuple[float, float, int]:
    """Seconds of a plain forward pass and of one with scores, over all images, and the number of units."""
    declare_operators()
    from torchvision.models import get_model

    torch.manual_seed(0)
    model = get_model(name, weights=None).eval()
    portions = [torch.rand(batch, 3, 224, 224) for _ in range(4)]
    scorer = UnitScorer(ls.capture(model, portions[0]))
    seconds = {"plain": 0.0, "scored": 0.0}
    for x in portions[:2]:
        model(x), scorer(x)
    for number in range(-(-images // batch)):
        x = portions[number % len(portions)]
        for name_of, run in (("plain", model), ("scored", scorer)):
            start = time.perf_counter()
            run(x)
            seconds[name_of] += time.perf_counter() - start
    return seconds["plain"], seconds["scored"], scorer.units


def solve(classes: int, units: int, samples: int, mu: float, timed: int) -> dict[str, float]:
    """Seconds of ours for all classes and of scikit-learn's extrapolated from a few, and how far they differ."""
    from sklearn.linear_model import Lasso

    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(samples, units, generator=generator, dtype=torch.float64) ** 8
    labels = torch.arange(samples) % classes
    # Every class has ten units that answer to it.
    for c in range(classes):
        chosen = torch.randperm(units, generator=generator)[:10]
        rows[labels == c, chosen[:, None]] += 2 * torch.rand(10, 1, generator=generator, dtype=torch.float64)
    rows /= rows.norm(dim=1, keepdim=True)
    truth = torch.nn.functional.one_hot(labels, classes).double()
    start = time.perf_counter()
    found = lasso(rows, truth, mu)
    ours = time.perf_counter() - start
    weights = found.weights
    seconds, apart = [], []
    matrix = np.asfortranarray(rows.numpy())
    for c in range(timed):
        w = weights[:, c]
        residual = rows.T @ (truth[:, c] - rows @ w)
        penalty = float(residual.abs().max()) / samples
        start = time.perf_counter()
        other = Lasso(alpha=penalty, fit_intercept=False, tol=1e-8, max_iter=10_000).fit(matrix, truth[:, c].numpy())
        seconds.append(time.perf_counter() - start)
        apart.append(float((torch.from_numpy(other.coef_) - w).abs().max()))
    return {"ours": ours, "scikit-learn": statistics.mean(seconds) * classes, "apart": max(apart)}


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--mu", type=float, default=1.0)
    parser.add_argument("--timed", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [
        f"## Relevant units\n\n{machine()}. Scores of every channel beside a plain forward pass, {args.images:,} "
        f"images of 224 x 224 in batches of {args.batch}, pass by pass in turns. Goal: at most {SCORES_GOAL}.\n",
        "| network | units | plain pass | with scores | ratio | goal |\n|---|---|---|---|---|---|",
    ]
    for name in ("resnet18",):
        plain, scored, units = scores(name, args.images, args.batch)
        goal = "met" if scored / plain <= SCORES_GOAL else "missed"
        lines.append(f"| {name} | {units:,} | {plain:.1f} s | {scored:.1f} s | {scored / plain:.2f} | {goal} |")
        print(lines[-1], flush=True)
    found = solve(args.classes, args.units, args.samples, args.mu, args.timed)
    lines.append(
        f"\nThe lasso for {args.classes:,} classes and {args.units:,} units on {args.samples:,} images, mu "
        f"{args.mu:g}, float64: {found['ours']:.1f} s for all classes together; scikit-learn's coordinate descent, "
        f"given each class's own penalty, {found['scikit-learn']:.0f} s ({args.timed} classes timed, the rest "
        f"extrapolated), {found['scikit-learn'] / found['ours']:.1f} times ours. Weights differ by at most "
        f"{found['apart']:.0e}."
    )
    print(lines[-1], flush=True)
    write_section("relevant", "\n".join(lines))


if __name__ == "__main__":
    main()

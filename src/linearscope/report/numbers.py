"""The numbers of a tour as plain values, for ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from linearscope.analysis import Attack, ClassificationTour, Contributions, Explained, Layerwise, Reach
from linearscope.analysis.statistics import FolderStatistics
from linearscope.interpreter import Certificate
from linearscope.report.about import About
from linearscope.report.stages import stage_depth

__all__ = [
    "STATISTICS_SCHEMA",
    "TOUR_SCHEMA",
    "about_numbers",
    "certificate_numbers",
    "statistics_numbers",
    "top",
    "tour_numbers",
]

TOUR_SCHEMA: Final = "linearscope.tour/1"
STATISTICS_SCHEMA: Final = "linearscope.statistics/1"


def top(explained: Explained, count: int = 5) -> list[int]:
    """Return the labels with the highest scores."""
    found: list[int] = explained.scores.argsort(descending=True)[:count].tolist()
    return found


def tour_numbers(tour: ClassificationTour, about: About) -> dict[str, Any]:
    """Everything that the page of a tour says in numbers; values that are not finite are left for the writer."""
    return {
        "schema": TOUR_SCHEMA,
        "about": about_numbers(about),
        "before": _explained(tour.before, about),
        "attack": None if tour.attack is None else _attack(tour.attack, about),
        "after": None if tour.after is None else _explained(tour.after, about),
        "reach": None if tour.reach is None else _reach(tour.reach),
    }


def statistics_numbers(found: FolderStatistics, about: About) -> dict[str, Any]:
    """Everything that the page of a folder says in numbers."""
    return {
        "schema": STATISTICS_SCHEMA,
        "about": about_numbers(about),
        "images": len(found.records),
        "residual_ratio": asdict(found.residual_ratio),
        "residual_share": asdict(found.residual_share),
        "layers": {
            "images": found.counted,
            "names": found.names,
            "mean": found.mean,
            "std": found.std,
        },
        "records": [asdict(one) for one in found.records],
    }


def about_numbers(about: About) -> dict[str, Any]:
    """Where the numbers come from."""
    return {
        "model": about.model,
        "source": about.source,
        "image": about.image,
        "preprocessing": about.preprocessing,
        "command": about.command,
        "seconds": about.seconds,
        "versions": dict(about.versions),
        "notes": about.notes,
    }


def _explained(one: Explained, about: About) -> dict[str, Any]:
    labels = list(dict.fromkeys([*top(one), *one.shown]))
    return {
        "image_shape": tuple(one.image.shape),
        "predictions": [
            {
                "label": label,
                "name": about.name(label),
                "score": float(one.scores[label]),
                "probability": float(one.probabilities[label]),
            }
            for label in sorted(labels, key=lambda label: -float(one.scores[label]))
        ],
        "scores": one.scores.tolist(),
        "shown": one.shown,
        "certificate": certificate_numbers(one.certificate),
        "contributions": [_contributions(c, about) for c in one.contributions.values()],
        "layerwise": _layerwise(one.layerwise, about),
        "discussion": {
            "variant": one.discussion.variant,
            "maps": [
                {
                    "label": label,
                    "name": about.name(label),
                    "sum": float(values.double().sum()),
                    "for": float(values.double().clamp(min=0).sum()),
                    "against": float(values.double().clamp(max=0).sum()),
                    "scale": float(scale),
                }
                for label, values, scale in zip(
                    one.discussion.targets, one.discussion.maps, one.discussion.scale, strict=True
                )
            ],
        },
        "votes": {
            "pool": one.votes.pool,
            "labels": len(one.votes.targets),
            "ranking": [
                {"label": label, "name": about.name(label), "share": share} for label, share in one.votes.ranking()
            ],
        },
    }


def certificate_numbers(one: Certificate) -> dict[str, Any]:
    """The proof of an interpreter."""
    return {
        "reconstruction": one.reconstruction,
        "adjoint": one.adjoint,
        "tolerance": one.tolerance,
        "dtype": str(one.dtype).removeprefix("torch."),
        "interpretation": one.interpretation,
        "frozen": dict(one.frozen),
        "notes": one.notes,
    }


def _contributions(c: Contributions, about: About) -> dict[str, Any]:
    layers: Mapping[str, float] = dict(c.layers)
    return {
        "label": c.target,
        "name": about.name(c.target),
        "score": c.score,
        "input": c.input,
        "residual": c.residual,
        "residual_ratio": c.residual_ratio,
        "residual_share": c.residual_share,
        "error": c.error,
        "layers": layers,
        "stages": c.grouped(stage_depth(list(layers))),
    }


def _layerwise(form: Layerwise, about: About) -> dict[str, Any]:
    return {
        "label": form.target,
        "name": about.name(form.target),
        "score": form.score,
        "layers": [
            {
                "layer": name,
                "weighted": one.weighted,
                "bias": one.bias,
                "ratio": one.ratio,
                "share": one.share,
                "map_shape": None if one.map is None else tuple(one.map.shape),
            }
            for name, one in form.layers.items()
        ],
    }


def _attack(one: Attack, about: About) -> dict[str, Any]:
    return {
        "epsilon": one.epsilon,
        "label": one.label,
        "name": about.name(one.label),
        "before": one.before,
        "after": one.after,
        "after_name": about.name(one.after),
        "success": one.success,
        "gradients": one.steps,
    }


def _reach(one: Reach) -> dict[str, Any]:
    return {
        "step": one.step,
        "distance": one.distance,
        "layer": one.layer,
        "exact": one.exact,
        "layers": dict(one.layers),
        "distances": one.distances,
        "changed": one.changed,
    }

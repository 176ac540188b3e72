"""The page of an evaluation: methods by metrics."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from linearscope.evaluation import Estimate
from linearscope.evaluation.metrics import METRICS
from linearscope.evaluation.results import Evaluated, Evaluation
from linearscope.report import evaluate_words as words
from linearscope.report.about import About
from linearscope.report.evaluate_figures import SHOWN, contact_sheet, curves_chart, ranking_chart, seconds_chart
from linearscope.report.numbers import about_numbers
from linearscope.report.output import FIGURES, PAGE, RESULT, VALUES, replacing, write_json
from linearscope.report.page import Figures, render
from linearscope.report.style import HALF, WIDE
from linearscope.report.words import amount, signed

__all__ = ["EVALUATE_SCHEMA", "evaluation_numbers", "write_evaluation"]

EVALUATE_SCHEMA: Final = "linearscope.evaluate/1"


def write_evaluation(found: Evaluation, about: About, out: Path) -> Path:
    """Write an evaluation as one HTML page that opens offline, with figures, values and numbers beside it.

    Parameters
    ----------
    found
        From :func:`linearscope.evaluation.protocol.evaluate`.
    about
        Where it comes from; ``image`` names the data.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.

    Returns
    -------
    Path
        Of ``index.html``. Beside it are ``result.json``, ``figures/`` and, for every metric, ``values/METRIC.npz`` with
        the values ``(n,)`` of every method under its name, its curves ``(n, T)`` under ``METHOD.curve`` and what lies
        along them under ``x``; ``values/images.npz`` holds the images' ``names`` and ``targets``.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    with replacing(out) as folder:
        (folder / VALUES).mkdir()
        figures = Figures(folder / FIGURES)
        photos = [about.display(image[None]) for image in found.images]
        order = found.ranking(next(iter(found.metrics)))
        titles = [about.name(int(target)) for target in found.targets[: len(photos)]]
        page = render(
            "evaluate.html",
            about=about,
            title=words.headline(found),
            sentence=words.asked(found, about),
            images=len(found.names),
            metrics=[_metric(found, metric, figures) for metric in found.metrics],
            rows=[
                _row(found, row) for row in sorted(found.rows, key=lambda row: (row.baseline, order.index(row.name)))
            ],
            titles=titles[:SHOWN],
            masks=found.masks is not None,
            sheet=figures.chart(
                "heat-maps",
                "Heat maps of every method on the same images",
                lambda width: contact_sheet(found, photos, width=width),
                WIDE,
            ),
            seconds=figures.chart(
                "seconds", "Seconds an image of every method", lambda width: seconds_chart(found, width=width), HALF
            ),
            against=found.against,
            left_out=[{"name": name, "reason": reason} for name, reason in found.left_out.items()],
        )
        (folder / PAGE).write_text(page, encoding="utf-8")
        _write_values(found, folder / VALUES)
        write_json(folder / RESULT, {**evaluation_numbers(found, about), "figures": figures.files})
    return out / PAGE


def _metric(found: Evaluation, metric: str, figures: Figures) -> dict[str, Any]:
    one = METRICS[metric]
    curves = any(row.scored[metric].curve is not None for row in found.rows)
    reference = found.reference(metric)
    rows = []
    for name in found.ranking(metric):
        difference = found.compared[metric].get(name)
        rows.append(
            {
                "name": name,
                "baseline": found[name].baseline,
                "mean": amount(found[name].scored[metric].estimate.mean),
                "interval": words.bounds(found[name].scored[metric].estimate),
                "difference": "–" if difference is None else signed(difference.mean),
                "bounds": "–" if difference is None else words.bounds(difference),
                "verdict": words.verdict(found, metric, name),
            }
        )
    return {
        "name": metric,
        "title": one.title,
        "source": one.source,
        "better": one.better,
        "asks": one.asks,
        "limits": one.limits,
        "lead": words.lead(found, metric),
        "options": ", ".join(f"{name} = {value}" for name, value in found.metrics[metric].items()),
        "reference": reference,
        "rows": rows,
        "ranking": figures.chart(
            f"{metric}-ranking",
            f"{one.title}: mean and 95 % interval of every method, the best on top",
            lambda width: ranking_chart(found, metric, width=width),
            HALF,
        ),
        "curves": figures.chart(
            f"{metric}-curves",
            f"{one.title}: mean curves",
            lambda width: curves_chart(found, metric, width=width),
            HALF,
        )
        if curves
        else None,
    }


def _row(found: Evaluation, row: Evaluated) -> dict[str, Any]:
    cells = []
    for metric in found.metrics:
        one = row.scored[metric].estimate
        cells.append(
            {
                "mean": amount(one.mean),
                "interval": words.bounds(one),
                "best": row.name == found.best(metric),
                "tied": row.name in found.ties[metric],
                "low": not row.baseline and row.name not in found.above_baselines[metric],
            }
        )
    return {
        "name": row.name,
        "title": row.title,
        "source": row.source,
        "baseline": row.baseline,
        "layer": row.asked.layer,
        "options": ", ".join(f"{name} = {value}" for name, value in row.asked.options.items()),
        "cells": cells,
        "seconds": words.seconds(row.seconds),
    }


def _write_values(found: Evaluation, folder: Path) -> None:
    np.savez_compressed(folder / "images.npz", names=np.array(found.names), targets=found.targets.numpy())
    for metric in found.metrics:
        arrays: dict[str, Any] = {}
        for row in found.rows:
            scored = row.scored[metric]
            arrays[row.name] = scored.values.numpy()
            arrays.update({f"{row.name}.{name}": values.numpy() for name, values in scored.more.items()})
            if scored.curve is not None:
                arrays["x"] = scored.curve.x.numpy()
                arrays[f"{row.name}.curve"] = scored.curve.y.numpy()
        np.savez_compressed(folder / f"{metric}.npz", **arrays)


def evaluation_numbers(found: Evaluation, about: About) -> dict[str, Any]:
    """Everything that the page says in numbers; values that are not finite are left for the writer."""
    return {
        "schema": EVALUATE_SCHEMA,
        "about": about_numbers(about),
        "images": len(found.names),
        "labelled": found.labelled,
        "share_right": found.right,
        "against": found.against,
        "methods": [_method_numbers(row) for row in found.rows],
        "metrics": [_metric_numbers(found, metric) for metric in found.metrics],
        "left_out": dict(found.left_out),
    }


def _method_numbers(row: Evaluated) -> dict[str, Any]:
    return {
        "name": row.name,
        "method": row.asked.method,
        "title": row.title,
        "family": row.family,
        "source": row.source,
        "baseline": row.baseline,
        "layer": row.asked.layer,
        "options": _plain(row.asked.options),
        "seconds_per_image": row.seconds,
    }


def _metric_numbers(found: Evaluation, metric: str) -> dict[str, Any]:
    one = METRICS[metric]
    more = {name for row in found.rows for name in row.scored[metric].more}
    return {
        "name": metric,
        "title": one.title,
        "source": one.source,
        "better": one.better,
        "options": _plain(found.metrics[metric]),
        "ranking": found.ranking(metric),
        "best": found.best(metric),
        "not_shown_to_be_worse": [name for name in found.ranking(metric) if name in found.ties[metric]],
        "shown_to_beat_the_baselines": [
            name for name in found.ranking(metric) if name in found.above_baselines[metric]
        ],
        "compared_with": found.reference(metric),
        "estimates": {row.name: _estimate(row.scored[metric].estimate) for row in found.rows},
        "differences": {name: _estimate(difference) for name, difference in found.compared[metric].items()},
        "means": {
            name: {row.name: float(row.scored[metric].more[name].mean()) for row in found.rows} for name in sorted(more)
        },
        "curves": {
            row.name: {"x": curve.x.tolist(), "y": curve.y.double().mean(0).tolist()}
            for row in found.rows
            if (curve := row.scored[metric].curve) is not None
        },
        "values": f"{VALUES}/{metric}.npz",
    }


def _estimate(one: Estimate) -> dict[str, Any]:
    return asdict(one)


def _plain(options: Any) -> dict[str, Any]:
    return {name: value if isinstance(value, (int, float)) else str(value) for name, value in options.items()}

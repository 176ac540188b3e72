"""The page of several methods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from linearscope.attribution.comparison import Answer, Comparison
from linearscope.report import explain_words as words
from linearscope.report.about import About, Picture
from linearscope.report.explain_figures import COLOURS, agreement_chart, heat_pixels, sameness_chart
from linearscope.report.numbers import about_numbers
from linearscope.report.output import FIGURES, PAGE, RESULT, VALUES, replacing, write_json
from linearscope.report.page import Figures, render
from linearscope.report.pictures import robust_limit
from linearscope.report.style import gradient
from linearscope.report.words import amount, percent, tiny

__all__ = ["EXPLAIN_SCHEMA", "write_explain"]

EXPLAIN_SCHEMA: Final = "linearscope.explain/1"
#: Labels whose scores are listed.
LISTED: Final = 5


def write_explain(found: Comparison, about: About, out: Path) -> Path:
    """Write what several methods say as one HTML page that opens offline, with figures, values and numbers beside it.

    Parameters
    ----------
    found
        From :func:`linearscope.attribution.compare`.
    about
        Where it comes from.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.

    Returns
    -------
    Path
        Of ``index.html``. Beside it are ``result.json``, ``figures/`` and, for every method, ``values/METHOD.npz`` with
        ``values`` ``(t, C, H, W)``, ``heatmaps`` ``(t, H, W)``, ``targets`` and, where there is one, ``coarse``.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.

    Examples
    --------
    >>> import tempfile, torch, linearscope as ls
    >>> from linearscope.attribution import compare
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> image = torch.rand(1, 3, 6, 6)
    >>> found = compare(ls.Explainer(net, image), image, [1, 3], methods=["gradient", "lrp-0"])
    >>> write_explain(found, About("toy", "noise"), Path(tempfile.mkdtemp()) / "explain").name
    'index.html'
    """
    photo = about.display(found.image)
    with replacing(out) as folder:
        (folder / VALUES).mkdir()
        figures = Figures(folder / FIGURES)
        cards = [_card(found, i, photo, about, figures) for i in range(len(found.answers))]
        page = render(
            "explain.html",
            about=about,
            header=_header(found, photo, about, figures),
            targets=[
                {"name": words.target_name(found, target, about), "score": amount(score)}
                for target, score in zip(found.targets, found.scores, strict=True)
            ],
            cards=cards,
            scales=[
                {"from": low, "to": high, "means": means, "gradient": gradient(COLOURS[kind])}
                for kind, (low, high, means) in words.KINDS.items()
                if any(kind == (found.kind or one.attribution.kind) for one in found.answers)
            ],
            families=_families(found),
            agreement=_agreement(found, about, figures),
            sameness=_sameness(found, figures),
            left_out=[{"name": name, "reason": reason} for name, reason in found.left_out.items()],
        )
        for one in found.answers:
            _write_values(folder / VALUES / f"{one.method.name}.npz", one, found)
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**explain_numbers(found, about), "figures": figures.files})
    return out / PAGE


def _header(found: Comparison, photo: Picture, about: About, figures: Figures) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    if found.output.dim() == 2 and found.output.shape[1] > 1:
        scores = found.output[0].double().cpu()
        chances = scores.softmax(0)
        top: list[int] = scores.argsort(descending=True)[:LISTED].tolist()
        rows = [
            {
                "name": about.name(label),
                "score": amount(float(scores[label])),
                "probability": percent(float(chances[label])),
                "width": round(100 * float(chances[label]), 3),
                "asked": label in found.targets,
            }
            for label in dict.fromkeys([*top, *sorted(found.targets, key=lambda label: -float(scores[label]))])
        ]
    return {
        "title": words.headline(found, about),
        "sentence": f"{words.asked(found)} {words.checked(found)}",
        "photo": figures.pixels("photo", "The photo as the model saw it", photo),
        "size": f"{found.image.shape[3]} × {found.image.shape[2]} pixels",
        "predictions": rows,
    }


def _card(found: Comparison, number: int, photo: Picture, about: About, figures: Figures) -> dict[str, Any]:
    one = found.answers[number]
    kind = found.kind or one.attribution.kind
    rows = []
    for i, target in enumerate(found.targets):
        heatmap = found.heatmaps[number, i]
        limit = robust_limit(heatmap)
        name = words.target_name(found, target, about)
        empty = not bool(heatmap.any())
        shown = figures.pixels(
            f"{one.method.name}-{i + 1}",
            f"Heat map of {one.method.name} for {name}, on the pale photo",
            heat_pixels(photo, heatmap, kind, limit),
        )
        check = one.attribution.check
        rows.append(
            {
                "target": name,
                "picture": shown,
                "check": words.check_line(one, i),
                "limit": "zero everywhere" if empty else f"full colour at {amount(limit)}",
                "expected": "" if check is None else amount(float(check.expected[i])),
                "found": "" if check is None else amount(float(check.found[i])),
                "error": "" if check is None else tiny(float(check.error[i])),
                "concentration": percent(float(found.concentration[number, i])),
            }
        )
    return {
        "name": one.method.name,
        "title": words.title_of(one),
        "source": one.method.source,
        "family": one.method.family,
        "layer": one.attribution.layer,
        "options": ", ".join(f"{name} = {value}" for name, value in one.options.items()),
        "rows": rows,
        "sum": "" if one.attribution.check is None else one.attribution.check.name,
        "seconds": _seconds(one.seconds),
    }


def _families(found: Comparison) -> list[dict[str, str]]:
    there = dict.fromkeys(one.method.family for one in found.answers)
    return [{"name": name, "asks": words.FAMILIES[name]} for name in there if name in words.FAMILIES]


def _agreement(found: Comparison, about: About, figures: Figures) -> list[dict[str, Any]]:
    if len(found.answers) < 2:
        return []
    names = [one.method.name for one in found.answers]
    made = []
    for i, target in enumerate(found.targets):
        label = words.target_name(found, target, about)
        chart = figures.chart(
            f"agreement-{i + 1}",
            f"Rank correlation of every two methods for {label}",
            partial(_agreement_at, names, found.agreement[i]),
        )
        made.append({"target": label, "sentence": words.agreed(found, i), "chart": chart})
    return made


def _agreement_at(names: Sequence[str], correlations: Tensor, width: float) -> Figure:
    return agreement_chart(names, correlations, width=width)


def _sameness(found: Comparison, figures: Figures) -> dict[str, Any] | None:
    if len(found.targets) < 2:
        return None
    names = [one.method.name for one in found.answers]
    means = [words.mean_sameness(one) for one in found.sameness]
    return {
        "sentence": words.same_picture(names, means),
        "chart": figures.chart(
            "labels",
            "Rank correlation of each method's maps for different labels",
            lambda width: sameness_chart(names, means, width=width),
        ),
    }


def _write_values(path: Path, one: Answer, found: Comparison) -> None:
    said = one.attribution
    arrays: dict[str, Any] = {
        "values": said.values.detach().cpu().numpy(),
        "heatmaps": said.heatmap(found.kind).detach().cpu().numpy(),
        "targets": np.array(said.targets),
    }
    if said.coarse is not None:
        arrays["coarse"] = said.coarse.detach().cpu().numpy()
    np.savez_compressed(path, **arrays)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def explain_numbers(found: Comparison, about: About) -> dict[str, Any]:
    """Everything that the page says in numbers; values that are not finite are left for the writer."""
    return {
        "schema": EXPLAIN_SCHEMA,
        "about": about_numbers(about),
        "image_shape": list(found.image.shape),
        "output_shape": list(found.output.shape[1:]),
        "targets": [
            {"index": target, "name": words.target_name(found, target, about), "score": score}
            for target, score in zip(found.targets, found.scores, strict=True)
        ],
        "methods": [_method_numbers(found, i) for i in range(len(found.answers))],
        "left_out": dict(found.left_out),
        "agreement": found.agreement.tolist(),
        "labels": found.sameness.tolist() if len(found.targets) > 1 else None,
    }


def _method_numbers(found: Comparison, number: int) -> dict[str, Any]:
    one = found.answers[number]
    check, heatmaps = one.attribution.check, found.heatmaps[number]
    return {
        "name": one.method.name,
        "title": one.method.title,
        "source": one.method.source,
        "family": one.method.family,
        "heatmap": found.kind or one.attribution.kind,
        "layer": one.attribution.layer,
        "options": {
            name: value if isinstance(value, (int, float)) else str(value) for name, value in one.options.items()
        },
        "seconds": one.seconds,
        "check": None
        if check is None
        else {
            "name": check.name,
            "expected": check.expected.tolist(),
            "found": check.found.tolist(),
            "error": check.error.tolist(),
        },
        "largest": heatmaps.flatten(1).amax(1).tolist(),
        "least": heatmaps.flatten(1).amin(1).tolist(),
        "share_in_top_tenth": found.concentration[number].tolist(),
        "values": f"{VALUES}/{one.method.name}.npz",
    }

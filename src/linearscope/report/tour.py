"""The page of a classification tour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from linearscope.analysis import ClassificationTour, Contributions, Explained
from linearscope.report import sentences
from linearscope.report.about import About, Picture
from linearscope.report.figures import contribution_histogram, contribution_limits, layerwise_curve, reach_curve
from linearscope.report.layers import chosen_maps, trunk
from linearscope.report.numbers import top, tour_numbers
from linearscope.report.output import FIGURES, PAGE, RESULT, replacing, write_json
from linearscope.report.page import Figures, Shown, render, stacked
from linearscope.report.pictures import (
    difference_factor,
    difference_panel,
    discussion_panel,
    photo_panel,
    robust_limit,
    vote_panel,
)
from linearscope.report.stages import stage_depth
from linearscope.report.style import HALF, NARROW
from linearscope.report.words import amount, percent, signed

__all__ = ["write_tour"]

#: What a discussion adds up, by the name of its definition.
VARIANTS: Final = {
    "spread": "row times image, and every constant's share spread evenly over the pixels under its place",
    "input": "row times image alone, without the constants",
    "printed": "row times image and the masked constants projected back, rescaled to the score (eq. 18 as printed)",
    "weighted": "row times image and the constants times what they are worth, projected back, rescaled to the score",
    "layered": "row times image and the constants projected back, each layer's rescaled to its share",
}


def write_tour(tour: ClassificationTour, about: About, out: Path) -> Path:
    """Write a tour as one HTML page that opens offline, with its figures and numbers beside it.

    Parameters
    ----------
    tour
        From :func:`linearscope.analysis.tour_classification`.
    about
        Where it comes from.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.

    Returns
    -------
    Path
        Of ``index.html``; ``result.json`` and ``figures/`` lie beside it.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.

    Examples
    --------
    >>> import tempfile, torch, linearscope as ls
    >>> from linearscope.analysis import tour_classification
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(64, 2))
    >>> image = torch.rand(1, 3, 6, 6)
    >>> tour = tour_classification(ls.capture(model, image), image)
    >>> write_tour(tour, About("toy", "noise"), Path(tempfile.mkdtemp()) / "tour").name
    'index.html'
    """
    with replacing(out) as folder:
        figures = Figures(folder / FIGURES)
        pixels = _pixels(tour.before, about, figures)
        page = render(
            "tour.html",
            about=about,
            header=_header(tour.before, about, figures),
            split=_split(tour.before, about),
            depth=_depth(tour.before, about, figures),
            layerwise=_layerwise(tour.before, about, figures),
            pixels=pixels,
            attack=_attack(tour, about, figures, {row["label"]: row["votes"] for row in pixels["rows"]}),
        )
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**tour_numbers(tour, about), "figures": figures.files})
    return out / PAGE


def _header(one: Explained, about: About, figures: Figures) -> dict[str, Any]:
    first = top(one, 1)[0]
    proof = one.certificate
    return {
        "title": about.short(first),
        "sentence": sentences.predicted(one, about),
        "photo": figures.picture("photo", "The photo as the model saw it", photo_panel(_photo(one, about))),
        "size": f"{one.image.shape[3]} × {one.image.shape[2]} pixels",
        "predictions": [
            {
                "name": about.name(label),
                "score": amount(float(one.scores[label])),
                "probability": percent(float(one.probabilities[label])),
                "width": round(100 * float(one.probabilities[label]), 3),
            }
            for label in top(one)
        ],
        "exact": max(proof.reconstruction, proof.adjoint) <= proof.tolerance,
        "certified": sentences.certified(proof),
        "frozen": sentences.frozen(proof),
        "remarks": [*about.notes, *proof.notes],
    }


def _split(one: Explained, about: About) -> dict[str, Any]:
    several = list(one.contributions.values())
    bars = stacked([(c.input, c.residual) for c in several])
    return {
        "sentence": sentences.split(several[0], about),
        "rows": [
            {
                "name": about.name(c.target),
                "score": amount(c.score),
                "input": signed(c.input),
                "residual": signed(c.residual),
                "ratio": percent(c.residual_ratio),
                "share": percent(c.residual_share),
                "bar": bar,
            }
            for c, bar in zip(several, bars, strict=True)
        ],
    }


def _depth(one: Explained, about: About, figures: Figures) -> dict[str, Any]:
    c = one.contributions[one.shown[0]]
    alt = f"Shares of the input and of {len(c.layers)} constants in the score of {about.short(c.target)}, by depth"
    return {
        "label": about.short(c.target),
        "sentence": sentences.layered(c, about),
        "staged": len(c.grouped(stage_depth(list(c.layers)))) < len(c.layers),
        "chart": figures.chart("contributions", alt, lambda width: contribution_histogram(c, width=width)),
        "rows": _rows(c),
    }


def _rows(c: Contributions) -> list[dict[str, str]]:
    return [
        {"name": name, "value": signed(value), "part": percent(value / c.score) if c.score else "–"}
        for name, value in [("input", c.input), *c.layers.items(), ("sum", c.input + c.residual)]
    ]


def _layerwise(one: Explained, about: About, figures: Figures) -> dict[str, Any]:
    form = one.layerwise
    line = trunk(form, one.contributions[form.target])
    marked = chosen_maps(form, line)
    photo = _photo(one, about)
    maps = []
    for letter, name in zip("ABCD", marked, strict=False):
        here = form.layers[name]
        assert here.map is not None
        limit = robust_limit(here.map)
        maps.append(
            {
                "letter": letter,
                "layer": name,
                "size": f"{here.map.shape[1]} × {here.map.shape[0]}",
                "weighted": signed(here.weighted),
                "bias": signed(here.bias),
                "limit": amount(limit),
                "picture": figures.picture(
                    f"layer-{letter.lower()}",
                    f"Map of W z at {name} on the photo, red for and blue against {about.short(form.target)}",
                    discussion_panel(photo, here.map, limit),
                ),
            }
        )
    alt = f"Bias as a part of the score of {about.short(form.target)}, feature map by feature map"
    return {
        "sentence": sentences.stated(form, about, line),
        "chart": figures.chart("layerwise", alt, lambda width: layerwise_curve(form, line, marked, width=width)),
        "line": len(line),
        "branches": len(form.layers) - len(line),
        "maps": maps,
        "score": amount(form.score),
    }


def _pixels(one: Explained, about: About, figures: Figures) -> dict[str, Any]:
    photo = _photo(one, about)
    limit = robust_limit(one.discussion.maps)
    rows = []
    for number, (label, values) in enumerate(zip(one.discussion.targets, one.discussion.maps, strict=True), 1):
        name = about.short(label)
        mask = one.votes.mask(label)
        rows.append(
            {
                "label": label,
                "name": about.name(label),
                "sum": sentences.one_discussion(values),
                "share": percent(one.votes.share(label)),
                "discussion": figures.picture(
                    f"discussion-{number}",
                    f"Pixel discussion of {name}: red pixels speak for it, blue against it",
                    discussion_panel(photo, values, limit),
                ),
                "votes": figures.picture(
                    f"votes-{number}", f"The pixels that vote for {name}; all others are dark", vote_panel(photo, mask)
                ),
            }
        )
    ranking = one.votes.ranking()
    most = ranking[0][1]
    listed = ranking[:8]
    known = {label for label, _ in listed}
    listed += sorted(
        ((label, one.votes.share(label)) for label in one.shown if label not in known), key=lambda item: -item[1]
    )
    return {
        "discussed": sentences.discussed(one, about),
        "voted": sentences.voted(one.votes, one.shown[0], about),
        "rows": rows,
        "limit": amount(limit),
        "variant": one.discussion.variant,
        "definition": VARIANTS.get(one.discussion.variant, ""),
        "pool": one.votes.pool,
        "labels": len(one.votes.targets),
        "with_votes": len(ranking),
        "ranking": [
            {
                "name": about.name(label),
                "share": percent(share),
                "width": round(100 * share / most, 3),
                "shown": label in one.shown,
            }
            for label, share in listed
        ],
        "rest": percent(max(0.0, 1 - sum(share for _, share in listed))),
        "others": len(ranking) - sum(1 for _, share in listed if share > 0),
    }


def _attack(
    tour: ClassificationTour, about: About, figures: Figures, drawn: Mapping[int, Shown]
) -> dict[str, Any] | None:
    """Fill the panel of the attack; ``drawn`` are the votes before it that the page shows already."""
    if tour.attack is None or tour.after is None:
        return None
    before, after = tour.before, tour.after
    old, new = before.shown[0], tour.attack.after
    photos = _photo(before, about), _photo(after, about)
    levels = int(abs(photos[1].astype(int) - photos[0].astype(int)).max())
    factor = difference_factor(*photos)
    shown = list(dict.fromkeys([tour.attack.before, new, old]))
    charts = [("before", old, before), ("after", old, after), *([("after", new, after)] if new != old else [])]
    limits = contribution_limits([one.contributions[label] for _, label, one in charts])
    votes = [(moment, label, one) for label in dict.fromkeys([old, new]) for moment, one in _moments(before, after)]
    return {
        "sentence": sentences.attacked(tour, about, levels),
        "success": tour.attack.success,
        "adversarial": figures.picture("attacked", "The attacked image", photo_panel(photos[1])),
        "difference": figures.picture(
            "difference", f"The change, magnified {factor} times", difference_panel(*photos, factor)
        ),
        "factor": factor,
        "levels": levels,
        "epsilon": f"{tour.attack.epsilon * 255:.3g}",
        "rows": [
            {
                "name": about.name(label),
                "probabilities": [percent(float(one.probabilities[label])) for one in (before, after)],
                "scores": [amount(float(one.scores[label])) for one in (before, after)],
            }
            for label in shown
        ],
        "drifted": sentences.drifted(before.contributions[old], after.contributions[old], about),
        "charts": [
            {
                "caption": f"“{about.short(label)}” {moment} the attack",
                "chart": figures.chart(
                    f"contributions-{moment}-{number}",
                    f"Shares in the score of {about.short(label)} by depth, {moment} the attack",
                    _histogram(one.contributions[label], limits),
                    HALF if len(charts) == 2 else NARROW,
                ),
            }
            for number, (moment, label, one) in enumerate(charts, 1)
        ],
        "voted": sentences.votes_moved(before.votes, after.votes, list(dict.fromkeys([old, new])), about),
        "votes": [
            {
                "caption": f"“{about.short(label)}” {moment}",
                "share": percent(one.votes.share(label)),
                "picture": drawn[label]
                if moment == "before" and label in drawn
                else figures.picture(
                    f"votes-{moment}-{number}",
                    f"The pixels that vote for {about.short(label)} {moment} the attack",
                    vote_panel(_photo(one, about), one.votes.mask(label)),
                ),
            }
            for number, (moment, label, one) in enumerate(votes, 1)
        ],
        "reach": _reach(tour, figures),
    }


def _reach(tour: ClassificationTour, figures: Figures) -> dict[str, Any] | None:
    found = tour.reach
    if found is None:
        return None
    alt = "Part of all decisions that have changed, by the way from the photo to the attacked image"
    return {
        "sentence": sentences.reached(found),
        "chart": figures.chart("reach", alt, lambda width: reach_curve(found, width=width), HALF)
        if found.distances
        else None,
        "distance": amount(found.distance),
    }


def _moments(before: Explained, after: Explained) -> tuple[tuple[str, Explained], tuple[str, Explained]]:
    return ("before", before), ("after", after)


def _histogram(c: Contributions, limits: tuple[float, float]) -> Any:
    return lambda width: contribution_histogram(c, width=width, limits=limits)


def _photo(one: Explained, about: About) -> Picture:
    return about.display(one.image)

"""Cards of what speaks about scores: contributions, discussions, votes, attacks, explanations, units, segments."""

from __future__ import annotations

import torch

from linearscope.analysis import (
    Attack,
    Contributions,
    Discussion,
    LayerForm,
    Layerwise,
    Template,
    Templates,
    Votes,
)
from linearscope.attribution import Attribution, Comparison, Explainer
from linearscope.concepts import RelevantExplanation, RelevantUnits
from linearscope.report.notebook_parts import (
    Bar,
    Card,
    card_of,
    map_picture,
    pixel_picture,
    signed_bars,
    tensor_picture,
)
from linearscope.report.words import amount, count, joined, percent, tiny

__all__: list[str] = []

#: Maps in a card.
MAPS = 4


@card_of(Contributions)
def _contributions(found: Contributions) -> Card:
    named = [("input", found.input, amount(found.input))]
    named += [(name, share, amount(share)) for name, share in found.layers.items()]
    rest = len(named) - 10
    return Card(
        "Contributions",
        f"to output {found.target}",
        sentence=f"The score {amount(found.score)} is {amount(found.input)} of the input and "
        f"{amount(found.residual)} of the constants.",
        facts=[
            ("score", amount(found.score)),
            ("input", amount(found.input)),
            ("constants", amount(found.residual)),
            ("constants' share", percent(found.residual_share)),
            ("error of the sum", tiny(found.error)),
        ],
        bars=signed_bars(named, 10),
        notes=[f"{count(rest, 'smaller share')} not shown."] if rest > 0 else [],
    )


@card_of(LayerForm)
def _layer_form(found: LayerForm) -> Card:
    return Card(
        "Score read at a layer",
        found.layer,
        facts=[("W z", amount(found.weighted)), ("b", amount(found.bias)), ("share of b", percent(found.share))],
        pictures=[] if found.map is None else [map_picture(found.map, "W z by place")],
    )


@card_of(Layerwise)
def _layerwise(found: Layerwise) -> Card:
    forms = list(found.layers.values())
    step = max(1, -(-len(forms) // 10))
    some = forms[::step]
    maps = [one for one in forms if one.map is not None]
    return Card(
        "Layer by layer",
        f"output {found.target}",
        sentence=f"The score {amount(found.score)} as W z + b at {count(len(forms), 'feature map')}. "
        "Bars: the share of b.",
        facts=[("score", amount(found.score)), ("layers", f"{len(forms):,}")],
        bars=[Bar(one.layer, percent(one.share), one.share) for one in some],
        pictures=[
            map_picture(one.map, one.layer) for one in maps[:: max(1, -(-len(maps) // MAPS))] if one.map is not None
        ],
        notes=[f"Every {step}. layer is shown."] if step > 1 else [],
    )


@card_of(Discussion)
def _discussion(found: Discussion) -> Card:
    shown = list(zip(found.targets, found.scores.tolist(), found.maps, strict=True))
    return Card(
        "Discussion",
        f"{found.variant}, {count(len(shown), 'score')}",
        sentence="Each score spread over the pixels: red speaks for it, blue against.",
        pictures=[map_picture(one, f"output {target}, score {amount(score)}") for target, score, one in shown[:MAPS]],
        facts=[("scale", ", ".join(amount(float(factor)) for factor in found.scale[:MAPS]))],
        notes=[f"{len(shown) - MAPS} more not shown."] if len(shown) > MAPS else [],
    )


@card_of(Votes)
def _votes(found: Votes) -> Card:
    ranking = found.ranking()[:8]
    return Card(
        "Votes",
        f"of {found.winner.numel():,} pixels among {count(len(found.targets), 'label')}",
        sentence=f"Output {ranking[0][0]} has {percent(found.share(ranking[0][0]))} of the votes." if ranking else "",
        facts=[("neighbourhood", f"{found.pool} px")],
        bars=[Bar(f"output {target}", percent(found.share(target)), found.share(target)) for target, _ in ranking],
        pictures=[map_picture(found.mask(target).float(), f"for output {target}", 1.0) for target, _ in ranking[:3]],
    )


@card_of(Attack)
def _attack(found: Attack) -> Card:
    change = found.adversarial - found.original
    return Card(
        "Attack",
        f"epsilon {amount(found.epsilon)}",
        sentence=f"The first label changes from {found.before} to {found.after}."
        if found.success
        else f"The first label stays {found.before}.",
        facts=[
            ("attacked", f"label {found.label}"),
            ("before", f"label {found.before}"),
            ("after", f"label {found.after}"),
            ("steps", f"{found.steps:,}"),
            ("largest change", amount(float(change.abs().max()))),
        ],
        pictures=[
            tensor_picture(found.original, "original"),
            tensor_picture(found.adversarial, "adversarial"),
            map_picture(change[0], "change, summed over channels"),
        ],
    )


@card_of(Attribution)
def _attribution(found: Attribution) -> Card:
    shown = list(zip(found.targets, found.scores.tolist(), found.heatmap(), strict=True))[:MAPS]
    facts = [("images", f"{len(found.targets):,}"), ("read at", found.layer or "the image"), ("kind", found.kind)]
    notes = []
    if found.check is not None:
        facts.append(("check", f"{tiny(float(found.check.error.max()))} error"))
        notes.append(f"Checked: {found.check.name}.")
    if len(found.targets) > MAPS:
        notes.append(f"{len(found.targets) - MAPS} more not shown.")
    return Card(
        "Attribution",
        found.method,
        facts=facts,
        pictures=[map_picture(one, f"output {target}, score {amount(score)}") for target, score, one in shown],
        notes=notes,
    )


@card_of(Comparison)
def _comparison(found: Comparison) -> Card:
    target, number = found.targets[0], len(found.answers)
    agreement = found.agreement[0]
    facts = [("score", amount(found.scores[0])), ("methods", f"{number:,}")]
    if number > 1:
        apart = agreement[~torch.eye(number, dtype=torch.bool)]
        facts.append(("mean rank correlation", amount(float(apart.nanmean()))))
    notes = [f"{name} was left out: {reason}" for name, reason in found.left_out.items()]
    if number > 6:
        notes.insert(0, f"{number - 6} more methods not shown.")
    return Card(
        "Comparison of methods",
        f"output {target}" + (f" and {len(found.targets) - 1} more" if len(found.targets) > 1 else ""),
        facts=facts,
        pictures=[tensor_picture(found.image, "image")]
        + [map_picture(found.heatmaps[i, 0], found.answers[i].method.title) for i in range(min(6, number))],
        notes=notes,
    )


@card_of(Explainer)
def _explainer(found: Explainer) -> Card:
    layers = list(found.layers)
    return Card(
        "Explainer",
        f"of {count(found.outputs, 'score')}",
        facts=[
            ("images together", f"{found.batch:,}"),
            ("image", " × ".join(str(size) for size in found.program.input_shape[1:])),
            ("feature maps", f"{len(layers):,}"),
        ],
        notes=[f"Feature maps: {', '.join(layers[:12])}" + (", …" if len(layers) > 12 else ".")] if layers else [],
    )


@card_of(RelevantUnits)
def _relevant_units(found: RelevantUnits) -> Card:
    shown = []
    for c in found.classes[:4]:
        shown += [(f"{found.name(c)}: {one.layer}, unit {one.channel}", one.weight, amount(one.weight))
                  for one in found.of_class(c, 2)]  # fmt: skip
    return Card(
        "Relevant units",
        f"of {count(len(found.classes), 'class', 'classes')}",
        sentence=f"{len(found.identified()):,} of {count(len(found.units), 'unit')} have a weight for a class.",
        facts=[
            ("layers", f"{len(found.layers):,}"),
            ("images", f"{int(found.counts.sum()):,}"),
            ("µ", amount(found.mu)),
            ("score", found.score),
            ("largest duality gap", tiny(float(found.gap.max())) if len(found.gap) else "–"),
        ],
        bars=signed_bars(shown),
        notes=[f"{len(found.classes) - 4} more classes not shown."] if len(found.classes) > 4 else [],
    )


@card_of(RelevantExplanation)
def _relevant_explanation(found: RelevantExplanation) -> Card:
    units = found.units[:MAPS]
    return Card(
        "Relevant units on an image",
        f"output {found.target}",
        sentence=f"{count(len(found.units), 'unit')} respond." if found.units else "No unit responds.",
        facts=[("score", amount(found.score))],
        pictures=[map_picture(found.heatmap, "all", 1.0)]
        + [map_picture(one.heatmap, f"{one.layer}, unit {one.channel}: {amount(one.response)}", 1.0) for one in units],
    )


@card_of(Template)
def _template(found: Template) -> Card:
    return Card(
        "Segment of the output",
        f"{found.label}, {found.area:,} px",
        facts=[
            ("value", amount(found.value)),
            ("input", amount(found.input)),
            ("constants", amount(found.residual)),
            ("triggers on edges", percent(found.on_edges)),
            ("by chance", percent(found.chance)),
            ("far energy", percent(found.far)),
        ],
        pictures=[
            map_picture(found.row, "row of F"),
            map_picture(found.contribution, "contribution of the input"),
            map_picture(found.triggers.astype(float), f"{count(int(found.triggers.sum()), 'trigger')}", 1.0),
        ],
    )


@card_of(Templates)
def _templates(found: Templates) -> Card:
    # Segments in greys that tell neighbours apart: by their label only.
    grey = (found.segments * 97 % 200 + 40) * (found.segments > 0)
    items = found.items
    return Card(
        "Templates",
        f"{count(len(items), 'segment')} of the output",
        sentence=f"The largest: {joined([f'{one.area:,} px' for one in items[:3]])}." if items else "",
        facts=[
            ("triggers on edges", percent(sum(one.on_edges for one in items) / len(items)) if items else "–"),
            ("by chance", percent(sum(one.chance for one in items) / len(items)) if items else "–"),
            ("near is", f"{found.near} px"),
        ],
        pictures=[pixel_picture(grey.astype("uint8")[..., None].repeat(3, 2), "segments")]
        + [map_picture(one.contribution, f"segment {one.label}: contribution") for one in items[:3]],
    )

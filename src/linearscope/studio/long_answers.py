"""What takes a while: votes among all labels, singular vectors, many methods. Each says where it stands as it goes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any, Final

import torch

from linearscope.analysis import discussion
from linearscope.analysis.discussion import VARIANTS, pooled
from linearscope.analysis.fields import Kind
from linearscope.analysis.svd import SVD, search
from linearscope.attribution import METHODS, Answer, ask_each
from linearscope.attribution.comparison import concentration
from linearscope.errors import InputError, UnknownNameError
from linearscope.studio import schema
from linearscope.studio.answers import LISTED, Told, images_only, labels_only, several
from linearscope.studio.packets import finite
from linearscope.studio.refusals import Missing
from linearscope.studio.subject import Subject, timed

__all__ = [
    "METHODS_AT_ONCE",
    "VECTORS",
    "Event",
    "Events",
    "Session",
    "compare",
    "heatmap",
    "page",
    "page_plan",
    "spectrum",
    "triplet",
    "vote_map",
    "votes",
]

#: A name and what JSON can hold.
Event = tuple[str, dict[str, Any]]
Events = Generator[Event, None, None]

#: Labels whose maps are made in one step of a vote.
TOGETHER: Final = 32
#: Most singular vectors, and most methods at once.
VECTORS: Final = 24
METHODS_AT_ONCE: Final = 40
#: Products after which a search ends, and how many more for each triplet.
FEWEST: Final = 200
EACH: Final = 50
#: What a sum that theory promises only in the limit of many steps may miss.
STEPS: Final = 0.05


def votes(subject: Subject, variant: str, pool: int) -> Events:
    """Who each pixel votes for among all labels: ``progress``, then ``done``."""
    labels_only(subject, "A vote")
    if variant not in VARIANTS:
        raise UnknownNameError("discussion", variant, VARIANTS, hint=LISTED)
    if not 1 <= pool <= 31 or pool % 2 == 0:
        raise InputError(f"pool is {pool}. Give an odd number of pixels from 1 to 31, 1 for single pixels.")
    count = subject.it.shape[0]
    winner = subject.kept(("votes", variant, pool))
    if winner is None:
        best = torch.full(subject.it.image.shape[2:], -torch.inf, dtype=subject.it.dtype)
        winner = torch.zeros(best.shape, dtype=torch.int32)
        for start in range(0, count, TOGETHER):
            yield "progress", {"done": start, "total": count}
            maps = pooled(
                discussion(subject.it, range(start, min(start + TOGETHER, count)), variant=variant).maps, pool
            )
            value, place = maps.max(0)
            better = value > best
            best = torch.where(better, value, best)
            winner = torch.where(better, (start + place).to(torch.int32), winner)
        subject.keep(("votes", variant, pool), winner, winner)
    found, counts = torch.unique(winner, return_counts=True)
    order = counts.argsort(descending=True, stable=True).tolist()
    ranking = [
        schema.RankedScore(**subject.score(int(found[i])).model_dump(), share=int(counts[i]) / winner.numel())
        for i in order
    ]
    yield "done", schema.VotesInfo(variant=variant, pool=pool, ranking=ranking).model_dump()


def vote_map(subject: Subject, variant: str, pool: int) -> Told:
    """Who each pixel votes for, after :func:`votes` has ended."""
    winner = subject.kept(("votes", variant, pool))
    if winner is None:
        raise Missing("This vote has not been held, or is no longer kept. Ask for it first.")
    return {}, {"winner": winner}


def spectrum(subject: Subject, k: int, tol: float) -> Events:
    """The largest singular values: ``step``, ``triplet`` as they converge (again when one changes), then ``done``."""
    images_only(subject, "A spectrum")
    if not 1 <= k <= VECTORS:
        raise InputError(f"{k} singular values were asked for. Ask for 1 to {VECTORS}.")
    if not 1e-8 <= tol <= 0.1:
        raise InputError(f"tol is {tol:g}. Give a number from 1e-8 to 0.1, such as 0.001.")
    it = subject.it
    point = it.point.reshape(-1).double()

    def triplets(found: SVD) -> list[dict[str, Any]]:
        inputs = found.eigen_inputs.flatten(1).double()
        numbers = zip(found.singular_values.tolist(), found.residuals.tolist(), (inputs @ point).tolist(), strict=True)
        return [
            {"index": i, "value": value, "residual": residual, "coefficient": coefficient}
            for i, (value, residual, coefficient) in enumerate(numbers)
        ]

    def keep(found: SVD, *key: Any) -> SVD:
        return subject.keep(key, found, found.eigen_inputs, found.eigen_outputs)

    found: SVD | None = subject.kept(("spectrum", k, tol))
    notes: list[str] = []
    if found is None:
        looking = search(it, k, tol=tol, max_products=FEWEST + EACH * k)
        said: dict[int, float] = {}
        converged = 0
        for step in looking.steps():
            residual = step.residual if isfinite(step.residual) else None
            at = schema.SpectrumStep(
                products=step.products, most=looking.most, wanted=k, converged=min(step.converged, k), residual=residual
            )
            yield "step", at.model_dump()
            if step.converged == converged:
                continue
            converged = step.converged
            for one in triplets(keep(looking.result(True, measure=False), "spectrum so far", k, tol)):
                if abs(said.get(one["index"], inf) - one["value"]) > tol * one["value"]:
                    said[one["index"]] = one["value"]
                    yield "triplet", one
        found = keep(looking.result(False, measure=True), "spectrum", k, tol)
    for one in triplets(found):
        yield "triplet", one
    if not found.complete:
        done = int(found.converged.sum())
        notes.append(
            f"After {found.products} products {done} of {k} singular triplets have converged to {tol:g}; the others "
            "are shown as they are. A larger tolerance needs fewer products."
        )
    ended = schema.SpectrumDone(
        triplets=[
            schema.FoundTriplet(**one, converged=ok)
            for one, ok in zip(triplets(found), found.converged.tolist(), strict=True)
        ],
        clusters=[list(group) for group in found.clusters],
        products=found.products,
        tol=found.tol,
        complete=found.complete,
        seconds=found.seconds,
        notes=notes,
    )
    yield "done", finite(ended.model_dump())


def triplet(subject: Subject, k: int, tol: float, index: int) -> Told:
    """The vectors of one triplet that has been found."""
    found: SVD | None = subject.kept(("spectrum", k, tol)) or subject.kept(("spectrum so far", k, tol))
    if found is None or not 0 <= index < len(found.singular_values):
        raise Missing(f"Triplet {index} has not been found, or is no longer kept. Start the search again.")
    header = {"index": index, "value": float(found.singular_values[index]), "residual": float(found.residuals[index])}
    return header, {"eigen_input": found.eigen_inputs[index], "eigen_output": found.eigen_outputs[index]}


def compare(subject: Subject, methods: Sequence[str], target: int | None) -> Events:
    """Methods about one output: ``begin``, ``answer`` or ``left_out`` for each, ``done``."""
    if not 1 <= len(methods) <= METHODS_AT_ONCE or len(set(methods)) < len(methods):
        raise InputError(f"{len(methods)} methods were named. Name 1 to {METHODS_AT_ONCE}, each once.")
    for name in methods:
        if name not in METHODS:
            raise UnknownNameError("method", name, METHODS, hint=LISTED)
    at = int(subject.it.output.argmax()) if target is None else target
    several(subject, [at])
    yield "begin", {"target": subject.score(at).model_dump(), "methods": list(methods)}
    answered: list[str] = []
    seconds = 0.0
    for name in methods:
        said: Answer | None = subject.kept(("answer", name, at))
        if said is None:
            (_, answer), took = timed(
                lambda name=name: next(ask_each(subject.captured.explainer, subject.it.image, [at], [name]))  # type: ignore[misc]
            )
            seconds += took
            if not isinstance(answer, Answer):
                yield "left_out", {"method": name, "title": METHODS[name].title, "reason": str(answer)}
                continue
            said = subject.keep(("answer", name, at), answer, answer.attribution.values)
        answered.append(name)
        yield "answer", finite(_answer(subject, said, said.attribution.heatmap()[0].double()).model_dump())
    yield "done", {"methods": answered, "seconds": seconds}


def heatmap(subject: Subject, method: str, target: int) -> Told:
    """One method's map, after it has answered."""
    said: Answer | None = subject.kept(("answer", method, target))
    if said is None:
        raise Missing(
            f"The method {method[:40]!r} has not been asked about this, or its map is no longer kept. Ask it first."
        )
    found = said.attribution
    header = {"method": method, "target": target, "kind": found.kind, "layer": found.layer}
    return header, {"heatmap": found.heatmap()[0], "values": found.values[0]}


@dataclass(frozen=True)
class Session:
    """What a static page takes along: which filters, and the places that have been chosen."""

    kind: Kind
    stride: int
    channel: int | None
    light: tuple[int, int] | None
    pins: list[tuple[int, int]]
    path: list[tuple[int, int]]


def page(subject: Subject, session: Session, photo: str) -> Generator[str, None, None]:
    """The flashlight as one static page, part by part."""
    images_only(subject, "The static page")
    from linearscope.report.flashlight_page import flashlight_parts

    about = subject.info
    yield from flashlight_parts(
        subject.it,
        **asdict(session),
        model=subject.recipe.model,
        photo=photo,
        input_picture=subject.pictures["input"],
        output_picture=subject.pictures["output"],
        input_channels=about.input_channels,
        output_channels=about.output_channels,
        notes=about.notes,
    )


def page_plan(subject: Subject, session: Session) -> schema.PagePlan:
    """How large that page will be."""
    images_only(subject, "The static page")
    from linearscope.report.flashlight_page import plan_page

    return schema.PagePlan(**asdict(plan_page(subject.it, **asdict(session))))


def _answer(subject: Subject, said: Answer, heat: torch.Tensor) -> schema.Answer:
    found, method, check = said.attribution, said.method, None
    if found.check is not None:
        tolerance = subject.it.certificate.tolerance if found.check.exact else STEPS
        error = float(found.check.error[0])
        check = schema.CheckInfo(
            name=found.check.name,
            expected=float(found.check.expected[0]),
            found=float(found.check.found[0]),
            error=error,
            tolerance=tolerance,
            holds=error <= tolerance,
        )
    return schema.Answer(
        method=method.name,
        title=method.title,
        family=method.family,
        source=method.source,
        kind=found.kind,
        layer=found.layer,
        seconds=said.seconds,
        concentration=float(concentration(heat)),
        check=check,
    )

"""Cards of what is found in F as a whole: singular vectors, the matrix itself, its blocks, its reach."""

from __future__ import annotations

from math import isfinite

from torch import Tensor

from linearscope.analysis import (
    SVD,
    Coupling,
    Materialized,
    MatrixPlan,
    OffDiagonal,
    Quality,
    Reach,
    StoredMatrix,
    SVDInterrupted,
)
from linearscope.analysis.eigen import EigenPairs
from linearscope.report.notebook_parts import Bar, Card, Shown, card_of, map_picture, signed_bars
from linearscope.report.words import amount, count, percent, tiny

__all__: list[str] = []

PAIRS = 3


def size_words(number: float) -> str:
    """Write a number of bytes."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{number / limit:,.1f} {unit}"
    return f"{number:.0f} bytes"


def seconds_words(seconds: float) -> str:
    """Write a time."""
    return (
        f"{1000 * seconds:.0f} ms"
        if seconds < 1
        else f"{seconds:.1f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
    )


@card_of(SVD)
def _svd(found: SVD) -> Card:
    values = found.singular_values.tolist()
    done = int(found.converged.sum())
    notes = []
    if not found.complete:
        notes.append(f"{done} of {count(len(values), 'triplet')} converged to {tiny(found.tol)}.")
    if found.clusters:
        groups = "; ".join(", ".join(str(i + 1) for i in group) for group in found.clusters)
        notes.append(f"Values that are nearly equal, whose vectors are any basis of a subspace: {groups}.")
    return Card(
        "Singular vectors of F",
        count(len(values), "triplet"),
        facts=[
            ("largest", amount(values[0]) if values else "–"),
            ("converged", f"{done} of {len(values)}"),
            ("tolerance", tiny(found.tol)),
            ("products", f"{found.products:,}"),
            ("method", found.method),
            ("time", seconds_words(found.seconds)),
        ],
        pictures=_eigen([(v, u) for v, u in zip(found.eigen_inputs[:PAIRS], found.eigen_outputs[:PAIRS], strict=True)]),
        bars=signed_bars([(f"σ{i}", value, amount(value)) for i, value in enumerate(values, 1)]),
        notes=notes,
    )


@card_of(SVDInterrupted)
def _interrupted(found: SVDInterrupted) -> Card:
    inner = _svd(found.found)
    return Card(inner.title, f"{inner.about}, interrupted", facts=inner.facts, pictures=inner.pictures, bars=inner.bars)


@card_of(EigenPairs)
def _pairs(found: EigenPairs) -> Card:
    return Card(
        "Eigen-inputs and eigen-outputs",
        count(len(found.pairs), "triplet"),
        facts=[("products", f"{found.products:,}"), ("tolerance", tiny(found.tol)),
               ("complete", "yes" if found.complete else "no")],
        pictures=_eigen([(one.eigen_input, one.eigen_output) for one in found.pairs[:PAIRS]]),
        bars=signed_bars([(f"σ{i}", one.singular_value, amount(one.singular_value))
                          for i, one in enumerate(found.pairs, 1)]),
        notes=found.notes,
    )  # fmt: skip


def _eigen(pairs: list[tuple[Tensor, Tensor]]) -> list[Shown]:
    shown = []
    for number, (v, u) in enumerate(pairs, 1):
        shown += [map_picture(one, f"{name} {number}") for one, name in ((v, "eigen-input"), (u, "eigen-output"))
                  if one.dim() in (2, 3)]  # fmt: skip
    return shown


@card_of(MatrixPlan)
def _plan(plan: MatrixPlan) -> Card:
    rows, columns = plan.shape
    return Card(
        "Plan to make F",
        f"{rows:,} × {columns:,}, {plan.mode}",
        sentence=f"{count(plan.probes, 'probe')} of {plan.kind}, about {seconds_words(plan.seconds)}.",
        facts=[
            ("probes", f"{plan.probes:,}"),
            ("the other way", f"{plan.others:,}"),
            ("least possible", f"{plan.least:,}"),
            ("entries", f"{plan.nonzeros:,}"),
            ("density", percent(plan.density)),
            ("memory", size_words(plan.memory_bytes)),
            ("disk", size_words(plan.disk_bytes)),
        ],
    )


@card_of(Materialized)
def _materialized(found: Materialized) -> Card:
    rows, columns = found.shape
    facts = [
        ("made of", f"{count(found.plan.probes, 'probe')} of {found.plan.kind}"),
        ("entries", f"{found.plan.nonzeros:,}"),
        ("density", percent(found.plan.density)),
        ("F̃ g against F g", f"{tiny(found.error)} relative error"),
        ("time", seconds_words(found.seconds)),
    ]
    if found.aliasing is not None:
        facts += [("left out", percent(found.aliasing.estimate)),
                  (f"at most ({percent(found.aliasing.confidence)} sure)", percent(found.aliasing.bound))]  # fmt: skip
    return Card("All of F", f"{rows:,} × {columns:,}, {found.plan.mode}", facts=facts)


@card_of(StoredMatrix)
def _stored(found: StoredMatrix) -> Card:
    rows, columns = found.shape
    return Card(
        "F on disk",
        f"{rows:,} × {columns:,}",
        facts=[
            ("folder", str(found.path)),
            ("size", size_words(found.nbytes)),
            ("probes", f"{found.probing.probes:,} of {found.probing.kind}"),
            ("type", str(found.dtype).removeprefix("torch.")),
        ],
    )


@card_of(OffDiagonal)
def _off_diagonal(found: OffDiagonal) -> Card:
    far, pairs = found.far, found.pairs(4)
    facts = [("far energy", f"{percent(found.share)} (± {percent(found.share_error)})")]
    if found.outside is not None:
        facts.append(("outside of the field", f"{percent(found.outside)} (± {percent(found.outside_error or 0.0)})"))
    facts += [
        ("far is", f"more than {found.near} px"),
        ("blocks", f"{far.shape[0]} × {far.shape[1]}"),
        ("probes", "every column" if found.probes is None else f"{found.probes} a block"),
    ]
    return Card(
        "Off-diagonal blocks of F",
        facts=facts,
        pictures=[
            map_picture(far.sum((0, 1)), "far energy by where it comes from"),
            map_picture(far.sum((2, 3)), "far energy by where it arrives"),
        ],
        bars=[
            Bar(f"block {pair.input} to block {pair.output}", percent(pair.share), pair.share / (pairs[0].share or 1.0))
            for pair in pairs
        ],
    )


@card_of(Coupling)
def _coupling(found: Coupling) -> Card:
    return Card(
        "Coupling over distance",
        f"{count(len(found.points), 'row')} of F, {found.interpretation}",
        sentence="Means over the rows.",
        facts=[
            ("energy outside of the field", percent(float(found.outside.mean()))),
            (f"energy beyond {found.near} px", percent(float(found.far.mean()))),
            ("contribution outside", percent(float(found.outside_contribution.mean()))),
            (f"contribution beyond {found.near} px", percent(float(found.far_contribution.mean()))),
            ("image outside of the field", percent(float(found.area.mean()))),
        ],
    )


@card_of(Reach)
def _reach(found: Reach) -> Card:
    if not isfinite(found.step):
        sentence = "No decision changes along this direction."
    else:
        held = "The map is the model itself until then." if found.exact else "Smooth units drift before that."
        sentence = f"The first decision changes in {found.layer}. {held}"
    return Card(
        "Reach",
        "along one direction",
        sentence=sentence,
        facts=[("step", amount(found.step)), ("distance", amount(found.distance)),
               ("exact", "yes" if found.exact else "no")],
        bars=[Bar(f"at step {amount(t)}", f"{percent(part)} changed", part)
              for t, part in list(zip(found.distances, found.changed, strict=True))[:8]],
    )  # fmt: skip


@card_of(Quality)
def _quality(found: Quality) -> Card:
    facts = [("PSNR", f"{found.psnr:.2f} dB" if isfinite(found.psnr) else "∞ dB")]
    facts.append(("SSIM", "–" if found.ssim is None else f"{found.ssim:.4f}"))
    return Card("Quality", "against the original", facts=[*facts, ("border left out", f"{found.border} px")])

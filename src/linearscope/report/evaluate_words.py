"""What an evaluation says in words: who leads, who cannot be told from the leader, who beats the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from linearscope.evaluation import Estimate
from linearscope.evaluation.metrics import METRICS
from linearscope.evaluation.results import Evaluation
from linearscope.report.about import About
from linearscope.report.words import amount, count, joined, percent, signed

__all__ = ["asked", "headline", "interval", "lead", "lines", "seconds", "verdict"]

#: Names that a sentence lists at most.
LISTED = 4


def headline(found: Evaluation) -> str:
    """The leader by the first metric, in one line."""
    metric = next(iter(found.metrics))
    best = found.best(metric)
    assert best is not None
    if not above(found, metric):
        return "No method is shown to beat the baselines"
    tied = found.ties[metric]
    if not tied:
        return f"{best} leads by {METRICS[metric].title}"
    if len(tied) == 1:
        return f"{best} and {next(iter(tied))} lead by {METRICS[metric].title}"
    return f"{count(len(tied) + 1, 'method')} lead by {METRICS[metric].title}"


def asked(found: Evaluation, about: About) -> str:
    """What was measured, on what."""
    methods = sum(not row.baseline for row in found.rows)
    classes = len(set(found.targets.tolist()))
    what = "their labels" if found.labelled else "the model's first class of each"
    right = f", which the model puts first on {percent(found.right)} of them" if found.labelled else ""
    return (
        f"{count(methods, 'method')} and {count(len(found.rows) - methods, 'baseline')} by "
        f"{count(len(found.metrics), 'metric')} on {count(len(found.names), 'image')} of {about.image}. Explained are "
        f"{what}{right}; {count(classes, 'class', 'classes')} in all."
    )


def lead(found: Evaluation, metric: str) -> str:
    """Who is best by a metric, who cannot be told from it, and what the baselines have."""
    best, baseline = found.best(metric), found.best(metric, baselines=True)
    assert best is not None
    assert baseline is not None
    methods = [row.name for row in found.rows if not row.baseline]
    most = "highest" if METRICS[metric].better == "higher" else "lowest"
    said = f"{best} has the {most} mean, {interval(found[best].scored[metric].estimate)}."
    tied = [name for name in found.ranking(metric) if name in found.ties[metric]]
    if tied:
        said += f" Not shown to be worse: {listed(tied)}."
    elif len(methods) > 1:
        said += " All others are shown to be worse."
    beaten = len(above(found, metric))
    said += f" The best baseline, {baseline}, has {amount(found[baseline].scored[metric].estimate.mean)}; "
    if beaten == len(methods):
        return said + ("it is beaten." if beaten == 1 else "all methods beat it.")
    if not beaten:
        return said + "no method is shown to beat it."
    return said + f"{beaten} of {len(methods)} methods are shown to beat it."


def above(found: Evaluation, metric: str) -> frozenset[str]:
    """Methods shown to be better than the best baseline."""
    return found.above_baselines[metric]


def listed(names: Sequence[str]) -> str:
    """Some names as a list."""
    if len(names) <= LISTED + 1:
        return joined(list(names))
    return f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more"


def interval(one: Estimate, sign: bool = False) -> str:
    """A mean with its interval.

    Examples
    --------
    >>> interval(Estimate(0.5, 0.42, 0.58, 20))
    '0.500 (0.420 to 0.580)'
    """
    return f"{(signed if sign else amount)(one.mean)}{f' ({bounds(one)})' if isfinite(one.low) else ''}"


def bounds(one: Estimate) -> str:
    """The interval alone."""
    return f"{amount(one.low)} to {amount(one.high)}" if isfinite(one.low) else "unknown"


def verdict(found: Evaluation, metric: str, name: str) -> str:
    """What the paired difference to the reference says."""
    other = found.reference(metric)
    if name == other:
        return "the one compared with"
    better = found.better(metric, name, other)
    return "no difference shown" if better is None else "better" if better else "worse"


def seconds(value: float) -> str:
    """Time for one image."""
    if value >= 1:
        return f"{value:.1f} s"
    return f"{1000 * value:.0f} ms" if value >= 0.01 else f"{1000 * value:.1f} ms" if value >= 0.0001 else "<0.1 ms"


def lines(found: Evaluation) -> list[str]:
    """What the terminal is told."""
    said = []
    for metric in found.metrics:
        said.append(f"{metric} ({METRICS[metric].better} is better)")
        width = max(len(row.name) for row in found.rows)
        for name in found.ranking(metric):
            row = found[name]
            mark = "baseline" if row.baseline else "not shown to be worse" if name in found.ties[metric] else ""
            said.append(f"  {name:{width}}  {interval(row.scored[metric].estimate)}  {mark}".rstrip())
    return said

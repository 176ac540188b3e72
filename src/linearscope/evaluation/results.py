"""What an evaluation found: every number of every image, and who is better than whom, as far as the images tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from linearscope.attribution.result import Heatmap
from linearscope.errors import UnknownNameError
from linearscope.evaluation.estimate import Estimate, difference, estimate
from linearscope.evaluation.metrics import METRICS, Curve

__all__ = ["Asked", "Evaluated", "Evaluation", "Scored"]


@dataclass(frozen=True)
class Asked:
    """A method as it is asked.

    Attributes
    ----------
    name
        The method's, or ``METHOD@WORD`` for one that is asked several times with different options.
    layer
        The feature map it reads; ``None``: its default.
    options
        Its own.
    """

    name: str
    layer: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The name in the table of methods."""
        return self.name.partition("@")[0]


@dataclass(frozen=True)
class Scored:
    """One method by one metric: ``values`` ``(n,)``, curves ``(n, T)`` and further numbers ``(n,)``."""

    values: Tensor
    curve: Curve | None = None
    more: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def estimate(self) -> Estimate:
        """Mean and interval."""
        return estimate(self.values)


@dataclass(frozen=True)
class Evaluated:
    """One method, or baseline, by every metric.

    Attributes
    ----------
    asked
        How it was asked.
    title, family, source
        Of the method.
    baseline
        Whether it is a baseline, which knows nothing of the model.
    kind
        How its heat maps are made of values.
    seconds
        An image, the median over the batches.
    heatmaps
        ``(k, H, W)``, of the first images.
    scored
        By metric.
    """

    asked: Asked
    title: str
    family: str
    source: str
    baseline: bool
    kind: Heatmap
    seconds: float
    heatmaps: Tensor
    scored: Mapping[str, Scored]

    @property
    def name(self) -> str:
        """As it was asked."""
        return self.asked.name


@dataclass(frozen=True)
class Evaluation:
    """Methods by metrics.

    Attributes
    ----------
    names
        Of the images.
    images, masks
        The first of them, ``(k, C, H, W)`` and ``(k, H, W)``; masks may be ``None``.
    targets
        ``(n,)``: the classes explained.
    labelled
        Whether they are the images' labels, and not the model's first class.
    right
        Share of the images whose target is the model's first class.
    rows
        One a method, the baselines last.
    metrics
        Options of each.
    left_out
        Why methods that were tried are not there.
    against
        The method all are compared with; ``None``: by each metric its best.
    """

    names: tuple[str, ...]
    images: Tensor
    masks: Tensor | None
    targets: Tensor
    labelled: bool
    right: float
    rows: tuple[Evaluated, ...]
    metrics: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]
    against: str | None = None

    def __getitem__(self, name: str) -> Evaluated:
        """The row of a method or baseline."""
        for row in self.rows:
            if row.name == name:
                return row
        raise UnknownNameError("method in this evaluation", name, [row.name for row in self.rows])

    def ranking(self, metric: str) -> tuple[str, ...]:
        """Names of methods and baselines by their mean, the best first."""
        sign = -1 if METRICS[metric].better == "higher" else 1
        return tuple(row.name for row in sorted(self.rows, key=lambda row: sign * row.scored[metric].estimate.mean))

    def best(self, metric: str, baselines: bool = False) -> str | None:
        """The method (or the baseline) with the best mean; ``None`` when there is none."""
        return next((name for name in self.ranking(metric) if self[name].baseline == baselines), None)

    def difference(self, metric: str, name: str, other: str) -> Estimate:
        """Mean of ``name - other`` over the images, paired."""
        return difference(self[name].scored[metric].values, self[other].scored[metric].values)

    def better(self, metric: str, name: str, other: str) -> bool | None:
        """Whether ``name`` is better than ``other``; ``None`` where the interval of the difference holds 0."""
        found = self.difference(metric, name, other)
        if not found.excludes(0.0):
            return None
        return (found.mean > 0) == (METRICS[metric].better == "higher")

    @cached_property
    def compared(self) -> Mapping[str, Mapping[str, Estimate]]:
        """By metric and method: the paired difference to :attr:`against`, or to the best method."""
        found: dict[str, dict[str, Estimate]] = {}
        for metric in self.metrics:
            other = self.reference(metric)
            found[metric] = {
                row.name: self.difference(metric, row.name, other) for row in self.rows if row.name != other
            }
        return found

    def reference(self, metric: str) -> str:
        """The method that the others are compared with."""
        return self.against or self.best(metric) or self.ranking(metric)[0]

    @cached_property
    def ties(self) -> Mapping[str, frozenset[str]]:
        """By metric: the methods that are not shown to be worse than the best one."""
        return {
            metric: frozenset(
                row.name
                for row in self.rows
                if not row.baseline and row.name != best and self.better(metric, best, row.name) is None
            )
            for metric in self.metrics
            if (best := self.best(metric)) is not None
        }

    @cached_property
    def above_baselines(self) -> Mapping[str, frozenset[str]]:
        """By metric: the methods that are shown to be better than the best baseline."""
        return {
            metric: frozenset(
                row.name for row in self.rows if not row.baseline and self.better(metric, row.name, other)
            )
            for metric in self.metrics
            if (other := self.best(metric, baselines=True)) is not None
        }

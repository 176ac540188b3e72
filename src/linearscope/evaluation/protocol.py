"""Methods by images by metrics: every heat map is made once and measured by everything."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from linearscope.attribution import METHODS, Explainer
from linearscope.errors import InputError, LinearscopeError, UnknownNameError
from linearscope.evaluation.baselines import BASELINES
from linearscope.evaluation.data import ImagesWithMasks
from linearscope.evaluation.given import Explain
from linearscope.evaluation.metrics import METRICS, NEEDS, Case, Curve, Measured
from linearscope.evaluation.records import Arrays, Records
from linearscope.evaluation.results import Asked, Evaluated, Evaluation, Scored
from linearscope.evaluation.sanity import randomise, top_down
from linearscope.progress import track

__all__ = ["evaluate", "refusals"]

#: Images whose heat maps are kept to be looked at.
KEPT: Final = 6


def refusals(explainer: Explainer, masks: bool) -> dict[str, str]:
    """Metrics that cannot be measured here, each with what it needs."""
    there = {
        "masks": masks,
        "classes": explainer.outputs > 1,
        "module": isinstance(explainer.model, nn.Module),
    }
    return {name: NEEDS[need] for name, metric in METRICS.items() for need in metric.needs if not there[need]}


def evaluate(
    explainer: Explainer,
    data: ImagesWithMasks,
    asked: Sequence[Asked | str],
    metrics: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    *,
    classes: Sequence[str] | None = None,
    against: str | None = None,
    strict: bool = True,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure how good the explanations of several methods are, and those of three baselines.

    Parameters
    ----------
    explainer
        The model, captured for batches of the size that it is to be asked in.
    data
        Images with what is known of them.
    asked
        Methods; ``METHOD@WORD`` names another way to ask the same method.
    metrics
        Names of :data:`METRICS`, or their options by name; default: all that can be measured.
    classes
        Names of the model's classes.
    against
        The method that all are compared with; default: by each metric the best.
    strict
        Whether a method that cannot be asked is an error; otherwise it is left out, with its reason.
    out
        Where records are kept, so that the same call goes on where an earlier one stopped; ``None``: nowhere.
    settings
        What else the records depend on, such as the weights' fingerprint.
    seed
        Of the random baseline.

    Raises
    ------
    UnknownNameError
        When there is no such method or metric.
    InputError
        When a metric needs what is not there, or ``out`` holds another run.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> from linearscope.evaluation.data import ImagesWithMasks
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(784, 5)
    >>> images, masks = torch.rand(3, 3, 16, 16), torch.zeros(3, 16, 16, dtype=torch.bool)
    >>> masks[:, 4:9, 4:9] = True
    >>> data = ImagesWithMasks("noise", ("a", "b", "c"), images, masks)
    >>> explainer = ls.Explainer(torch.nn.Sequential(*layers), images)
    >>> found = evaluate(explainer, data, ["gradient", "contributions"], ["iou-auc", "pointing"])
    >>> [row.name for row in found.rows]
    ['gradient', 'contributions', 'random', 'centre', 'edges']
    >>> found["gradient"].scored["iou-auc"].values.shape, found.ranking("iou-auc")[0]
    (torch.Size([3]), 'centre')
    """
    entries = [one if isinstance(one, Asked) else Asked(one) for one in asked]
    chosen = _metrics(metrics, refusals(explainer, data.masks is not None))
    _known(entries, against)
    scores = explainer.scores(data.images)
    if len(explainer.program.output_shape) != 2:
        raise InputError(
            f"Explanations are evaluated for a list of scores; the output has the shape "
            f"{explainer.program.output_shape}. Give a classifier."
        )
    targets = data.targets(classes, explainer.outputs)
    labelled, first = targets is not None, scores.argmax(1).cpu()
    targets = first if targets is None else targets
    records = None
    if out is not None:
        run = {"data": data.fingerprint(), "images": len(data.images), "batch": explainer.batch, "seed": seed}
        methods = {one.name: {"layer": one.layer, **_settled(one.options)} for one in entries}
        records = Records(out, {**run, **(settings or {})}, methods, chosen)
    work = _Work(explainer, data, targets, chosen, records, seed, strict)
    found: dict[str, list[Arrays]] = {one.name: [] for one in [*entries, *map(Asked, BASELINES)]}
    steps = [(batch, one) for batch in range(work.batches) for one in [*entries, *map(Asked, BASELINES)]]
    for batch, one in track(steps, "evaluating"):
        if one.name not in work.left_out and (known := work.measure(one, batch)) is not None:
            found[one.name].append(known)
    left_out = work.left_out
    rows = [_row(one, found[one.name], chosen) for one in entries if one.name not in left_out]
    if not rows:
        raise InputError("No method can be asked about this model. " + " ".join(dict.fromkeys(left_out.values())))
    rows += [_row(Asked(name), found[name], chosen) for name in BASELINES]
    if against in left_out:
        raise InputError(f"The methods are to be compared with {against}, which cannot be asked: {left_out[against]}")
    return Evaluation(
        data.names, data.images[:KEPT], None if data.masks is None else data.masks[:KEPT], targets, labelled,
        float((first == targets).double().mean()), tuple(rows), chosen, left_out, against,
    )  # fmt: skip


class _Work:
    """Measures one method on one batch, as far as that has not been done."""

    def __init__(
        self, explainer: Explainer, data: ImagesWithMasks, targets: Tensor, metrics: Mapping[str, Mapping[str, Any]],
        records: Records | None, seed: int, strict: bool,
    ) -> None:  # fmt: skip
        self._explainer, self._data, self._targets = explainer, data, targets
        self._metrics, self._records, self._seed = metrics, records, seed
        self._models: _RandomModels | None = None
        self._strict = strict
        self.left_out: dict[str, str] = {}
        self.batches = -(-len(data.images) // explainer.batch)

    def measure(self, one: Asked, batch: int) -> Arrays | None:
        """What is found; ``None`` when the method cannot be asked and that is no error."""
        known = {} if self._records is None else self._records.read(one.name, batch)
        missing = [metric for metric in self._metrics if metric not in known]
        if not missing and "seconds" in known:
            return known
        part = slice(batch * self._explainer.batch, (batch + 1) * self._explainer.batch)
        images, targets = self._data.images[part], self._targets[part]
        explain = self._explain(one, self._explainer, part)
        start = time.perf_counter()
        try:
            heatmaps = explain(images, targets)
        except LinearscopeError as error:
            if self._strict or batch > 0:
                raise
            self.left_out[one.name] = str(error)
            return None
        if heatmaps.is_cuda:
            torch.cuda.synchronize(heatmaps.device)
        known.setdefault("seconds", np.array((time.perf_counter() - start) / len(images)))
        if batch * self._explainer.batch < KEPT:
            known["heatmaps"] = heatmaps[: KEPT - batch * self._explainer.batch].float().cpu().numpy()
        masks = None if self._data.masks is None else self._data.masks[part]
        randomised = self._random(one, part) if isinstance(self._explainer.model, nn.Module) else None
        case = Case(images, targets, heatmaps, explain, self._explainer.scores, masks, randomised)
        for metric in missing:
            known.update(_arrays(metric, METRICS[metric].function(case, **self._metrics[metric])))
        if self._records is not None:
            self._records.write(one.name, batch, known)
        return known

    def _explain(self, one: Asked, explainer: Explainer, part: slice) -> Explain:
        if one.name in BASELINES:
            numbers = [self._seed * 1_000_003 + i for i in range(*part.indices(len(self._data.images)))]
            return lambda images, targets: BASELINES[one.name].function(images, numbers)
        return lambda images, targets: explainer(
            images, targets, method=one.method, layer=one.layer, **one.options
        ).heatmap()

    def _random(self, one: Asked, part: slice) -> Callable[[int, int], Iterator[tuple[float, Explain]]]:
        def models(draw: int, stops: int) -> Iterator[tuple[float, Explain]]:
            if self._models is None:
                self._models = _RandomModels(self._explainer, self._data.images)
            for share in self._models(draw, stops):
                yield share, self._explain(one, self._models.explainer, part)

        return models


class _RandomModels:
    """A copy of the model, captured once, whose layers are made random from the top, as far as asked."""

    def __init__(self, explainer: Explainer, images: Tensor) -> None:
        assert isinstance(explainer.model, nn.Module)
        self._trained = explainer.model
        self._layers = top_down(self._trained, images[:1])
        self._module = copy.deepcopy(self._trained)
        self.explainer = Explainer(self._module, images[: explainer.batch], bounds=explainer.bounds)
        self._random: dict[int, dict[str, Tensor]] = {}

    def __call__(self, draw: int, stops: int) -> Iterator[float]:
        """Set the model to each stop in turn; yields the share of the layers that are random."""
        if draw not in self._random:
            self._random[draw] = {
                key: value.clone()
                for name, copied in randomise(self._trained, self._layers, mode="independent", seed=draw)
                for key, value in copied.state_dict().items()
                if key.startswith(f"{name}." if name else "")
            }
        count = len(self._layers)
        for stop in sorted({round(place) for place in np.linspace(1, count, min(stops, count)).tolist()}):
            prefixes = tuple(f"{name}." for name in self._layers[:stop])
            changed = {key: value for key, value in self._random[draw].items() if key.startswith(prefixes)}
            self._module.load_state_dict({**self._trained.state_dict(), **changed})
            yield stop / count


def _settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they are compared with those of an earlier run: of a file what it holds, and not where it lies."""
    return {
        name: hashlib.sha256(Path(value).read_bytes()).hexdigest()[:16]
        if isinstance(value, (str, Path)) and Path(value).is_file()
        else value
        for name, value in options.items()
    }


def _metrics(
    asked: Sequence[str] | Mapping[str, Mapping[str, Any]] | None, refused: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    if asked is None:
        return {name: {} for name in METRICS if name not in refused}
    given = {name: dict(asked[name]) for name in asked} if isinstance(asked, Mapping) else {name: {} for name in asked}
    if not given:
        raise InputError("No metric was named; name at least one.")
    for name, options in given.items():
        if name not in METRICS:
            raise UnknownNameError("metric", name, METRICS)
        if name in refused:
            raise InputError(f"The metric {name!r} needs {refused[name]}; leave it out, or give that.")
        for option in options:
            if option not in METRICS[name].options:
                raise UnknownNameError(f"option of {name}", option, METRICS[name].options)
    return given


def _known(entries: Sequence[Asked], against: str | None) -> None:
    if not entries:
        raise InputError("No method was named; name at least one.")
    names = [one.name for one in entries]
    for one in entries:
        if one.method not in METHODS:
            hint = "The baselines are always there." if one.method in BASELINES else ""
            raise UnknownNameError("method", one.method, METHODS, hint=hint)
        if names.count(one.name) > 1:
            raise InputError(f"{one.name!r} is asked twice; write {one.method}@WORD for another way to ask the method.")
    if against is not None and against not in (*names, *BASELINES):
        raise UnknownNameError("method in this evaluation", against, [*names, *BASELINES])


def _arrays(metric: str, found: Measured) -> Arrays:
    arrays = {metric: found.values.cpu().double().numpy()}
    if found.curve is not None:
        arrays[f"{metric}.x"] = found.curve.x.cpu().double().numpy()
        arrays[f"{metric}.y"] = found.curve.y.cpu().float().numpy()
    return arrays | {f"{metric}.more.{name}": values.cpu().double().numpy() for name, values in found.more.items()}


def _row(asked: Asked, parts: Sequence[Arrays], metrics: Mapping[str, Any]) -> Evaluated:
    def joined(key: str) -> Tensor:
        return torch.from_numpy(np.concatenate([part[key] for part in parts]))

    scored = {}
    for metric in metrics:
        along = parts[0].get(f"{metric}.x")
        curve = None if along is None else Curve(torch.from_numpy(along), joined(f"{metric}.y"))
        start = f"{metric}.more."
        more = {key.removeprefix(start): joined(key) for key in parts[0] if key.startswith(start)}
        scored[metric] = Scored(joined(metric), curve, more)
    maps = torch.from_numpy(np.concatenate([part["heatmaps"] for part in parts if "heatmaps" in part]))
    seconds = float(np.median([part["seconds"] for part in parts]))
    if asked.name in BASELINES:
        return Evaluated(asked, BASELINES[asked.name].title, "baseline", "", True, "positive", seconds, maps, scored)
    of = METHODS[asked.method]
    return Evaluated(asked, of.title, of.family, of.source, False, of.heatmap, seconds, maps, scored)

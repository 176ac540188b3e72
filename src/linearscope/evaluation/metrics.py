"""The table of metrics: one entry a name, with what it asks, what it cannot say, and the function that measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.evaluation.checkerboard import checkerboard_energy
from linearscope.evaluation.fidelity import Fill, PixelCurve, deletion, insertion, top5_fidelity
from linearscope.evaluation.given import Explain, Scores
from linearscope.evaluation.localisation import iou_curve, pointing_game
from linearscope.evaluation.similarity import compare

__all__ = ["METRICS", "Case", "Curve", "Measured", "Metric", "register_metric"]

Better = Literal["higher", "lower"]
Need = Literal["masks", "classes", "module"]

#: What each need is, in words.
NEEDS: Final[Mapping[str, str]] = {
    "masks": "a mask for every image",
    "classes": "a model with at least two scores",
    "module": "a model whose layers can be made random, which a .pt2 file is not",
}


@dataclass(frozen=True)
class Case:
    """One method on one batch of images: all that a metric can ask for.

    Attributes
    ----------
    images
        ``(b, C, H, W)`` in the model's units.
    targets
        ``(b,)``: the class that is explained.
    heatmaps
        ``(b, H, W)``: the method's.
    explain
        Asks the method again, for other images or classes.
    scores
        The model.
    masks
        ``(b, H, W)`` of bool, or ``None``.
    randomised
        ``randomised(draw, stops)`` yields the share of layers made random, from the top, and the method on that model;
        ``None`` where the model has no modules.
    """

    images: Tensor
    targets: Tensor
    heatmaps: Tensor
    explain: Explain
    scores: Scores
    masks: Tensor | None = None
    randomised: Callable[[int, int], Iterator[tuple[float, Explain]]] | None = None


@dataclass(frozen=True)
class Curve:
    """One curve an image: ``x`` ``(T,)`` and ``y`` ``(b, T)``."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Measured:
    """What a metric's function returns: one number an image ``(b,)``, a curve, and more numbers an image by name."""

    values: Tensor
    curve: Curve | None = None
    more: Mapping[str, Tensor] = field(default_factory=dict)


MetricFunction = Callable[..., Measured]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name
        Lower case with hyphens.
    title
        A few words for lists and figures.
    source
        The paper, as it is cited.
    better
        ``"higher"`` or ``"lower"``.
    asks
        The question, in one sentence.
    limits
        What it cannot say, in one sentence.
    function
        ``function(case, **options) -> Measured``.
    needs
        Some of :data:`NEEDS`.
    axes
        What lies along and up its curve; empty where it has none.
    options
        What each keyword option means, in a few words.
    """

    name: str
    title: str
    source: str
    better: Better
    asks: str
    limits: str
    function: MetricFunction
    needs: tuple[Need, ...] = ()
    axes: tuple[str, str] | None = None
    options: Mapping[str, str] = field(default_factory=dict)


_METRICS: dict[str, Metric] = {}
#: All metrics by name.
METRICS: Final[Mapping[str, Metric]] = _METRICS


def register_metric(
    name: str, title: str, source: str, *, better: Better, asks: str, limits: str, needs: tuple[Need, ...] = (),
    axes: tuple[str, str] | None = None, replace: bool = False, **options: str,
) -> Callable[[MetricFunction], MetricFunction]:  # fmt: skip
    """Register a metric under its name.

    Parameters
    ----------
    name, title, source, better, asks, limits, needs, axes
        As in :class:`Metric`.
    replace
        Allow replacing a metric that is there.
    options
        What each keyword option of the function means.

    Raises
    ------
    InputError
        When there is a metric of that name and ``replace`` is not set.

    Examples
    --------
    >>> from linearscope.evaluation.metrics import METRICS, Measured, register_metric
    >>> @register_metric("sparsity", "share of places that are zero", "none", better="higher", asks="Is it sparse?",
    ...                  limits="Whether the rest is right.", replace=True)
    ... def sparsity(case):
    ...     return Measured((case.heatmaps == 0).double().mean((1, 2)))
    >>> METRICS["sparsity"].better
    'higher'
    >>> from linearscope.evaluation import metrics
    >>> _ = metrics._METRICS.pop("sparsity")
    """

    def decorate(function: MetricFunction) -> MetricFunction:
        if name in _METRICS and not replace:
            raise InputError(f"There is a metric {name!r} already; pass replace=True to replace it.")
        _METRICS[name] = Metric(name, title, source, better, asks, limits, function, needs, axes, options)
        return function

    return decorate


# -- against a mask ----------------------------------------------------------------------------------------------------


@register_metric(
    "iou-auc", "overlap with the mask", "Oramas et al., 2019", better="higher", needs=("masks",),
    axes=("threshold", "overlap with the mask"),
    asks="How well does the heat map, cut at every threshold in turn, cover the mask and nothing else?",
    limits="It takes for granted that the evidence is the mask, all of it: a model that looks elsewhere, or at one "
    "corner of the object, makes an honest map look bad. A map whose few largest pixels dwarf the others is punished, "
    "wherever the others are; the option clip cuts them.",
    clip="share of the pixels above which values are cut to one; 1 cuts none",
)  # fmt: skip
def _iou(case: Case, clip: float = 1.0) -> Measured:
    assert case.masks is not None
    if not 0 < clip <= 1:
        raise InputError(f"Maps are cut at a share of their pixels above 0 and at most 1, and {clip!r} was given.")
    highest = case.heatmaps.flatten(1).quantile(clip, dim=1)[:, None, None]
    found = iou_curve(torch.minimum(case.heatmaps, highest), case.masks)
    return Measured(found.values, Curve(found.thresholds, found.curves), {"chance": found.chance})


@register_metric(
    "pointing", "pointing game", "Zhang et al., 2016", better="higher", needs=("masks",),
    asks="Does the largest place of the heat map lie in the mask?",
    limits="It looks at one pixel of every map, and large objects in the middle are hit by chance.",
    tolerance="a hit may lie so many pixels beside the mask",
)  # fmt: skip
def _pointing(case: Case, tolerance: int = 0) -> Measured:
    assert case.masks is not None
    found = pointing_game(case.heatmaps, case.masks, tolerance)
    return Measured(found.values, more={"chance": found.chance})


# -- by hiding pixels --------------------------------------------------------------------------------------------------

_STEPS: Final = "in how many steps"
_FILL: Final = "what hides a pixel: a number in the model's units, or blur"


@register_metric(
    "fidelity", "first classes from the best pixels", "Chen et al., 2019", better="higher", needs=("classes",),
    asks="With the most relevant pixels alone, how many of the model's first classes stay among the first?",
    limits="Images with holes are no images the model has learned: a map can win by keeping them look natural.",
    keep="share of pixels kept", top="how many first classes; 5, or half of them where there are fewer than 10",
    fill=_FILL,
)  # fmt: skip
def _fidelity(case: Case, keep: float = 0.3, top: int | None = None, fill: Fill = 0.0) -> Measured:
    if top is None:
        top = min(5, case.scores(case.images[:1]).shape[1] // 2)
    return Measured(top5_fidelity(case.scores, case.images, case.heatmaps, keep, fill, top=top).values)


def _curve(found: PixelCurve) -> Measured:
    return Measured(found.values, Curve(found.fractions, found.curves))


@register_metric(
    "deletion", "probability while pixels go", "Petsiuk et al., 2018", better="lower", needs=("classes",),
    axes=("share of pixels deleted", "probability of the class"),
    asks="How fast does the class's probability fall when the most relevant pixels are hidden first?",
    limits="Scattered holes upset a network whatever they hide, so noisy maps do well here.",
    steps=_STEPS, fill=_FILL,
)  # fmt: skip
def _deletion(case: Case, steps: int = 32, fill: Fill = 0.0) -> Measured:
    return _curve(deletion(case.scores, case.images, case.heatmaps, case.targets, steps=steps, fill=fill))


@register_metric(
    "insertion", "probability while pixels come", "Petsiuk et al., 2018", better="higher", needs=("classes",),
    axes=("share of pixels inserted", "probability of the class"),
    asks="How fast does the class's probability rise when the most relevant pixels come into a blurred image first?",
    limits="Compact, smooth maps do well here, because they bring in whole pieces of the image.",
    steps=_STEPS, fill=_FILL,
)  # fmt: skip
def _insertion(case: Case, steps: int = 32, fill: Fill = "blur") -> Measured:
    return _curve(insertion(case.scores, case.images, case.heatmaps, case.targets, steps=steps, fill=fill))


# -- sanity ------------------------------------------------------------------------------------------------------------


@register_metric(
    "class-sensitivity", "likeness for another class", "Oramas et al., 2019", better="lower", needs=("classes",),
    asks="How alike are the maps for the class and for the other class that scores highest? Lower answers for the "
    "class.",
    limits="Two classes of one object may rightly look alike, and a map can differ between classes and be wrong for "
    "both. A map that is empty for the other class, as some are where its score is negative, counts as unlike (0).",
    foreground="rank only places that are not zero in both maps",
)  # fmt: skip
def _class_sensitivity(case: Case, foreground: bool = False) -> Measured:
    scores = case.scores(case.images).clone()
    chosen = case.targets.to(scores.device).unsqueeze(1)
    others = scores.scatter(1, chosen, -torch.inf).argmax(1)
    found = compare(case.heatmaps, case.explain(case.images, others.cpu()), foreground=foreground)
    return Measured(found.values, more={"ssim": found.ssim, "hog": found.hog})


@register_metric(
    "randomisation", "likeness under random layers", "Adebayo et al., 2018", better="lower", needs=("module",),
    axes=("share of layers made random, from the top", "likeness to the trained model's map"),
    asks="How alike is the map of a model whose layers were made random, from the top down? Lower depends on what was "
    "learned; the number is the mean over the curve.",
    limits="A map that changes with the weights need not be right; one that stays shows the image and not the model.",
    draws="random models", stops="at how many depths", foreground="rank only places that are not zero in both maps",
)  # fmt: skip
def _randomisation(case: Case, draws: int = 1, stops: int = 4, foreground: bool = False) -> Measured:
    assert case.randomised is not None
    if draws < 1 or stops < 1:
        raise InputError(f"Randomisation has {draws} draws and {stops} stops; give at least one of each.")
    shares: list[float] = []
    found = []
    for draw in range(draws):
        parts = []
        shares = []
        for share, explain in case.randomised(draw, stops):
            shares.append(share)
            made = compare(case.heatmaps, explain(case.images, case.targets), foreground=foreground)
            parts.append(torch.stack([made.values, made.ssim, made.hog]))
        found.append(torch.stack(parts, 2))
    ranks, ssim, hog = torch.stack(found).mean(0)
    curve = Curve(torch.tensor(shares, dtype=torch.float64), ranks)
    return Measured(ranks.mean(1), curve, {"ssim": ssim.mean(1), "hog": hog.mean(1)})


@register_metric(
    "checkerboard", "grid in the map", "Oramas et al., 2019", better="lower",
    asks="Which share of the map's variation repeats with the stride of the network's layers?",
    limits="It sees one artefact alone: a smooth map of nonsense has none of it.",
    stride="in pixels",
)  # fmt: skip
def _checkerboard(case: Case, stride: int = 8) -> Measured:
    return Measured(checkerboard_energy(case.heatmaps, stride).values)

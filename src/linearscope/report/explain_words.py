"""What the page of several methods says in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod
from typing import Final

import torch
from torch import Tensor

from linearscope.attribution.comparison import Answer, Comparison
from linearscope.attribution.result import Heatmap
from linearscope.report.about import About
from linearscope.report.words import MINUS, amount, count, joined, tiny

__all__ = [
    "FAMILIES",
    "KINDS",
    "agreed",
    "asked",
    "check_line",
    "checked",
    "correlation",
    "headline",
    "mean_sameness",
    "same_picture",
    "target_name",
    "title_of",
]

#: What the methods of a family ask.
FAMILIES: Final = {
    "gradient": (
        "How would the score change if a pixel changed a little? The derivative goes back from the score to the image; "
        "DeconvNet and guided backpropagation also hold negative signals back on the way."
    ),
    "relevance": (
        "How is the score shared out among the pixels? On the way back every unit divides what it has received among "
        "its inputs by the rule of the method, according to what each of them brought."
    ),
    "activation map": (
        "Where does a feature map, by default the last one, hold what the score is made of? Its channels are weighted "
        "by what they mean to the score, added, and enlarged to the size of the image, so that most of these maps are "
        "coarse."
    ),
    "perturbation": (
        "What happens when a part of the image is covered? The network runs on the changed images, and the fall of the "
        "score is laid on the part that was covered."
    ),
    "path": (
        "How does the score grow on the way from a blank image to this one? Gradients are added up along that way, and "
        "the values sum to the difference of the two scores."
    ),
    "affine map": (
        "What is each pixel's term in y = F x + r, which the network is on this image? Contributions take the image's "
        "part alone, discussions spread the constants over the pixels too, and votes show where one label leads."
    ),
    "relevant units": (
        "Which few inner units tell this label from all others, and what excites them here? They were chosen on many "
        "labelled images, and each is drawn back to the pixels from its own map."
    ),
}

#: How heat maps are made: the two ends of the scale, and what the colours mean.
KINDS: Final[dict[Heatmap, tuple[str, str, str]]] = {
    "positive": ("nothing", "for the score", "the sum over the channels, negative values dropped"),
    "magnitude": ("nothing", "for or against", "the largest size over the channels, without a sign"),
    "signed": ("against the score", "for it", "the sum over the channels, with its sign"),
}


def target_name(found: Comparison, target: int, about: About) -> str:
    """A label's short name; of an output that is an image, the place."""
    shape = found.output.shape[1:]
    if len(shape) == 1:
        return about.short(target)
    places = [target // prod(shape[i + 1 :]) % size for i, size in enumerate(shape)]
    return f"output ({', '.join(map(str, places))})"


def headline(found: Comparison, about: About) -> str:
    """What was asked about."""
    return joined([target_name(found, target, about) for target in found.targets])


def asked(found: Comparison) -> str:
    """How many methods were asked about what."""
    methods = count(len(found.answers), "method")
    scores = "this score" if len(found.targets) == 1 else f"each of {len(found.targets)} scores"
    said = f"{methods} {'says' if len(found.answers) == 1 else 'say'} which pixels matter to {scores}."
    if found.left_out:
        left = len(found.left_out)
        said += f" {left} could not be asked; the {'reason stands' if left == 1 else 'reasons stand'} below."
    return said


def checked(found: Comparison) -> str:
    """How well the methods' own sums hold."""
    errors = {
        one.method.name: float(one.attribution.check.error.max())
        for one in found.answers
        if one.attribution.check is not None
    }
    if not errors:
        return "None of them has a sum that its theory says and that could be checked."
    name = max(errors, key=errors.__getitem__)
    some = f"{len(errors)} of them have" if len(errors) > 1 else "One of them has"
    return f"{some} a sum to check; the largest relative error is {tiny(errors[name])} ({name})."


def agreed(found: Comparison, number: int) -> str:
    """Which methods are the most and the least alike about a target."""
    names = [one.method.name for one in found.answers]
    values = found.agreement[number]
    pairs = {
        (names[i], names[j]): float(values[i, j])
        for i in range(len(names))
        for j in range(i)
        if isfinite(float(values[i, j]))
    }
    if not pairs:
        return "There are no two maps to compare."
    most, least = (choose(pairs, key=pairs.__getitem__) for choose in (max, min))
    if most == least:
        return f"Rank correlation of {most[1]} and {most[0]}: {correlation(pairs[most])}."
    return (
        f"The most alike are {most[1]} and {most[0]} ({correlation(pairs[most])}), the least {least[1]} and {least[0]} "
        f"({correlation(pairs[least])})."
    )


def same_picture(names: Sequence[str], means: Sequence[float]) -> str:
    """Which methods draw the same picture whatever the label."""
    known = {name: value for name, value in zip(names, means, strict=True) if isfinite(value)}
    if not known:
        return "No method gave maps that can be compared."
    most, least = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    if most == least:
        return f"{most}: {correlation(known[most])}."
    return (
        f"{most} draws the labels the most alike ({correlation(known[most])}), {least} tells them apart the best "
        f"({correlation(known[least])})."
    )


def mean_sameness(values: Tensor) -> float:
    """Mean over pairs of labels of a ``(t, t)`` matrix of correlations."""
    rows, columns = torch.triu_indices(len(values), len(values), 1)
    return float(values[rows, columns].mean())


def check_line(one: Answer, number: int) -> str:
    """A method's own sum for one target, in a few words."""
    check = one.attribution.check
    return "no sum to check" if check is None else f"sum checked: error {tiny(float(check.error[number]))}"


def correlation(value: float) -> str:
    """Write a correlation with two digits."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS) if isfinite(value) else amount(value)


def title_of(one: Answer) -> str:
    """What a method's title says beyond its name."""
    first, colon, rest = one.method.title.partition(": ")
    if _plain(first) == _plain(one.method.name):
        return rest if colon else ""
    return one.method.title


def _plain(text: str) -> str:
    return text.lower().replace("-", "").replace(" ", "")

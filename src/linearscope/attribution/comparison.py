"""Several methods asked about the same scores of one image, and how far they agree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import METHODS, Method
from linearscope.attribution.result import Attribution, Heatmap
from linearscope.errors import InputError, LinearscopeError, UnknownNameError
from linearscope.progress import track

__all__ = ["Answer", "Comparison", "ask_each", "compare", "concentration", "rank_correlation"]

#: The part of the pixels that :func:`concentration` looks at.
PART: Final = 0.1


@dataclass(frozen=True)
class Answer:
    """What one method said.

    Attributes
    ----------
    method
        Its entry in :data:`METHODS`.
    attribution
        Its values, one entry a target.
    options
        Those it was given.
    seconds
        What it took for all targets, with what is prepared once.
    """

    method: Method
    attribution: Attribution
    options: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """What several methods say about the same scores of one image.

    Attributes
    ----------
    image
        ``(1, C, H, W)`` in the model's units.
    output
        The model's output on it.
    targets
        Flat output indices, one or more.
    answers
        One a method.
    left_out
        Why methods that were tried are not there, by name.
    kind
        How heat maps are made of values; ``None``: each method's own way.
    """

    image: Tensor
    output: Tensor
    targets: tuple[int, ...]
    answers: tuple[Answer, ...]
    left_out: Mapping[str, str]
    kind: Heatmap | None = None

    @cached_property
    def scores(self) -> tuple[float, ...]:
        """The model's outputs at the targets."""
        return tuple(float(self.output.flatten()[target]) for target in self.targets)

    @cached_property
    def heatmaps(self) -> Tensor:
        """One map a method and target, ``(m, t, H, W)``."""
        return torch.stack([one.attribution.heatmap(self.kind) for one in self.answers])

    @cached_property
    def concentration(self) -> Tensor:
        """:func:`concentration` of every map, ``(m, t)``."""
        return concentration(self.heatmaps)

    @cached_property
    def agreement(self) -> Tensor:
        """Rank correlation of every two methods about the same target, ``(t, m, m)``."""
        return torch.stack([rank_correlation(maps) for maps in self.heatmaps.transpose(0, 1)])

    @cached_property
    def sameness(self) -> Tensor:
        """Rank correlation of every two targets by the same method, ``(m, t, t)``: 1 is the same order of pixels."""
        return torch.stack([rank_correlation(maps) for maps in self.heatmaps])


def compare(
    explainer: Explainer,
    image: Tensor,
    targets: int | Sequence[int] | None = None,
    *,
    methods: Sequence[str] | None = None,
    layers: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    kind: Heatmap | None = None,
    strict: bool = True,
) -> Comparison:
    """Ask several methods about the same scores of one image.

    Parameters
    ----------
    explainer
        The model.
    image
        ``(1, C, H, W)`` in its units.
    targets
        Flat output indices; default: the largest score.
    methods
        Names of :data:`METHODS`; default: all of them.
    layers, options
        The layer and the options of single methods, by the method's name.
    kind
        How heat maps are made of values; default: each method's own way.
    strict
        Whether a method that cannot be asked is an error; otherwise it is left out, with its reason.

    Raises
    ------
    UnknownNameError
        When there is no such method.
    InputError
        When no method can be asked.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> image = torch.rand(1, 3, 6, 6)
    >>> found = compare(ls.Explainer(net, image), image, [1, 3], methods=["gradient-x-input", "lrp-0", "gradient"])
    >>> found.heatmaps.shape, found.agreement.shape
    (torch.Size([3, 2, 6, 6]), torch.Size([2, 3, 3]))
    """
    names = list(dict.fromkeys(METHODS if methods is None else methods))
    if not names:
        raise InputError("No method was named; name at least one.")
    for name in (*names, *(layers or {}), *(options or {})):
        if name not in METHODS:
            raise UnknownNameError("method", name, METHODS)
    output = explainer.scores(image)
    if len(output) != 1:
        raise InputError(f"Methods are compared on one image, and {len(output)} were given.")
    asked = [int(output.argmax())] if targets is None else [targets] if isinstance(targets, int) else [*targets]
    if not asked:
        raise InputError("No target was given; name at least one output.")
    answers: list[Answer] = []
    left_out: dict[str, str] = {}
    each = ask_each(explainer, image, asked, names, layers=layers, options=options)
    for name, said in track(each, "asking methods", len(names)):
        if isinstance(said, Answer):
            answers.append(said)
        elif strict:
            raise said
        else:
            left_out[name] = str(said)
    if not answers:
        raise InputError("No method can be asked about this model. " + " ".join(dict.fromkeys(left_out.values())))
    shape = explainer.program.output_shape[1:]
    return Comparison(image, output.reshape(1, *shape), answers[0].attribution.targets, tuple(answers), left_out, kind)


def ask_each(
    explainer: Explainer,
    image: Tensor,
    targets: Sequence[int],
    methods: Sequence[str],
    *,
    layers: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[tuple[str, Answer | LinearscopeError]]:
    """Ask methods one after the other; of each its name, and what it said or why it cannot be asked.

    Arguments are those of :func:`compare`, which asks in this way.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> image = torch.rand(1, 3, 2, 2)
    >>> for name, said in ask_each(ls.Explainer(net, image), image, [1], ["gradient", "grad-cam"]):
    ...     print(name, isinstance(said, Answer))
    gradient True
    grad-cam False
    """
    images = image.expand(len(targets), -1, -1, -1)
    for name in methods:
        own = dict((options or {}).get(name, {}))
        start = time.perf_counter()
        try:
            said = explainer(images, targets, method=name, layer=(layers or {}).get(name), **own)
        except LinearscopeError as error:
            yield name, error
            continue
        yield name, Answer(METHODS[name], said, own, time.perf_counter() - start)


def concentration(heatmaps: Tensor) -> Tensor:
    """The share of a map's total size that lies in the tenth of its pixels where it is largest.

    Parameters
    ----------
    heatmaps
        ``(..., H, W)``; signs do not matter.

    Returns
    -------
    Tensor
        ``(...)``, from 0.1 (even) to 1; NaN for a map of zeros.

    Examples
    --------
    >>> import torch
    >>> concentration(torch.ones(1, 5, 4)).item(), concentration(torch.eye(10)).item()
    (0.1, 1.0)
    """
    sizes = heatmaps.detach().double().abs().flatten(-2)
    count = max(1, round(PART * sizes.shape[-1]))
    return sizes.topk(count, dim=-1).values.sum(-1) / sizes.sum(-1)


def rank_correlation(maps: Tensor) -> Tensor:
    """Spearman's rank correlation of every two maps; pixels of equal value share their mean rank.

    Parameters
    ----------
    maps
        ``(m, H, W)``.

    Returns
    -------
    Tensor
        ``(m, m)``; NaN where a map is constant.

    Examples
    --------
    >>> import torch
    >>> one = torch.rand(1, 4, 4)
    >>> rank_correlation(torch.cat([one, one.exp(), -one])).round().tolist()
    [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    ranks = twice_ranks(maps.detach().double().flatten(1))
    ranks = ranks - ranks.mean(1, keepdim=True)
    lengths = torch.where(ranks.amax(1) > ranks.amin(1), ranks.norm(dim=1), torch.nan)
    return (ranks @ ranks.T) / (lengths.unsqueeze(1) * lengths)


def twice_ranks(flat: Tensor) -> Tensor:
    """Twice the mean rank of each value of each row ``(m, k)``, less a constant: whole numbers."""
    ordered = flat.sort(-1).values
    return (torch.searchsorted(ordered, flat) + torch.searchsorted(ordered, flat, right=True)).double()

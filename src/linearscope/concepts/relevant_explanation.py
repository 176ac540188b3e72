"""Why this class: the relevant units that answered most, each drawn back onto the image from its own map."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from linearscope.attribution import (
    DECONVNET,
    GRADIENT,
    GUIDED,
    BackwardRules,
    Explainer,
    Made,
    Resampled,
    Unit,
    normalised,
    register_method,
)
from linearscope.concepts.relevant_units import RelevantUnits, load_relevant_units
from linearscope.concepts.unit_scores import padded
from linearscope.errors import InputError, UnknownNameError

__all__ = ["BACKPROPS", "RelevantExplanation", "Responding", "relevant_explanation", "unit_heatmaps"]

#: How a unit's own map may go back to the image.
BACKPROPS: Final[dict[str, BackwardRules]] = {
    "resampled-guided": Resampled(GUIDED),
    "guided": GUIDED,
    "resampled-deconvnet": Resampled(DECONVNET),
    "deconvnet": DECONVNET,
    "gradient": GRADIENT,
}


@dataclass(frozen=True)
class Responding:
    """One unit that speaks for a class on an image.

    Attributes
    ----------
    layer, channel
        Which.
    weight
        What the unit counts for the class.
    response
        What it says on the image, as :meth:`RelevantUnits.responses`.
    heatmap
        ``(H, W)``: where in the image its map comes from, from 0 to 1.
    """

    layer: str
    channel: int
    weight: float
    response: float
    heatmap: Tensor


@dataclass(frozen=True)
class RelevantExplanation:
    """What the relevant units say about one image.

    Attributes
    ----------
    target
        The class, as an output index.
    score
        The output there.
    units
        The units with the largest responses, the largest first; fewer than were asked for when fewer respond at all.
    heatmap
        ``(H, W)``, from 0 to 1: the largest of theirs at each pixel; 0 where no unit responds.
    """

    target: int
    score: float
    units: tuple[Responding, ...]
    heatmap: Tensor


def relevant_explanation(
    explainer: Explainer,
    images: Tensor,
    units: RelevantUnits | str | os.PathLike[str],
    targets: Sequence[int] | Tensor | int | None = None,
    *,
    top: int = 3,
    backprop: str = "resampled-guided",
) -> tuple[RelevantExplanation, ...]:
    """Explain a class on each image by the relevant units that respond most.

    Parameters
    ----------
    explainer
        Of the network that the units belong to.
    images
        ``(n, C, H, W)`` in the model's units.
    units
        From :func:`linearscope.relevant_units`, or a file of them.
    targets
        A class for all images or one each, as output indices; default: the largest score among the classes that the
        units tell apart.
    top
        How many units, at most.
    backprop
        How a unit's map goes back: ``"resampled-guided"`` (the paper's), ``"guided"``, ``"resampled-deconvnet"``,
        ``"deconvnet"`` or ``"gradient"``.

    Raises
    ------
    InputError
        When the units belong to another network or tell nothing of a class, or ``top`` is not above 0.
    UnknownNameError
        When there is no such way back.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> from linearscope.concepts import relevant_explanation
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
    >>> images = torch.rand(4, 3, 6, 6)
    >>> explainer = ls.Explainer(torch.nn.Sequential(*layers), images)
    >>> units = ls.relevant_units(explainer, images, [0, 0, 1, 1], mu=2.0)
    >>> first, second = relevant_explanation(explainer, images[:2], units, 1)
    >>> first.target, first.heatmap.shape
    (1, torch.Size([6, 6]))

    Source: Oramas et al., 2019, section 3.2; the largest value at each pixel as in the authors' program.
    """
    known, rules = _units(units), backprop_rules(backprop)
    if top < 1:
        raise InputError(f"The {top} largest responses are no explanation; give at least 1.")
    scorer = known.scorer(explainer.program)
    rows, outputs = (torch.cat(parts) for parts in zip(*scorer.rows(images), strict=True))
    classes = _targets(targets, outputs, known)
    responses = torch.cat([known.responses(row[None], c) for row, c in zip(rows, classes, strict=True)])
    silent = images.new_zeros(images.shape[2:])
    values, places = responses.topk(min(top, responses.shape[1]), dim=1)
    chosen = [
        (image, *known.units[place])
        for image, (found, at) in enumerate(zip(values.tolist(), places.tolist(), strict=True))
        for value, place in zip(found, at, strict=True)
        if value > 0
    ]
    maps = [silent] * len(chosen)
    for place, heatmap, _ in unit_heatmaps(explainer, images.__getitem__, chosen, rules):
        maps[place] = heatmap
    weights = {c: {one[:2]: one.weight for one in known.of_class(c)} for c in set(classes)}
    speaking: dict[int, list[Responding]] = defaultdict(list)
    for (image, layer, channel), heatmap in zip(chosen, maps, strict=True):
        said = float(values[image, len(speaking[image])])
        weight = weights[classes[image]][layer, channel]
        speaking[image].append(Responding(layer, channel, weight, said, heatmap))
    return tuple(
        RelevantExplanation(
            c,
            float(outputs[i, c]),
            tuple(speaking[i]),
            torch.stack([one.heatmap for one in speaking[i]]).amax(0) if speaking[i] else silent,
        )
        for i, c in enumerate(classes)
    )


def unit_heatmaps(
    explainer: Explainer,
    read: Callable[[int], Tensor],
    chosen: Sequence[tuple[int, str, int]],
    rules: BackwardRules,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Take units' own maps back to the image, all other channels of their layer at 0.

    Parameters
    ----------
    explainer
        Of the network.
    read
        Gives an image ``(C, H, W)`` by its number.
    chosen
        Number of the image, layer and channel of each.
    rules
        What happens on the way.

    Yields
    ------
    tuple
        The place in ``chosen``, in any order; the heat map ``(H, W)``: the largest size over the channels, stretched to
        0 to 1; the unit's own map ``(h, w)``, or one number where it has no extent.
    """
    for layer, places in _by_layer(chosen):
        for begin in range(0, len(places), explainer.batch):
            part = places[begin : begin + explainer.batch]
            # Walks back are made in whole batches; those that fill one up ask again what the last asked.
            shown = padded(torch.stack([read(chosen[i][0]) for i in part]), explainer.batch)
            channels = [chosen[i][2] for i in part] + [chosen[part[-1]][2]] * (explainer.batch - len(part))
            back = explainer.back(shown, Unit(layer, channels), rules)
            heatmaps = normalised(back.values.abs().amax(1))
            for row, i in enumerate(part):
                yield i, heatmaps[row], back.output[row, channels[row]]


def _by_layer(chosen: Sequence[tuple[int, str, int]]) -> Iterator[tuple[str, list[int]]]:
    layers: dict[str, list[int]] = defaultdict(list)
    for place, (_, layer, _) in enumerate(chosen):
        layers[layer].append(place)
    yield from layers.items()


def _units(units: RelevantUnits | str | os.PathLike[str] | None) -> RelevantUnits:
    if units is None:
        raise InputError(
            "Relevant units have to be found first; run `linearscope relevant` or linearscope.relevant_units on a data "
            "set, and give what it made as units."
        )
    return units if isinstance(units, RelevantUnits) else load_relevant_units(units)


def backprop_rules(backprop: str) -> BackwardRules:
    if backprop not in BACKPROPS:
        raise UnknownNameError("way back", backprop, BACKPROPS)
    return BACKPROPS[backprop]


def _targets(targets: Sequence[int] | Tensor | int | None, outputs: Tensor, units: RelevantUnits) -> list[int]:
    count = len(outputs)
    if targets is None:
        if max(units.classes) >= outputs.shape[1]:
            raise InputError(
                f"The model has {outputs.shape[1]} outputs and the units tell a class {max(units.classes)}: they "
                "belong to another network."
            )
        return [units.classes[i] for i in outputs[:, list(units.classes)].argmax(1).tolist()]
    found = torch.as_tensor(targets, dtype=torch.int64).reshape(-1).tolist()
    if len(found) not in (1, count):
        raise InputError(f"There are {count} images and {len(found)} targets; give one, or one an image.")
    wrong = [c for c in found if not 0 <= c < outputs.shape[1]]
    if wrong:
        raise InputError(f"There is no output {wrong[0]}; the model has {outputs.shape[1]}.")
    return found * count if len(found) == 1 else found


@register_method(
    "relevant-units",
    "relevant units",
    "Oramas et al., 2019",
    family="relevant units",
    heatmap="positive",
    units="a RelevantUnits, or the file that `linearscope relevant` or RelevantUnits.save wrote",
    top="how many of the units that respond most are drawn (3)",
    backprop="how a unit's map goes back: " + ", ".join(BACKPROPS),
)
def _relevant_units(
    explainer: Explainer,
    images: Tensor,
    targets: Tensor,
    layer: str | None,
    units: RelevantUnits | str | os.PathLike[str] | None = None,
    top: int = 3,
    backprop: str = "resampled-guided",
) -> Made:
    found = relevant_explanation(explainer, images, _units(units), targets, top=top, backprop=backprop)
    return Made(torch.stack([one.heatmap for one in found])[:, None])

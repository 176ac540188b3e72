"""The classification tour: everything the map of one image tells about why a classifier gave its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from linearscope.analysis.attack import Attack, fgsm
from linearscope.analysis.contributions import Contributions, contributions
from linearscope.analysis.discussion import DEFAULT_VARIANT, Discussion, Votes, discussion, votes
from linearscope.analysis.layerwise import Layerwise, layerwise
from linearscope.analysis.reach import Reach, reach
from linearscope.errors import InputError
from linearscope.interpreter import Certificate, LinearInterpreter, interpret
from linearscope.program import Program

__all__ = ["ClassificationTour", "Explained", "explain_scores", "tour_classification"]


@dataclass(frozen=True)
class Explained:
    """One image explained.

    Attributes
    ----------
    image
        ``(1, C, H, W)`` in the model's units.
    scores, probabilities
        ``(N,)``: the outputs and their softmax.
    shown
        The labels that the account speaks of, most interesting first.
    certificate
        The proof of the interpreter.
    contributions
        By label shown.
    layerwise
        Of the first label shown.
    discussion
        Maps of the labels shown.
    votes
        Of every pixel, among all labels.
    """

    image: Tensor
    scores: Tensor
    probabilities: Tensor
    shown: tuple[int, ...]
    certificate: Certificate
    contributions: Mapping[int, Contributions]
    layerwise: Layerwise
    discussion: Discussion
    votes: Votes


@dataclass(frozen=True)
class ClassificationTour:
    """One image explained before an attack and, where one was made, after it.

    Attributes
    ----------
    before
        The image as given.
    attack, after, reach
        The attack, the attacked image explained, and how far along the attack the explanation of ``before`` holds;
        ``None`` without an attack.
    """

    before: Explained
    attack: Attack | None
    after: Explained | None
    reach: Reach | None


def tour_classification(
    program: Program,
    image: Tensor,
    *,
    labels: Sequence[int] | None = None,
    top: int = 3,
    interpretation: str = "freeze",
    variant: str = DEFAULT_VARIANT,
    pool: int = 1,
    epsilon: float | None = 2 / 255,
    lower: Tensor | float = 0.0,
    upper: Tensor | float = 1.0,
) -> ClassificationTour:
    """Explain a classifier's scores on one image, and again after an adversarial attack.

    Parameters
    ----------
    program
        A classifier: output ``(1, N)``.
    image
        ``(1, C, H, W)`` in the model's units.
    labels
        Labels to speak of; default: the ``top`` with the highest scores.
    interpretation
        ``"freeze"``, ``"freeze-deviation"`` or ``"taylor"``.
    variant, pool
        Of the discussion and of the votes.
    epsilon
        Strength of the attack in units of the pixel range 0 to 1; ``None`` for no attack.
    lower, upper
        What pixels 0 and 1 are in the model's units.

    Raises
    ------
    InputError
        When the output is not one row of at least two scores, or a label does not exist.
    """
    if len(program.output_shape) != 2 or program.output_shape[0] != 1 or program.output_shape[1] < 2:
        raise InputError(
            f"The tour of a classifier needs one row of scores and the output has shape {program.output_shape}; "
            "choose another output, or ask for its rows and columns in Python."
        )
    it = interpret(program, image, interpretation=interpretation)
    before = explain_scores(it, labels, top, variant, pool)
    if epsilon is None:
        return ClassificationTour(before, None, None, None)
    attack = fgsm(program, image, epsilon=epsilon, lower=lower, upper=upper)
    attacked = interpret(program, attack.adversarial, interpretation=interpretation)
    # After the attack: the label the network now gives, then the labels of before.
    shown = [attack.after, *(label for label in before.shown if label != attack.after)]
    after = explain_scores(attacked, shown, len(shown), variant, pool)
    steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    return ClassificationTour(before, attack, after, reach(it, attack.adversarial - image, steps))


def explain_scores(it: LinearInterpreter, labels: Sequence[int] | None, top: int, variant: str, pool: int) -> Explained:
    """Explain the scores of one interpreter; ``labels`` and the rest as in :func:`tour_classification`."""
    scores = it.output[0].detach().cpu()
    count = len(scores)
    shown = list(labels) if labels is not None else scores.argsort(descending=True)[:top].tolist()
    for label in shown:
        if not 0 <= label < count:
            raise InputError(f"There is no label {label}; the model has {count}.")
    each = contributions(it, [int(label) for label in shown])
    everything = discussion(it, variant=variant)
    maps = Discussion(
        variant, tuple(shown), everything.scores[shown], everything.maps[shown].clone(), everything.scale[shown]
    )
    return Explained(
        it.image,
        scores,
        torch.softmax(scores, 0),
        tuple(shown),
        it.certificate,
        dict(zip(shown, each, strict=True)),
        layerwise(it, shown[0]),
        maps,
        votes(everything, pool=pool),
    )

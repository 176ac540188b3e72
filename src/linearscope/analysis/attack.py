"""Adversarial attack: the fast gradient sign method, its gradient taken from the interpreter."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.program import Program

__all__ = ["Attack", "fgsm"]


@dataclass(frozen=True)
class Attack:
    """An image and its adversarial twin, in the model's units.

    Attributes
    ----------
    original, adversarial
        ``(1, C, H, W)``.
    epsilon
        Largest change of a pixel, in units of the pixel range 0 to 1 (AdvBox: in the model's units).
    label, before, after
        The label attacked, and the labels with the highest score before and after.
    steps
        Gradients taken.
    """

    original: Tensor
    adversarial: Tensor
    epsilon: float
    label: int
    before: int
    after: int
    steps: int

    @property
    def success(self) -> bool:
        """Whether the attacked label no longer has the highest score."""
        return self.after != self.label


def fgsm(
    program: Program,
    image: Tensor,
    *,
    label: int | None = None,
    epsilon: float = 4 / 255,
    lower: Tensor | float = 0.0,
    upper: Tensor | float = 1.0,
    advbox: bool = False,
) -> Attack:
    """Add epsilon times the sign of the gradient of the cross-entropy to every pixel, once.

    Parameters
    ----------
    program
        A classifier: output ``(1, N)`` logits.
    image
        ``(1, C, H, W)`` in the model's units.
    label
        The label to attack; default: the one with the highest score.
    epsilon
        In units of the pixel range 0 to 1.
    lower, upper
        What pixels 0 and 1 are in the model's units: numbers or ``(1, C, 1, 1)``. The result stays between them.
    advbox
        Do what AdvBox's FGSM does instead: epsilon from 0.01 to 0.5 in 100 steps in the model's units, ten gradients
        at each, clipped to -1 and 1, until the label changes. ``epsilon``, ``lower`` and ``upper`` are then not used.

    Raises
    ------
    InputError
        When the output is not one row of scores, or an option is out of range.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    >>> x = torch.full((1, 3, 2, 2), 0.5)
    >>> attack = ls.fgsm(ls.capture(model, x), x, epsilon=0.1)
    >>> round(float((attack.adversarial - x).abs().max()), 6)
    0.1

    Source: Goodfellow et al. 2015; Navarrete Michelini et al. 2019, section 8.A.
    """
    if not isinstance(program, Program):
        raise InputError("The attack takes a Program; give capture(model, image).")
    if len(program.output_shape) != 2 or program.output_shape[0] != 1:
        raise InputError(f"The attack needs one row of scores; the output has shape {program.output_shape}.")
    if not 0 < epsilon <= 1:
        raise InputError(f"epsilon is {epsilon}; give a number above 0 and at most 1, such as {4 / 255:.4f} (4/255).")
    before = int(program(image).argmax())
    label = before if label is None else label
    if not 0 <= label < program.output_shape[1]:
        raise InputError(f"There is no label {label}; the model has {program.output_shape[1]}.")
    if advbox:
        return _advbox(program, image, label, before)
    low, high = (torch.as_tensor(bound, dtype=image.dtype, device=image.device) for bound in (lower, upper))
    step = epsilon * (high - low).abs()
    moved = image + step * _gradient(program, image, label).sign()
    adversarial = torch.minimum(torch.maximum(moved, torch.minimum(low, high)), torch.maximum(low, high))
    return Attack(image, adversarial, epsilon, label, before, int(program(adversarial).argmax()), 1)


def _gradient(program: Program, image: Tensor, label: int) -> Tensor:
    """Gradient in the image of the cross-entropy with ``label``."""
    it = interpret(program, image, interpretation="taylor")
    u = torch.softmax(it.output, 1)
    u[0, label] -= 1
    return it.rmatvec(u)


def _advbox(program: Program, image: Tensor, label: int, before: int) -> Attack:
    taken = 0
    adversarial, after, epsilon = image, before, 0.0
    for epsilon in torch.linspace(0.01, 0.5, 100, dtype=torch.float64).tolist():
        adversarial = image
        for _ in range(10):
            adversarial = (adversarial + epsilon * _gradient(program, adversarial, label).sign()).clamp(-1, 1)
            taken += 1
            after = int(program(adversarial).argmax())
            if after != label:
                return Attack(image, adversarial, epsilon, label, before, after, taken)
    return Attack(image, adversarial, epsilon, label, before, after, taken)

"""Are these units the ones that matter: switch them off, and as many others by chance, and look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import Tensor

from linearscope.attribution import Explainer
from linearscope.errors import InputError
from linearscope.evaluation.estimate import LEVEL, RESAMPLES, Estimate, PerImage, estimate
from linearscope.evaluation.given import Classes, class_scores, classes, pictures, whole
from linearscope.program import Node, Program
from linearscope.progress import track

__all__ = ["Ablation", "Units", "ablate", "ablation"]

#: Channels by layer.
Units = Mapping[str, Sequence[int] | Tensor]

CONVOLUTIONS: Final = ("aten.conv1d", "aten.conv2d", "aten.conv3d", "aten.convolution")


@dataclass(frozen=True)
class Ablation(PerImage):
    """Accuracy without chosen units beside the accuracy without equally many random ones.

    Attributes
    ----------
    values
        ``(n,)``: right (1) or wrong (0) without the chosen units, less the share of draws that are right without their
        random ones; negative where the chosen matter more.
    intact
        ``(n,)``: right or wrong with all units.
    without
        ``(n,)``: right or wrong without the chosen ones.
    draws
        ``(D, n)``: right or wrong without the random ones of each draw.
    removed
        How many units were switched off, by layer.
    """

    intact: Tensor
    without: Tensor
    draws: Tensor
    removed: Mapping[str, int]

    @cached_property
    def estimate(self) -> Estimate:
        """Accuracy without the chosen units less that without random ones, with its interval.

        The interval is of the percentile bootstrap over images and draws at once, each drawn anew with replacement, so
        that it speaks of other images and of other random units. With one image or one draw it is -inf to inf.
        """
        chosen, random = self.without.cpu().double().numpy(), self.draws.cpu().double().numpy()
        count, draws = len(chosen), len(random)
        mean = float(self.values.mean())
        if count == 1 or draws == 1:
            return Estimate(mean, -np.inf, np.inf, count)
        generator = np.random.default_rng(0)
        apart = chosen - random
        found = np.empty(RESAMPLES)
        for start in range(0, RESAMPLES, 500):
            images = generator.multinomial(count, np.full(count, 1 / count), 500) / count
            which = generator.multinomial(draws, np.full(draws, 1 / draws), 500) / draws
            found[start : start + 500] = ((which @ apart) * images).sum(1)
        low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
        return Estimate(mean, low, high, count)

    @property
    def accuracies(self) -> Tensor:
        """``(D,)``: accuracy without the random units of each draw."""
        return self.draws.mean(1)

    @property
    def over_draws(self) -> Estimate:
        """The same difference on these images alone: one value a draw."""
        return estimate(self.without.mean() - self.accuracies)

    @property
    def significant(self) -> bool:
        """Whether the interval of :attr:`estimate` leaves 0 out."""
        return self.estimate.excludes(0.0)

    def __str__(self) -> str:
        verdict = "" if self.significant else ": no difference is shown, the interval holds 0"
        return (
            f"accuracy {float(self.intact.mean()):.3g} intact, {float(self.without.mean()):.3g} without "
            f"{sum(self.removed.values())} chosen units, {float(self.draws.mean()):.3g} without random ones; "
            f"difference {self.estimate}{verdict}"
        )


def ablate(model: Program | Explainer, images: Tensor, units: Units) -> Tensor:
    """Scores ``(n, N)`` with the values of some channels set to zero wherever their layer's output is used.

    Parameters
    ----------
    model
        A Program or an Explainer; any number of images goes in batches of its size.
    images
        ``(n, C, H, W)``.
    units
        Channels (along axis 1) by layer.

    Raises
    ------
    UnknownNameError
        When there is no such layer.
    InputError
        When a layer has no such channel.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> images = torch.rand(2, 3, 6, 6)
    >>> found = ablate(ls.capture(net, images), images, {"1": range(4)})
    >>> bool(torch.allclose(found, net[3].bias.expand(2, -1)))
    True
    """
    program = model.program if isinstance(model, Explainer) else model
    return _run(program, pictures(images), _masks(program, _checked(program, units)))


def ablation(
    model: Program | Explainer,
    images: Tensor,
    labels: Classes,
    units: Units,
    *,
    draws: int = 50,
    only: Literal["conv"] | None = None,
    match: Literal["layers", "total"] = "layers",
    seed: int = 0,
) -> Ablation:
    """Accuracy without the chosen units against that without equally many random ones.

    Parameters
    ----------
    model, images, units
        As in :func:`ablate`.
    labels
        ``(n,)``, each image's class.
    draws
        How often random units are drawn.
    only
        ``"conv"``: leave out the chosen units of layers that are no convolutions, and draw from convolutions alone.
    match
        ``"layers"``: each draw takes from every layer as many channels as are chosen there, without replacement out of
        all channels of that layer. ``"total"``: as many units in all, without replacement out of all channels of the
        layers with a chosen unit. In both, a chosen unit may be drawn too, as any other.
    seed
        Of the draws.

    Raises
    ------
    InputError
        When there are no units, or the labels do not fit the images.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> images = torch.rand(4, 3, 6, 6)
    >>> found = ablation(ls.capture(net, images), images, net(images).argmax(1), {"1": [0]}, draws=3)
    >>> float(found.intact.mean()), found.draws.shape
    (1.0, torch.Size([3, 4]))

    Source: Oramas et al., ICLR 2019, section 4.1.
    """
    program = model.program if isinstance(model, Explainer) else model
    images = pictures(images)
    whole(draws, "the number of draws", 1)
    if only not in (None, "conv"):
        raise InputError(f"Units are limited by only='conv' or not at all, and {only!r} was given.")
    if match not in ("layers", "total"):
        raise InputError(f"Random units match the chosen ones by 'layers' or in 'total', and {match!r} was given.")
    checked = _checked(program, units)
    if only == "conv":
        checked = {name: found for name, found in checked.items() if _is_convolution(program.find(name))}
    checked = {name: found for name, found in checked.items() if found}
    if not checked:
        raise InputError("There is no unit to switch off; give channels of at least one layer (of a convolution).")
    intact = class_scores(lambda x: _run(program, x, {}), images)
    truth = classes(labels, len(images), "labels", intact.shape[1]).to(intact.device)
    sizes = {name: _channels(program.find(name)) for name in checked}
    generator = torch.Generator().manual_seed(seed)

    def right(taken: Mapping[str, Sequence[int]]) -> Tensor:
        scores = class_scores(lambda x: _run(program, x, _masks(program, taken)), images)
        return (scores.argmax(1) == truth).double()

    without = right(checked)
    random = torch.stack([
        right(_draw(checked, sizes, match, generator)) for _ in track(range(draws), "switching off random units")
    ])  # fmt: skip
    removed = {name: len(found) for name, found in checked.items()}
    return Ablation(without - random.mean(0), (intact.argmax(1) == truth).double(), without, random, removed)


def _draw(
    chosen: Mapping[str, Sequence[int]], sizes: Mapping[str, int], match: str, generator: torch.Generator
) -> dict[str, list[int]]:
    if match == "layers":
        return {
            name: torch.randperm(sizes[name], generator=generator)[: len(found)].tolist()
            for name, found in chosen.items()
        }
    everyone = [(name, channel) for name, size in sizes.items() for channel in range(size)]
    count = sum(map(len, chosen.values()))
    taken: dict[str, list[int]] = {}
    for at in torch.randperm(len(everyone), generator=generator)[:count].tolist():
        name, channel = everyone[at]
        taken.setdefault(name, []).append(channel)
    return taken


def _checked(program: Program, units: Units) -> dict[str, list[int]]:
    """Sorted channels by layer; two names of one layer's output become one."""
    found: dict[str, set[int]] = {}
    names: dict[int, str] = {}
    for layer, given in units.items():
        node = program.find(layer)
        size = _channels(node)
        channels = torch.as_tensor(given if isinstance(given, Tensor) else list(given)).cpu().reshape(-1)
        if len(channels) and (channels.is_floating_point() or channels.dtype == torch.bool):
            raise InputError(f"Channels of layer {layer!r} are whole numbers and {channels.dtype} was given.")
        wrong = channels[(channels < 0) | (channels >= size)]
        if len(wrong):
            raise InputError(f"There is no channel {int(wrong[0])} in layer {layer!r}; it has {size}.")
        name = names.setdefault(node.index, layer)
        found.setdefault(name, set()).update(int(channel) for channel in channels)
    return {name: sorted(channels) for name, channels in found.items()}


def _channels(node: Node) -> int:
    if node.shape is None or len(node.shape) < 2 or not node.live:
        raise InputError(f"Layer {node.name!r} has no channels ({node.shape}); choose one of shape (B, C, ...).")
    return node.shape[1]


def _is_convolution(node: Node) -> bool:
    return node.operation.startswith(CONVOLUTIONS)


def _masks(program: Program, units: Mapping[str, Sequence[int]]) -> dict[int, list[int]]:
    return {program.layers[name]: list(channels) for name, channels in units.items() if len(channels)}


def _run(program: Program, images: Tensor, off: Mapping[int, list[int]]) -> Tensor:
    def visit(node: Node, value: Any) -> Tensor | None:
        if node.index not in off:
            return None
        other: Tensor = value.clone()
        other[:, off[node.index]] = 0
        return other

    look: Callable[[Node, Any], Any] | None = visit if off else None
    batch, parts = program.input_shape[0], []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        missing = batch - len(part)
        full = torch.cat([part, part[-1:].expand(missing, -1, -1, -1)]) if missing else part
        parts.append(program.run(full, look).reshape(batch, -1)[: len(part)])
    return torch.cat(parts)

"""A model bound to a size of image, ready to be asked by any method."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Final

import torch
from torch import Tensor, nn

from linearscope.attribution.backward_rules import BackwardRules
from linearscope.attribution.engine import Back, go_back
from linearscope.attribution.merging import Merged, merge
from linearscope.attribution.methods import METHODS, Made, Method, accepted
from linearscope.attribution.result import Attribution
from linearscope.errors import InputError, UnknownNameError
from linearscope.interpreter import Visit
from linearscope.interpreter.plan import Plan
from linearscope.program import Node, Program, capture, load

__all__ = ["Explainer", "Unit", "explain"]

#: Images that go through a Program together when the model is captured here.
BATCH: Final = 16

Target = int | Sequence[int] | Tensor | None


@dataclass(frozen=True)
class Unit:
    """One channel of a layer, as the start of a walk back: the signal is the channel's own map, all else 0.

    Attributes
    ----------
    layer
        Name of the layer.
    channel
        Along axis 1; the same for all images, or one an image.
    """

    layer: str
    channel: int | Sequence[int]


class Explainer:
    """A model captured once for images of one size; asks any method about any number of them.

    Parameters
    ----------
    model
        A module (captured here, in evaluation mode, never changed), a :class:`Program`, or the path of a ``.pt2`` file.
    example
        Images ``(B, C, H, W)`` in the model's units. A module is captured for batches of B, at most 16.
    output
        Which tensor, when the model returns several.
    bounds
        The least and the largest value of a pixel in the model's units, ``(1, C, 1, 1)`` each, for methods that ask.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> explainer = ls.Explainer(torch.nn.Sequential(*layers), torch.rand(2, 3, 6, 6))
    >>> explainer.layers
    {'0': (4, 4, 4), '1': (4, 4, 4)}
    >>> explainer(torch.rand(3, 3, 6, 6), method="guided-backprop").values.shape
    torch.Size([3, 3, 6, 6])
    """

    def __init__(
        self, model: nn.Module | Program | str | os.PathLike[str], example: Tensor, *,
        output: str | int | None = None, bounds: tuple[Tensor, Tensor] | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(example, Tensor) or example.dim() != 4 or not len(example):
            given = tuple(example.shape) if isinstance(example, Tensor) else type(example).__name__
            raise InputError(f"Images have the shape (B, C, H, W) with B at least 1, and {given} was given.")
        self.model, self._output = model, output
        if isinstance(model, Program):
            self.program = model
        elif isinstance(model, nn.Module):
            self.program = capture(model, example[:BATCH], output=output)
        else:
            self.program = load(model, image=example[:BATCH], output=output)
        self.bounds = _bounds(bounds, self.program.input_shape[1])
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._merged: dict[str | None, Merged] = {}
        self._versions = self.program.versions()
        batch, shape = self.program.input_shape[0], self.program.output_shape
        if batch > 1 and shape[:1] != (batch,):
            raise InputError(
                f"The output {shape} has no axis for the {batch} images; give one image at a time, (1, C, H, W)."
            )
        if batch > 1 and self.program.bound is None and _mixes(self.program, example):
            raise InputError(
                "The model mixes the images of a batch, as a batch norm without running statistics does, so that none "
                "has scores of its own; give an example of one image, (1, C, H, W)."
            )

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def batch(self) -> int:
        """Images that go through the Program together."""
        return self.program.input_shape[0]

    @property
    def outputs(self) -> int:
        """Output numbers an image."""
        return prod(self.program.output_shape) // self.batch

    @cached_property
    def layers(self) -> Mapping[str, tuple[int, ...]]:
        """Feature maps with a spatial extent, ``(C, h, w)``, from the image to the output, by name."""
        needed = self.program.last_uses()
        found: dict[int, tuple[str, tuple[int, ...]]] = {}
        for name, index in self.program.layers.items():
            shape = self.program.nodes[index].shape or ()
            if index in needed and index not in found and len(shape) == 4 and shape[2] * shape[3] > 1:
                found[index] = name, shape[1:]
        return dict(found.values())

    @cached_property
    def default_layer(self) -> str:
        """The last feature map that is not a pooling or another shape of one before it."""
        quiet = ("pool", "view", "reshape", "dropout", "clone", "mean", "contiguous", "alias", "permute", "slice")
        names = list(self.layers)
        for name in reversed(names):
            operation = self.program.find(name).operation
            if not any(word in operation for word in quiet):
                return name
        raise InputError("The model has no feature map with a spatial extent, which this method needs.")

    def spatial(self, layer: str) -> str:
        """Check that a layer exists and has a spatial extent; returns its name.

        Raises
        ------
        UnknownNameError
            When there is no such layer.
        InputError
            When its value is no map ``(B, C, h, w)`` of more than one place.
        """
        if layer not in self.program.layers:
            hint = "Explainer.layers, or `linearscope explain --layers`, lists feature maps."
            raise UnknownNameError("layer", layer, self.program.layers, hint=hint)
        shape = self.program.find(layer).shape or ()
        if len(shape) != 4 or shape[2] * shape[3] < 2:
            near = list(self.layers)[-3:]
            raise InputError(
                f"The layer {layer!r} has the shape {shape}, which has no spatial extent; choose a feature map, such "
                f"as {', '.join(map(repr, near)) or 'one of another model'}."
            )
        return layer

    @cached_property
    def single(self) -> Program:
        """The Program for one image at a time, which interpreters are made of."""
        if self.batch == 1:
            return self.program
        if isinstance(self.model, Program):
            raise InputError(
                f"This method looks at one image at a time, and the Program was captured for {self.batch}; capture "
                "the model on one image (1, C, H, W)."
            )
        example = torch.zeros(1, *self.program.input_shape[1:], dtype=self.program.dtype, device=self.program.device)
        return Explainer(self.model, example, output=self._output).program

    # -- asking ------------------------------------------------------------------------------------------------------

    def scores(self, images: Tensor) -> Tensor:
        """Outputs of any number of images, flattened: ``(n, N)``."""
        return self._in_batches(images, lambda part: self.program(part).reshape(len(part), -1))

    def __call__(
        self, images: Tensor, target: Target = None, *, method: str = "gradient", layer: str | None = None,
        **options: Any,
    ) -> Attribution:  # fmt: skip
        """Ask one method about one score of each image.

        Parameters
        ----------
        images
            ``(n, C, H, W)``, any n.
        target
            Flat output index, or n of them; default: each image's largest score.
        method
            A name of :data:`METHODS`.
        layer
            The feature map to read, for methods that read one.
        options
            The method's own.

        Raises
        ------
        UnknownNameError
            When there is no such method or layer; the message gives the nearest.
        InputError
            When a target or an option does not exist, or the method does not apply to this model.
        """
        if method not in METHODS:
            raise UnknownNameError("method", method, METHODS)
        asked = METHODS[method]
        accepted(asked, options)
        if layer is not None and asked.layer == "no":
            raise InputError(f"The method {method!r} reads no layer; leave the layer out.")
        if asked.layer == "yes":
            layer = self.default_layer if layer is None else layer
        if layer is not None:
            self.spatial(layer)
        self._check(images)
        targets = self._targets(self.scores(images).argmax(1) if target is None else target, len(images))
        made = [
            asked.function(self, part, targets[start : start + self.batch], layer, **options)
            for start, part in self._batches(images)
        ]
        targets = targets[: len(images)]
        if any(one.scores is None for one in made):
            scores = self.scores(images).gather(1, targets.to(images.device).unsqueeze(1)).squeeze(1)
        else:
            scores = torch.cat([one.scores for one in made if one.scores is not None])[: len(images)].to(images.dtype)
        return _together(asked, made, targets, scores)

    def back(
        self, images: Tensor, start: Tensor | Unit, rules: BackwardRules, *, source: str | None = None,
        visit: Callable[[Visit], Tensor | None] | None = None,
    ) -> Back:  # fmt: skip
        """Take a signal back through the model: what every backward method is made of.

        Parameters
        ----------
        images
            One batch, ``(B, C, H, W)``.
        start
            ``(B,)`` flat output indices, each of which starts with the signal 1 (a relevance: with its score); a signal
            in the shape of the output; or a :class:`Unit`.
        rules
            What happens at each node.
        source
            The layer where the walk ends; default: the image.
        visit
            Sees every node on the way.
        """
        unit = start if isinstance(start, Unit) else None
        plan = self._plan(rules, source, unit.layer if unit is not None else None)

        def signal(output: Tensor) -> Tensor:
            if unit is not None:
                return _own_map(output, unit)
            assert isinstance(start, Tensor)
            if start.shape == output.shape and start.is_floating_point():
                return start.to(output)
            flat = output.new_zeros(len(images), output.numel() // len(images))
            places = start.reshape(-1, 1).to(output.device)
            given = (
                output.reshape(flat.shape).gather(1, places) if rules.of_scores else torch.ones_like(places).to(flat)
            )
            return flat.scatter_(1, places, given).reshape(output.shape)

        return go_back(plan, images.contiguous(memory_format=self._merge(None).layout), signal, rules, visit)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _plan(self, rules: BackwardRules, source: str | None, start: str | None) -> Plan:
        if self.program.versions() != self._versions:
            self._plans, self._merged, self._versions = {}, {}, self.program.versions()
        key = rules.interpretation, source, start
        if key not in self._plans:
            nodes = [None if name is None else self.program.find(name) for name in (source, start)]
            self._plans[key] = self._new_plan(rules.interpretation, *nodes)
        return self._plans[key]

    def _new_plan(self, interpretation: str, source: Node | None, start: Node | None) -> Plan:
        asked = [node.name for node in (source, start) if node is not None]
        keep = next((name for name in asked if name in self._merge(None).layers), None)
        found = self._merge(keep)
        program = found.program
        at = program.nodes[program.image.index if source is None else found.places[source.name]]
        if start is not None:
            if source is not None and source.index > start.index:
                raise InputError(f"The layer {source.name!r} does not come before {start.name!r}.")
            program = program.until_node(found.places[start.name])
        return Plan(program, interpretation, next(node.index for node in program.nodes if node.name == at.name))

    def _merge(self, keep: str | None) -> Merged:
        if keep not in self._merged:
            self._merged[keep] = merge(self.program, keep)
        return self._merged[keep]

    def _check(self, images: Tensor) -> None:
        shape = self.program.input_shape
        if not isinstance(images, Tensor) or images.dim() != 4 or not len(images):
            given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise InputError(f"Images have the shape (n, C, H, W) with n at least 1, and {given} was given.")
        if tuple(images.shape[1:]) != shape[1:]:
            raise InputError(
                f"The model was captured for images of shape {shape[1:]} and these have {tuple(images.shape[1:])}."
            )
        if not torch.isfinite(images).all():
            raise InputError("The images hold NaN or infinite values; look at how they were read and normalised.")

    def _batches(self, images: Tensor) -> list[tuple[int, Tensor]]:
        return [(at, _padded(images[at : at + self.batch], self.batch)) for at in range(0, len(images), self.batch)]

    def _in_batches(self, images: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
        self._check(images)
        parts = [
            work(_padded(images[at : at + self.batch], self.batch))[: len(images) - at]
            for at in range(0, len(images), self.batch)
        ]
        return torch.cat(parts)

    def _targets(self, target: int | Sequence[int] | Tensor, count: int) -> Tensor:
        """One flat index an image, the last repeated to fill the last batch."""
        given = torch.as_tensor(target)
        if given.is_floating_point() or given.dtype is torch.bool:
            raise InputError(f"A target is the place of an output, a whole number, and {target!r} was given.")
        found = given.to(torch.int64).reshape(-1).cpu()
        if len(found) not in (1, count):
            raise InputError(f"There are {count} images and {len(found)} targets; give one, or one an image.")
        wrong = found[(found < -self.outputs) | (found >= self.outputs)]
        if len(wrong):
            raise InputError(f"There is no output {int(wrong[0])}; the model has {self.outputs} an image.")
        found = (found % self.outputs).expand(count)
        return torch.cat([found, found[-1:].expand(-count % self.batch)])


def explain(
    model: nn.Module | Program | str | os.PathLike[str] | Explainer,
    images: Tensor,
    target: Target = None,
    *,
    method: str = "gradient",
    layer: str | None = None,
    output: str | int | None = None,
    bounds: tuple[Tensor, Tensor] | None = None,
    **options: Any,
) -> Attribution:
    """Ask one attribution method about one score of each image.

    Parameters
    ----------
    model
        A module, a :class:`Program`, the path of a ``.pt2`` file, or an :class:`Explainer`, which saves capturing the
        model again.
    images, target, method, layer, options
        As in :meth:`Explainer.__call__`.
    output, bounds
        As in :class:`Explainer`.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> model = torch.nn.Sequential(*layers)
    >>> ls.explain(model, torch.rand(1, 3, 6, 6), method="lrp-epsilon").heatmap().shape
    torch.Size([1, 6, 6])
    """
    if not isinstance(model, Explainer):
        model = Explainer(model, images, output=output, bounds=bounds)
    elif output is not None or bounds is not None:
        raise InputError("Output and bounds belong to the Explainer; give them when it is made.")
    return model(images, target, method=method, layer=layer, **options)


def _bounds(bounds: tuple[Tensor, Tensor] | None, channels: int) -> tuple[Tensor, Tensor] | None:
    if bounds is None:
        return None
    fits = isinstance(bounds, tuple) and len(bounds) == 2 and all(
        isinstance(one, Tensor) and tuple(one.shape) in ((1, channels, 1, 1), (1, 1, 1, 1)) for one in bounds
    )  # fmt: skip
    if not fits or not bool((bounds[0] < bounds[1]).all()):
        raise InputError(
            f"The bounds of a pixel are two tensors (1, {channels}, 1, 1), the least value before the largest; give "
            "bounds=(lower, upper) in the model's units."
        )
    return bounds


def _mixes(program: Program, example: Tensor) -> bool:
    """Whether the scores of the first image change with the images beside it."""
    batch = program.input_shape[0]
    images = _padded(example[:batch], batch)
    others = images.flip(2) * 0.5
    others[0] = images[0]
    one, other = program(images)[0], program(others)[0]
    # Beside other images the same sums may be taken in another order.
    rounding = 1e3 * torch.finfo(one.dtype).eps * float(one.abs().max())
    return bool((one - other).abs().max() > rounding)


def _own_map(output: Tensor, unit: Unit) -> Tensor:
    channels = output.shape[1]
    chosen = torch.as_tensor(unit.channel, dtype=torch.int64).reshape(-1).expand(len(output))
    wrong = chosen[(chosen < 0) | (chosen >= channels)]
    if len(wrong):
        raise InputError(f"There is no channel {int(wrong[0])} in layer {unit.layer!r}; it has {channels}.")
    rows = torch.arange(len(output))
    signal = torch.zeros_like(output)
    signal[rows, chosen] = output[rows, chosen]
    return signal


def _padded(images: Tensor, batch: int) -> Tensor:
    missing = batch - len(images)
    return torch.cat([images, images[-1:].expand(missing, -1, -1, -1)]) if missing else images


def _together(method: Method, made: Sequence[Made], targets: Tensor, scores: Tensor) -> Attribution:
    def joined(parts: Sequence[Tensor | None]) -> Tensor | None:
        present = [part for part in parts if part is not None]
        return torch.cat(present)[: len(targets)] if present else None

    values = joined([one.values for one in made])
    assert values is not None
    if not torch.isfinite(values).all():
        raise InputError(f"The method {method.name!r} gave NaN or infinite values on this model; try another.")
    checks = [one.check for one in made if one.check is not None]
    check = None
    if checks:
        numbers: dict[str, Any] = {
            name: torch.cat([getattr(one, name) for one in checks])[: len(targets)]
            for name in ("expected", "found", "error")
        }
        check = replace(checks[0], **numbers)
    return Attribution(
        method.name,
        tuple(targets.tolist()),
        scores,
        made[0].layer,
        values,
        joined([one.coarse for one in made]),
        check,
        method.heatmap,
    )

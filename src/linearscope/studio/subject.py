"""A network on one photo: captured, interpreted, and what has been asked of it so far."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from linearscope.analysis.tour_kind import TourKind, tour_kind
from linearscope.attribution import Explainer
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.models import PlacedModel
from linearscope.program import Program
from linearscope.studio.schema import AttackInfo, CertificateInfo, Score, SubjectInfo

__all__ = ["Captured", "Recipe", "Subject"]

T = TypeVar("T")
Picture = npt.NDArray[np.uint8]

#: Bytes of what a subject keeps of its answers.
KEPT: Final = 256 << 20
BEST: Final = 10


@dataclass(frozen=True)
class Recipe:
    """How a subject is made, and made again when it is no longer held.

    Attributes
    ----------
    model, image
        Their names in the studio.
    side
        Of the middle of the photo that is looked at; None for a network of one size.
    of, epsilon, label
        The subject that was attacked, how strongly in 8-bit levels, and which label; no attack where ``of`` is empty.
    """

    model: str
    image: str
    side: int | None
    of: str = ""
    epsilon: float = 0.0
    label: int | None = None


@dataclass
class Captured:
    """A network captured for images of one size; subjects of that size share it.

    Attributes
    ----------
    placed
        The network.
    program
        The Program.
    """

    placed: PlacedModel
    program: Program

    @cached_property
    def explainer(self) -> Explainer:
        """Asks attribution methods; with weights of its own, in which norms are merged."""
        shape, like = self.program.input_shape, self.placed.bounds[0]
        return Explainer(self.program, like.new_zeros(shape), bounds=self.placed.bounds)


@dataclass
class Subject:
    """A network on one photo.

    Attributes
    ----------
    id
        Its name in addresses: the fingerprint of what made it.
    recipe
        What made it.
    captured
        The network for images of this size.
    it
        The map.
    seconds
        What capturing and interpreting took.
    attack
        How it was made from another, if it was.
    """

    id: str
    recipe: Recipe
    captured: Captured
    it: LinearInterpreter
    seconds: float
    attack: AttackInfo | None = None
    _kept: OrderedDict[Any, tuple[Any, int]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def kind(self) -> TourKind:
        """What kind of network it is."""
        return tour_kind(self.it.image.shape, self.it.output.shape)

    @cached_property
    def info(self) -> SubjectInfo:
        """What the page is told of it."""
        it, certificate = self.it, self.it.certificate
        image = self.kind != "classification"
        lower, upper = self.placed.output_bounds(it.output.shape[1]) if image else (None, None)
        order = self.placed.model.preprocessing.channels
        shape = list(it.output_shape)
        return SubjectInfo(
            id=self.id,
            model=self.recipe.model,
            image=self.recipe.image,
            side=self.recipe.side,
            kind=self.kind,
            input_shape=list(it.input_shape),
            output_shape=shape,
            scale=shape[1] // it.input_shape[1] if image else 0,
            input_channels=list(order) if len(order) == it.input_shape[0] else _numbered(it.input_shape[0]),
            output_channels=(list(order) if len(order) == shape[0] else _numbered(shape[0])) if image else [],
            output_lower=[] if lower is None else lower.flatten().tolist(),
            output_upper=[] if upper is None else upper.flatten().tolist(),
            operations=sum(node.live for node in it.program.nodes),
            certificate=CertificateInfo(
                reconstruction=certificate.reconstruction,
                adjoint=certificate.adjoint,
                tolerance=certificate.tolerance,
                dtype=str(certificate.dtype).removeprefix("torch."),
                interpretation=certificate.interpretation,
                frozen=dict(certificate.frozen),
                notes=list(certificate.notes),
            ),
            scores=[]
            if image
            else [self.score(i) for i in it.output.flatten().topk(min(BEST, it.shape[0])).indices.tolist()],
            attack=self.attack,
            seconds=self.seconds,
            notes=["The weights are random: what the network says means nothing."]
            if "random" in self.placed.model.weights
            else [],
        )

    def score(self, index: int) -> Score:
        """One output number with its name.

        Raises
        ------
        InputError
            When there is no such output.
        """
        it = self.it
        if not 0 <= index < it.shape[0]:
            raise InputError(f"There is no output {index}. Give one from 0 to {it.shape[0] - 1}.")
        return Score(index=index, name=self.name(index), score=float(it.output.flatten()[index]))

    def name(self, index: int) -> str:
        """Name of one output number."""
        labels = self.placed.model.labels
        if self.kind == "classification":
            return labels[index] if labels is not None and len(labels) == self.it.shape[0] else f"label {index}"
        _, height, width = self.it.output_shape
        channel, place = divmod(index, height * width)
        names = self.info.output_channels
        return f"{names[channel]} at row {place // width}, column {place % width}"

    @cached_property
    def pictures(self) -> dict[str, Picture]:
        """The photo as the network sees it ``(H, W, 3)``, and the image it makes."""
        found = {"input": self.placed.model.preprocessing.display(self.it.image)}
        if self.kind != "classification":
            from linearscope.report.image_page import as_picture

            found["output"] = as_picture(self.placed.output_pixels(self.it.output))
        return found

    @property
    def placed(self) -> PlacedModel:
        """The network."""
        return self.captured.placed

    @property
    def bytes(self) -> int:
        """What it holds, but for weights that others share."""
        own = sum(t.nbytes for t in (self.it.image, self.it.point, self.it.output, self.it.residual))
        with self._lock:
            return self.it.decision_bytes + own + sum(size for _, size in self._kept.values())

    # -- answers that are kept ---------------------------------------------------------------------------------------

    def kept(self, key: Any) -> Any:
        """An answer that was kept, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Any, value: T, *tensors: Tensor) -> T:
        """Keep an answer while there is room; the oldest go first."""
        with self._lock:
            self._kept[key] = value, sum(t.nbytes for t in tensors)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > KEPT:
                self._kept.popitem(last=False)
        return value


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What ``work`` returns, and the seconds it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def middle(image: Tensor, side: int | None) -> Tensor:
    """The middle of ``(1, C, H, W)``, at most ``side`` high and wide; all of it without a side.

    Examples
    --------
    >>> import torch
    >>> middle(torch.rand(1, 3, 40, 60), 32).shape
    torch.Size([1, 3, 32, 32])
    """
    if side is None:
        return image
    slices = [slice((n - min(n, side)) // 2, (n - min(n, side)) // 2 + min(n, side)) for n in image.shape[2:]]
    return image[:, :, slices[0], slices[1]].contiguous()


def _numbered(count: int) -> list[str]:
    return [str(i) for i in range(count)]

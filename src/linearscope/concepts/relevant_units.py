"""Which few channels of a whole network tell each class: found by a lasso on how strongly all of them answer."""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor, nn

from linearscope.attribution import Explainer
from linearscope.concepts.lasso import lasso
from linearscope.concepts.unit_scores import SCORES, UnitScorer, batched, padded
from linearscope.errors import InputError, UnknownNameError
from linearscope.program import Program, capture, load
from linearscope.progress import track

__all__ = ["RelevantUnits", "WeightedUnit", "find_units", "load_relevant_units", "relevant_units"]

_FORM: Final = "linearscope relevant units 1"
#: Images remembered of each identified unit.
_EXAMPLES: Final = 9


class WeightedUnit(NamedTuple):
    """A unit and what it counts for a class."""

    layer: str
    channel: int
    weight: float


@dataclass(frozen=True)
class RelevantUnits:
    """The units that tell each class of a data set.

    Attributes
    ----------
    channels
        How many channels each scored layer has, in order; the units are numbered through all of them.
    classes
        Output indices of the classes, rising.
    names
        Their names, or ``None``.
    weights
        ``(classes, units)``, sparse: the row of a class is its ``w_c``.
    mu
        Bound on the sum of sizes of a class's weights.
    score
        How units were scored, ``"squared"`` or ``"norm"``.
    gap
        ``(classes,)``: the certificate of the weights, :attr:`linearscope.concepts.Lasso.gap`.
    counts
        ``(classes,)``: on how many images of the class they rest.
    examples
        ``(identified, k)``: for each unit of :meth:`identified`, the images of the data set that excite it most,
        the strongest first, by their number from 0.
    excitations
        ``(identified, k)``: the unit's scores on these.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
    >>> images = torch.rand(8, 3, 6, 6)
    >>> found = ls.relevant_units(torch.nn.Sequential(*layers), images, [0, 0, 0, 0, 1, 1, 1, 1], mu=2.0)
    >>> found.classes, found.weights.shape, len(found.units)
    ((0, 1), (2, 8), 8)
    >>> found.units[5]
    ('1', 1)
    >>> bool(abs(found.weights).sum(1).max() <= 2.0001)
    True
    """

    channels: Mapping[str, int]
    classes: tuple[int, ...]
    names: tuple[str, ...] | None
    weights: sparse.csr_array
    mu: float
    score: str
    gap: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    examples: npt.NDArray[np.int64]
    excitations: npt.NDArray[np.float64]

    @cached_property
    def units(self) -> tuple[tuple[str, int], ...]:
        """Layer and channel of every scored unit."""
        return tuple((layer, channel) for layer, count in self.channels.items() for channel in range(count))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the scored layers, from the image to the output."""
        return tuple(self.channels)

    def row(self, c: int) -> int:
        """Row of :attr:`weights` that belongs to output ``c``; raises :class:`InputError` when none does."""
        if c not in self.classes:
            raise InputError(
                f"No units were looked for that tell class {c}; there are some for "
                + (
                    f"{', '.join(map(str, self.classes))}."
                    if len(self.classes) <= 12
                    else f"{len(self.classes)} others."
                )
            )
        return self.classes.index(c)

    def name(self, c: int) -> str:
        """Name of class ``c``, or ``class c``."""
        return self.names[self.row(c)] if self.names is not None else f"class {c}"

    def of_class(self, c: int, top: int | None = None) -> tuple[WeightedUnit, ...]:
        """Units of class ``c`` (an output index) with their weights, the largest weight first."""
        row = self._dense(c)
        order = sorted(np.flatnonzero(row).tolist(), key=lambda i: -row[i])
        return tuple(WeightedUnit(*self.units[i], float(row[i])) for i in order[:top])

    def identified(self) -> tuple[tuple[str, int], ...]:
        """All units that have a weight for any class, in the order of :attr:`units`: the authors' relevant units."""
        return tuple(self.units[i] for i in self._identified.tolist())

    def exciting(self, layer: str, channel: int) -> tuple[int, ...]:
        """Numbers of the images that excite an identified unit most, the strongest first."""
        if (layer, channel) not in self._place:
            raise InputError(f"The unit {channel} of layer {layer!r} has no weight for any class.")
        place = self._place[layer, channel]
        scores = self.excitations[place]
        return tuple(i for i, s in zip(self.examples[place].tolist(), scores.tolist(), strict=True) if s > 0)

    def responses(self, scores: Tensor, c: int) -> Tensor:
        """What each unit says for class ``c`` on images: ``x * w_c / sum(w_c)`` where that is above 0, else 0.

        Parameters
        ----------
        scores
            ``(n, units)``, from a :class:`UnitScorer` of the same layers.
        c
            Output index.

        Returns
        -------
        Tensor
            ``(n, units)``. Where the weights of the class do not sum to more than 0, they are divided by the sum of
            their sizes, which keeps their order.

        Source: Oramas et al., 2019, section 3.2; values below 0 are dropped as in the authors' program.
        """
        if scores.dim() != 2 or scores.shape[1] != len(self.units):
            raise InputError(f"Scores of {len(self.units)} units are needed, and {tuple(scores.shape)} was given.")
        row = torch.from_numpy(self._dense(c)).to(scores)
        total = row.sum() if float(row.sum()) > 0 else row.abs().sum()
        return (scores * (row / total if float(total) > 0 else row)).clamp_min(0)

    def scorer(self, program: Program) -> UnitScorer:
        """A scorer of the same units on a Program; raises :class:`InputError` when it is another network's."""
        missing = [name for name in self.layers if name not in program.layers]
        if missing:
            raise InputError(f"The model has no layer {missing[0]!r}: these units belong to another network.")
        scorer = UnitScorer(program, self.layers, self.score)  # type: ignore[arg-type]
        for name, count in self.channels.items():
            if scorer.channels[name] != count:
                raise InputError(
                    f"Layer {name!r} has {scorer.channels[name]} channels and not {count}: these units belong to "
                    "another network."
                )
        if tuple(scorer.channels) != self.layers:
            raise InputError("The layers come in another order: these units belong to another network.")
        return scorer

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one ``.npz`` file; :func:`load_relevant_units` reads it.

        Raises
        ------
        InputError
            When the file cannot be written; nothing is left behind then, and a file that was there still is.
        """
        target = Path(path)
        about = {
            "form": _FORM,
            "channels": list(self.channels.items()),
            "classes": self.classes,
            "names": self.names,
            "mu": self.mu,
            "score": self.score,
        }
        arrays = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "data": self.weights.data,
            "indices": self.weights.indices.astype(np.int64),
            "indptr": self.weights.indptr.astype(np.int64),
            **{name: getattr(self, name) for name in _ARRAYS},
        }
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with unfinished.open("wb") as file:
                np.savez_compressed(file, **arrays)
            unfinished.replace(target)
        except BaseException as error:
            with suppress(OSError):
                unfinished.unlink()
            if isinstance(error, OSError):
                raise InputError(
                    f"{target} cannot be written: {error.strerror or error}. Choose another place."
                ) from error
            raise

    @cached_property
    def _identified(self) -> npt.NDArray[np.int64]:
        return np.unique(self.weights.indices).astype(np.int64)

    @cached_property
    def _place(self) -> dict[tuple[str, int], int]:
        return {unit: place for place, unit in enumerate(self.identified())}

    def _dense(self, c: int) -> npt.NDArray[np.float64]:
        return np.asarray(self.weights[[self.row(c)]].toarray()[0])


_ARRAYS: Final = ("gap", "counts", "examples", "excitations")


def relevant_units(
    model: nn.Module | Program | str | os.PathLike[str] | Explainer,
    images: Tensor | Iterable[Tensor],
    labels: Tensor | Sequence[int],
    *,
    mu: float = 10.0,
    score: str = "squared",
    layers: Sequence[str] | None = None,
    batch: int = 16,
    classes: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> RelevantUnits:
    """Find the units that tell the classes of a data set.

    Parameters
    ----------
    model
        As for :class:`linearscope.Explainer`, or one.
    images
        ``(n, C, H, W)`` in the model's units, or any iterable of such portions (or of single images), which is gone
        through once: nothing is kept of an image but its scores.
    labels
        The true class of each image, as an output index.
    mu
        Bound on the sum of sizes of each class's weights. The authors take 10, and 5 for an8Flower.
    score
        ``"squared"``: the sum of squares of a unit's map, as in the authors' program. ``"norm"``: its root.
    layers
        Which layers; default: :func:`linearscope.concepts.default_layers`.
    batch
        Images that go through a module together. A Program or an Explainer keeps its own.
    classes
        Which classes; default: all that the labels name.
    names
        The names of all outputs.

    Raises
    ------
    InputError
        When ``mu`` is not above 0, a label is no output, there are fewer than two classes, fewer images than classes, a
        class without examples, or as many labels as there are no images.
    UnknownNameError
        When there is no such score or layer.

    Notes
    -----
    Least squares count every image alike, so that a class of few images has small weights; compare weights within a
    class. Units that answer alike share a class's weight or stand in for each other: conv and ReLU of one channel, say.

    Source: Oramas et al., 2019, section 3.1.
    """
    check_mu(mu)
    if isinstance(images, Tensor) and (images.dim() != 4 or not len(images)):
        raise InputError(f"Images have the shape (n, C, H, W) with n at least 1, and {tuple(images.shape)} was given.")
    portions = iter([images] if isinstance(images, Tensor) else images)
    first = next(portions, None)
    if first is None:
        raise InputError("There are no images; give some of each class.")
    if isinstance(model, Explainer):
        program = model.program
    else:
        like = next(batched([first], batch))
        program = _captured(model, padded(like, batch))
    scorer = UnitScorer(program, layers, score)  # type: ignore[arg-type]
    outputs = len(program.output_shape) and int(np.prod(program.output_shape)) // program.input_shape[0]
    found = _checked(labels, outputs)

    def everything() -> Iterable[Tensor]:
        yield first
        yield from portions

    rows = [scores for scores, _ in track(scorer.rows(everything()), "unit scores", len(found), lambda r: len(r[0]))]
    return find_units(torch.cat(rows), found, scorer.channels, mu=mu, score=score, classes=classes, names=names)


def find_units(
    scores: Tensor,
    labels: Tensor | Sequence[int],
    channels: Mapping[str, int],
    *,
    mu: float = 10.0,
    score: str = "squared",
    classes: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> RelevantUnits:
    """As :func:`relevant_units`, from scores that a :class:`UnitScorer` gave.

    Parameters
    ----------
    scores
        ``(n, units)``.
    labels, mu, score, classes, names
        As in :func:`relevant_units`.
    channels
        :attr:`UnitScorer.channels`.

    Examples
    --------
    >>> scores = torch.tensor([[1.0, 0.1, 0.2], [0.9, 0.0, 0.3], [0.1, 1.0, 0.2], [0.0, 0.8, 0.3]])
    >>> found = find_units(scores, [0, 0, 1, 1], {"conv": 3}, mu=0.5)
    >>> [found.of_class(c, 1)[0][:2] for c in found.classes]
    [('conv', 0), ('conv', 1)]
    """
    check_mu(mu)
    if score not in SCORES:
        raise UnknownNameError("score of units", score, SCORES)
    found = _checked(labels)
    if scores.dim() != 2 or len(scores) != len(found):
        raise InputError(f"There are {len(found)} labels and {len(scores)} images; give one label an image.")
    if scores.shape[1] != sum(channels.values()):
        raise InputError(f"There are scores of {scores.shape[1]} units, and the layers have {sum(channels.values())}.")
    chosen = sorted({int(c) for c in (found.tolist() if classes is None else classes)})
    if len(chosen) < 2:
        raise InputError("There is only one class in the data; units tell classes apart, so give at least two.")
    if len(found) < len(chosen):
        raise InputError(f"There are {len(found)} images and {len(chosen)} classes; give several images of each class.")
    targets = (found[:, None] == torch.tensor(chosen)).to(torch.float64)
    counts = targets.sum(0)
    if int(counts.min()) == 0:
        raise InputError(f"There are no images of class {chosen[int(counts.argmin())]}; give some, or leave it out.")
    if names is not None and max(chosen) >= len(names):
        raise InputError(f"There are {len(names)} names and a class {max(chosen)}; give a name for every output.")
    solved = lasso(scores, targets.to(scores.device), mu)
    weights = sparse.csr_array(solved.weights.T.cpu().double().numpy())
    used = torch.from_numpy(np.unique(weights.indices).astype(np.int64))
    excited, examples = scores[:, used.to(scores.device)].T.topk(min(_EXAMPLES, len(scores)), dim=1)
    return RelevantUnits(
        dict(channels),
        tuple(chosen),
        None if names is None else tuple(names[c] for c in chosen),
        weights,
        float(mu),
        score,
        solved.gap.cpu().double().numpy(),
        counts.to(torch.int64).numpy(),
        examples.cpu().numpy(),
        excited.cpu().double().numpy(),
    )


def load_relevant_units(path: str | os.PathLike[str]) -> RelevantUnits:
    """Read units that :meth:`RelevantUnits.save` wrote; nothing in the file is ever run.

    Raises
    ------
    InputError
        When the file is missing, damaged, or something else.
    """
    file = Path(path)
    advice = "Give a file that `linearscope relevant` or RelevantUnits.save wrote."
    if not file.is_file():
        raise InputError(f"There is no file {file}. {advice}")
    try:
        with np.load(file, allow_pickle=False) as stored:
            if "about" not in stored:
                raise InputError(f"{file} holds no relevant units. {advice}")
            about: dict[str, Any] = json.loads(bytes(stored["about"]).decode())
            if not isinstance(about, dict) or about.get("form") != _FORM:
                raise InputError(f"{file} holds no relevant units of a form that is known. {advice}")
            arrays = {name: stored[name] for name in ("data", "indices", "indptr", *_ARRAYS)}
        channels = {str(layer): int(count) for layer, count in about["channels"]}
        classes = tuple(int(c) for c in about["classes"])
        names = None if about["names"] is None else tuple(str(name) for name in about["names"])
        shape = len(classes), sum(channels.values())
        weights = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        weights.check_format(full_check=True)
        used = len(np.unique(arrays["indices"]))
        whole = {"gap": shape[:1], "counts": shape[:1], "examples": (used,), "excitations": (used,)}
        if any(arrays[name].shape[:1] != size for name, size in whole.items()):
            raise ValueError("lengths differ")
        return RelevantUnits(
            channels, classes, names, weights, float(about["mu"]), str(about["score"]),
            *(arrays[name] for name in _ARRAYS),
        )  # fmt: skip
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        IndexError,
        AttributeError,
    ) as error:
        raise InputError(f"{file} is damaged or no file of relevant units. {advice}") from error


def check_mu(mu: float) -> None:
    """Raise :class:`InputError` unless ``mu`` is above 0."""
    if not isfinite(mu) or mu <= 0:
        raise InputError(f"mu is {mu:g}; give a number above 0, such as 10.")


def _captured(model: nn.Module | Program | str | os.PathLike[str], images: Tensor) -> Program:
    if isinstance(model, Program):
        return model
    return capture(model, images) if isinstance(model, nn.Module) else load(model, image=images)


def _checked(labels: Tensor | Sequence[int], outputs: int | None = None) -> Tensor:
    found = torch.as_tensor(labels).cpu().reshape(-1)
    if found.is_floating_point() or found.dtype is torch.bool or not len(found):
        raise InputError("Labels are whole numbers, the output index of each image's class; give one an image.")
    found = found.to(torch.int64)
    wrong = found[(found < 0) | (found >= (outputs if outputs is not None else found.max() + 1))]
    if len(wrong):
        limit = "" if outputs is None else f"; the model has {outputs} outputs, from 0 to {outputs - 1}"
        raise InputError(f"The label {int(wrong[0])} is no class{limit}. Give the output index of each image's class.")
    return found

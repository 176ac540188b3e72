"""Where models come from: one entry a source in :data:`SOURCES`, and the bundled ones by their bare names."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from torch import nn

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.files import readable_file
from linearscope.models.labels import bundled_labels, read_labels
from linearscope.models.loaded import LoadedModel
from linearscope.models.preprocessing import Preprocessing
from linearscope.models.python_files import load_python
from linearscope.models.timm_models import load_timm
from linearscope.models.torchvision_models import load_torchvision
from linearscope.models.weights import PICKLED, load_weights
from linearscope.networks import BUNDLED

__all__ = ["SOURCES", "ModelEntry", "Source", "available", "load_model"]

FORMS: Final = "a bundled name, torchvision:NAME, timm:NAME, FILE.py:FACTORY or FILE.pt2"


class Load(Protocol):
    """Makes the model that the rest of a spec names, without weights from the user."""

    def __call__(self, spec: str, /, *, weights_given: bool) -> LoadedModel:
        """Return the model in evaluation mode."""
        ...


@dataclass(frozen=True)
class Source:
    """A kind of place that models come from.

    Parameters
    ----------
    form
        How a spec of this source is written.
    about
        One line for lists.
    weights
        Where the weights come from when the user gives none, for lists.
    accepts
        Whether a spec is of this source; the first source that accepts one has it.
    load
        Makes the model; is given the spec without ``prefix``.
    prefix
        What stands before the name.
    """

    form: str
    about: str
    weights: str
    accepts: Callable[[str], bool]
    load: Load
    prefix: str = ""


@dataclass(frozen=True)
class ModelEntry:
    """One line of the list of models: what to write, what it is, which weights it has, their licence."""

    spec: str
    title: str
    weights: str
    licence: str


def load_model(
    spec: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    preprocess: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    output: str | int | None = None,
) -> LoadedModel:
    """Load a model from wherever it is.

    Examples
    --------
    >>> model = load_model("efficientnet_lite0")
    >>> model.labels[967], str(model.preprocessing).split(",")[0]
    ('espresso', 'resize=256')

    Parameters
    ----------
    spec
        A bundled name, ``torchvision:NAME``, ``timm:NAME``, ``file.py:factory`` or ``file.pt2``.
    weights
        A file as for :func:`linearscope.models.read_weights`.
    preprocess
        Text as for :meth:`Preprocessing.parse`; what it does not name stays as the model brings it.
    labels
        A text file of class names in place of the model's own.
    output
        Which tensor, for models that return several.

    Raises
    ------
    UnknownNameError
        For a source, model or factory that does not exist, with the nearest names.
    InputError
        For everything else that keeps the model, its weights, preprocessing or labels from being used.
    """
    model = _load(os.fspath(spec), weights_given=weights is not None)
    if preprocess is not None:
        model = replace(model, preprocessing=Preprocessing.parse(preprocess, model.preprocessing))
    if labels is not None:
        model = replace(model, labels=read_labels(labels))
    if output is not None:
        model = replace(model, output=output)
    if weights is not None:
        assert isinstance(model.module, nn.Module)
        load_weights(model.module, weights)
        model = replace(model, weights=f"weights from {Path(weights).name}", licence="")
    return model


def available() -> tuple[ModelEntry, ...]:
    """Return what :func:`load_model` takes: the bundled models one by one, every other source as one entry.

    Examples
    --------
    >>> [entry.spec for entry in available()][0]
    'efficientnet_lite0'
    """
    bundled = tuple(
        ModelEntry(name, entry.title, entry.weights_title or "bring your own with --weights", entry.licence)
        for name, entry in BUNDLED.items()
    )
    return bundled + tuple(ModelEntry(source.form, source.about, source.weights, "") for source in SOURCES)


def _load(spec: str, *, weights_given: bool) -> LoadedModel:
    if not spec.strip():
        raise InputError(f"No model is named. Give {FORMS}.")
    if Path(spec).suffix.lower() in (".safetensors", *PICKLED):
        raise InputError(f"{spec} holds weights and no architecture. Name the model, and this file with --weights.")
    for source in SOURCES:
        if source.accepts(spec):
            return source.load(spec.removeprefix(source.prefix), weights_given=weights_given)
    prefix, colon, _ = spec.partition(":")
    if colon:
        prefixes = [source.prefix.rstrip(":") for source in SOURCES if source.prefix]
        raise UnknownNameError("source of models", prefix, prefixes, hint=f"A model is {FORMS}.")
    return _load_bundled(spec, weights_given=weights_given)


def _load_program(spec: str, *, weights_given: bool) -> LoadedModel:
    if weights_given:
        raise InputError(f"{spec} holds its own weights. Leave the other weights out.")
    advice = "Give a file written by torch.export.save."
    path = readable_file(spec, advice)
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is damaged or no exported program. {advice}")
    return LoadedModel(
        name=spec,
        module=path,
        preprocessing=Preprocessing(),
        labels=None,
        origin=f"program {path.name}",
        weights="weights in it",
    )


def _load_bundled(name: str, *, weights_given: bool) -> LoadedModel:
    if name not in BUNDLED:
        raise UnknownNameError("model", name, BUNDLED, hint=f"A model is {FORMS}.")
    entry = BUNDLED[name]
    module = entry.make()
    if not weights_given and entry.weights is not None:
        load_weights(module, entry.weights())
    elif not weights_given and not entry.weights_title:
        raise InputError(f"{name} comes without weights. Give a file of its weights, --weights FILE.")
    return LoadedModel(
        name=name,
        module=module.eval(),
        preprocessing=Preprocessing.parse(entry.preprocessing),
        labels=None if entry.labels is None else bundled_labels(entry.labels),
        origin=entry.title,
        weights="" if weights_given else entry.weights_title,
        licence="" if weights_given else entry.licence,
    )


def _is_python(spec: str) -> bool:
    return spec.endswith((".py", ".py:")) or spec.rpartition(":")[0].endswith(".py")


# The first source that accepts a spec has it.
SOURCES: Final = (
    Source(
        form="torchvision:NAME",
        about="any classification or segmentation model of torchvision",
        weights="random, or --weights",
        accepts=lambda spec: spec.startswith("torchvision:"),
        load=load_torchvision,
        prefix="torchvision:",
    ),
    Source(
        form="timm:NAME",
        about="any model of timm",
        weights="random, or --weights",
        accepts=lambda spec: spec.startswith("timm:"),
        load=load_timm,
        prefix="timm:",
    ),
    Source(
        form="FILE.py:FACTORY",
        about="a function in your own Python file that returns the model",
        weights="as the function makes them, or --weights",
        accepts=_is_python,
        load=load_python,
    ),
    Source(
        form="FILE.pt2",
        about="a program saved by torch.export.save or by linearscope",
        weights="those in the file",
        accepts=lambda spec: spec.lower().endswith(".pt2"),
        load=_load_program,
    ),
)

"""What a studio shows: its networks, its photos, and the subjects made of both, within a bound of memory."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from linearscope.analysis import fgsm
from linearscope.analysis.tour_kind import TourKind
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter, interpret
from linearscope.models import LoadedModel, PlacedModel, load_model
from linearscope.networks import BUNDLED
from linearscope.networks.upscalers import UPSCALERS
from linearscope.program import Program
from linearscope.studio.photos import SHOWN_FIRST, Photos
from linearscope.studio.refusals import Missing
from linearscope.studio.schema import AttackInfo, ModelInfo
from linearscope.studio.subject import Captured, Recipe, Subject, middle

__all__ = ["MEMORY", "ModelSource", "Stage"]

#: Bytes of the subjects that are held; those asked for least lately go first, and are made again when asked for.
MEMORY: Final = 192 << 20
#: How many captured networks and recipes are remembered.
PROGRAMS: Final = 12
RECIPES: Final = 4096

#: PyTorch's tracing keeps its state for the whole process: one capture at a time, whoever asks.
_CAPTURING: Final = threading.Lock()

SIDES: Final = [32, 48, 64, 96, 128, 192, 256]
SIDE: Final = 128
FIRST: Final = "espcn_x2"


@dataclass(frozen=True)
class ModelSource:
    """A network named where the studio was started.

    Attributes
    ----------
    name
        What it is called on the page.
    load
        Loads it.
    """

    name: str
    load: Callable[[], LoadedModel]


class Stage:
    """Networks, photos and subjects.

    :meth:`subject` and :meth:`find`, which may capture, are called by one thread, the queue's for heavy ones; all else
    may be called by any.

    Parameters
    ----------
    named
        Networks named where the studio was started, which come first; they are loaded at once, so that a mistake is
        said before there is a page.
    photo
        A photo named there.
    device, dtype, interpretation
        How networks are interpreted.
    memory
        Bytes of the subjects that are held.

    Examples
    --------
    >>> stage = Stage()
    >>> subject = stage.subject(stage.recipe("small_vgg", "espresso", None))
    >>> subject.info.kind, subject.info.certificate.reconstruction < 1e-4
    ('classification', True)
    """

    def __init__(
        self,
        named: Sequence[ModelSource] = (),
        photo: Path | None = None,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        interpretation: str = "freeze",
        memory: int = MEMORY,
    ) -> None:
        self.photos = Photos(photo)
        self._lock = threading.Lock()
        self._device, self._dtype, self._interpretation = torch.device(device), dtype, interpretation
        self._memory = memory
        self._loaded: dict[str, LoadedModel] = {source.name: source.load() for source in named}
        self._bundled = [name for name, entry in BUNDLED.items() if entry.weights_title and name not in self._loaded]
        self._placed: dict[str, PlacedModel] = {}
        self._kinds: dict[str, TourKind] = {}
        self._captured: OrderedDict[tuple[str, tuple[int, ...]], Captured] = OrderedDict()
        self._subjects: OrderedDict[str, Subject] = OrderedDict()
        self._recipes: OrderedDict[str, Recipe] = OrderedDict()
        self._named = [*self._loaded]

    # -- what can be chosen ------------------------------------------------------------------------------------------

    def first_recipe(self) -> Recipe:
        """What is shown first."""
        name = self._named[0] if self._named else FIRST
        return self.recipe(name, next(one.image for one in self.models() if one.name == name), None)

    def models(self) -> list[ModelInfo]:
        """All networks."""
        return [self._named_info(name) for name in self._named] + [self._bundled_info(name) for name in self._bundled]

    def recipe(self, model: str, image: str, side: int | None) -> Recipe:
        """Say how a subject is made, with the side that a network without a size of its own is shown.

        Raises
        ------
        Missing
            When there is no such network or photo.
        InputError
            When a side is given to a network of one size.
        """
        known = {one.name: one for one in self.models()}
        if model not in known:
            raise Missing(f"The studio has no network {model[:40]!r}. Choose one of {', '.join(known)}.")
        self.photos.about(image)
        if known[model].sides:
            return Recipe(model, image, side or SIDE)
        if side is not None:
            raise InputError(f"{model} takes images of one size. Leave the side out.")
        return Recipe(model, image, None)

    # -- subjects ----------------------------------------------------------------------------------------------------

    def find(self, subject: str) -> Subject:
        """A subject by its id; one that is no longer held is made again.

        Raises
        ------
        Missing
            When the id was never given, or so long ago that it was forgotten.
        """
        with self._lock:
            recipe = self._recipes.get(subject)
        if recipe is None:
            raise Missing("The studio no longer knows this network on this photo. Choose both again.")
        return self.subject(recipe)

    def held(self, subject: str) -> Subject | None:
        """A subject by its id if it is held now."""
        with self._lock:
            if subject in self._subjects:
                self._subjects.move_to_end(subject)
            return self._subjects.get(subject)

    def subject(self, recipe: Recipe) -> Subject:
        """Make a subject, or take the one that is held."""
        name = self._id(recipe)
        with self._lock:
            self._recipes[name] = recipe
            self._recipes.move_to_end(name)
            while len(self._recipes) > RECIPES:
                self._recipes.popitem(last=False)
        found = self.held(name)
        if found is None:
            found = self._attacked(name, recipe) if recipe.of else self._interpreted(name, recipe)
        with self._lock:
            self._subjects[name] = found
            self._subjects.move_to_end(name)
            while len(self._subjects) > 1 and sum(one.bytes for one in self._subjects.values()) > self._memory:
                self._subjects.popitem(last=False)
        return found

    def _interpreted(self, name: str, recipe: Recipe) -> Subject:
        placed = self._model(recipe.model)
        start = time.perf_counter()
        image = middle(placed.tensor(self.photos.read(recipe.image)), recipe.side)
        captured = self._capture(recipe.model, placed, image)
        it = self._interpret(captured.program, image)
        subject = Subject(name, recipe, captured, it, time.perf_counter() - start)
        self._kinds[recipe.model] = subject.kind
        return subject

    def _attacked(self, name: str, recipe: Recipe) -> Subject:
        before = self.find(recipe.of)
        if before.kind != "classification":
            raise InputError(
                f"{recipe.model} makes an image, and an attack is on a label. Choose a network that gives labels."
            )
        start = time.perf_counter()
        program, (lower, upper) = before.it.program, before.placed.bounds
        epsilon = recipe.epsilon / 255
        attack = fgsm(program, before.it.image, label=recipe.label, epsilon=epsilon, lower=lower, upper=upper)
        it = self._interpret(program, attack.adversarial)
        after = Subject(name, recipe, before.captured, it, time.perf_counter() - start)
        after.attack = AttackInfo(
            of=recipe.of,
            epsilon=recipe.epsilon,
            label=after.score(attack.label),
            before=before.score(attack.before),
            after=after.score(attack.after),
            success=attack.success,
        )
        return after

    def _interpret(self, program: Program, image: torch.Tensor) -> LinearInterpreter:
        return interpret(program, image, interpretation=self._interpretation)

    def _capture(self, model: str, placed: PlacedModel, image: torch.Tensor) -> Captured:
        """The network for images of this size; a Program that is bound to its image is not used for another."""
        key = model, tuple(image.shape)
        captured = self._captured.get(key)
        if captured is None:
            with _CAPTURING:
                captured = Captured(placed, placed.capture(image))
            if captured.program.bound is not None:
                return captured
            self._captured[key] = captured
        self._captured.move_to_end(key)
        while len(self._captured) > PROGRAMS:
            self._captured.popitem(last=False)
        return captured

    def _model(self, name: str) -> PlacedModel:
        if name not in self._placed:
            loaded = self._loaded.get(name) or load_model(name)
            self._placed[name] = PlacedModel(loaded, self._device, self._dtype)
        return self._placed[name]

    def _id(self, recipe: Recipe) -> str:
        told = (recipe, self._interpretation, str(self._dtype))
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def _named_info(self, name: str) -> ModelInfo:
        model = self._loaded[name]
        kind: TourKind | None = "classification" if model.labels is not None else None
        sized = model.preprocessing.resize is not None or model.preprocessing.crop is not None
        return ModelInfo(
            name=name,
            title=model.origin,
            weights=model.weights,
            licence=model.licence,
            kind=self._kinds.get(name, kind),
            preprocessing=str(model.preprocessing),
            sides=[] if sized else SIDES,
            image=self.photos.first,
        )

    def _bundled_info(self, name: str) -> ModelInfo:
        entry = BUNDLED[name]
        kind: TourKind = "classification" if entry.labels is not None else "image-to-image"
        return ModelInfo(
            name=name,
            title=entry.title,
            weights=entry.weights_title,
            licence=entry.licence,
            kind="super-resolution" if name in UPSCALERS else kind,
            preprocessing=entry.preprocessing,
            sides=[] if "resize" in entry.preprocessing else SIDES,
            image="given" if self.photos.first == "given" else SHOWN_FIRST.get(name, self.photos.first),
        )

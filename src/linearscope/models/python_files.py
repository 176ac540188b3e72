"""Models made by a function in the user's own Python file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.files import readable_file
from linearscope.models.loaded import LoadedModel
from linearscope.models.preprocessing import Preprocessing
from linearscope.models.torchvision_compat import declare_operators

__all__ = ["load_python"]


def load_python(spec: str, *, weights_given: bool) -> LoadedModel:
    """Run a Python file and call one of its functions, which returns the model.

    Parameters
    ----------
    spec
        ``path/to/file.py:factory``; the factory takes no arguments. The file is run as code, with the modules
        beside it importable.
    weights_given
        Whether the caller is about to load weights.

    Raises
    ------
    InputError
        When the file is missing or fails, no factory is named, or it fails or returns no ``nn.Module``.
    UnknownNameError
        When there is no such factory, with the nearest names.
    """
    place, separator, factory = spec.rpartition(":")
    if not separator or not place.endswith(".py"):
        raise InputError(f"{spec} names no factory. Write {spec.rstrip(':')}:NAME, a function that returns the model.")
    path = readable_file(place, "Give the path of a Python file and a function in it, FILE.py:NAME.")
    # A user's file that imports torchvision meets the same missing operators as this package would.
    declare_operators()
    with _importable(path.parent):
        module = _run(path)
        made = _call(path, module, factory)
    return LoadedModel(
        name=spec,
        module=made.eval(),
        preprocessing=Preprocessing(),
        labels=None,
        origin=f"{factory} of {path.name}",
        weights="" if weights_given else f"weights as {path.name} makes them",
    )


def _run(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(f"linearscope_file_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look modules up here while the file still runs.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise InputError(f"{path} fails with {_described(error, path)}. Correct the file.") from error
    return module


def _call(path: Path, module: ModuleType, factory: str) -> nn.Module:
    choices = [name for name, value in vars(module).items() if callable(value) and not name.startswith("__")]
    if factory not in choices:
        raise UnknownNameError("factory", factory, choices, hint=f"It is looked for in {path}.")
    try:
        made = getattr(module, factory)()
    except (Exception, SystemExit) as error:
        raise InputError(
            f"{factory}() of {path} fails with {_described(error, path)}. It must work without arguments."
        ) from error
    if not isinstance(made, nn.Module):
        raise InputError(
            f"{factory}() of {path} returns {type(made).__name__} and not a torch.nn.Module. Return the model itself."
        )
    return made


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _described(error: BaseException, path: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip().split("\n")[0].rstrip(".")
    where = f" (line {line})" if line else ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"

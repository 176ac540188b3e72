"""Weights files, read as tensors only: nothing in a file is ever executed."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from linearscope.errors import InputError
from linearscope.models.files import readable_file

__all__ = ["load_weights", "read_weights"]

PICKLED: Final = (".pth", ".pt", ".bin")
WRAPPERS: Final = ("state_dict", "model_state_dict", "model")
PREFIX: Final = "module."
SHOWN: Final = 3


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a file of named tensors.

    Examples
    --------
    >>> import tempfile, safetensors.torch
    >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> safetensors.torch.save_file({"module.features.0.bias": torch.zeros(64)}, path)
    >>> read_weights(path)["features.0.bias"].shape
    torch.Size([64])

    Parameters
    ----------
    path
        A ``.safetensors`` file, or a ``.pth``, ``.pt`` or ``.bin`` file of ``torch.save``. A table under the key
        ``state_dict``, ``model_state_dict`` or ``model`` is taken out, and a ``module.`` before every name is dropped.

    Returns
    -------
    dict
        Tensors on the CPU by name.

    Raises
    ------
    InputError
        When the file is missing, unreadable, damaged, of another kind, holds anything but tensors and plain values (it
        is then not read at all), holds no table of tensors, or a tensor in it has NaN or infinite values.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    advice = "Give a .safetensors, .pth, .pt or .bin file of weights."
    if suffix != ".safetensors" and suffix not in PICKLED:
        raise InputError(f"{file} is not a weights file by its name. {advice}")
    readable_file(file, advice)
    content = _read_safetensors(file) if suffix == ".safetensors" else _read_pickled(file)
    weights = _named_tensors(file, content)
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{file} holds NaN or infinite values in {name!r}. Use weights of finished training.")
    return weights


def load_weights(module: nn.Module, path: str | os.PathLike[str]) -> None:
    """Put the weights of a file into a network.

    Parameters
    ----------
    module
        Is changed in place, and only when everything fits.
    path
        As for :func:`read_weights`.

    Raises
    ------
    InputError
        As for :func:`read_weights`, and when names or shapes do not fit; the first three of each kind are named.
    """
    weights = {name: tensor for name, tensor in read_weights(path).items() if not _is_idle(module, name)}
    wanted = module.state_dict()
    # Files from before PyTorch 0.4.1, and many since, lack these counters; evaluation does not use them.
    missing = [name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in weights if name not in wanted]
    unfit = [
        f"{name} is {_kind(tensor)} and should be {_kind(wanted[name])}"
        for name, tensor in weights.items()
        if name in wanted and not _fits(tensor, wanted[name])
    ]
    faults = [
        f"{len(entries)} {what} ({_first(entries)})"
        for what, entries in (("missing", missing), ("unexpected", unexpected), ("of another kind", unfit))
        if entries
    ]
    if faults:
        raise InputError(
            f"The weights in {Path(path)} do not fit the model: {', '.join(faults)}. "
            "Give the weights of this architecture."
        )
    module.load_state_dict(weights, strict=False)


def _read_safetensors(file: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file, device="cpu")
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise InputError(f"{file} is damaged or no safetensors file. Download it again.") from error


def _read_pickled(file: Path) -> object:
    saved = zipfile.is_zipfile(file)
    if saved and _is_torchscript(file):
        raise InputError(f"{file} is a TorchScript program and was not read. Save its state_dict alone.")
    try:
        # Torch warns of the pickle protocols it is about to refuse; the message below says more.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(file, map_location="cpu", weights_only=True)
    # On a damaged file the readers raise what they meet: RuntimeError, EOFError, ValueError, KeyError and more.
    except Exception as error:
        with file.open("rb") as stream:
            certain = saved or stream.read(1) == b"\x80"
        if isinstance(error, pickle.UnpicklingError):
            found = "holds more than tensors" if certain else "is damaged or holds more than tensors,"
            message = f"{found} and was not read. Save its state_dict alone, best as .safetensors."
        else:
            message = "is damaged or holds no saved tensors. Download it again."
        raise InputError(f"{file} {message}") from error


def _is_torchscript(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _named_tensors(file: Path, content: object) -> dict[str, Tensor]:
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    refusal = InputError(f"{file} holds no table of named tensors. Save the state_dict of the model.")
    if not isinstance(content, Mapping) or not content:
        raise refusal
    weights: dict[str, Tensor] = {}
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise refusal
        weights[name] = tensor.detach()
    if all(name.startswith(PREFIX) for name in weights):
        weights = {name.removeprefix(PREFIX): tensor for name, tensor in weights.items()}
    return weights


def _is_idle(module: nn.Module, name: str) -> bool:
    """Tell whether ``name`` is a statistic that instance norm kept before PyTorch 0.4 and never used."""
    layer, _, entry = name.rpartition(".")
    if entry not in ("running_mean", "running_var", "num_batches_tracked"):
        return False
    return isinstance(
        dict(module.named_modules()).get(layer), nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d
    )


def _fits(given: Tensor, wanted: Tensor) -> bool:
    return given.shape == wanted.shape and given.is_floating_point() == wanted.is_floating_point()


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {'x'.join(map(str, tensor.shape)) or 'scalar'}"


def _first(entries: Iterable[str]) -> str:
    some = list(entries)
    return ", ".join(some[:SHOWN]) + (", ..." if len(some) > SHOWN else "")

"""Programs as ``.pt2`` files, and reading ``.pt2`` files from strangers without running anything in them."""

from __future__ import annotations

import io
import json
import os
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from linearscope.errors import CaptureError, InputError
from linearscope.program.capture import _export, _first_line, from_exported
from linearscope.program.decompositions import DECOMPOSITIONS
from linearscope.program.program import Program, substitute
from linearscope.program.strangers import sanitise

__all__ = ["load", "save", "to_module"]

_NAMES = "linearscope.json"


def to_module(program: Program) -> fx.GraphModule:
    """Return the Program as a ``torch.fx.GraphModule`` that shares its tensors."""
    root = torch.nn.Module()
    graph = fx.Graph()
    made: dict[int, fx.Node] = {}
    for node in program.nodes:
        if node.kind == "image":
            made[node.index] = graph.placeholder("image")
        elif node.kind == "parameter":
            root.register_buffer(f"tensor_{node.index}", program.parameters[node.index])
            made[node.index] = graph.get_attr(f"tensor_{node.index}")
        else:
            assert node.target is not None
            args = substitute(node.args, made.__getitem__)
            kwargs = substitute(dict(node.kwargs), made.__getitem__)
            made[node.index] = graph.call_function(node.target, args, kwargs)
    graph.output(made[program.output])
    return fx.GraphModule(root, graph)


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write ``program`` to ``path`` as a ``.pt2`` file, names and notes included; nothing is left behind on failure.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    target = Path(path)
    if program.bound is not None:
        raise InputError("A program that was traced on one image holds for it alone and is not saved; save the model.")
    image = torch.zeros(program.input_shape, dtype=program.dtype, device=program.device)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = _export(to_module(program), image)
    names = [node.name for node in program.nodes if node.kind == "call"]
    calls = [list(node.calls) for node in program.nodes if node.kind == "call"]
    again = from_exported(exported, names=names)
    if [n.operation for n in again.nodes if n.kind == "call"] != [
        n.operation for n in program.nodes if n.kind == "call"
    ]:
        raise CaptureError("The program changes when torch.export writes it, so it cannot be saved.")
    tensors = {f"tensor_{node.index}": node.name for node in program.nodes if node.kind == "parameter"}
    extra = json.dumps({"names": names, "calls": calls, "tensors": tensors, "notes": list(program.notes)})
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(exported, buffer, extra_files={_NAMES: extra})
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getvalue())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise InputError(f"{target} cannot be written: {error.strerror}. Choose another place.") from error


def load(path: str | os.PathLike[str], *, image: Tensor | None = None, output: str | int | None = None) -> Program:
    """Read a ``.pt2`` file, ours or any written by ``torch.export.save``, as tensors and a graph only.

    Parameters
    ----------
    path
        The file.
    image
        For a program exported with dynamic shapes: an image ``(B, C, H, W)`` of the size wanted.
    output
        Which tensor, as in :func:`linearscope.capture`.

    Raises
    ------
    InputError
        When the file is missing, truncated, holds a pickle with more than tensors, or calls what is no tensor
        operation.
    """
    name = Path(path)
    try:
        data = name.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}. Give the path of a .pt2 file.") from error
    extra = {_NAMES: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = torch.export.load(io.BytesIO(sanitise(name, data)), extra_files=extra)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} is not a program that this version of PyTorch reads; export it again.") from error
    table = _table(name, extra[_NAMES])
    placeholders = [n for n in exported.graph.nodes if n.op == "placeholder"]
    symbolic = any(
        not isinstance(size, int)
        for node in placeholders
        if isinstance(node.meta.get("val"), Tensor)
        for size in node.meta["val"].shape
    )
    if symbolic and image is None:
        raise InputError(f"{name} was exported for images of any size; give image= to choose one.")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if symbolic:
            assert image is not None
            try:
                exported = _export(exported.module(check_guards=False), image)
            except Exception as error:
                raise InputError(
                    f"{name} does not take an image of shape {tuple(image.shape)}: {_first_line(error)} "
                    "Give an image of the size and channels that it expects."
                ) from error
        elif not table:
            exported = exported.run_decompositions(DECOMPOSITIONS)
    program = from_exported(exported, output=output, names=table.get("names"), notes=table.get("notes", ()))
    return _with_names(program, table["calls"], table["tensors"]) if table else program


def _table(name: Path, text: str | bytes) -> dict[str, Any]:
    """Names, calls and notes that :func:`save` wrote beside the program; empty for files of others."""
    if not text:
        return {}
    try:
        table = json.loads(text)
        names, calls, tensors, notes = table["names"], table["calls"], dict(table["tensors"]), table["notes"]
        texts = [*names, *notes, *tensors.values(), *(call for path in calls for call in path)]
        sound = all(isinstance(text, str) for text in texts)
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound or len(names) != len(calls):
        raise InputError(f"{name} was not read: its table of names is damaged; save the program again.")
    return {"names": names, "calls": calls, "tensors": tensors, "notes": notes}


def _with_names(program: Program, calls: list[list[str]], tensors: dict[str, str]) -> Program:
    given = iter(calls)
    nodes = []
    for node in program.nodes:
        if node.kind == "call":
            path = tuple(next(given))
            node = replace(node, calls=path, layer=path[-1].split("#")[0] if path else "")
        elif node.kind == "parameter":
            name = tensors.get(node.layer, node.layer)
            node = replace(node, name=name, layer=name)
        nodes.append(node)
    return Program(nodes, program.parameters, program.output, program.notes)

"""Programs as ``.pt2`` files, and reading ``.pt2`` files from strangers without running anything in them."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from linearscope.errors import CaptureError, InputError
from linearscope.program.capture import _export, from_exported
from linearscope.program.program import Program, Ref, substitute

__all__ = ["load", "save", "to_module"]

_NAMES = "linearscope.json"

# What a graph in a .pt2 file may call. torch.export.load resolves these strings by attribute look-up.
_TARGET = re.compile(
    r"torch\.ops\.(aten|prims)\.\w+\.\w+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|eq|le|lt|ge|gt)"
)
# Shape expressions in a .pt2 file go through an evaluator; sound ones are made of these.
_EXPRESSION = re.compile(r"(?!.*__)[A-Za-z0-9_+\-*/(), <>=.]*")


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
    image = torch.zeros(program.input_shape, dtype=program.dtype, device=program.device)
    with torch.no_grad():
        exported = _export(to_module(program), image)
    names = [node.name for node in program.nodes if node.kind == "call"]
    calls = [list(node.calls) for node in program.nodes if node.kind == "call"]
    again = from_exported(exported, names=names)
    if [n.operation for n in again.nodes if n.kind == "call"] != [n.operation for n in program.nodes if n.kind == "call"]:
        raise CaptureError("The program changes when torch.export writes it, so it cannot be saved.")
    extra = json.dumps({"names": names, "calls": calls, "notes": list(program.notes)})
    buffer = io.BytesIO()
    torch.export.save(exported, buffer, extra_files={_NAMES: extra})
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getvalue())
        os.replace(temporary, target)
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
        When the file is missing, truncated, holds a pickle with more than tensors, or calls what is no tensor operation.
    """
    name = Path(path)
    try:
        data = name.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}. Give the path of a .pt2 file.") from error
    _inspect(name, data)
    extra = {_NAMES: ""}
    try:
        exported = torch.export.load(io.BytesIO(data), extra_files=extra)
    except Exception as error:
        raise InputError(f"{name} is not a program that this version of PyTorch reads; export it again.") from error
    table: dict[str, Any] = json.loads(extra[_NAMES]) if extra[_NAMES] else {}
    placeholders = [n for n in exported.graph.nodes if n.op == "placeholder"]
    symbolic = any(
        not isinstance(size, int)
        for node in placeholders
        if isinstance(node.meta.get("val"), Tensor)
        for size in node.meta["val"].shape
    )
    if symbolic:
        if image is None:
            raise InputError(f"{name} was exported for images of any size; give image= to choose one.")
        with torch.no_grad():
            exported = _export(exported.module(check_guards=False), image)
    elif not table:
        exported = exported.run_decompositions({})
    program = from_exported(exported, output=output, names=table.get("names"), notes=table.get("notes", ()))
    return _with_calls(program, table["calls"]) if table else program


def _with_calls(program: Program, calls: list[list[str]]) -> Program:
    from dataclasses import replace

    given = iter(calls)
    nodes = []
    for node in program.nodes:
        if node.kind == "call":
            path = tuple(str(call) for call in next(given))
            node = replace(node, calls=path, layer=path[-1].split("#")[0] if path else "")
        nodes.append(node)
    return Program(nodes, program.parameters, program.output, program.notes)


def _inspect(name: Path, data: bytes) -> None:
    """Refuse a file in which anything but tensors, operations and plain shape expressions would be read."""
    refuse = f"{name} was not read: "
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
        raise InputError(refuse + "it is no .pt2 file or it is truncated; export the model again.") from error
    if broken is not None:
        raise InputError(refuse + f"its part {broken} is damaged; export the model again.")
    members = archive.namelist()
    if not any(member.endswith("models/model.json") for member in members):
        raise InputError(refuse + "it is not a program of torch.export; write it with torch.export.save.")
    for member in members:
        content = archive.read(member)
        if member.endswith("config.json"):
            for entry in _walk(json.loads(content)):
                if isinstance(entry, dict) and entry.get("use_pickle") and "/constants/" in member:
                    raise InputError(refuse + f"it holds a pickled object in {member}; export tensors only.")
        elif member.endswith(".json") and "/models/" in member:
            for entry in _walk(json.loads(content)):
                _inspect_entry(refuse, entry)
        elif zipfile.is_zipfile(io.BytesIO(content)) or content[:1] == b"\x80":
            try:
                torch.load(io.BytesIO(content), weights_only=True)
            except Exception as error:
                raise InputError(refuse + f"{member} holds more than tensors, and could run code.") from error
        elif "custom_obj" in member or "opaque" in member:
            raise InputError(refuse + f"it holds an object that is no tensor ({member}).")


def _inspect_entry(refuse: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        return
    target = entry.get("target")
    if isinstance(target, str) and "inputs" in entry and not _TARGET.fullmatch(target):
        raise InputError(refuse + f"its graph calls {target!r}, which is no tensor operation.")
    for key in ("expr_str", "as_expr"):
        value = entry.get(key)
        if isinstance(value, str) and not _EXPRESSION.fullmatch(value):
            raise InputError(refuse + f"a shape in it is the expression {value[:60]!r}, which is not arithmetic.")


def _walk(value: Any) -> Iterator[Any]:
    yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _walk(child)

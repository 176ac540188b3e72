"""``.pt2`` files from strangers: what may run code when PyTorch reads it is refused before PyTorch sees it."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from linearscope.errors import InputError

__all__ = ["sanitise"]

# What a graph may call; torch.export.load looks these strings up by attribute.
_TARGET = re.compile(
    r"torch\.ops\.(aten|prims)\.(?!from_file\b)\w+\.\w+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|eq|ne|le|lt|ge|gt)"
)

# Shape expressions go through sympy, which evaluates them as Python.
_SYMBOL = re.compile(r"[a-z]+\d+")
_LONGEST = 100_000
_FUNCTIONS = {
    "Max", "Min", "Mod", "PythonMod", "FloorDiv", "CeilDiv", "CleanDiv", "ModularIndexing", "PowByNatural", "FloatPow",
    "IntTrueDiv", "FloatTrueDiv", "FloorToInt", "CeilToInt", "RoundToInt", "TruncToInt", "TruncToFloat", "ToFloat",
    "Identity", "Where", "Eq", "Ne", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Symbol", "floor", "ceiling",
    "Abs",
    "Equality", "Unequality", "LessThan", "StrictLessThan", "GreaterThan", "StrictGreaterThan", "And", "Or", "Not",
}  # fmt: skip
_SYNTAX = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load, ast.operator,
    ast.unaryop, ast.cmpop, ast.BoolOp, ast.boolop, ast.keyword,
)  # fmt: skip

# How arguments and results may be nested; other kinds make PyTorch import modules that the file names.
_CONTAINERS = {None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"}

_MODEL = "models/model.json"
_SAMPLE = "data/sample_inputs/model.pt"
_TABLES = {"data/weights/": "model_weights_config.json", "data/constants/": "model_constants_config.json"}


def sanitise(name: Path, data: bytes) -> bytes:
    """Return the ``.pt2`` file ``data`` written anew with nothing in it but tensors, ATen calls and shape arithmetic.

    The parts of the file are taken out, inspected, and put into a fresh archive: whatever else the file holds, under
    whatever name, never reaches PyTorch.

    Raises
    ------
    InputError
        When a part is missing or damaged, or is more than that; the message says which.
    """
    from torch.export.pt2_archive._package import PT2ArchiveWriter

    refuse = f"{name} was not read: "
    parts = _parts(refuse, data)
    buffer = io.BytesIO()
    with PT2ArchiveWriter(buffer) as archive:
        archive.write_bytes(_MODEL, _graph(refuse, parts))
        for folder, table in _TABLES.items():
            payload = _json(refuse, parts, folder + table)
            config = payload.get("config") if isinstance(payload, dict) else None
            if not isinstance(config, dict):
                raise InputError(refuse + f"its part {folder + table} is damaged; export the model again.")
            written = set()
            for key, entry in config.items():
                path = entry.get("path_name") if isinstance(entry, dict) else None
                if not isinstance(path, str) or entry.get("use_pickle") is not False or not re.fullmatch(r"\w+", path):
                    raise InputError(refuse + f"it holds {key!r} as a pickled object; export tensors only.")
                if not path.startswith(("weight_", "tensor_")):
                    raise InputError(refuse + f"it holds an object that is no tensor ({key!r}).")
                if path not in written:
                    archive.write_bytes(folder + path, _part(refuse, parts, folder + path))
                    written.add(path)
            archive.write_bytes(folder + table, json.dumps(payload).encode())
        archive.write_bytes(_SAMPLE, _sample(refuse, parts))
        for part in parts:
            if part.startswith("extra/"):
                archive.write_bytes(part, parts[part])
    return buffer.getvalue()


def _parts(refuse: str, data: bytes) -> Mapping[str, bytes]:
    """The members of the archive by name, without the folder in which they all lie."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        broken = archive.testzip()
        if broken is None:
            members = [(item.filename, archive.read(item)) for item in archive.infolist()]
    except Exception as error:
        raise InputError(refuse + "it is no .pt2 file or it is truncated; export the model again.") from error
    if broken is not None:
        raise InputError(refuse + f"its part {broken} is damaged; export the model again.")
    if len({member for member, _ in members}) != len(members):
        raise InputError(refuse + "it holds two parts of the same name; export the model again.")
    parts = {member.partition("/")[2]: content for member, content in members}
    if _MODEL not in parts:
        raise InputError(refuse + "it is not a program of torch.export; write it with torch.export.save.")
    return parts


def _part(refuse: str, parts: Mapping[str, bytes], name: str) -> bytes:
    if name not in parts:
        raise InputError(refuse + f"its part {name} is missing; export the model again.")
    return parts[name]


def _json(refuse: str, parts: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(_part(refuse, parts, name))
    except (ValueError, RecursionError) as error:
        raise InputError(refuse + f"its part {name} is damaged; export the model again.") from error


def _sample(refuse: str, parts: Mapping[str, bytes]) -> bytes:
    """The example inputs, read as tensors only and written anew: PyTorch itself would fall back to running a pickle."""
    content = _part(refuse, parts, _SAMPLE)
    try:
        inputs = torch.load(io.BytesIO(content), weights_only=True) if content else ((), {})
    except Exception as error:
        raise InputError(refuse + f"{_SAMPLE} holds more than tensors, and could run code.") from error
    buffer = io.BytesIO()
    torch.save(inputs, buffer)
    return buffer.getvalue()


def _graph(refuse: str, parts: Mapping[str, bytes]) -> bytes:
    """The graph, with every call, shape expression and container in it looked at."""
    program = _json(refuse, parts, _MODEL)
    for entry in _dicts(program):
        target = entry.get("target")
        if isinstance(target, str) and "inputs" in entry and not _TARGET.fullmatch(target):
            raise InputError(refuse + f"its graph calls {target!r}, which is no tensor operation.")
        if "expr_str" in entry and not _arithmetic(entry["expr_str"]):
            raise InputError(refuse + f"a shape in it is {str(entry['expr_str'])[:60]!r}, which is not arithmetic.")
        for key in ("in_spec", "out_spec"):
            if entry.get(key) and not _plain(entry[key]):
                raise InputError(refuse + f"its {key} is no nest of tuples, lists and dicts.")
        if "guards_code" in entry:
            entry["guards_code"] = []
    return json.dumps(program).encode()


def _arithmetic(text: Any) -> bool:
    """Whether a shape expression is made of numbers, symbols such as ``s0``, operators and known functions."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, _SYNTAX):
            return False
        if isinstance(node, ast.Name) and node.id not in _FUNCTIONS and not _SYMBOL.fullmatch(node.id):
            return False
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS):
            return False
        if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float)) and not _symbol(node.value):
            return False
    return True


def _symbol(value: object) -> bool:
    return isinstance(value, str) and _SYMBOL.fullmatch(value) is not None


def _plain(text: Any) -> bool:
    try:
        spec = json.loads(text)
        for entry in _dicts(spec):
            if entry.get("type") not in _CONTAINERS or "__enum__" in entry:
                return False
            context = entry.get("context")
            if isinstance(context, str) and any(True for _ in _dicts(json.loads(context))):
                return False
            if not isinstance(context, str | None):
                return False
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Every dict inside nested lists and dicts."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)

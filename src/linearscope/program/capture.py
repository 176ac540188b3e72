"""Capture: a PyTorch module and an image become a Program."""

from __future__ import annotations

import copy
import io
import logging
import operator
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from linearscope.errors import CaptureError, InputError, LinearscopeWarning
from linearscope.program.constants import as_constant
from linearscope.program.decompositions import DECOMPOSITIONS
from linearscope.program.naming import call_path, name_nodes
from linearscope.program.program import Node, Program, Ref, _renumbered

__all__ = ["capture", "from_exported"]

aten = torch.ops.aten

# How closely a captured program has to make what the model makes, relative to the largest number.
_AGREES = {torch.float64: 1e-9, torch.float32: 1e-3}

_FINAL = {
    aten.softmax.int,
    aten._softmax.default,
    aten.log_softmax.int,
    aten._log_softmax.default,
}


def capture(model: nn.Module, image: Tensor, *, output: str | int | None = None) -> Program:
    """Capture ``model`` on images of the shape of ``image``.

    The model is run in evaluation mode on a copy of its modules that shares its tensors; the model itself is not
    changed, and the Program has to make the same of the image as the model did.
    ``torch.export`` is tried first; a model whose control flow depends on the image is traced on the image given, and
    the Program then holds for images that take the same branches (a note says so).

    Parameters
    ----------
    model
        Any module that takes one image tensor.
    image
        ``(B, C, H, W)``, in the model's own units, type and device.
    output
        Which tensor, when the model returns several: a key of a dict, an index of a tuple, or a path such as
        ``"logits/0"``.

    Returns
    -------
    Program

    Raises
    ------
    InputError
        When the image does not fit the model, or when the model returns several tensors and ``output`` does not
        choose one; the message lists the choices.
    CaptureError
        When the model cannot be captured, or is no function of the image alone (random numbers, state kept between
        calls).

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> ls.capture(torch.nn.Conv2d(3, 2, 3), torch.rand(1, 3, 5, 5))
    Program(1 operations on the image, (1, 3, 5, 5) -> (1, 2, 3, 3), torch.float32)
    """
    _check(model, image)
    clone = evaluation_copy(model)
    notes: list[str] = []
    bound: Tensor | None = None
    with torch.no_grad(), _quietly():
        expected = _run(model, image)
        try:
            exported = _export(clone, image)
        except Exception as refusal:
            try:
                exported = _export(_trace(clone, image), image)
            except Exception as error:
                raise CaptureError(
                    f"The model cannot be captured: torch.export says {_first_line(refusal)!r} and tracing says "
                    f"{_first_line(error)!r}; rewrite that part with tensor operations."
                ) from error
            notes.append("traced on this image: branches that depend on it stay as they were taken, for it alone")
            bound = image.detach().clone()
    program = from_exported(exported, output=output, notes=notes, verify=(image, expected))
    program.bound = bound
    return program


def from_exported(
    exported: torch.export.ExportedProgram,
    *,
    output: str | int | None = None,
    notes: Sequence[str] = (),
    names: Sequence[str] | None = None,
    verify: tuple[Tensor, Any] | None = None,
) -> Program:
    """Turn a decomposed ``torch.export`` program of static shape into a Program.

    ``names`` replaces the names made from module paths (one a call, in order), as stored in our own files. ``verify``
    is an image and what the model makes of it; the Program has to make the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = exported.module(check_guards=False)
    assert isinstance(module, fx.GraphModule)
    nodes, parameters, place = _nodes(module)
    results = next(node for node in module.graph.nodes if node.op == "output").args[0]
    leaves, _ = pytree.tree_flatten(results)
    paths = _output_paths(exported.call_spec.out_spec, len(leaves))
    leaf = _choose(paths, [_is_tensor(leaf) for leaf in leaves], output)
    index = place[leaves[leaf].name]
    _check_output(nodes[index])
    named = name_nodes(nodes, names)
    whole = _renumbered(named, parameters, index)
    _check_operations(whole)
    if verify is not None:
        image, expected = verify
        _verify(whole, image, pytree.tree_leaves(expected)[leaf])
    return _without_softmax(named, parameters, index, list(notes))


def _without_softmax(nodes: Sequence[Node], parameters: Mapping[int, Tensor], index: int, notes: list[str]) -> Program:
    """The Program up to the logits, when the output is a softmax of them."""
    while nodes[index].target in _FINAL:
        cut = nodes[index].operation.split(".")[1].strip("_")
        notes.append(f"the final {cut} was cut off: outputs are logits")
        warn(f"{notes[-1]}.")
        index = nodes[index].inputs[0]
    return _renumbered(nodes, parameters, index, notes)


def warn(message: str) -> None:
    """Warn at the line outside this package that led here."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("linearscope."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, LinearscopeWarning, stacklevel=level)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings and logs that PyTorch makes of a model that is then captured in another way."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _run(model: nn.Module, image: Tensor) -> Any:
    """What the model makes of the image in evaluation mode, on a copy that may do to its buffers what it likes."""
    clone = evaluation_copy(model, buffers=True)
    before = {name: tensor._version for name, tensor in clone.named_buffers()}
    try:
        result, again = clone(image.clone()), clone(image.clone())
    except Exception as error:
        raise InputError(
            f"The model does not take an image of shape {tuple(image.shape)}: {_first_line(error)} "
            "Give an image of the size and channels that it expects."
        ) from error
    for name, tensor in clone.named_buffers():
        if before.get(name) != tensor._version:
            raise CaptureError(
                f"The model changes its own state ({name!r}) in evaluation mode, so that it is no function of the "
                "image alone; keep that state still."
            )
    for one, two in zip(pytree.tree_leaves(result), pytree.tree_leaves(again), strict=True):
        if isinstance(one, Tensor) and one.is_floating_point() and not _agrees(one, two):
            raise CaptureError(
                "The model gives another output when it is run again in evaluation mode: it is random or keeps state; "
                "make it a function of the image alone."
            )
    return result


def _agrees(one: Tensor, two: Tensor) -> bool:
    if one.shape != two.shape:
        return False
    error = float((one - two).nan_to_num().abs().max())
    return error <= _AGREES.get(one.dtype, 1e-1) * float(two.nan_to_num().abs().max())


def _check_output(node: Node) -> None:
    if node.shape is None or node.dtype is None:
        raise CaptureError("The chosen output is not a tensor; choose another with output=.")
    if not node.dtype.is_floating_point:
        raise CaptureError(
            f"The chosen output holds {node.dtype}, which no linear map makes; let the model return the numbers "
            "from which they are decided (the scores before an argmax, say)."
        )


def _check_operations(program: Program) -> None:
    for node in program.nodes:
        known = isinstance(node.target, torch._ops.OpOverload) or node.target is operator.getitem
        if node.kind == "call" and not known:
            raise CaptureError(
                f"The model uses {getattr(node.target, '__name__', node.target)}, which is not a tensor operation; "
                "rewrite that part with tensor operations."
            )
        tags = getattr(node.target, "tags", ())
        if node.kind != "call" or torch.Tag.nondeterministic_seeded not in tags:
            continue
        given = {a.name: v for a, v in zip(node.target._schema.arguments, node.args, strict=False)}  # type: ignore[union-attr]
        given |= node.kwargs
        if given.get("train", given.get("training")) is False or given.get("dropout_p", 1.0) == 0.0:
            continue
        if node.target is aten.scaled_dot_product_attention.default and "dropout_p" not in given:
            continue
        if node.target is aten.rrelu.default and "training" not in given:
            continue
        raise CaptureError(
            f"The model draws random numbers in evaluation mode ({node.operation} in layer {node.name!r}), so that it "
            "is no function of the image alone; switch that off."
        )


def _verify(program: Program, image: Tensor, expected: Tensor) -> None:
    """The Program makes what the model made of the image."""
    made = program(image)
    if not torch.isfinite(made).all():
        raise CaptureError(
            "The model makes NaN or infinite values of this image; check its weights and the image's units."
        )
    if not _agrees(made, expected):
        raise CaptureError(
            "The captured program makes something else than the model: the model does something that a graph cannot "
            "hold; make it a function of the image in tensor operations."
        )


def _export(module: nn.Module, image: Tensor) -> torch.export.ExportedProgram:
    exported = torch.export.export(module, (image,), strict=False)
    decomposed: torch.export.ExportedProgram = exported.run_decompositions(DECOMPOSITIONS)
    return decomposed


def _trace(module: nn.Module, image: Tensor) -> nn.Module:
    from torch.fx.experimental.proxy_tensor import make_fx

    traced = make_fx(
        module,
        tracing_mode="real",
        pre_dispatch=True,
        record_module_stack=True,
        _allow_non_fake_inputs=True,
        _error_on_data_dependent_ops=False,
    )(image)
    assert isinstance(traced, fx.GraphModule)
    traced.graph.eliminate_dead_code()
    traced.recompile()
    return traced


def _nodes(module: fx.GraphModule) -> tuple[list[Node], dict[int, Tensor], dict[str, int]]:
    place: dict[str, int] = {}
    nodes: list[Node] = []
    parameters: dict[int, Tensor] = {}
    for item in module.graph.nodes:
        if item.op == "output":
            continue
        index = len(nodes)
        place[item.name] = index
        value = item.meta.get("val")
        kind, target, layer = "call", None, ""
        if item.op == "placeholder":
            kind = "image"
        elif item.op == "get_attr":
            kind, layer = "parameter", str(item.target)
            tensor = _attribute(module, layer)
            if not isinstance(tensor, Tensor):
                raise CaptureError(f"The model calls a higher-order operation on {layer!r}; rewrite that control flow.")
            parameters[index] = value = tensor.detach()
        elif item.op == "call_function":
            target = item.target
        else:
            raise CaptureError(f"The captured graph holds a {item.op} node, which is not known.")
        args, kwargs = _refs(item.args, place), _refs(dict(item.kwargs), place)
        calls = tuple(call_path(key, path) for key, (path, _) in (item.meta.get("nn_module_stack") or {}).items())
        node = Node(index, "", kind, target, args, kwargs, layer, calls, False, None, None)
        if isinstance(value, Tensor):
            node = as_constant(_typed(node, value), value.device)
        nodes.append(node)
    return nodes, parameters, place


def _typed(node: Node, value: Tensor) -> Node:
    if not all(isinstance(size, int) for size in value.shape):
        raise CaptureError("The program has symbolic shapes; capture it on an image.")
    return replace(node, shape=tuple(int(size) for size in value.shape), dtype=value.dtype)


def _refs(value: Any, place: Mapping[str, int]) -> Any:
    if isinstance(value, fx.Node):
        return Ref(place[value.name])
    if isinstance(value, (list, tuple)):
        return type(value)(_refs(item, place) for item in value)
    if isinstance(value, Mapping):
        return {key: _refs(item, place) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(_refs(value.start, place), _refs(value.stop, place), _refs(value.step, place))
    return value


def _attribute(module: nn.Module, path: str) -> Any:
    value: Any = module
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, fx.Node) and isinstance(leaf.meta.get("val"), Tensor)


def _output_paths(spec: pytree.TreeSpec | None, count: int) -> list[str]:
    """Readable path of every leaf of the model's result, such as ``out`` or ``aux/1``."""
    if spec is None:
        return [str(i) for i in range(count)]
    tree = pytree.tree_unflatten(list(range(count)), spec)
    paths = [""] * count
    for path, leaf in pytree.tree_flatten_with_path(tree)[0]:
        paths[leaf] = "/".join(str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", k)))) for k in path)
    return paths


def _choose(paths: Sequence[str], tensors: Sequence[bool], output: str | int | None) -> int:
    choices = [path for path, tensor in zip(paths, tensors, strict=True) if tensor]
    if not choices:
        raise CaptureError("The model returns no tensor.")
    listed = ", ".join(repr(path) for path in choices)
    if output is None:
        if len(choices) > 1:
            raise InputError(f"The model returns {len(choices)} tensors; choose one with output=: {listed}.")
        return paths.index(choices[0])
    if choices == [""]:
        raise InputError(f"The model returns one tensor, so output={output!r} chooses nothing; leave it out.")
    wanted = str(output)
    if wanted in choices:
        return paths.index(wanted)
    if isinstance(output, int) and -len(choices) <= output < len(choices) and not any(p.isdigit() for p in choices):
        return paths.index(choices[output])
    raise InputError(f"The model returns no tensor {output!r}; choose one with output=: {listed}.")


def evaluation_copy(model: nn.Module, *, buffers: bool = False) -> nn.Module:
    """Copy the modules in evaluation mode, sharing every tensor with ``model``; with ``buffers`` parameters only."""
    memo: dict[int, Any] = {id(tensor): _ordinary(tensor) for tensor in model.parameters()}
    memo.update({id(tensor): tensor.detach().clone() if buffers else _ordinary(tensor) for tensor in model.buffers()})
    try:
        clone = copy.deepcopy(model, memo)
    except Exception as error:
        raise CaptureError(
            f"The model cannot be copied into evaluation mode ({_first_line(error)}); "
            "make its modules support copy.deepcopy."
        ) from error
    return clone.eval()


def _ordinary(tensor: Tensor) -> Tensor:
    """The tensor itself, or a copy where it was made in inference mode, which torch.export does not take."""
    if not tensor.is_inference():
        return tensor
    copied = tensor.clone()
    return nn.Parameter(copied, requires_grad=False) if isinstance(tensor, nn.Parameter) else copied


@torch.no_grad()
def _check(model: nn.Module, image: Tensor) -> None:
    if not isinstance(model, nn.Module):
        raise InputError(
            f"A model is a torch.nn.Module, a Program or the path of a .pt2 file, not {type(model).__name__}."
        )
    if not isinstance(image, Tensor) or not image.is_floating_point():
        kind = image.dtype if isinstance(image, Tensor) else type(image).__name__
        raise InputError(f"The image must be a floating-point tensor of shape (1, C, H, W), not {kind}.")
    if image.dim() < 2 or image.numel() == 0:
        raise InputError(f"The image must have shape (1, C, H, W), not {tuple(image.shape)}.")
    if not torch.isfinite(image).all():
        raise InputError("The image holds NaN or infinite values; repair it before asking what the network saw.")
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.device != image.device:
            raise InputError(f"The model's {name!r} is on {tensor.device} and the image on {image.device}; move one.")
        if tensor.is_floating_point() and tensor.dtype != image.dtype:
            raise InputError(
                f"The model's {name!r} is {tensor.dtype} and the image {image.dtype}; convert one of them."
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"The model's {name!r} holds NaN or infinite values; load sound weights.")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text[:300] + ("" if text.endswith((".", "!", "?")) else ".")

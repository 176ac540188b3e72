"""``linearscope studio``: the live page."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from linearscope.cli.options import Device, Dtype, Interpretation, choice, find_device
from linearscope.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from linearscope.studio import ModelSource

__all__ = ["studio"]


def studio(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled ones.", metavar="[IMAGE]")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model to show before the bundled ones; can be repeated. linearscope models lists what it may be.",
            metavar="MODEL",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option("--weights", "-w", help="A .safetensors or .pth file of tensors.", metavar="[MODEL=]FILE"),
    ] = None,
    preprocess: Annotated[
        list[str] | None,
        typer.Option("--preprocess", help="Such as resize=256,crop=224.", metavar="[MODEL=]TEXT"),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--labels", help="A text file with one class name a line.", metavar="[MODEL=]FILE"),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option("--output", help="Which tensor, when the model returns several.", metavar="[MODEL=]NAME"),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others than loopback need a token.", metavar="HOST")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: any that is free.", metavar="N")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    interpretation: Interpretation = "freeze",
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Open a live page: rows and columns under the pointer, classes, spectrum and methods, on any photo."""
    _check_installed()

    import torch

    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.studio import Stage, create_app
    from linearscope.studio.server import serve

    choice("interpretation", interpretation, INTERPRETATIONS)
    choice("type of numbers", dtype, ("float32", "float64"))
    given = {"weights": weights, "preprocess": preprocess, "labels": labels, "output": output}
    stage = Stage(
        sources(model or [], {option: values or [] for option, values in given.items()}),
        image,
        device=find_device(device),
        dtype=torch.float32 if dtype == "float32" else torch.float64,
        interpretation=interpretation,
    )
    serve(
        create_app(stage),
        host=host,
        port=port,
        open_browser=not no_browser,
        announce=lambda line: print(line, flush=True),
    )


def sources(named: Sequence[str], given: Mapping[str, Sequence[str]]) -> list[ModelSource]:
    """The models that are named, each with the options that are for it; also a bundled one that only an option names.

    Parameters
    ----------
    named
        As with ``--model``.
    given
        Values of the options of a model, by the option: ``VALUE``, or ``MODEL=VALUE``.
    """
    from linearscope.models import load_model
    from linearscope.networks import BUNDLED
    from linearscope.studio import ModelSource

    options: dict[str, dict[str, Any]] = {name: {} for name in named}
    first = [*options]
    for option, texts in given.items():
        for text in texts:
            name, value = owner(f"--{option}", text, first, [*BUNDLED])
            if option in options.setdefault(name, {}):
                raise InputError(f"--{option} is given twice for {name}. Give it once.")
            options[name][option] = value
    return [ModelSource(name, partial(load_model, name, **mine)) for name, mine in options.items()]


def owner(option: str, text: str, named: Sequence[str], bundled: Sequence[str]) -> tuple[str, str]:
    """Which model an option's value is for, and the value.

    Examples
    --------
    >>> owner("--preprocess", "resize=256", ["a.py:net"], [])
    ('a.py:net', 'resize=256')
    >>> owner("--weights", "espcn_x3=w.pth", ["a.py:net", "espcn_x3"], [])
    ('espcn_x3', 'w.pth')
    """
    for name in sorted({*named, *bundled}, key=len, reverse=True):
        if text.startswith(f"{name}="):
            return name, text.removeprefix(f"{name}=")
    if len(named) == 1:
        return named[0], text
    head, equals, _ = text.partition("=")
    if not named:
        raise InputError(f"{option} {text} names no model. Name it with --model, or write {option} MODEL=VALUE.")
    hint = f"Write {option} MODEL=VALUE, with a model named by --model."
    if equals:
        raise UnknownNameError("model", head, named, hint=hint)
    raise InputError(f"{option} {text} is for one of {len(named)} models. {hint}")


def _check_installed() -> None:
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"The studio needs {' and '.join(missing)}, which this environment lacks. "
            "Install with: pip install 'fastapi>=0.115' 'uvicorn>=0.30'"
        )

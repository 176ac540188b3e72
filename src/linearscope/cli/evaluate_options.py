"""What ``linearscope evaluate`` is asked: methods that may come in several ways, their options, and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from linearscope.cli.explain_options import chosen_methods, layers_of, options_of
from linearscope.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from linearscope.evaluation.results import Asked

__all__ = ["asked_methods", "asked_metrics"]


def asked_methods(
    methods: str | None, layers: Sequence[str], options: Sequence[str], units: str | None
) -> tuple[list[Asked], bool]:
    """The methods with their layers and options, and whether the user named them, so that each must apply.

    Parameters
    ----------
    methods
        Names between commas; ``METHOD@WORD`` is another way to ask a method.
    layers
        ``NAME`` for all that need one, or ``METHOD=NAME``.
    options
        ``METHOD.KEY=VALUE``, or ``KEY=VALUE`` for all that have it; those of metrics are left to them.
    units
        File for the method ``relevant-units``.
    """
    from linearscope.attribution import METHODS
    from linearscope.evaluation.results import Asked

    names, named = _names(methods)
    of = {name: name.partition("@")[0] for name in names}
    read_at = {name: layers_of([], [method]) for name, method in of.items()}
    plain = [text for text in layers if "=" not in text]
    if plain:
        everyone = layers_of(plain, list(dict.fromkeys(of.values())))
        read_at = {name: {method: everyone[method]} if method in everyone else {} for name, method in of.items()}
    for text in layers:
        name, equals, layer = text.partition("=")
        if equals:
            _asked(name, names, "--layer")
            read_at[name] = {of[name]: layer}
    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for text in options:
        key, _, value = text.partition("=")
        name, dot, option = key.rpartition(".")
        if name in _metrics():
            continue
        if dot:
            _asked(name, names, "--option")
            found = {name: options_of([f"{of[name]}.{option}={value}"], [of[name]])[of[name]]}
        else:
            having = [name for name, method in of.items() if option in METHODS[method].options]
            if not having and any(option in metric.options for metric in _metrics().values()):
                continue
            if not having:
                options_of([text], list(dict.fromkeys(of.values())))  # says what is wrong
            found = {name: options_of([text], [of[name]])[of[name]] for name in having}
        for name, several in found.items():
            for one, chosen in several.items():
                if one in given[name]:
                    raise InputError(f"--option gives {name}.{one} twice. Give it once.")
                given[name][one] = chosen
    if units is not None:
        taking = [name for name, method in of.items() if "units" in METHODS[method].options]
        if not taking:
            raise InputError("--units is for the method relevant-units, which is not asked. Add it to --methods.")
        for name in taking:
            given[name].setdefault("units", units)
    entries = [Asked(name, read_at[name].get(of[name]), given[name]) for name in names]
    for place, entry in enumerate(entries):
        for other in entries[:place]:
            if (entry.method, entry.layer, entry.options) == (other.method, other.layer, other.options):
                raise InputError(
                    f"{entry.name} and {other.name} ask the same thing. Give one of them another layer or options."
                )
    return entries, named


def asked_metrics(metrics: str | None, options: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The metrics, by default ``names``, with their options: ``METRIC.KEY=VALUE``, or ``KEY=VALUE``."""
    known = _metrics()
    chosen = list(names) if metrics is None else list(dict.fromkeys(part.strip() for part in metrics.split(",")))
    for name in chosen:
        if name not in known:
            raise UnknownNameError("metric", name, known, hint="List them with --list.")
    found: dict[str, dict[str, Any]] = {name: {} for name in chosen}
    for text in options:
        key, _, value = text.partition("=")
        name, dot, option = key.rpartition(".")
        if dot and name not in known:
            continue
        if dot and name not in found:
            raise InputError(f"--option speaks of {name}, which is not measured. Add it to --metrics, or leave it out.")
        if dot and option not in known[name].options:
            raise UnknownNameError(f"option of {name}", option, known[name].options, hint="List them with --list.")
        for one in [name] if dot else [one for one in found if option in known[one].options]:
            if option in found[one]:
                raise InputError(f"--option gives {one}.{option} twice. Give it once.")
            found[one][option] = _value(value)
    return found


def _metrics() -> Any:
    from linearscope.evaluation.metrics import METRICS

    return METRICS


def _names(methods: str | None) -> tuple[list[str], bool]:
    if methods is None or "@" not in methods:
        return chosen_methods(methods)
    names = list(dict.fromkeys(part.strip() for part in methods.split(",")))
    for name in names:
        method, at, word = name.partition("@")
        chosen_methods(method)
        if at and not (word and word.replace("-", "").replace("_", "").isalnum() and word.isascii()):
            raise InputError(f"{name!r} is no way to ask {method}. Write letters and digits after the @.")
    return names, True


def _asked(name: str, names: Sequence[str], option: str) -> None:
    from linearscope.attribution import METHODS

    if name not in names:
        if name.partition("@")[0] not in METHODS:
            raise UnknownNameError("method or metric", name, [*names, *_metrics()])
        raise InputError(f"{option} speaks of {name}, which is not asked. Add it to --methods, or leave it out.")


def _value(text: str) -> Any:
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if isfinite(number):
            return number
    return text

"""What ``linearscope explain`` is asked: methods, their options and layers, and outputs, read from texts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from math import isfinite
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from linearscope.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from linearscope.attribution import Method

__all__ = ["ALL", "DEFAULTS", "chosen_methods", "layers_of", "options_of", "targets_of"]

ALL: Final = "all"
#: Shown unless methods are named; those that do not apply to the model are left out.
DEFAULTS: Final = (
    "gradient", "gradient-x-input", "deconvnet", "guided-backprop", "full-grad", "grad-cam", "grad-cam++",
    "guided-grad-cam", "lrp-epsilon", "lrp-epsilon-plus", "occlusion", "contributions", "discussion", "votes",
)  # fmt: skip

#: In which order all methods stand.
FAMILIES: Final = ("gradient", "path", "perturbation", "activation map", "relevance", "affine map")


def chosen_methods(text: str | None) -> tuple[list[str], bool]:
    """The methods to ask, and whether the user named them, so that each must apply."""
    from linearscope.attribution import METHODS

    if text is None:
        return [name for name in DEFAULTS if name in METHODS], False
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if names == [ALL]:
        order = dict.fromkeys([*FAMILIES, *(method.family for method in METHODS.values())])
        return [name for family in order for name, method in METHODS.items() if method.family == family], False
    for name in names:
        if name not in METHODS:
            raise UnknownNameError(
                "method", name, METHODS, hint=f"List them with --methods, or take {ALL!r} alone for all that apply."
            )
    return names, True


def layers_of(texts: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which feature map each method reads: ``NAME`` for all that need one, ``METHOD=NAME`` for one method."""
    from linearscope.attribution import METHODS

    found: dict[str, str] = {}
    plain = [text for text in texts if "=" not in text]
    if len(plain) > 1:
        raise InputError(f"--layer names {plain[0]!r} and {plain[1]!r} for the same methods. Write METHOD=LAYER.")
    if plain:
        found = {name: plain[0] for name in names if METHODS[name].layer == "yes"}
        if not found:
            raise InputError(
                f"None of the methods needs a layer, so --layer {plain[0]} does nothing. Write METHOD={plain[0]} for "
                "a method that may read one, or leave it out."
            )
    for text in texts:
        name, equals, layer = text.partition("=")
        if equals:
            _asked(name, names, "--layer")
            found[name] = layer
    return found


def options_of(texts: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Options of methods: ``METHOD.KEY=VALUE``, or ``KEY=VALUE`` for all methods that have it."""
    from linearscope.attribution import METHODS

    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        name, dot, option = key.rpartition(".")
        if not equals or not option or not value:
            raise InputError(
                f"{text!r} is no option. Write --option METHOD.KEY=VALUE, such as lrp-epsilon.epsilon=0.1."
            )
        if dot:
            _asked(name, names, "--option")
        having = [one for one in ([name] if dot else names) if option in METHODS[one].options]
        if not having:
            raise UnknownNameError(
                f"option of {name}" if dot else "option of the methods asked for",
                option,
                dict.fromkeys(known for one in ([name] if dot else names) for known in METHODS[one].options),
                hint="List them with --methods.",
            )
        for one in having:
            if option in found.setdefault(one, {}):
                raise InputError(f"--option gives {one}.{option} twice. Give it once.")
            found[one][option] = _value(METHODS[one], option, value)
    return found


def targets_of(
    texts: Sequence[str], shape: Sequence[int], find: Callable[[str], int], labels: bool
) -> list[int] | None:
    """Flat indices of the outputs asked about; ``None`` for none.

    Parameters
    ----------
    texts
        Labels or their indices where the output ``shape`` is a list of scores, otherwise flat indices or a place.
    shape
        Of the output of one image.
    find
        Finds a label by its name or index.
    labels
        Whether the output is a list of scores.
    """
    from linearscope.analysis.targets import flat_indices

    found: list[int] = []
    for text in texts:
        if labels:
            found.append(find(text))
            continue
        if re.fullmatch(r"\s*[+-]?\d{1,9}(\s*,\s*[+-]?\d{1,9})*\s*", text, re.ASCII) is None:
            raise InputError(
                f"{text!r} is no output. The output has the shape {tuple(shape)}: write --target as "
                f"{','.join('0' for _ in shape)} or as one index into it."
            )
        place = tuple(int(part) for part in text.split(","))
        found += flat_indices(place[0] if len(place) == 1 else place, shape, "output", "target")
    return list(dict.fromkeys(found)) or None


def _asked(name: str, names: Sequence[str], option: str) -> None:
    from linearscope.attribution import METHODS

    if name not in METHODS:
        raise UnknownNameError("method", name, names)
    if name not in names:
        raise InputError(f"{option} speaks of {name}, which is not asked. Add it to --method, or leave it out.")


#: What to give, by the types that an option takes.
GIVE: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "numbers between commas",
}


def _value(method: Method, option: str, text: str) -> Any:
    """A number, several numbers, yes or no, or the text itself, as the option's type or default asks."""
    taken = _taken(method, option)
    value = _plain(text)
    if str in taken and not taken & {int, float}:
        return text
    if taken and type(value) not in (taken | {int} if float in taken else taken):
        give = " or ".join(words for kind, words in GIVE.items() if kind in taken)
        raise InputError(f"{method.name}.{option} is {text!r}. Give {give}.")
    return value


def _taken(method: Method, option: str) -> set[type]:
    """The types of plain values that an option takes; none where that is not known."""
    default = inspect.signature(method.function).parameters[option].default
    try:
        hint = get_type_hints(method.function).get(option)
    except NameError:  # a name that stands there for type checkers alone
        hint = None
    found = _types(hint) if hint is not None else {type(default)}
    return found & {bool, int, float, str, tuple}


def _types(hint: Any) -> set[type]:
    if get_origin(hint) is Literal:
        return {type(value) for value in get_args(hint)}
    if get_origin(hint) in (Union, UnionType):
        return set().union(*(_types(one) for one in get_args(hint)))
    kind = get_origin(hint) or hint
    return {tuple} if kind in (tuple, list, Sequence) else {kind} if isinstance(kind, type) else set()


def _plain(text: str) -> Any:
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if "," in text:
        parts = [_plain(part) for part in text.split(",")]
        return tuple(parts) if all(type(part) in (int, float) for part in parts) else text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if isfinite(number):
            return number
    return text

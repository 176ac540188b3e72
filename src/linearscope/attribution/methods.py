"""The table of methods: name, source, and the function that asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor

from linearscope.attribution.result import Check, Heatmap
from linearscope.errors import InputError

__all__ = ["METHODS", "Made", "Method", "register_method"]


@dataclass(frozen=True)
class Made:
    """What a method's function returns; as in :class:`Attribution`. Scores that are at hand are not computed again."""

    values: Tensor
    coarse: Tensor | None = None
    check: Check | None = None
    layer: str | None = None
    scores: Tensor | None = None


MethodFunction = Callable[..., Made]


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    name
        Lower case with hyphens.
    title
        A few words for lists and figures.
    source
        The paper, as it is cited.
    family
        ``"gradient"``, ``"relevance"``, ``"activation map"``, ``"perturbation"``, ``"path"``, ``"affine map"`` ...
    heatmap
        How one map is made of the channels.
    function
        ``function(explainer, images, targets, layer, **options)``: images ``(B, C, H, W)``, targets ``(B,)`` int64.
    options
        What each keyword option means, in a few words.
    layer
        Whether it reads a feature map: ``"no"``, ``"may"`` (the image by default) or ``"yes"`` (the last by default).
    """

    name: str
    title: str
    source: str
    family: str
    heatmap: Heatmap
    function: MethodFunction
    options: Mapping[str, str] = field(default_factory=dict)
    layer: str = "no"


_METHODS: dict[str, Method] = {}
#: All methods by name.
METHODS: Final[Mapping[str, Method]] = _METHODS


def register_method(
    name: str,
    title: str,
    source: str,
    *,
    family: str,
    heatmap: Heatmap,
    layer: str = "no",
    replace: bool = False,
    **options: str,
) -> Callable[[MethodFunction], MethodFunction]:
    """Register a method under its name.

    Parameters
    ----------
    name, title, source, family, heatmap, layer
        As in :class:`Method`.
    replace
        Allow replacing a method that is there.
    options
        What each keyword option of the function means.

    Raises
    ------
    InputError
        When there is a method of that name and ``replace`` is not set.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> from linearscope.attribution import Made, register_method
    >>> @register_method("brightness", "brightness", "none", family="baseline", heatmap="positive")
    ... def brightness(explainer, images, targets, layer):
    ...     return Made(images.clamp_min(0))
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> ls.explain(net, torch.ones(1, 3, 2, 2), method="brightness").heatmap().tolist()
    [[[3.0, 3.0], [3.0, 3.0]]]
    """

    def decorate(function: MethodFunction) -> MethodFunction:
        if name in _METHODS and not replace:
            raise InputError(f"There is a method {name!r} already; pass replace=True to replace it.")
        _METHODS[name] = Method(name, title, source, family, heatmap, function, options, layer)
        return function

    return decorate


def accepted(method: Method, options: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` unless the method has all these options."""
    for option in options:
        if option not in method.options:
            there = f"it has {', '.join(method.options)}" if method.options else "it has none"
            raise InputError(f"The method {method.name!r} has no option {option!r}; {there}.")

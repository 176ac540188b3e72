"""Our methods inside captum's metrics and Quantus, and captum's methods inside our metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from linearscope.attribution import METHODS, Explainer
from linearscope.attribution.result import HEATMAPS, Heatmap
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation.given import Explain, classes, pictures
from linearscope.program import Program

__all__ = ["captum_attribution", "from_captum", "quantus_explain"]

Array = npt.NDArray[Any]


def captum_attribution(
    model: nn.Module | Program | Explainer, method: str = "gradient", *, layer: str | None = None, **options: Any
) -> Callable[..., Any]:
    """Make one of our methods a function that captum's metrics take.

    Parameters
    ----------
    model
        What is explained.
    method, layer, options
        As in :meth:`linearscope.Explainer.__call__`.

    Returns
    -------
    explain
        ``explain(inputs, target=None) -> attributions`` in the shape of the inputs: for
        ``captum.metrics.sensitivity_max`` as it is, for ``captum.metrics.infidelity`` its result. A tuple of one tensor
        gives a tuple of one. A method that speaks of whole pixels gives each channel an equal share. ``target=None`` is
        each image's first class.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    >>> explain = captum_attribution(net, "gradient-x-input")
    >>> explain(torch.rand(2, 3, 4, 4), target=1).shape
    torch.Size([2, 3, 4, 4])
    """
    _known(method)
    ask = _Explainers(model)

    def explain(inputs: Tensor | tuple[Tensor, ...], target: Any = None) -> Tensor | tuple[Tensor]:
        if isinstance(inputs, tuple):
            if len(inputs) != 1:
                raise InputError(f"A method explains one tensor of images and {len(inputs)} were given; give one.")
            return (values(inputs[0], target),)
        return values(inputs, target)

    def values(inputs: Tensor, target: Any) -> Tensor:
        images = pictures(inputs)
        found = ask(images)(images, target, method=method, layer=layer, **options).values
        channels = images.shape[1]
        found = found if found.shape[1] == channels else found.expand(-1, channels, -1, -1) / channels
        return found.contiguous()  # captum's metrics take views of it

    return explain


def from_captum(attribution: Any, *, kind: Heatmap = "magnitude", **options: Any) -> Explain:
    """Make a captum method an explanation that our metrics take.

    Parameters
    ----------
    attribution
        An object with captum's ``attribute``, such as ``captum.attr.IntegratedGradients(model)``.
    kind
        How one map is made of the channels, as in :meth:`linearscope.attribution.Attribution.heatmap`.
    options
        What ``attribute`` is given besides inputs and target.

    Returns
    -------
    explain
        Images ``(n, C, H, W)`` and classes ``(n,)`` to maps ``(n, H, W)``. Maps of a layer are enlarged to the image's
        size (bilinear).

    Examples
    --------
    >>> import torch
    >>> class Ones:  # in place of an attribution of captum
    ...     def attribute(self, inputs, target):
    ...         return torch.ones_like(inputs)
    >>> from_captum(Ones(), kind="signed")(torch.rand(2, 3, 4, 4), torch.tensor([0, 1])).unique().tolist()
    [3.0]
    """
    if not callable(getattr(attribution, "attribute", None)):
        raise InputError(
            f"An attribution of captum has a method attribute() and {type(attribution).__name__} has none; give an "
            "instance such as captum.attr.Saliency(model)."
        )
    if kind not in HEATMAPS:
        raise UnknownNameError("kind of heat map", kind, HEATMAPS)

    def explain(images: Tensor, targets: Tensor) -> Tensor:
        images = pictures(images)
        chosen = classes(targets, len(images)).to(images.device)
        with torch.enable_grad():
            found = attribution.attribute(images.clone(), target=chosen, **options)
        if isinstance(found, tuple):
            found = found[0]
        if found.dim() != 4 or len(found) != len(images):
            raise InputError(
                f"The attributions have the shape {tuple(found.shape)}, which are no maps (n, C, h, w); choose a "
                "method of pixels or of a convolution."
            )
        maps: Tensor = found.detach()
        if maps.shape[2:] != images.shape[2:]:
            maps = F.interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)
        if kind == "magnitude":
            return maps.abs().amax(1)
        total = maps.sum(1)
        return total.clamp_min(0) if kind == "positive" else total

    return explain


def quantus_explain(
    method: str = "gradient", *, kind: Heatmap | None = None, layer: str | None = None, **options: Any
) -> Callable[..., Array]:
    """Make one of our methods a function that Quantus takes as ``explain_func``.

    Parameters
    ----------
    method, layer, options
        As in :meth:`linearscope.Explainer.__call__`.
    kind
        How one map is made of the channels; default: the method's own.

    Returns
    -------
    explain
        ``explain(model, inputs, targets, **more) -> attributions``: arrays ``(n, C, H, W)`` and ``(n,)`` to an array
        ``(n, 1, H, W)``. ``more`` are further options of the method; ``device``, which Quantus always gives, is where
        the images go.

    Examples
    --------
    >>> import numpy as np, torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    >>> explain = quantus_explain("gradient-x-input")
    >>> explain(net, np.random.rand(2, 3, 4, 4), np.array([0, 2])).shape
    (2, 1, 4, 4)
    """
    _known(method)
    if kind is not None and kind not in HEATMAPS:
        raise UnknownNameError("kind of heat map", kind, HEATMAPS)
    last: list[_Explainers] = []

    def explain(model: nn.Module, inputs: Array | Tensor, targets: Array | Tensor, **more: Any) -> Array:
        device = more.pop("device", None)
        if not last or last[0].model is not model:
            last[:] = [_Explainers(model)]
        images = torch.as_tensor(inputs)
        parameter = next(model.parameters(), None)
        if parameter is not None:
            images = images.to(parameter)
        if device is not None:
            images = images.to(device)
        chosen = classes(torch.as_tensor(np.asarray(targets)), len(images))
        found = last[0](images)(images, chosen, method=method, layer=layer, **(options | more))
        return found.heatmap(kind).unsqueeze(1).cpu().numpy()

    return explain


class _Explainers:
    """A model's Explainer, made again when the images have another size or the model other tensors."""

    def __init__(self, model: nn.Module | Program | Explainer) -> None:
        self.model = model
        self._made: tuple[tuple[Any, ...], list[Tensor], Explainer] | None = None

    def __call__(self, images: Tensor) -> Explainer:
        if isinstance(self.model, Explainer):
            return self.model
        held = list(self.model.state_dict().values()) if isinstance(self.model, nn.Module) else []
        key = tuple(images.shape[1:]), images.dtype, images.device, tuple(each.data_ptr() for each in held)
        if self._made is None or self._made[0] != key:
            self._made = key, held, Explainer(self.model, images)
        return self._made[2]


def _known(method: str) -> None:
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)

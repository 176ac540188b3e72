"""Does an explanation depend on the class it explains and on what the model has learned?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from linearscope.attribution import Explainer
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation.given import Classes, Explain, classes, heat_maps, pictures, whole
from linearscope.evaluation.similarity import Similarity, compare
from linearscope.program import Program, capture
from linearscope.progress import track

__all__ = ["Method", "Randomisation", "class_sensitivity", "parameter_randomisation", "randomise", "top_down"]

#: Far from the small seeds that models are started with: the same seed would bring a model's own start back.
SEED: Final = 0x11CE_A5C0_9E00

Mode = Literal["cascading", "independent"]
#: A method's name, or a function of a model, images ``(n, C, H, W)`` and classes ``(n,)`` that gives ``(n, H, W)``.
Method = str | Callable[[nn.Module, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Randomisation:
    """How like the trained model's maps the maps of models with random layers are.

    Attributes
    ----------
    layers
        The layers randomised, the topmost first.
    steps
        One comparison a layer; with several draws, each image's values are means over them.
    mode
        ``"cascading"``: all layers down to that one are random; ``"independent"``: that one alone.
    draws
        Random models a layer.
    """

    layers: tuple[str, ...]
    steps: tuple[Similarity, ...]
    mode: Mode
    draws: int

    @property
    def values(self) -> Tensor:
        """``(layers, n)``: rank correlation of the absolute maps."""
        return torch.stack([step.values for step in self.steps])


def class_sensitivity(
    explain: Explain, images: Tensor, targets: Classes, others: Classes, *, foreground: bool = False
) -> Similarity:
    """How alike a method's maps of two classes are: where it answers for a class, they differ.

    Parameters
    ----------
    explain
        Images and classes to maps ``(n, H, W)``, such as ``lambda x, t: explainer(x, t, method="grad-cam").heatmap()``.
    images
        ``(n, C, H, W)``.
    targets, others
        The two classes: one for all images, or one an image, never the same twice.
    foreground
        As in :func:`compare`.

    Raises
    ------
    InputError
        When an image's two classes are one.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(432, 5))
    >>> explainer = ls.Explainer(net, torch.rand(1, 3, 12, 12))
    >>> saliency = lambda x, t: explainer(x, t, method="gradient").heatmap()
    >>> class_sensitivity(saliency, torch.rand(4, 3, 12, 12), 0, 1).estimate.high < 0.5
    True

    Source: Oramas et al., ICLR 2019, section 4.3; Nie et al., ICML 2018.
    """
    images = pictures(images)
    first, second = classes(targets, len(images)), classes(others, len(images), "other classes")
    same = first == second
    if same.any():
        at = int(same.nonzero()[0])
        raise InputError(f"Image {at} has the class {int(first[at])} on both sides; give another to compare with.")
    return compare(explain(images, first), explain(images, second), foreground=foreground)


def top_down(model: nn.Module, example: Tensor, *, depth: int | None = None) -> tuple[str, ...]:
    """Paths of the modules that hold parameters or running statistics, in the order the model uses them, last first.

    Parameters
    ----------
    model
        Captured to see the order; a module that runs several times counts by its last.
    example
        Images ``(B, C, H, W)``.
    depth
        Cut the paths to this many names, which makes blocks of modules (``depth=1`` of a ResNet: ``fc``, ``layer4``,
        ...).

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> top_down(net, torch.rand(1, 3, 6, 6))
    ('3', '0')
    """
    if depth is not None:
        whole(depth, "the depth", 1)
    program = capture(_module(model), example)
    held = {name for name, module in model.named_modules() if _own(module)}
    used: dict[str, int] = {}
    for node in program.nodes:
        # What a parameter is made into before the image meets it (a scaled or fused weight) counts as the parameter.
        for layer in _sources(program, node.index):
            if node.live and layer in held:
                used[layer] = node.index
    ordered = sorted(used, key=lambda name: -used[name])
    if not ordered:
        raise InputError("The model has no parameters that its output depends on, so there is nothing to randomise.")
    if depth is not None:
        ordered = [".".join(name.split(".")[:depth]) for name in ordered]
    return tuple(dict.fromkeys(ordered))


def randomise(
    model: nn.Module, layers: Sequence[str], *, mode: Mode = "cascading", seed: int = 0
) -> Iterator[tuple[str, nn.Module]]:
    """Yield each layer's name and a copy of the model with that layer, and in cascades all before it, made anew.

    Parameters
    ----------
    model
        Never changed; copies keep its device, type and mode.
    layers
        Paths of modules, the topmost first, as :func:`top_down` gives them. All modules inside are made anew.
    mode
        ``"cascading"`` or ``"independent"``.
    seed
        Of the parameters. The same layer gets the same numbers in both modes.

    Notes
    -----
    A module that knows how to start (``reset_parameters``: convolutions, linear and recurrent layers, normalisations
    and others) is started again, weights and biases as PyTorch draws them. Batch normalisation starts with weights 1,
    biases 0, running means 0 and running variances 1: its learned statistics are forgotten too. Any other parameter is
    drawn from a normal distribution of its own mean square, cut at two deviations.

    Raises
    ------
    UnknownNameError
        When there is no such layer.
    InputError
        When a layer holds no parameter.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5))
    >>> for name, copied in randomise(net, ["3", "0"]):
    ...     print(name, *(torch.equal(copied[at].weight, net[at].weight) for at in (0, 3)))
    3 True False
    0 False False

    Source: Adebayo et al., NeurIPS 2018, section 3.1.
    """
    if mode not in ("cascading", "independent"):
        raise InputError(f"Parameters are made random by 'cascading' or 'independent', and {mode!r} was given.")
    paths = dict(_module(model).named_modules())
    for name in layers:
        if name not in paths:
            raise UnknownNameError("module", name, [path for path in paths if path])
        if not any(_own(module) for module in paths[name].modules()):
            raise InputError(f"The module {name!r} holds no parameter; choose one that top_down lists.")
    return _copies(model, list(layers), mode, seed)


def parameter_randomisation(
    model: nn.Module,
    images: Tensor,
    targets: Classes | None = None,
    *,
    method: Method = "gradient",
    layers: Sequence[str] | None = None,
    mode: Mode = "cascading",
    draws: int = 1,
    seed: int = 0,
    foreground: bool = False,
    **options: Any,
) -> Randomisation:
    """Compare a method's maps with those of copies of the model whose layers are random.

    A method that explains what a model has learned gives other maps for a model that has learned nothing.

    Parameters
    ----------
    model
        A module; a Program has no modules that could start anew.
    images
        ``(n, C, H, W)``.
    targets
        One class for all, or one an image; default: each image's first by the trained model. They are the same for all
        copies.
    method
        A name of :data:`linearscope.attribution.METHODS`, or a function of a model, images and classes.
    layers
        As in :func:`randomise`; default: all of :func:`top_down`. Each needs one capture a draw.
    mode
        As in :func:`randomise`.
    draws
        Random models a layer, with the seeds ``seed``, ``seed + 1`` ...
    foreground
        As in :func:`compare`.
    options
        The method's own; ``layer`` and ``kind``, the layer it reads and the kind of heat map, among them.

    Examples
    --------
    >>> import torch
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(576, 5)
    >>> net = torch.nn.Sequential(*layers)
    >>> found = parameter_randomisation(net, torch.rand(2, 3, 14, 14), method="gradient")
    >>> found.layers, found.values.shape
    (('3', '0'), torch.Size([2, 2]))

    Source: Adebayo et al., NeurIPS 2018, section 3.1.
    """
    images = pictures(images)
    whole(draws, "the number of draws", 1)
    layers = top_down(model, images[:1]) if layers is None else layers
    if targets is None:
        with torch.no_grad():
            targets = Explainer(_module(model), images).scores(images).argmax(1)
    chosen = classes(targets, len(images))
    true = maps_of(model, images, chosen, method, options)
    found: dict[str, list[Similarity]] = {name: [] for name in layers}
    for draw in track(range(draws), "randomising layers"):
        for name, copied in randomise(model, layers, mode=mode, seed=seed + draw):
            made = maps_of(copied, images, chosen, method, options)
            found[name].append(compare(true, made, foreground=foreground))
    return Randomisation(tuple(found), tuple(_mean(each) for each in found.values()), mode, draws)


def maps_of(model: nn.Module, images: Tensor, targets: Tensor, method: Method, options: dict[str, Any]) -> Tensor:
    """Heat maps ``(n, H, W)`` of a model by a method's name or by a function."""
    if callable(method):
        if options:
            raise InputError(f"A function takes no options and {', '.join(options)} was given; fix them inside it.")
        return heat_maps(method(model, images, targets))
    kind = options.get("kind")
    rest = {name: value for name, value in options.items() if name != "kind"}
    return Explainer(model, images)(images, targets, method=method, **rest).heatmap(kind)


def _mean(parts: Sequence[Similarity]) -> Similarity:
    return Similarity(
        *(torch.stack([getattr(one, name) for one in parts]).mean(0) for name in ("values", "signed", "ssim", "hog"))
    )


def _module(model: object) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise InputError(
            f"Layers are made random in a torch.nn.Module and {type(model).__name__} was given; give the module itself."
        )
    return model


def _own(module: nn.Module) -> bool:
    """Whether a module has parameters or running statistics of its own."""
    return any(True for _ in module.parameters(recurse=False)) or getattr(module, "running_mean", None) is not None


def _sources(program: Program, index: int) -> set[str]:
    """Modules whose parameters a node takes, directly or through nodes that do not depend on the image."""
    found: set[str] = set()
    todo = list(program.nodes[index].inputs)
    while todo:
        node = program.nodes[todo.pop()]
        if node.kind == "parameter":
            found.add(node.layer.rpartition(".")[0])
        elif not node.live:
            todo += node.inputs
    return found


def _copies(model: nn.Module, layers: list[str], mode: Mode, seed: int) -> Iterator[tuple[str, nn.Module]]:
    for count, name in enumerate(layers):
        copied = copy.deepcopy(model)
        for place in range(count + 1) if mode == "cascading" else [count]:
            _start_again(copied.get_submodule(layers[place]), SEED + 1_000_003 * seed + 7919 * place)
        yield name, copied


def _start_again(module: nn.Module, seed: int) -> None:
    devices = sorted({p.device.index or 0 for p in module.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        for part in module.modules():
            reset = getattr(part, "reset_parameters", None)
            nested = any(_own(inner) for inner in part.children())
            if reset is not None and _own(part) and not nested:
                reset()
                continue
            for parameter in part.parameters(recurse=False):
                scale = float(parameter.detach().double().square().mean().sqrt())
                nn.init.trunc_normal_(parameter, 0.0, scale, -2 * scale, 2 * scale)

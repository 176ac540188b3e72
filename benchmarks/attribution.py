"""Speed of attribution methods beside captum, zennit and pytorch-grad-cam, in one run; one section of the benchmarks.

Contenders take turns in every round; figures are medians. zennit and pytorch-grad-cam are those of ``make oracles``;
without them their columns stay empty, and the page says so. Models stand ready: captured, hooks made, batch norms
merged where a contender can. A contender that refuses a model, or is known to answer wrongly on it, is marked.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import warnings
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
from page import machine, write_section
from speed import turns
from torch import Tensor, nn

import linearscope as ls
from linearscope.models.torchvision_compat import declare_operators

NETWORKS = ("resnet50", "vgg11_bn")
METHODS = {"guided-backprop": "guided backpropagation", "lrp-epsilon": "LRP-epsilon", "grad-cam": "Grad-CAM"}
LIBRARIES = ("captum", "zennit", "pytorch-grad-cam")
LAYERS = {"resnet50": "layer4", "vgg11_bn": "features.27"}
GOAL = 1.5

# Where `make oracles` puts the libraries that are only compared with.
sys.path.extend(map(str, (Path(__file__).parent.parent / ".venv-oracles").glob("lib/python*/site-packages")))

Run = Callable[[], object]


def network(name: str) -> nn.Module:
    """The network of torchvision with random weights."""
    declare_operators()
    from torchvision.models import get_model

    torch.manual_seed(0)
    return get_model(name, weights=None).eval()


def ours(model: nn.Module, images: Tensor, targets: Tensor, layer: str) -> dict[str, Run]:
    """Our methods."""
    explainer = ls.Explainer(model, images)
    return {
        method: lambda method=method: explainer(
            images, targets, method=method, layer=layer if method == "grad-cam" else None
        )
        for method in METHODS
    }


def captum(model: nn.Module, images: Tensor, targets: Tensor, layer: str) -> dict[str, Run]:
    """Captum's."""
    from captum.attr import LRP, GuidedBackprop, LayerAttribution, LayerGradCam
    from captum.attr._utils.lrp_rules import EpsilonRule

    guided, cam = GuidedBackprop(deepcopy(model)), LayerGradCam(model, model.get_submodule(layer))
    relevance = deepcopy(model)
    for module in relevance.modules():
        if not list(module.children()):
            module.rule = EpsilonRule(1e-6)

    def upsampled() -> Tensor:
        found = cam.attribute(images, target=targets, relu_attributions=True)
        return LayerAttribution.interpolate(found, images.shape[2:], "bilinear")

    return {
        "guided-backprop": lambda: guided.attribute(images.clone().requires_grad_(), target=targets),
        "lrp-epsilon": lambda: LRP(relevance).attribute(images.clone().requires_grad_(), target=targets),
        "grad-cam": upsampled,
    }


def zennit(model: nn.Module, images: Tensor, targets: Tensor, layer: str) -> dict[str, Run]:
    """zennit's."""
    from zennit.attribution import Gradient
    from zennit.composites import GuidedBackprop, LayerMapComposite
    from zennit.rules import Epsilon, Norm, Pass
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer
    from zennit.types import Activation, AvgPool, BatchNorm, Convolution, Linear

    canonizer = (ResNetCanonizer if "resnet" in type(model).__name__.lower() else VGGCanonizer)()
    rules = [(Activation, Pass()), (AvgPool, Norm()), (BatchNorm, Pass()), (Convolution, Epsilon(1e-6))]
    epsilon = LayerMapComposite([*rules, (Linear, Epsilon(1e-6))], canonizers=[canonizer])
    hot = torch.nn.functional.one_hot(targets, 1000).to(images)

    def run(composite: object) -> Run:
        attributor = Gradient(model=deepcopy(model), composite=composite)

        def once() -> object:
            with attributor:
                return attributor(images.clone(), hot)

        return once

    return {"guided-backprop": run(GuidedBackprop()), "lrp-epsilon": run(epsilon)}


def grad_cam(model: nn.Module, images: Tensor, targets: Tensor, layer: str) -> dict[str, Run]:
    """pytorch-grad-cam's."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = deepcopy(model)
    cam = GradCAM(model=model, target_layers=[model.get_submodule(layer)])
    wanted = [ClassifierOutputTarget(target) for target in targets.tolist()]
    return {"grad-cam": lambda: cam(input_tensor=images, targets=wanted)}


def measure(name: str, batch: int, rounds: int) -> list[dict[str, object]]:
    """Medians of every method of every contender on one network."""
    model = network(name)
    images = torch.rand(batch, 3, 224, 224)
    targets = torch.arange(batch)
    makers = {"linearscope": ours, "captum": captum, "zennit": zennit, "pytorch-grad-cam": grad_cam}
    packages = {"pytorch-grad-cam": "pytorch_grad_cam"}
    runs: dict[str, dict[str, Run]] = {}
    for library, make in makers.items():
        if importlib.util.find_spec(packages.get(library, library)) is not None:
            runs[library] = make(model, images, targets, LAYERS[name])
    rows = []
    for method in METHODS:
        contenders: dict[str, Run] = {}
        refused: dict[str, str] = {}
        for library, methods in runs.items():
            if method not in methods:
                continue
            try:
                methods[method]()
                contenders[library] = methods[method]
            except Exception as error:  # what a library raises on a model it does not take is its own
                refused[library] = str(error).split("\n")[0][:90]

        @torch.no_grad()
        def forward() -> Tensor:
            return model(images)

        medians = turns({"forward": forward, **contenders}, rounds)
        rows.append({"network": name, "method": method, "medians": medians, "refused": refused})
        print(name, method, {key: round(value, 3) for key, value in medians.items()}, refused, flush=True)
    return rows


def cell(row: dict[str, object], library: str) -> str:
    """Time of a contender over ours, or why there is none."""
    medians, refused = row["medians"], row["refused"]
    assert isinstance(medians, dict)
    assert isinstance(refused, dict)
    if library in medians:
        return f"{medians[library] / medians['linearscope']:.2f}"
    return "refuses the model" if library in refused else ""


def page(rows: list[dict[str, object]], batch: int, rounds: int) -> str:
    """The section."""
    lines = [
        f"## Attribution methods\n\nA batch of {batch} images of 224 x 224, float32; {machine()}; medians of {rounds} "
        "rounds in which the contenders take turns. `linearscope` is its time over a plain forward pass; the others "
        f"are their time over ours. Goal: the fastest of them at least {GOAL} times ours. Ours include the score, and "
        "for LRP the check that relevance sums to it.\n",
        f"| network | method | linearscope | {' | '.join(LIBRARIES)} | goal |",
        "|---|---|---|" + "---|" * (len(LIBRARIES) + 1),
    ]
    for row in rows:
        medians = row["medians"]
        assert isinstance(medians, dict)
        others = [medians[library] for library in LIBRARIES if library in medians]
        reached = min(others) / medians["linearscope"] if others else float("nan")
        lines.append(
            f"| {row['network']} | {METHODS[str(row['method'])]} | {medians['linearscope'] / medians['forward']:.2f} | "
            + " | ".join(cell(row, library) for library in LIBRARIES)
            + f" | {'met' if reached >= GOAL else 'missed'} ({reached:.2f}) |"
        )
    missing = [name for name, module in (("zennit", "zennit"), ("pytorch-grad-cam", "pytorch_grad_cam"))
               if importlib.util.find_spec(module) is None]  # fmt: skip
    if missing:
        lines.append(f"\nNot installed in this run, so not compared: {', '.join(missing)} (`make oracles`).")
    lines.append(
        "\nOn resnet50 captum's and zennit's LRP are compared for speed only where they run; what they sum to there is "
        "in `tests/oracles`."
    )
    return "\n".join(lines)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [row for name in options.networks for row in measure(name, options.batch, options.rounds)]
    write_section("attribution", page(rows, options.batch, options.rounds))


if __name__ == "__main__":
    main()

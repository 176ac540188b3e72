"""Methods that take the signal 1 back from the score: gradient, DeconvNet, guided backpropagation."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from linearscope.attribution.backward_rules import DECONVNET, GRADIENT, GUIDED, BackwardRules, Resampled
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.sums import enlarged, product_with_point

__all__: list[str] = []

_SIMONYAN: Final = "Simonyan et al., 2014"
_RULES: Final[dict[str, tuple[str, str, BackwardRules]]] = {
    "gradient": ("gradient", _SIMONYAN, GRADIENT),
    "deconvnet": ("DeconvNet", "Zeiler and Fergus, 2014", DECONVNET),
    "guided-backprop": ("guided backpropagation", "Springenberg et al., 2015", GUIDED),
    "resampled-deconvnet": ("DeconvNet, resampled", "Oramas et al., 2019", Resampled(DECONVNET)),
    "resampled-guided": ("guided backpropagation, resampled", "Oramas et al., 2019", Resampled(GUIDED)),
}


def _register(name: str, title: str, source: str, rules: BackwardRules) -> None:
    @register_method(name, title, source, family="gradient", heatmap="magnitude", layer="may")
    def ask(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
        back = explainer.back(images, targets, rules, source=layer)
        scores = back.scores(targets)
        if layer is None:
            return Made(back.values, scores=scores)
        coarse = back.values.abs().amax(1, keepdim=True)
        return Made(enlarged(coarse, images), coarse, layer=layer, scores=scores)


for _name, _entry in _RULES.items():
    _register(_name, *_entry)


@register_method(
    "gradient-x-input", "gradient x input", "Shrikumar et al., 2016", family="gradient", heatmap="positive", layer="may"
)
def _gradient_x_input(explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None) -> Made:
    return product_with_point(explainer, images, targets, layer, GRADIENT)

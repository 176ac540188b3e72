"""Every way of explaining a score, ours and its rivals, as sets of rules on the same Program."""

from linearscope.attribution import (  # registers the methods
    averaged,
    cams,
    deep_lift,
    full_gradient,
    gradients,
    occlusion,
    ours,
    relevance_methods,
)
from linearscope.attribution.backward_rules import DECONVNET, GRADIENT, GUIDED, BackwardRules, Rectified, Resampled
from linearscope.attribution.comparison import Answer, Comparison, ask_each, compare
from linearscope.attribution.engine import Back
from linearscope.attribution.explainer import Explainer, Unit, explain
from linearscope.attribution.methods import METHODS, Made, Method, register_method
from linearscope.attribution.relevance import Relevance
from linearscope.attribution.result import Attribution, Check, normalised

__all__ = [
    "DECONVNET",
    "GRADIENT",
    "GUIDED",
    "METHODS",
    "Answer",
    "Attribution",
    "Back",
    "BackwardRules",
    "Check",
    "Comparison",
    "Explainer",
    "Made",
    "Method",
    "Rectified",
    "Relevance",
    "Resampled",
    "Unit",
    "ask_each",
    "averaged",
    "cams",
    "compare",
    "deep_lift",
    "explain",
    "full_gradient",
    "gradients",
    "normalised",
    "occlusion",
    "ours",
    "register_method",
    "relevance_methods",
]

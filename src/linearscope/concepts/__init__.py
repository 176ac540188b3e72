"""What units of a network stand for: which of them tell each class, and what excites them."""

from linearscope.concepts.lasso import Lasso, lasso, lasso_path
from linearscope.concepts.patches import Box, Patches, ReceptiveFields, unit_patches
from linearscope.concepts.relevant_explanation import (  # registers the method
    RelevantExplanation,
    Responding,
    relevant_explanation,
)
from linearscope.concepts.relevant_units import (
    RelevantUnits,
    WeightedUnit,
    find_units,
    load_relevant_units,
    relevant_units,
)
from linearscope.concepts.unit_scores import UnitScorer, default_layers

__all__ = [
    "Box",
    "Lasso",
    "Patches",
    "ReceptiveFields",
    "RelevantExplanation",
    "RelevantUnits",
    "Responding",
    "UnitScorer",
    "WeightedUnit",
    "default_layers",
    "find_units",
    "lasso",
    "lasso_path",
    "load_relevant_units",
    "relevant_explanation",
    "relevant_units",
    "unit_patches",
]

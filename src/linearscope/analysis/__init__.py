"""Ask: what the affine map of an image tells. Results are plain data."""

from linearscope.analysis.attack import Attack, fgsm
from linearscope.analysis.contributions import Contributions, contributions
from linearscope.analysis.discussion import VARIANTS, Discussion, Votes, discussion, votes
from linearscope.analysis.layerwise import LayerForm, Layerwise, layerwise
from linearscope.analysis.reach import Reach, reach
from linearscope.analysis.tour import ClassificationTour, Explained, tour_classification

__all__ = [
    "VARIANTS",
    "Attack",
    "ClassificationTour",
    "Contributions",
    "Discussion",
    "Explained",
    "LayerForm",
    "Layerwise",
    "Reach",
    "Votes",
    "contributions",
    "discussion",
    "fgsm",
    "layerwise",
    "reach",
    "tour_classification",
    "votes",
]

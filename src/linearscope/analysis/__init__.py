"""Ask: what the affine map of an image tells. Results are plain data."""

from linearscope.analysis.attack import Attack, fgsm
from linearscope.analysis.contributions import Contributions, contributions
from linearscope.analysis.coupling import Coupling, coupling
from linearscope.analysis.discussion import VARIANTS, Discussion, Votes, discussion, votes
from linearscope.analysis.layerwise import LayerForm, Layerwise, layerwise
from linearscope.analysis.off_diagonal import OffDiagonal, off_diagonal
from linearscope.analysis.reach import Reach, reach
from linearscope.analysis.templates import Template, Templates, output_segments, templates
from linearscope.analysis.tour import ClassificationTour, Explained, tour_classification

__all__ = [
    "VARIANTS",
    "Attack",
    "ClassificationTour",
    "Contributions",
    "Coupling",
    "Discussion",
    "Explained",
    "LayerForm",
    "Layerwise",
    "OffDiagonal",
    "Reach",
    "Template",
    "Templates",
    "Votes",
    "contributions",
    "coupling",
    "discussion",
    "fgsm",
    "layerwise",
    "off_diagonal",
    "output_segments",
    "reach",
    "templates",
    "tour_classification",
    "votes",
]

"""Ask: what the affine map of an image tells. Results are plain data."""

from linearscope.analysis.attack import Attack, fgsm
from linearscope.analysis.contributions import Contributions, contributions
from linearscope.analysis.coupling import Coupling, coupling
from linearscope.analysis.discussion import VARIANTS, Discussion, Votes, discussion, votes
from linearscope.analysis.fields import Field, fields
from linearscope.analysis.layerwise import LayerForm, Layerwise, layerwise
from linearscope.analysis.materialize import Materialized, MatrixPlan, estimate, materialize
from linearscope.analysis.off_diagonal import OffDiagonal, off_diagonal
from linearscope.analysis.reach import Reach, reach
from linearscope.analysis.store import StoredMatrix, load_matrix
from linearscope.analysis.svd import SVD, SVDInterrupted, svd
from linearscope.analysis.templates import Template, Templates, output_segments, templates
from linearscope.analysis.tour import ClassificationTour, Explained, tour_classification

__all__ = [
    "SVD",
    "VARIANTS",
    "Attack",
    "ClassificationTour",
    "Contributions",
    "Coupling",
    "Discussion",
    "Explained",
    "Field",
    "LayerForm",
    "Layerwise",
    "Materialized",
    "MatrixPlan",
    "OffDiagonal",
    "Reach",
    "SVDInterrupted",
    "StoredMatrix",
    "Template",
    "Templates",
    "Votes",
    "contributions",
    "coupling",
    "discussion",
    "estimate",
    "fgsm",
    "fields",
    "layerwise",
    "load_matrix",
    "materialize",
    "off_diagonal",
    "output_segments",
    "reach",
    "svd",
    "templates",
    "tour_classification",
    "votes",
]

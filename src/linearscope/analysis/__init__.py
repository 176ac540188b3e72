"""Ask: what the affine map of an image tells. Results are plain data."""

from linearscope.analysis.attack import Attack, fgsm
from linearscope.analysis.contributions import Contributions, contributions
from linearscope.analysis.coupling import Coupling, coupling
from linearscope.analysis.discussion import VARIANTS, Discussion, Votes, discussion, share_maps, votes
from linearscope.analysis.fields import Field, fields
from linearscope.analysis.flashlight import Flashlight, flashlight
from linearscope.analysis.image_map import ImageMap, ImageSubject
from linearscope.analysis.image_to_image import ImageToImageTour, tour_image_to_image
from linearscope.analysis.layerwise import LayerForm, Layerwise, layerwise
from linearscope.analysis.materialize import Materialized, materialize
from linearscope.analysis.matrix_plan import MatrixPlan, estimate
from linearscope.analysis.off_diagonal import OffDiagonal, off_diagonal
from linearscope.analysis.quality import Quality, quality
from linearscope.analysis.reach import Reach, reach
from linearscope.analysis.store import StoredMatrix, load_matrix
from linearscope.analysis.super_resolution import SuperResolutionTour, tour_super_resolution
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
    "Flashlight",
    "ImageMap",
    "ImageSubject",
    "ImageToImageTour",
    "LayerForm",
    "Layerwise",
    "Materialized",
    "MatrixPlan",
    "OffDiagonal",
    "Quality",
    "Reach",
    "SVDInterrupted",
    "StoredMatrix",
    "SuperResolutionTour",
    "Template",
    "Templates",
    "Votes",
    "contributions",
    "coupling",
    "discussion",
    "estimate",
    "fgsm",
    "fields",
    "flashlight",
    "layerwise",
    "load_matrix",
    "materialize",
    "off_diagonal",
    "output_segments",
    "quality",
    "reach",
    "share_maps",
    "svd",
    "templates",
    "tour_classification",
    "tour_image_to_image",
    "tour_super_resolution",
    "votes",
]

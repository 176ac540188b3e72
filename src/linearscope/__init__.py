"""linearscope: the exact affine map y = F x + r that a vision network is on one image."""

from linearscope import analysis, concepts, evaluation, rules
from linearscope.analysis import (
    SVD,
    Attack,
    Contributions,
    Coupling,
    Discussion,
    Field,
    Flashlight,
    Layerwise,
    Materialized,
    MatrixPlan,
    OffDiagonal,
    Quality,
    Reach,
    StoredMatrix,
    SVDInterrupted,
    Template,
    Templates,
    Votes,
    contributions,
    coupling,
    discussion,
    estimate,
    fgsm,
    fields,
    flashlight,
    layerwise,
    load_matrix,
    materialize,
    off_diagonal,
    output_segments,
    quality,
    reach,
    svd,
    templates,
    votes,
)
from linearscope.attribution import Attribution, Comparison, Explainer, explain
from linearscope.concepts import RelevantUnits, load_relevant_units, relevant_units
from linearscope.errors import (
    CaptureError,
    CertificateError,
    InputError,
    LinearscopeError,
    LinearscopeWarning,
    UnknownNameError,
    UnsupportedOperationError,
)
from linearscope.interpreter import Certificate, LinearInterpreter, interpret
from linearscope.program import Program, capture, load

__version__ = "0.1.0"


def _card(result: object) -> str:
    """Show a result in a notebook. Only then is what draws loaded."""
    from linearscope.report.notebook import card

    return card(result)


#: Classes with a card in linearscope.report: results know nothing of pictures.
_SHOWN: tuple[type, ...] = (
    Attack, Attribution, Certificate, Comparison, Contributions, Coupling, Discussion, Explainer, Field, Flashlight,
    Layerwise, LinearInterpreter, Materialized, MatrixPlan, OffDiagonal, Program, Quality, Reach, RelevantUnits, SVD,
    SVDInterrupted, StoredMatrix, Template, Templates, Votes,
    analysis.ClassificationTour, analysis.Explained, analysis.ImageMap, analysis.ImageToImageTour, analysis.LayerForm,
    analysis.SuperResolutionTour, concepts.RelevantExplanation, evaluation.Estimate, evaluation.PerImage,
)  # fmt: skip
_HOOK = "_repr_html_"
for _kind in _SHOWN:
    setattr(_kind, _HOOK, _card)

__all__ = [
    "SVD",
    "Attack",
    "Attribution",
    "CaptureError",
    "Certificate",
    "CertificateError",
    "Contributions",
    "Coupling",
    "Discussion",
    "Explainer",
    "Field",
    "Flashlight",
    "InputError",
    "Layerwise",
    "LinearInterpreter",
    "LinearscopeError",
    "LinearscopeWarning",
    "Materialized",
    "MatrixPlan",
    "OffDiagonal",
    "Program",
    "Quality",
    "Reach",
    "RelevantUnits",
    "SVDInterrupted",
    "StoredMatrix",
    "Template",
    "Templates",
    "UnknownNameError",
    "UnsupportedOperationError",
    "Votes",
    "capture",
    "contributions",
    "coupling",
    "discussion",
    "estimate",
    "evaluation",
    "explain",
    "fgsm",
    "fields",
    "flashlight",
    "interpret",
    "layerwise",
    "load",
    "load_matrix",
    "load_relevant_units",
    "materialize",
    "off_diagonal",
    "output_segments",
    "quality",
    "reach",
    "relevant_units",
    "rules",
    "svd",
    "templates",
    "votes",
]

"""linearscope: the exact affine map y = F x + r that a vision network is on one image."""

from linearscope import rules
from linearscope.analysis import (
    Attack,
    Contributions,
    Discussion,
    Layerwise,
    Reach,
    Votes,
    contributions,
    discussion,
    fgsm,
    layerwise,
    reach,
    votes,
)
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

__all__ = [
    "Attack",
    "CaptureError",
    "Certificate",
    "CertificateError",
    "Contributions",
    "Discussion",
    "InputError",
    "Layerwise",
    "LinearInterpreter",
    "LinearscopeError",
    "LinearscopeWarning",
    "Program",
    "Reach",
    "UnknownNameError",
    "UnsupportedOperationError",
    "Votes",
    "capture",
    "contributions",
    "discussion",
    "fgsm",
    "interpret",
    "layerwise",
    "load",
    "reach",
    "rules",
    "votes",
]

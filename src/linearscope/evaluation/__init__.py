"""How good is an explanation: heat maps in, numbers with intervals out."""

from linearscope.evaluation.ablation import Ablation, Units, ablate, ablation
from linearscope.evaluation.adapters import captum_attribution, from_captum, quantus_explain
from linearscope.evaluation.checkerboard import Checkerboard, checkerboard_energy
from linearscope.evaluation.estimate import Estimate, PerImage, difference, estimate
from linearscope.evaluation.fidelity import Fidelity, PixelCurve, background, deletion, insertion, top5_fidelity
from linearscope.evaluation.given import Classes, Explain, Scores
from linearscope.evaluation.hog import hog
from linearscope.evaluation.labels import label_randomisation, permuted_labels, train_small
from linearscope.evaluation.localisation import IoUCurve, PointingGame, iou_curve, pointing_game
from linearscope.evaluation.sanity import (
    Randomisation,
    class_sensitivity,
    parameter_randomisation,
    randomise,
    top_down,
)
from linearscope.evaluation.similarity import Similarity, compare, spearman

__all__ = [
    "Ablation",
    "Checkerboard",
    "Classes",
    "Estimate",
    "Explain",
    "Fidelity",
    "IoUCurve",
    "PerImage",
    "PixelCurve",
    "PointingGame",
    "Randomisation",
    "Scores",
    "Similarity",
    "Units",
    "ablate",
    "ablation",
    "background",
    "captum_attribution",
    "checkerboard_energy",
    "class_sensitivity",
    "compare",
    "deletion",
    "difference",
    "estimate",
    "from_captum",
    "hog",
    "insertion",
    "iou_curve",
    "label_randomisation",
    "parameter_randomisation",
    "permuted_labels",
    "pointing_game",
    "quantus_explain",
    "randomise",
    "spearman",
    "top5_fidelity",
    "top_down",
    "train_small",
]

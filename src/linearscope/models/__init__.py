"""Models and photos: where they come from and how one is made ready for the other."""

from linearscope.models.images import default_image, image_from_bytes, read_image
from linearscope.models.labels import bundled_labels, find_label, read_labels
from linearscope.models.loaded import LoadedModel
from linearscope.models.placed import PlacedModel
from linearscope.models.preprocessing import Preprocessing
from linearscope.models.sources import ModelEntry, available, load_model
from linearscope.models.timm_models import timm_names
from linearscope.models.torchvision_models import torchvision_names
from linearscope.models.weights import load_weights, read_weights
from linearscope.networks import DEFAULT

__all__ = [
    "DEFAULT",
    "LoadedModel",
    "ModelEntry",
    "PlacedModel",
    "Preprocessing",
    "available",
    "bundled_labels",
    "default_image",
    "find_label",
    "image_from_bytes",
    "load_model",
    "load_weights",
    "read_image",
    "read_labels",
    "read_weights",
    "timm_names",
    "torchvision_names",
]

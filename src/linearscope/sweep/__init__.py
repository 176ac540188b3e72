"""The same analysis over a folder of images, resumable."""

from linearscope.sweep.folder import Sweep, image_files
from linearscope.sweep.labelled import LabelledImages, labelled_images
from linearscope.sweep.unit_sweep import ScoredImages, UnitSweep

__all__ = ["LabelledImages", "ScoredImages", "Sweep", "UnitSweep", "image_files", "labelled_images"]

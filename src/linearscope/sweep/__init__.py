"""The same analysis over a folder of images, resumable."""

from linearscope.sweep.folder import Sweep, image_files

__all__ = ["Sweep", "image_files"]

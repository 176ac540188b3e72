"""The same analysis over a folder of images, resumable."""

from linearscope.sweep.folder import Sweep, fingerprint, image_files

__all__ = ["Sweep", "fingerprint", "image_files"]

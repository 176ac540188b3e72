"""The live demonstration in a browser."""

from linearscope.studio.app import create_app
from linearscope.studio.stage import ModelSource, Stage

__all__ = ["ModelSource", "Stage", "create_app"]

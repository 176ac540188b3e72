"""Capture: a model becomes a Program, a graph of ATen operations."""

from linearscope.program.capture import capture
from linearscope.program.files import load, save, to_module
from linearscope.program.fingerprint import fingerprint
from linearscope.program.program import Node, Program, Ref

__all__ = ["Node", "Program", "Ref", "capture", "fingerprint", "load", "save", "to_module"]

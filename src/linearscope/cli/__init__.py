"""The command line: ``linearscope COMMAND``."""

from linearscope.cli.app import main

__all__ = ["main"]

"""Says why nothing else here runs, where that is so."""

from __future__ import annotations

import importlib.util

import pytest


def test_the_libraries_to_compare_with_are_there():
    missing = [name for name in ("zennit", "pytorch_grad_cam") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"make oracles: {' and '.join(missing)} need an environment of their own")

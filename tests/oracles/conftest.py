"""The libraries these tests compare with are in an environment of their own, which ``make oracles`` makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from linearscope.models.torchvision_compat import declare_operators

declare_operators()  # both import torchvision
_MISSING = [name for name in ("zennit", "pytorch_grad_cam") if importlib.util.find_spec(name) is None]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if _MISSING and collection_path.name.startswith("test_against_") else None


@pytest.fixture
def agreement(record_property, capsys):
    """Check the largest relative difference of two maps, and print it: it is what ``make oracles`` is for."""

    def check(name, found, expected, tolerance):
        error = float((found - expected).abs().max() / expected.abs().max())
        with capsys.disabled():
            print(f"\n  {name:60} {error:.1e}", end="")
        assert error <= tolerance, name

    return check

"""What all tests share: seeds, threads and the folder of shared images and weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

# pytest listens to every logger, which makes torch write a trace of each export: ten times the time of the export.
logging.getLogger("torch.__trace").propagate = False


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def _seeds() -> Iterator[None]:
    before = torch.random.get_rng_state()
    torch.manual_seed(0)
    yield
    torch.random.set_rng_state(before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and weights beside the repository."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is absent: real images and weights are not there to test on")
    return folder

"""Toy tours: small enough to be made and written in a second."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import linearscope as ls
from linearscope.analysis import ClassificationTour, tour_classification
from linearscope.report import About, write_tour

VOID = {"meta", "img", "source", "br", "wbr", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements and text of a page; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"[ \t\n]+", " ", " ".join(self.words))


def toy_model(labels: int = 5, channels: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Conv2d(channels, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU())
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, labels)).eval()


def toy_image(channels: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(1, channels, 16, 14, generator=torch.Generator().manual_seed(seed))


def toy_tour(
    labels: int = 5, channels: int = 3, seed: int = 0, epsilon: float | None = 0.1, pool: int = 1
) -> ClassificationTour:
    image = toy_image(channels, seed)
    program = ls.capture(toy_model(labels, channels, seed), image)
    return tour_classification(program, image, epsilon=epsilon, pool=pool)


@pytest.fixture(scope="session")
def tour() -> ClassificationTour:
    return toy_tour()


@pytest.fixture(scope="session")
def about() -> About:
    names = ("tabby, tabby cat", "tench, Tinca tinca", "crane", "crane", "sloth bear")
    return About(
        "toy",
        "photo.jpg",
        source="toy weights; CC0",
        preprocessing="none",
        labels=names,
        command="linearscope tour photo.jpg",
        seconds=1.5,
        notes=("The weights are random.",),
    )


@pytest.fixture(scope="session")
def written(tour: ClassificationTour, about: About, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a written tour."""
    return write_tour(tour, about, tmp_path_factory.mktemp("report") / "tour").parent

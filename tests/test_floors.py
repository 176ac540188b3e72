"""The house: a folder imports only from the floors below its own; neighbours do not know each other."""

import ast
from pathlib import Path

import pytest

FLOORS = {
    "errors": 0,
    "progress": 0,
    "program": 1,
    "networks": 1,
    "datasets": 1,
    "rules": 2,
    "interpreter": 3,
    "analysis": 4,
    "models": 4,
    "attribution": 5,
    "concepts": 6,
    "evaluation": 6,
    "report": 7,
    "sweep": 7,
    "studio": 8,
    "cli": 9,
}

SOURCE = Path(__file__).parent.parent / "src" / "linearscope"
FILES = [path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem in FLOORS]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "linearscope":
            yield node.module.split(".")[1:2] or [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("linearscope."):
                    yield alias.name.split(".")[1:2]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path):
    here = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for names in imported(path):
        for name in names:
            assert name in FLOORS, f"{path} imports linearscope.{name}, which has no floor"
            assert name == here or FLOORS[name] < FLOORS[here], f"{here} must not import {name}"


def test_every_folder_has_a_floor():
    folders = {path.parent.relative_to(SOURCE).parts[0] for path in FILES if path.parent != SOURCE}
    assert folders <= set(FLOORS)

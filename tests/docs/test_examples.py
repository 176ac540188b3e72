"""Everything that the documentation and the docstrings show is run."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
import shlex
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import linearscope
from linearscope.attribution import methods
from linearscope.cli.app import app
from linearscope.models import sources
from linearscope.rules import registry

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = [
    name for _, name, _ in pkgutil.walk_packages(linearscope.__path__, "linearscope.") if not name.endswith("__main__")
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

# Examples that need files which are not in the repository: the 139 MB of CIFAR-10.
NOT_RUN = {"linearscope.datasets.cifar10.read_cifar10"}


def blocks(path: Path, *languages: str) -> list[tuple[int, str]]:
    """Line and text of every fenced block of a page in one of the languages."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+)[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(text[: one.start()].count("\n") + 2, one[2]) for one in found if one[1] in languages]


def named(paths: list[Path], *languages: str) -> list[Path]:
    return [path for path in paths if blocks(path, *languages)]


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Examples write into an empty folder, and what they register is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    monkeypatch.setattr(sources, "SOURCES", sources.SOURCES)
    path, known = list(sys.path), dict(methods._METHODS)
    yield
    sys.path[:] = path
    methods._METHODS.clear()
    methods._METHODS.update(known)


@pytest.mark.parametrize("page", named(PAGES, "python"), ids=lambda path: str(path.relative_to(ROOT)))
def test_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a page runs from top to bottom in one namespace; what is shown after ``>>>`` is what comes out."""
    module = types.ModuleType("documentation_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    space = module.__dict__
    report: list[str] = []
    for line, text in blocks(page, "python"):
        where = f"{page.name}:{line}"
        if ">>>" in text:
            test = doctest.DocTestParser().get_doctest(text, space, where, str(page), line - 1)
            runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
            runner.run(test, out=report.append, clear_globs=False)
            space.update(test.globs)
        else:
            exec(compile("\n" * (line - 1) + text, str(page), "exec"), space)
    assert not report, "".join(report)


@pytest.mark.parametrize("page", named(PAGES, "sh"), ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines(page: Path) -> None:
    """Every ``linearscope`` command line that a page shows is understood: its command, options and arguments exist."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line, text in blocks(page, "sh"):
        for shown in text.replace("\\\n", " ").splitlines():
            words = shlex.split(shown, comments=True)
            if words[:1] != ["linearscope"] or words[1:] in (["--help"], ["--version"]):
                continue
            assert words[1] in commands, f"{page.name}:{line}: there is no command {words[1]}"
            commands[words[1]].make_context(words[1], words[2:])


def test_the_guide_names_every_option() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"### linearscope {name}" in guide
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert f"`{option}`" in guide or f"`{option} " in guide, f"the guide does not name {option} of {name}"


def test_the_table_of_rules_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == generate.rules(), "run python docs/generate.py"


def test_the_table_of_methods_is_current() -> None:
    page = (ROOT / "docs" / "api" / "attribution.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert set(rows) == set(methods.METHODS)
    for name, method in methods.METHODS.items():
        for words in (method.title, method.source, method.heatmap, *(f"`{option}`" for option in method.options)):
            assert words in rows[name], f"docs/api/attribution.md does not say {words!r} of {name}"


def _docstrings() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        found += [test for test in finder.find(module, name) if test.examples]
    return found


@pytest.mark.parametrize("test", _docstrings(), ids=lambda test: test.name)
def test_docstring(test: doctest.DocTest) -> None:
    skipped = any(doctest.SKIP in example.options for example in test.examples)
    assert skipped == (test.name in NOT_RUN), f"{test.name}: skipped examples, and no others, stand in NOT_RUN"
    if skipped:
        pytest.skip("needs a file that is not in the repository")
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    assert not report, "".join(report)


def test_docstrings_were_found() -> None:
    names = {test.name for test in _docstrings()}
    assert {"linearscope.interpreter.interpreter.interpret", "linearscope.rules.registry.register"} <= names

"""``linearscope rules``: the table of rules, from the registry."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["markdown", "rules"]


def rules(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
) -> None:
    """Print what every operation means to an interpreter."""
    if as_markdown:
        print(markdown())
        return
    from linearscope.cli.tables import print_table

    rows = [(kind, frozen, constant, taylor, ", ".join(names)) for kind, frozen, constant, taylor, names in _grouped()]
    print_table(("unit", "frozen map A(x0)", "constant c(x0)", "taylor", "operations"), rows)


def markdown() -> str:
    """The table in Markdown, operations of one unit together."""
    lines = ["| unit | frozen map A(x0) | constant c(x0) | taylor | operations |", "|---|---|---|---|---|"]
    for kind, frozen, constant, taylor, names in _grouped():
        lines.append(f"| {kind} | {frozen} | {constant} | {taylor} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines)


def _grouped() -> list[tuple[str, str, str, str, list[str]]]:
    """Rules that say the same, with their operations together."""
    from linearscope.rules import table

    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for rule in table():
        taylor = "the same" if rule.taylor is None else "first order"
        groups.setdefault((rule.kind, rule.frozen, rule.constant, taylor), []).append(str(rule.target))
    return [(*key, names) for key, names in groups.items()]

"""``linearscope rules``: the table of rules, from the registry."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["markdown", "rules"]


def rules(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
) -> None:
    """Print what every operation means to an interpreter."""
    from linearscope.rules import table

    if as_markdown:
        print(markdown())
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table("unit", "operation", "frozen map A(x0)", "constant c(x0)", box=None, header_style="bold")
    for rule in table():
        shown.add_row(rule.kind, str(rule.target).removeprefix("aten."), rule.frozen, rule.constant)
    Console(highlight=False).print(shown)


def markdown() -> str:
    """The table in Markdown, operations of one unit together."""
    from linearscope.rules import table

    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for rule in table():
        taylor = "the same" if rule.taylor is None else "first order"
        grouped.setdefault((rule.kind, rule.frozen, rule.constant, taylor), []).append(f"`{rule.target}`")
    lines = ["| unit | frozen map A(x0) | constant c(x0) | taylor | operations |", "|---|---|---|---|---|"]
    lines += [
        f"| {kind} | {frozen} | {constant} | {taylor} | {', '.join(targets)} |"
        for (kind, frozen, constant, taylor), targets in grouped.items()
    ]
    return "\n".join(lines)

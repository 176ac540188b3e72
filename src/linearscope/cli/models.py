"""``linearscope models``: where models come from."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["models"]


def models(
    search: Annotated[
        str | None, typer.Argument(help="Part of a name, to list models of torchvision and timm.", metavar="[TEXT]")
    ] = None,
) -> None:
    """List the models that --model takes."""
    from linearscope.cli.tables import print_table
    from linearscope.errors import InputError
    from linearscope.models import available, timm_names, torchvision_names

    if search is None:
        print_table(
            ("--model", "what it is", "weights", "licence of the weights"),
            [(entry.spec, entry.title, entry.weights, entry.licence) for entry in available()],
        )
        return
    found, missing = [], []
    for prefix, names in (("torchvision", torchvision_names), ("timm", timm_names)):
        try:
            found += [f"{prefix}:{name}" for name in names() if search.lower() in name.lower()]
        except InputError as error:
            missing.append(str(error))
    if not found:
        raise InputError(" ".join([f"No model's name contains {search!r}.", *missing]))
    print("\n".join(found))

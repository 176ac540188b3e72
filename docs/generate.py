"""Write the pages of the documentation that are made from the code: ``python docs/generate.py``."""

from __future__ import annotations

from pathlib import Path

from linearscope.cli.rules import markdown

HEAD = """\
<!-- Written by docs/generate.py from the registry of rules. Do not edit. -->

# Rules

What every operation means to an interpreter, one entry an operation. `x0` is what the operation is given on the image.
The frozen map `A(x0)` acts on lanes; the constant `c(x0)` is what the operation adds whatever the lanes hold. The
column *taylor* says what `interpretation="taylor"` does instead: *the same* for linear and piecewise-linear operations,
*first order* for all others.

`linearscope rules` prints this table in a terminal. [How it works](how-it-works.md#what-a-unit-decides) explains it,
and the [guide](guide.md#a-rule-for-your-own-operation) shows how to register a rule of your own.

"""


def rules() -> str:
    """The page of the table of rules."""
    return HEAD + markdown() + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "rules.md").write_text(rules(), encoding="utf-8")

"""The application: its commands, and what becomes of errors."""

from __future__ import annotations

import errno
import sys

import typer

from linearscope.cli.options import INTERRUPTED
from linearscope.errors import LinearscopeError

__all__ = ["app", "main"]

app = typer.Typer(
    name="linearscope",
    help="Why did a vision network do that? On one image it is an affine map y = F x + r: look at it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

USER_ERROR = 2


def main() -> None:
    """Run the command line. Mistakes of the user end with one line and exit code 2, Ctrl-C with 130."""
    try:
        app()
    except LinearscopeError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except MemoryError:
        _fail("Memory ran out. Use a smaller image, fewer labels or --dtype float32.")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPERM, errno.ENOTDIR):
            raise
        _fail(f"{error.filename or 'A file'} cannot be written: {error.strerror}. Choose another place with --out.")


def _fail(message: str) -> None:
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(USER_ERROR)


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        print(f"linearscope {version('linearscope')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


# A command is a function in a file of its own; the heavy imports are inside.
from linearscope.cli.contributions import contributions  # noqa: E402
from linearscope.cli.evaluate import evaluate  # noqa: E402
from linearscope.cli.explain import explain  # noqa: E402
from linearscope.cli.fields import fields  # noqa: E402
from linearscope.cli.materialize import materialize  # noqa: E402
from linearscope.cli.models import models  # noqa: E402
from linearscope.cli.relevant import relevant  # noqa: E402
from linearscope.cli.rules import rules  # noqa: E402
from linearscope.cli.studio import studio  # noqa: E402
from linearscope.cli.svd import svd  # noqa: E402
from linearscope.cli.tour import tour  # noqa: E402
from linearscope.cli.walk import walk  # noqa: E402

for _command in (
    tour,
    studio,
    explain,
    evaluate,
    fields,
    walk,
    svd,
    materialize,
    contributions,
    relevant,
    models,
    rules,
):
    app.command()(_command)

"""Results in a notebook: a card for every class, with its numbers and a small picture."""

from __future__ import annotations

from html import escape

# Each of them enters its cards.
from linearscope.report import notebook_maps, notebook_matrix, notebook_scores, notebook_tours  # noqa: F401
from linearscope.report.notebook_parts import CARDS, render_card

__all__ = ["card"]


def card(result: object) -> str:
    """Show a result as HTML for a notebook cell. It never raises: what cannot be drawn is shown as text.

    Examples
    --------
    >>> from linearscope.analysis import Quality
    >>> "31.20" in card(Quality(31.2, 0.91, 4))
    True
    """
    try:
        make = next(CARDS[kind] for kind in type(result).__mro__ if kind in CARDS)
        return render_card(make(result))
    except Exception:
        # A notebook shows a traceback in place of a result whose display fails: worse than plain text.
        try:
            text = repr(result)
        except Exception:
            text = f"<{type(result).__name__}>"
        return f'<pre style="white-space:pre-wrap">{escape(text[:4000])}</pre>'

"""Numbers in words, the same way everywhere in a report."""

from __future__ import annotations

from math import isfinite

__all__ = ["MINUS", "amount", "count", "joined", "percent", "signed", "tiny"]

MINUS = "\u2212"
NARROW = "\u202f"


def amount(value: float) -> str:
    """Write a score or a share of one, to three or four digits.

    Examples
    --------
    >>> amount(-23.4159)
    '−23.42'
    """
    if not isfinite(value):
        return "–" if value != value else ("∞" if value > 0 else MINUS + "∞")
    size = abs(value)
    if size == 0:
        return "0"
    digits = f"{size:,.0f}" if size >= 1000 else f"{size:.1f}" if size >= 100 else f"{size:.2f}"
    if size < 1:
        digits = f"{size:.3f}" if size >= 0.01 else f"{size:.4f}" if size >= 0.001 else tiny(size)
    return (MINUS if value < 0 else "") + digits


def signed(value: float) -> str:
    """Write as :func:`amount`, with a plus sign."""
    return ("+" if value > 0 else "") + amount(value)


def tiny(value: float) -> str:
    """Write a size with one digit and an exponent.

    Examples
    --------
    >>> tiny(2.7e-7)
    '3e−7'
    """
    if not isfinite(value) or value == 0:
        return amount(value)
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit}e{int(exponent)}".replace("-", MINUS)


def percent(fraction: float) -> str:
    """Write a fraction as a percentage; what is small is said to be below something, never to be nothing.

    Examples
    --------
    >>> percent(0.4149), percent(0.0412), percent(0.0004), percent(0.9996)
    ('41\u202f%', '4.1\u202f%', '<0.1\u202f%', '>99.9\u202f%')
    """
    if not isfinite(fraction):
        return "–"
    size = abs(fraction)
    sign = MINUS if fraction < 0 else ""
    if size == 0:
        return f"0{NARROW}%"
    if size < 0.001:
        return f"{'>' if fraction < 0 else '<'}{sign}0.1{NARROW}%"
    if 0.999 < fraction < 1:
        return f">99.9{NARROW}%"
    if size < 0.0995 or 0.99 < size < 1:
        return f"{sign}{size * 100:.1f}{NARROW}%"
    return f"{sign}{size * 100:,.0f}{NARROW}%"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number of things.

    Examples
    --------
    >>> count(1, "label"), count(1200, "label")
    ('1 label', '1,200 labels')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def joined(parts: list[str]) -> str:
    """Join as an English list."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]

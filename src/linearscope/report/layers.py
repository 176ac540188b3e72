"""Which feature maps of the layer-by-layer form are worth a look."""

from __future__ import annotations

from linearscope.analysis import Contributions, Layerwise

__all__ = ["chosen_maps", "trunk"]


def trunk(form: Layerwise, c: Contributions) -> list[str]:
    """Return the feature maps that nothing runs past: their b is the sum of all constants behind them.

    Inside a branch, b also counts what the other branches carry, so that the affine forms there do not follow from one
    another.

    Parameters
    ----------
    form, c
        Of the same score.
    """
    order = {name.split("[")[0]: place for place, name in enumerate(form.layers)}
    if any(name not in order for name in c.layers):
        return list(form.layers)
    size = max(abs(c.score), abs(c.input), *map(abs, c.layers.values()), 0.0) or 1.0
    found = []
    for place, (name, one) in enumerate(form.layers.items()):
        behind = sum(value for other, value in c.layers.items() if order[other] > place)
        if abs(one.bias - behind) <= 1e-3 * size:
            found.append(name)
    return found


def chosen_maps(form: Layerwise, among: list[str], count: int = 4) -> list[str]:
    """Choose feature maps with a picture, evenly spaced from the first to the last."""
    known = set(among)
    names = [name for name, one in form.layers.items() if one.map is not None and name in known]
    if len(names) <= count:
        return names
    return [names[round(i * (len(names) - 1) / (count - 1))] for i in range(count)]

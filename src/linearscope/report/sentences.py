"""What each panel shows, in one sentence made from its numbers."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from linearscope.analysis import ClassificationTour, Contributions, Explained, Layerwise, Reach, Votes
from linearscope.analysis.statistics import FolderStatistics
from linearscope.interpreter import Certificate
from linearscope.report.about import About
from linearscope.report.figures import largest
from linearscope.report.numbers import top
from linearscope.report.words import MINUS, amount, count, joined, percent, signed, tiny

__all__ = [
    "attacked",
    "certified",
    "discussed",
    "drifted",
    "frozen",
    "layered",
    "one_discussion",
    "predicted",
    "reached",
    "split",
    "stated",
    "statistic",
    "statistic_depth",
    "voted",
    "votes_moved",
]


def predicted(one: Explained, about: About) -> str:
    """Say what the network sees."""
    first, second = top(one, 2)
    return (
        f"The network gives “{about.short(first)}” the highest score, {amount(float(one.scores[first]))}, "
        f"a probability of {percent(float(one.probabilities[first]))}; “{about.short(second)}” follows with "
        f"{percent(float(one.probabilities[second]))}."
    )


def certified(one: Certificate) -> str:
    """Say how exact the map is."""
    return (
        f"F x₀ + r reproduces the scores to {tiny(one.reconstruction)}, and F agrees with its transpose to "
        f"{tiny(one.adjoint)}; rounding in {_dtype(one)} explains up to {tiny(one.tolerance)}."
    )


def frozen(one: Certificate) -> str:
    """Say what was frozen."""
    kinds = [f"{number:,} {kind}" for kind, number in one.frozen.items()]
    if not kinds:
        return "No unit had to be frozen: the network is affine."
    how = (
        "frozen at the decision it took" if one.interpretation == "freeze" else "replaced by its first-order expansion"
    )
    return f"Every unit that is not linear was {how} on this image: {joined(kinds)}."


def split(c: Contributions, about: About) -> str:
    """Say how much of a score the image makes and how much the constants."""
    name = about.short(c.target)
    if not isfinite(c.residual_ratio):
        return (
            f"The score of “{name}” is zero: the image gives {signed(c.input)} and the network's constants "
            f"{signed(c.residual)}."
        )
    image = 1 - c.residual_ratio
    return (
        f"Of the score {amount(c.score)} for “{name}”, the image makes {signed(c.input)} ({percent(image)}) and the "
        f"network's constants {signed(c.residual)} ({percent(c.residual_ratio)})"
        + ("" if c.input * c.residual >= 0 else ", which pull in opposite directions")
        + "."
    )


def layered(c: Contributions, about: About) -> str:
    """Say which constants matter, and that everything sums to the score."""
    total = c.input + c.residual
    summed = (
        f"all shares together sum to {amount(total)}, the score of “{about.short(c.target)}”, "
        f"to {tiny(c.error)} of the largest"
        if c.error
        else f"all shares together sum to {amount(total)}, exactly the score of “{about.short(c.target)}”"
    )
    if not c.layers:
        return f"The network has no constants: the image alone makes the score, and {summed}."
    names = [f"{name} ({signed(value)})" for name, value in largest(c)]
    lead = "the only constant is" if len(c.layers) == 1 else f"of {len(c.layers):,} constants the largest are"
    lead = "the two constants are" if len(c.layers) == 2 else lead
    return (f"The image gives {signed(c.input)}; {lead} {joined(names)}; {summed}.").replace("; all", "; and all")


def stated(form: Layerwise, about: About, trunk: list[str]) -> str:
    """Say how the bias part falls with depth."""
    names = [name for name in trunk if name in form.layers] or list(form.layers)
    first, last = form.layers[names[0]], form.layers[names[-1]]
    middle = form.layers[names[len(names) // 2]]
    if not all(isfinite(one.ratio) for one in (first, middle, last)):
        return f"The score of “{about.short(form.target)}” is zero, so that the bias is no part of it."
    name = about.short(form.target)
    return (
        f"Read at the image, {percent(first.ratio)} of the score of “{name}” is bias; read halfway, at {middle.layer}, "
        f"{percent(middle.ratio)}; read at the end, at {last.layer}, {percent(last.ratio)}."
    )


def one_discussion(values: Tensor) -> str:
    """Say how much a discussion's pixels disagree."""
    values = values.double()
    text = (
        f"{signed(float(values.clamp(min=0).sum()))} for and {signed(float(values.clamp(max=0).sum()))} against "
        f"leave {amount(float(values.sum()))}"
    )
    apart = _disagreement(values)
    return text + (f"; {percent(apart)} of neighbouring pixels have opposite signs." if apart is not None else ".")


def discussed(one: Explained, about: About) -> str:
    """Say how large the argument behind the first label's score is."""
    values = one.discussion.maps[0].double()
    against, score = -float(values.clamp(max=0).sum()), float(values.sum())
    name = about.short(one.discussion.targets[0])
    if not against:
        return f"No pixel speaks against “{name}”: the whole map sums to {amount(score)}."
    size = float(values.abs().sum())
    return (
        f"The pixels do not agree: what speaks for “{name}” and against it is {amount(size)} together, of which "
        f"{amount(score)} are left when both are summed."
    )


def voted(votes: Votes, asked: int, about: About) -> str:
    """Say who gets the pixels' votes, and how many ``asked`` gets."""
    ranking = votes.ranking()
    (winner, most), others = ranking[0], ranking[1:]
    even = f"an even split among {len(votes.targets):,} labels would give each {percent(1 / len(votes.targets))}"
    if winner == asked:
        text = f"“{about.short(asked)}” gets {percent(most)} of the pixels' votes, the most of all"
        if others:
            second, share = others[0]
            text += f"; “{about.short(second)}” {percent(share)}"
        if len(others) > 1:
            text += f"; {count(len(others) - 1, 'other label shares', 'other labels share')} the rest"
        return f"{text} ({even})."
    places = [label for label, _ in ranking]
    own = (
        f"gets {percent(votes.share(asked))}, place {places.index(asked) + 1:,} of {count(len(ranking), 'label')} "
        "with votes"
        if asked in places
        else "gets none"
    )
    return (
        f"Most votes, {percent(most)} of the pixels, go to “{about.short(winner)}”; “{about.short(asked)}” {own} "
        f"({even})."
    )


def attacked(tour: ClassificationTour, about: About, levels: int) -> str:
    """Say what the attack does to the prediction."""
    assert tour.attack is not None
    assert tour.after is not None
    before, after = tour.before, tour.after
    old, new = tour.attack.before, tour.attack.after
    size = (
        f"Changing pixels by at most {count(levels, 'level')} of 255" if levels else "A change below one level of 255"
    )
    chance = f"from {percent(float(before.probabilities[old]))} to {percent(float(after.probabilities[old]))}"
    if new == old:
        return f"{size} does not change the answer: it is still “{about.short(old)}”, its probability goes {chance}."
    return (
        f"{size} turns “{about.short(old)}” into “{about.short(new)}”, with a probability of "
        f"{percent(float(after.probabilities[new]))}; that of “{about.short(old)}” goes {chance}."
    )


def votes_moved(before: Votes, after: Votes, labels: list[int], about: About) -> str:
    """Say how the votes move."""
    moves = [
        f"{'the votes for ' if not i else ''}“{about.short(label)}” go from {percent(before.share(label))} to "
        f"{percent(after.share(label))} of the pixels"
        for i, label in enumerate(labels)
    ]
    moves = [text.replace("” go from", "” from") if i else text for i, text in enumerate(moves)]
    text = joined(moves)
    stay = float((before.winner == after.winner).double().mean())
    return f"{text[0].upper()}{text[1:]}; {percent(stay)} of all pixels keep their vote."


def drifted(before: Contributions, after: Contributions, about: About) -> str:
    """Say how much the shares of the same score change."""
    sizes = [sum(map(abs, [c.input, *c.layers.values()])) for c in (before, after)]
    text = (
        f"The shares of “{about.short(before.target)}” add up to {amount(sizes[0])} without their signs before the "
        f"attack and to {amount(sizes[1])} after it"
    )
    common = [name for name in before.layers if name in after.layers]
    if len(common) > 2:
        pair = torch.tensor(
            [[c.input, *(c.layers[name] for name in common)] for c in (before, after)], dtype=torch.float64
        )
        close = float(torch.corrcoef(pair)[0, 1])
        if isfinite(close):
            text += f"; the correlation of both histograms is {close:.2f}".replace("-", MINUS)
    return text + "."


def reached(found: Reach) -> str:
    """Say how far the explanation holds."""
    ties = [name for name, step in found.layers.items() if step == 0]
    end = (
        f" At the attacked image {percent(found.changed[-1])} of all decisions have changed."
        if found.changed and found.distances[-1] == 1
        else ""
    )
    drift = (
        ""
        if found.exact
        else " Other units (smooth ones, norms or gates) drift at any step, so that this speaks of switches alone."
    )
    if not isfinite(found.step):
        held = "No switch of the network changes anywhere along this direction"
        held += ", so that the map stays exact." if found.exact else "."
    elif ties:
        later = [step for step in found.layers.values() if 0 < step < float("inf")]
        held = f"A decision at {ties[0]} stands exactly on its boundary and may change at any step"
        held += f"; the next changes after {_way(min(later))}." if later else "."
    else:
        held = f"The first decision changes after {_way(found.step)}, at {found.layer}"
        held += "; up to there the map is the network itself." if found.exact else "."
    return held + drift + end


def statistic(found: FolderStatistics) -> str:
    """Say how large the residual's part is over a folder."""
    one = found.residual_ratio
    if not one.count:
        return "No image has a score that its residual could be a part of."
    spread = f" ± {percent(one.std)} (one standard deviation)" if one.count > 1 else ""
    interval = f"; 95\u202f% interval of the mean {percent(one.low)} to {percent(one.high)}" if one.count > 1 else ""
    return (
        f"Over {count(one.count, 'image')}, the network's constants make {percent(one.mean)}{spread} of the top score "
        f"and the image the rest{interval}."
    )


def _way(step: float) -> str:
    if step > 1:
        return f"{amount(step)} times the way to the attacked image"
    if step >= 0.001:
        return f"{percent(step)} of the way to the attacked image"
    if step < 1e-9:
        return f"{tiny(step)} of the way to the attacked image"
    parts = 1 / step
    digits = len(f"{parts:.0f}") - 2
    return f"1/{round(parts, -digits):,.0f} of the way to the attacked image"


def _disagreement(values: Tensor) -> float | None:
    """Fraction of horizontally and vertically neighbouring pixels whose values have opposite signs."""
    sign = values.sign()
    pairs = torch.cat([(sign[:, 1:] * sign[:, :-1]).flatten(), (sign[1:] * sign[:-1]).flatten()])
    return float((pairs < 0).double().mean()) if len(pairs) else None


def _dtype(one: Certificate) -> str:
    return str(one.dtype).removeprefix("torch.")


def statistic_depth(found: FolderStatistics) -> str:
    """Say which constants have the largest mean shares over a folder."""
    layers = sorted(range(1, len(found.names)), key=lambda i: -abs(found.mean[i]))[:3]
    if not layers:
        return "The network has no constants: the image makes every score alone."
    listed = [f"{found.names[i]} ({percent(found.mean[i])} ± {percent(found.std[i])})" for i in layers]
    lead = "the largest mean share of a constant is" if len(layers) == 1 else "the largest mean shares of constants are"
    return f"The image makes {percent(found.mean[0])} ± {percent(found.std[0])} of the score; {lead} {joined(listed)}."

"""What each panel of the tours of networks that make images shows, in sentences made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod

from torch import Tensor

from linearscope.analysis.eigen import EigenPairs
from linearscope.analysis.fields import Field
from linearscope.analysis.flashlight import Flashlight
from linearscope.analysis.image_map import ImageMap, Place
from linearscope.analysis.pattern import Pattern
from linearscope.analysis.templates import Templates
from linearscope.report.words import amount, count, joined, percent

__all__ = [
    "columns_said",
    "decibels",
    "eigen_said",
    "flashlight_said",
    "headline",
    "pattern_said",
    "quality_said",
    "residual_said",
    "rows_said",
    "score",
    "templates_said",
]


def headline(one: ImageMap) -> str:
    """Say from what size to what size."""
    height, width = one.image.shape[2:]
    # Spaces that keep each size on one line.
    sizes = [f"{scale * width}\u00a0×\u00a0{scale * height}" for scale in (1, one.scale)]
    return f"{sizes[0]} → {sizes[1]}\u00a0pixels"


def decibels(value: float) -> str:
    """Write a PSNR."""
    return f"{value:.2f}\u202fdB" if isfinite(value) else "∞ dB"


def quality_said(one: ImageMap, reference: ImageMap | None, apart: float | None = None) -> str:
    """Say how near the output comes to the original, and how that compares with a reference.

    Parameters
    ----------
    one, reference
        Maps of the same original.
    apart
        Root mean square difference of the outputs in 8-bit levels, said where there is no original.
    """
    truth = "original" if one.scale > 1 else "ground truth"
    if one.quality is None:
        said = f"No {truth} was given, so that this page does not say how near the output comes to it."
        if apart is not None and reference is not None:
            said += f" It differs from that of {reference.name} by {amount(apart)} of 255 levels (root mean square)."
        return said
    said = f"Against the {truth}, {one.name} reaches {decibels(one.quality.psnr)}"
    if one.quality.ssim is not None:
        said += f" and a structural similarity of {one.quality.ssim:.4f}"
    if reference is None or reference.quality is None:
        return said + "."
    gain = one.quality.psnr - reference.quality.psnr
    said += f"; {reference.name} {decibels(reference.quality.psnr)}"
    if reference.quality.ssim is not None:
        said += f" and {reference.quality.ssim:.4f}"
    if not isfinite(gain):
        return said + "."
    return said + f", {abs(gain):.2f}\u202fdB {'less' if gain >= 0 else 'more'}."


def residual_said(one: ImageMap) -> str:
    """Say what part the constants make."""
    if one.residual_ratio == 0:
        return f"{one.name} adds no constants on this image: the output is F x₀ alone."
    return (
        f"The constants of {one.name} make a residual r whose size is {percent(one.residual_ratio)} of the output's "
        f"(‖r‖ / ‖y‖); of the energy ‖r‖² + ‖F x₀‖² that is {percent(one.residual_share)}."
    )


def columns_said(one: ImageMap, reference: ImageMap | None) -> str:
    """Say how far columns reach."""
    return _reached(one, reference, "column", "output")


def rows_said(one: ImageMap, reference: ImageMap | None) -> str:
    """Say how far rows reach."""
    return _reached(one, reference, "row", "input")


def _reached(one: ImageMap, reference: ImageMap | None, kind: str, where: str) -> str:
    places = list(one.places)
    said = (
        f"Of the {kind}s of {one.name} at these {count(len(places), 'place')}, 90\u202f% of the energy lies within "
        f"{_span([_field(place, kind).radii[0.9] for place in places])} {where} pixels"
    )
    if reference is not None:
        said += (
            f"; of those of {reference.name}, within "
            f"{_span([_field(place, kind).radii[0.9] for place in reference.places])}"
        )
    return said + "."


def flashlight_said(one: ImageMap, others: Sequence[ImageMap]) -> str:
    """Say how much columns change from place to place."""
    found = one.flashlight
    if found is None:
        return "The image is too small to compare columns at places away from its borders."
    said = (
        f"The columns of {one.name} at {count(len(found.positions), 'place')} have a mean cosine similarity of "
        f"{amount(1 - found.score)} to each other: a flashlight score of {score(found)}"
    )
    rest = [f"{score(other.flashlight)} for {other.name}" for other in others if other.flashlight is not None]
    if rest:
        said += f", beside {joined(rest)}"
    said += f". {percent(found.variation)} of their energy is more than any single column, moved along, could explain."
    if found.dark:
        said += f" {count(found.dark, 'column')} {'is' if found.dark == 1 else 'are'} zero and left out."
    return said


def eigen_said(found: EigenPairs, name: str) -> str:
    """Say what the first singular triplets look like."""
    pairs = found.pairs
    values = [pair.singular_value for pair in pairs]
    if not values[0] > 0:
        return f"{name} does not depend on this image at all: every singular value is zero."
    lead = (
        f"The largest singular value of {name} is {amount(values[0])}"
        if len(pairs) == 1
        else f"The {len(pairs)} largest singular values of {name} run from {amount(values[0])} to {amount(values[-1])}"
    )
    ins, outs = [pair.input_pattern for pair in pairs], [pair.output_pattern for pair in pairs]
    inputs, outputs = (
        [pixels(p, v) for p, v in zip(found, vectors, strict=True)]
        for found, vectors in (
            (ins, [pair.eigen_input for pair in pairs]),
            (outs, [pair.eigen_output for pair in pairs]),
        )
    )
    sizes = [prod(vector.shape[-2:]) for vector in (pairs[0].eigen_input, pairs[0].eigen_output)]
    return (
        f"{lead}. The eigen-inputs are spread over {_whole(inputs)} of {sizes[0]:,} pixels, with frequencies of "
        f"{_span([p.frequency for p in ins], 2)} cycles per pixel; the eigen-outputs over {_whole(outputs)} of "
        f"{sizes[1]:,}, with {_span([p.frequency for p in outs], 2)}."
    )


def pixels(one: Pattern, values: Tensor) -> float:
    """Return over how many pixels of ``values`` a pattern is spread."""
    return one.area * prod(values.shape[-2:])


def pattern_said(one: Pattern, values: Tensor) -> str:
    """Say in one line how wide a pattern is, how fine, and along which direction."""
    way = "no one direction" if one.orientation is None else f"along {one.orientation:.0f}°"
    spread = pixels(one, values)
    return f"spread over {spread:,.0f} px · {one.frequency:.2f} cycles/px · {way}"


def _field(place: Place, kind: str) -> Field:
    return place.column if kind == "column" else place.row


def _span(values: Sequence[float], digits: int = 1) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _whole(values: Sequence[float]) -> str:
    low, high = f"{min(values):,.0f}", f"{max(values):,.0f}"
    return low if low == high else f"{low} to {high}"


def score(found: Flashlight | None) -> str:
    """Write a flashlight score; what is zero to rounding as zero."""
    if found is None:
        return "–"
    return "0" if abs(found.score) < 1e-6 else amount(found.score)


def templates_said(found: Templates) -> str:
    """Say how many pixels trigger a segment, and whether they lie on edges."""
    if not found.items:
        return "The output has no segments of one colour that are large enough to look at."
    said = found.summary()
    return (
        f"Of each of the {count(said['segments'], 'largest segment')} of the output, a row of F says which input "
        f"pixels make its colour. Half of that row's energy lies in {said['median_trigger_pixels']:,.0f} pixels "
        f"(median), {percent(said['triggers_on_edges_share'])} of them on edges or at corners of the input, where "
        f"{percent(said['edges_around_share'])} of the pixels around are; "
        f"{percent(said['far_share'])} of the energy is more than {said['near_pixels']} pixels away from the segment."
    )

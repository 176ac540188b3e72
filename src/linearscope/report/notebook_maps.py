"""Cards of maps and of what they are made from: interpreter, Program, certificate, rows, columns, the flashlight."""

from __future__ import annotations

from html import escape

import torch

from linearscope.analysis import Field, Flashlight
from linearscope.interpreter import Certificate, LinearInterpreter
from linearscope.program import Program
from linearscope.report.flashlight_page import flashlight_parts, stride_within
from linearscope.report.image_sentences import score
from linearscope.report.notebook_parts import Card, Shown, card_of, map_picture, signed_bars, tensor_picture
from linearscope.report.words import amount, count, percent, tiny

__all__: list[str] = []

#: The page of a flashlight in a cell: its bytes and the filters in it, at most, and the height of its frame in pixels.
PAGE_BYTES = 3_000_000
PAGE_FILTERS = 1024
PAGE_HEIGHT = 760
#: With fewer filters there is nothing to walk over.
FEWEST = 9


def shape_words(shape: tuple[int, ...]) -> str:
    """Write a shape."""
    return " × ".join(f"{size:,}" for size in shape) or "one number"


def certificate_facts(found: Certificate) -> list[tuple[str, str]]:
    """Names and values of a certificate."""
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.frozen.items()) or "nothing"
    return [
        ("F x + r against y", f"{tiny(found.reconstruction)} relative error"),
        ("⟨F v, u⟩ against ⟨v, Fᵀu⟩", tiny(found.adjoint)),
        ("rounding explains", tiny(found.tolerance)),
        ("frozen", kinds),
        ("by", f"{found.interpretation}, {str(found.dtype).removeprefix('torch.')}"),
    ]


@card_of(Certificate)
def _certificate(found: Certificate) -> Card:
    return Card("Certificate", "of y = F x + r", facts=certificate_facts(found), notes=found.notes)


@card_of(LinearInterpreter)
def _interpreter(it: LinearInterpreter) -> Card:
    rows, columns = it.shape
    pictures = []
    if len(it.input_shape) == 3:
        pictures.append(tensor_picture(it.point, f"x, {shape_words(it.input_shape)}"))
    bars = []
    if len(it.output_shape) == 3:
        pictures.append(tensor_picture(it.output, f"y, {shape_words(it.output_shape)}"))
        pictures.append(map_picture(it.residual.reshape(it.output_shape), "r, red above zero, blue below"))
    elif len(it.output_shape) == 1:
        top = it.output.flatten().topk(min(5, rows))
        bars = signed_bars(
            [(f"output {i}", value, amount(value)) for value, i in zip(*(t.tolist() for t in top), strict=True)]
        )
    return Card(
        "Linear interpreter",
        f"y = F x + r, F of {rows:,} × {columns:,}",
        facts=[
            ("input", shape_words(it.input_shape)),
            ("output", shape_words(it.output_shape)),
            *certificate_facts(it.certificate),
        ],
        pictures=pictures,
        bars=bars,
        notes=it.certificate.notes,
    )


@card_of(Program)
def _program(program: Program) -> Card:
    calls = [node for node in program.nodes if node.kind == "call" and node.live]
    operations: dict[str, int] = {}
    for node in calls:
        name = node.operation.removeprefix("aten.").rsplit(".", 1)[0]
        operations[name] = operations.get(name, 0) + 1
    most = sorted(operations.items(), key=lambda item: (-item[1], item[0]))
    return Card(
        "Program",
        f"{shape_words(program.input_shape)} to {shape_words(program.output_shape)}",
        facts=[
            ("operations on the image", f"{len(calls):,}"),
            ("layers", f"{len(program.layers):,}"),
            ("parameters", f"{sum(t.numel() for t in program.parameters.values()):,} numbers"),
            ("type", str(program.dtype).removeprefix("torch.")),
        ],
        bars=signed_bars([(name, float(number), f"{number:,}") for name, number in most]),
        notes=program.notes,
    )


@card_of(Field)
def _field(field: Field) -> Card:
    what = "Row of F" if field.kind == "row" else "Column of F"
    channel, row, column = field.index
    whole = field.window.whole()
    pictures = [
        map_picture(field.values, f"the window, {shape_words(tuple(field.values.shape[1:]))}"),
        map_picture(whole, f"all of it, {shape_words(tuple(whole.shape[1:]))}"),
    ]
    down, right = field.centroid
    facts = [
        ("energy", amount(field.energy)),
        *((f"{percent(share)} within", f"{radius:.1f} px") for share, radius in field.radii.items()),
        ("centre of energy", f"{amount(down)} px down, {amount(right)} px right"),
        ("far", percent(field.far)),
    ]
    if field.orientation is not None:
        facts.append(("stripes along", f"{field.orientation:.0f}°"))
    if field.frequency is not None:
        facts.append(("frequency", f"{amount(field.frequency)} cycles a pixel"))
    return Card(what, f"channel {channel}, row {row}, column {column}", facts=facts, pictures=pictures)


@card_of(Flashlight)
def _flashlight(found: Flashlight) -> Card:
    frame = _page(found)
    return Card(
        "Flashlight",
        f"{count(len(found.positions), 'column')} of channel {found.channel}",
        sentence=flashlight_words(found),
        facts=[
            ("score", score(found)),
            ("mean cosine similarity", amount(1 - found.score)),
            ("not explained by one column", percent(found.variation)),
            ("window", f"{found.window} px around each pixel"),
            ("energy in the window", percent(found.kept)),
        ],
        pictures=() if frame else _columns(found),
        frame=frame,
    )


def flashlight_words(found: Flashlight) -> str:
    """Say in a sentence what the score of a flashlight means."""
    said = "follow the image closely"
    for limit, words in ((1e-6, "are the same"), (0.1, "hardly change"), (0.4, "change")):
        if found.score < limit:
            said = words
            break
    sentence = f"Columns {said} from place to place."
    if found.dark:
        sentence += f" {count(found.dark, 'column')} {'is' if found.dark == 1 else 'are'} zero and left out."
    return sentence


def _page(found: Flashlight) -> str:
    """The static page in a frame of its own; empty where only few filters would fit."""
    it = found.interpreter
    if it is None:
        return ""
    stride = stride_within(it, PAGE_BYTES, channel=found.channel, most=PAGE_FILTERS)
    if stride is None or (it.input_shape[1] // stride) * (it.input_shape[2] // stride) < FEWEST:
        return ""
    parts = flashlight_parts(
        it, stride=stride, channel=found.channel, limit=2 * PAGE_BYTES, model="network", photo="image"
    )
    return (
        '<iframe title="Flashlight: move over the photo" sandbox="allow-scripts allow-downloads" '
        f'style="display:block;box-sizing:border-box;width:100%;max-width:1100px;height:{PAGE_HEIGHT}px;margin:4px 0;'
        f'border:1px solid rgba(128,128,128,.4);border-radius:8px" srcdoc="{escape("".join(parts))}"></iframe>'
    )


def _columns(found: Flashlight) -> list[Shown]:
    """A few of the columns: the least and the most like the others, and some between."""
    order = found.similarity.argsort().tolist()
    some = sorted({order[round(i * (len(order) - 1) / 4)] for i in range(5)}, key=order.index)
    sizes = torch.stack([found.columns[i].sum(0).abs().max() for i in some])
    limit = float(sizes.median()) / 2 or 1.0
    return [
        map_picture(
            found.columns[i],
            f"at {found.positions[i][0]}, {found.positions[i][1]}; cosine {amount(float(found.similarity[i]))}",
            limit,
        )
        for i in some
    ]

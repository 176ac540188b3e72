"""The addresses under which a subject is asked."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response, StreamingResponse

from linearscope.studio import answers, long_answers, schema
from linearscope.studio.desk import Desk

__all__ = ["SubjectId", "Visitor", "add_answers", "add_streams"]

AT: Final = "/api/subjects/{subject}"

SubjectId = Annotated[str, PathParameter(pattern="^[0-9a-f]{16}$", description="of POST /api/subjects")]
Visitor = Annotated[
    str | None,
    Header(alias="X-Visitor", max_length=64, description="a newer question drops an older one of the same visitor"),
]
Numbers = Annotated[str, Query(pattern=r"^\d{1,9}(,\d{1,9}){0,15}$", description="whole numbers between commas")]
Names = Annotated[str, Query(min_length=1, max_length=2000, description="names between commas")]
Tolerance = Annotated[float, Query(ge=1e-8, le=0.1, allow_inf_nan=False)]
Variant = Annotated[str, Query(min_length=1, max_length=40)]
Pool = Annotated[int, Query(ge=1, le=31)]
Stride = Annotated[int, Query(ge=1, le=1024, description="every so many pixels")]
Whole = Annotated[int, Query(ge=0, le=10**9)]
Place = Annotated[str, Query(pattern=r"^\d{1,6},\d{1,6}$", description="a place such as 40,62: row and column")]
Places = Annotated[
    str, Query(pattern=r"^\d{1,6},\d{1,6}(_\d{1,6},\d{1,6}){0,99}$", description="places such as 40,62_41,60")
]
Format = Annotated[Literal["packet", "npz"], Query(description="a packet for the page, or a file")]
FieldKind = Literal["row", "column"]

BINARY: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "a packet (studio/packets.py), or an npz file"}
}
STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "server-sent events; the last is `done` or `failed`"}
}


def add_answers(app: FastAPI, desk: Desk) -> None:
    """Add what is answered at once."""

    @app.get(f"{AT}/pictures", operation_id="pictures", response_class=Response, responses=BINARY)
    async def pictures(
        request: Request, subject: SubjectId, visitor: Visitor = None, format: Format = "packet"
    ) -> Response:
        """The photo as the network sees it, and the image it makes."""
        return await desk.arrays(request, subject, answers.pictures, visitor, format, "pictures")

    @app.get(f"{AT}/output", operation_id="output", response_class=Response, responses=BINARY)
    async def output(
        request: Request, subject: SubjectId, visitor: Visitor = None, format: Format = "packet"
    ) -> Response:
        """y and r in the model's units."""
        return await desk.arrays(request, subject, answers.output, visitor, format, "output")

    @app.get(f"{AT}/field", operation_id="field", response_class=Response, responses=BINARY)
    async def field(
        request: Request, subject: SubjectId, kind: FieldKind, row: Whole, column: Whole,
        channel: Annotated[int | None, Query(ge=0, le=10**6)] = None,
        slot: Annotated[str, Query(max_length=32)] = "", visitor: Visitor = None, format: Format = "packet",
    ) -> Response:  # fmt: skip
        """One row or column of F in its window; without a channel, the sum over those of the pixel."""
        named = kind, "all" if channel is None else channel, row, column
        question = lambda found: answers.field(found, kind, channel, row, column)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, *named, slot=slot and f"field {slot}")

    @app.get(f"{AT}/scores", operation_id="scores")
    async def scores(request: Request, subject: SubjectId, visitor: Visitor = None) -> schema.ScoresAnswer:
        """All scores."""
        return schema.ScoresAnswer(scores=await desk.ask(request, subject, answers.scores, visitor))

    @app.get(f"{AT}/contributions", operation_id="contributions")
    async def contributions(
        request: Request, subject: SubjectId, targets: Numbers, visitor: Visitor = None
    ) -> schema.ContributionsAnswer:
        """Scores as sums of shares."""
        asked = _numbers(targets)
        found = await desk.ask(request, subject, lambda one: answers.contribution_sums(one, asked), visitor, heavy=True)
        return schema.ContributionsAnswer(contributions=found)

    @app.get(f"{AT}/layer-map", operation_id="layer_map", response_class=Response, responses=BINARY)
    async def layer_map(
        request: Request, subject: SubjectId, target: Whole, layer: Annotated[str, Query(min_length=1, max_length=300)],
        visitor: Visitor = None, format: Format = "packet",
    ) -> Response:  # fmt: skip
        """Where a share of a score lies."""
        question = lambda found: answers.layer_map(found, target, layer)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, "share", layer, target)

    @app.get(f"{AT}/discussion", operation_id="discussion", response_class=Response, responses=BINARY)
    async def discussion(
        request: Request, subject: SubjectId, targets: Numbers,
        variant: Variant = "spread", visitor: Visitor = None, format: Format = "packet",
    ) -> Response:  # fmt: skip
        """Scores spread over the pixels."""
        asked = _numbers(targets)
        question = lambda found: answers.spread(found, asked, variant)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, "discussion", variant, *asked, heavy=True)

    @app.get(f"{AT}/votes/map", operation_id="vote_map", response_class=Response, responses=BINARY)
    async def vote_map(
        request: Request, subject: SubjectId, variant: Variant = "spread",
        pool: Pool = 1, visitor: Visitor = None, format: Format = "packet",
    ) -> Response:  # fmt: skip
        """Who each pixel votes for."""
        question = lambda found: long_answers.vote_map(found, variant, pool)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, "votes", variant, pool)

    @app.get(f"{AT}/spectrum/vectors", operation_id="triplet", response_class=Response, responses=BINARY)
    async def triplet(
        request: Request, subject: SubjectId, k: Whole, tol: Tolerance, index: Whole, visitor: Visitor = None,
        format: Format = "packet",
    ) -> Response:  # fmt: skip
        """The vectors of a singular value that has been found."""
        question = lambda found: long_answers.triplet(found, k, tol, index)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, "singular", index + 1)

    @app.get(f"{AT}/page/plan", operation_id="page_plan")
    async def page_plan(
        request: Request, subject: SubjectId, kind: FieldKind, stride: Stride, channel: Whole | None = None,
        at: Place | None = None, pins: Places | None = None, path: Places | None = None, visitor: Visitor = None,
    ) -> schema.PagePlan:  # fmt: skip
        """How large the static page will be."""
        session = _session(kind, stride, channel, at, pins, path)
        question = lambda found: long_answers.page_plan(found, session)  # noqa: E731
        return await desk.ask(request, subject, question, visitor, "plan", heavy=True)

    @app.get(f"{AT}/compare/map", operation_id="heatmap", response_class=Response, responses=BINARY)
    async def heatmap(
        request: Request, subject: SubjectId, method: Annotated[str, Query(min_length=1, max_length=80)], target: Whole,
        visitor: Visitor = None, format: Format = "packet",
    ) -> Response:  # fmt: skip
        """A method's map."""
        question = lambda found: long_answers.heatmap(found, method, target)  # noqa: E731
        return await desk.arrays(request, subject, question, visitor, format, method, target)


def add_streams(app: FastAPI, desk: Desk) -> None:
    """Add what is answered event by event."""

    @app.get(f"{AT}/votes", operation_id="votes", response_class=StreamingResponse, responses=STREAM)
    async def votes(
        request: Request, subject: SubjectId, variant: Variant = "spread",
        pool: Pool = 1, visitor: Visitor = None,
    ) -> Response:  # fmt: skip
        """A vote among all labels."""
        return await desk.events(request, subject, lambda one: long_answers.votes(one, variant, pool), visitor, "votes")

    @app.get(
        f"{AT}/page", operation_id="page", response_class=StreamingResponse,
        responses={200: {"content": {"text/html": {}}, "description": "a file"}},
    )  # fmt: skip
    async def page(
        request: Request, subject: SubjectId, kind: FieldKind, stride: Stride, channel: Whole | None = None,
        at: Place | None = None, pins: Places | None = None, path: Places | None = None, visitor: Visitor = None,
    ) -> Response:  # fmt: skip
        """The flashlight as one static page, which works without a network, with its light, pins and path."""
        session = _session(kind, stride, channel, at, pins, path)
        return await desk.file(
            request, subject, lambda one, photo: long_answers.page(one, session, photo), visitor, "flashlight", kind
        )

    @app.get(f"{AT}/spectrum", operation_id="spectrum", response_class=StreamingResponse, responses=STREAM)
    async def spectrum(
        request: Request, subject: SubjectId, k: Annotated[int, Query(ge=1, le=long_answers.VECTORS)], tol: Tolerance,
        visitor: Visitor = None,
    ) -> Response:  # fmt: skip
        """The largest singular values, as they are found."""
        return await desk.events(request, subject, lambda one: long_answers.spectrum(one, k, tol), visitor, "spectrum")

    @app.get(f"{AT}/compare", operation_id="compare", response_class=StreamingResponse, responses=STREAM)
    async def compare(
        request: Request, subject: SubjectId, methods: Names,
        target: Annotated[int | None, Query(ge=0, le=10**9)] = None, visitor: Visitor = None,
    ) -> Response:  # fmt: skip
        """Methods, one after the other."""
        names = methods.split(",")
        return await desk.events(
            request, subject, lambda one: long_answers.compare(one, names, target), visitor, "compare"
        )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _places(text: str | None) -> list[tuple[int, int]]:
    return [(row, column) for row, column in map(_numbers, text.split("_"))] if text else []


def _session(
    kind: Literal["row", "column"], stride: int, channel: int | None, at: str | None, pins: str | None, path: str | None
) -> long_answers.Session:
    light = _places(at)[0] if at else None
    return long_answers.Session(kind, stride, channel, light, _places(pins), _places(path))

"""What the server says and takes: the types behind the OpenAPI schema, and behind the page's core/types.ts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from linearscope.analysis.tour_kind import TourKind

__all__ = [
    "Answer",
    "AskedAttack",
    "AskedSubject",
    "AttackInfo",
    "CertificateInfo",
    "CheckInfo",
    "ContributionsAnswer",
    "ContributionsInfo",
    "ErrorBody",
    "ErrorInfo",
    "LayerShare",
    "Limits",
    "MethodInfo",
    "ModelInfo",
    "PagePlan",
    "Photo",
    "RankedScore",
    "Score",
    "ScoresAnswer",
    "SpectrumDone",
    "SpectrumStep",
    "StudioInfo",
    "SubjectInfo",
    "Triplet",
    "VotesInfo",
]

#: Numbers that JSON can hold; a NaN or an infinity is null.
Number = Annotated[float | None, Field(description="null where it is not a finite number")]


class Said(BaseModel):
    """Base of all of them: nothing unknown, nothing changed after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


class ErrorInfo(Said):
    """What is wrong, and what to do."""

    code: str
    message: str


class ErrorBody(Said):
    """Every answer that is no answer."""

    error: ErrorInfo


class ModelInfo(Said):
    """A network that the studio can show."""

    name: str
    title: str
    weights: str
    licence: str
    kind: TourKind | None
    preprocessing: str
    sides: list[int]
    image: str


class Photo(Said):
    """A photo that the studio holds."""

    id: str
    title: str
    width: int
    height: int
    bundled: bool
    credit: str


class MethodInfo(Said):
    """An attribution method."""

    name: str
    title: str
    family: str
    source: str
    layer: str
    first: bool
    needs: str


class Limits(Said):
    """What the studio refuses to pass."""

    upload_bytes: int
    upload_pixels: int
    vectors: int
    methods: int
    epsilon: float


class StudioInfo(Said):
    """Everything that can be chosen."""

    version: str
    models: list[ModelInfo]
    images: list[Photo]
    methods: list[MethodInfo]
    variants: list[str]
    limits: Limits
    model: str
    image: str


class CertificateInfo(Said):
    """The measured proof of one interpreter."""

    reconstruction: float
    adjoint: float
    tolerance: float
    dtype: str
    interpretation: str
    frozen: dict[str, int]
    notes: list[str]


class Score(Said):
    """One output number and its name."""

    index: int
    name: str
    score: float


class RankedScore(Score):
    """A label and the share of the pixels that vote for it."""

    share: float


class AttackInfo(Said):
    """How a subject was made from another."""

    of: str
    epsilon: float
    label: Score
    before: Score
    after: Score
    success: bool


class SubjectInfo(Said):
    """A network on one photo, captured and interpreted."""

    id: str
    model: str
    image: str
    side: int | None
    kind: TourKind
    input_shape: list[int]
    output_shape: list[int]
    scale: int
    input_channels: list[str]
    output_channels: list[str]
    output_lower: list[float]
    output_upper: list[float]
    operations: int
    certificate: CertificateInfo
    scores: list[Score]
    attack: AttackInfo | None
    seconds: float
    notes: list[str]


class AskedSubject(BaseModel):
    """Which network on which photo."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Annotated[str, Field(min_length=1, max_length=300)]
    image: Annotated[str, Field(min_length=1, max_length=64)]
    side: Annotated[int | None, Field(ge=8, le=1024)] = None


class AskedAttack(BaseModel):
    """How strong an attack on which label."""

    model_config = ConfigDict(extra="forbid", strict=True)

    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False, description="8-bit pixel levels")]
    label: Annotated[int | None, Field(ge=0)] = None


class ScoresAnswer(Said):
    """All scores by index."""

    scores: list[Score]


class LayerShare(Said):
    """What one layer's constants add to a score."""

    layer: str
    share: float
    map: bool


class ContributionsInfo(Said):
    """A score as a sum."""

    target: Score
    input: float
    layers: list[LayerShare]
    error: float


class ContributionsAnswer(Said):
    """One sum a target."""

    contributions: list[ContributionsInfo]


class VotesInfo(Said):
    """Who the pixels vote for, most votes first."""

    variant: str
    pool: int
    ranking: list[RankedScore]


class SpectrumStep(Said):
    """Where a search for singular vectors stands."""

    products: int
    most: int
    wanted: int
    converged: int
    residual: Number


class Triplet(Said):
    """A singular value; its vectors are asked for by its index."""

    index: int
    value: float
    residual: float
    coefficient: float


class FoundTriplet(Triplet):
    """One of the triplets at the end."""

    converged: bool


class SpectrumDone(Said):
    """How the search ended."""

    triplets: list[FoundTriplet]
    clusters: list[list[int]]
    products: int
    tol: float
    complete: bool
    seconds: float
    notes: list[str]


class CheckInfo(Said):
    """What a method's theory says its values sum to, measured."""

    name: str
    expected: float
    found: float
    error: float
    tolerance: float
    holds: bool


class Answer(Said):
    """What one method said; its map is asked for by the method's name."""

    method: str
    title: str
    family: str
    source: str
    kind: Literal["positive", "magnitude", "signed"]
    layer: str | None
    seconds: float
    concentration: Number
    check: CheckInfo | None


class PagePlan(Said):
    """How large a static page will be."""

    kind: Literal["row", "column"]
    stride: int
    positions: int
    bytes: int
    seconds: float


#: What an endpoint may say instead of its answer.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": about}
    for status, about in {
        400: "a question that cannot be read",
        401: "no token",
        403: "a question from another page",
        404: "there is no such thing",
        408: "a question that took too long to arrive",
        409: "dropped: a newer question of the same page took its place",
        413: "too large",
        415: "a body of another type",
        421: "asked by a name that is not this server's",
        422: "a value that cannot be used",
        429: "too many questions",
        503: "the server is ending",
    }.items()
}

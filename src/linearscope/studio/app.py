"""The application: what can be asked of a studio over HTTP, and how answers travel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, TypeVar

from fastapi import Depends, FastAPI, Query, Request
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from linearscope.analysis.discussion import VARIANTS
from linearscope.attribution import METHODS
from linearscope.errors import InputError, LinearscopeError
from linearscope.studio import long_answers, schema
from linearscope.studio.desk import Desk, attended, visitor_of
from linearscope.studio.jobs import Busy, Dropped, Queue
from linearscope.studio.photos import UPLOAD_BYTES, UPLOAD_PIXELS
from linearscope.studio.refusals import Missing, refusal, unreadable
from linearscope.studio.routes import SubjectId, Visitor, add_answers, add_streams
from linearscope.studio.stage import Stage
from linearscope.studio.subject import Recipe

__all__ = ["create_app"]

T = TypeVar("T")

VERSION: Final = version("linearscope")
ASSETS: Final = Path(__file__).parent / "assets"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: Strongest attack, in 8-bit pixel levels.
EPSILON: Final = 32.0
#: Methods that are asked when the comparison opens.
FIRST_METHODS: Final = (
    "gradient",
    "guided-backprop",
    "grad-cam",
    "lrp-epsilon",
    "contributions",
    "integrated-gradients",
)
#: Methods that need what the page cannot give: why, and what to do.
NEEDS: Final = {
    "relevant-units": "It needs a file of units, which this page cannot take. Ask it with linearscope explain."
}
#: Photos that are decoded at once.
DECODING: Final = 2


def create_app(stage: Stage) -> FastAPI:
    """Make the application around a stage.

    It has no guard: :func:`linearscope.studio.server.serve` puts one around it.

    Examples
    --------
    >>> from fastapi.testclient import TestClient
    >>> with TestClient(create_app(Stage())) as client:
    ...     client.get("/api/studio").json()["model"]
    'espcn_x2'
    """
    queue = Queue()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # What the first visitor sees is made before it is asked for.
        first = asyncio.create_task(queue.heavy(lambda: stage.subject(stage.first_recipe()), "the studio", alone=True))
        first.add_done_callback(lambda done: done.cancelled() or done.exception())
        yield
        first.cancel()
        queue.close()

    app = FastAPI(
        title="linearscope studio",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=schema.ERRORS,
        dependencies=[Depends(_nothing_ignored)],
    )
    app.state.queue = queue
    _say_errors(app)
    _add_page(app)
    _add_choices(app, stage, queue)
    desk = Desk(stage, queue)
    add_answers(app, desk)
    add_streams(app, desk)
    return app


async def _nothing_ignored(request: Request) -> None:
    """Refuse a question that names what nothing reads, or names something twice."""
    route = request.scope["route"]
    if not request.url.path.startswith("/api"):
        return
    known = {field.alias for field in route.dependant.query_params}
    seen: set[str] = set()
    for name, given in request.query_params.multi_items():
        if name not in known or name in seen:
            kind = "repeated" if name in seen else "extra_forbidden"
            raise RequestValidationError([{"loc": ("query", name[:60]), "type": kind, "msg": "", "input": given}])
        seen.add(name)


def _say_errors(app: FastAPI) -> None:
    def said(status: int, code: str, message: str) -> JSONResponse:
        headers = {"Retry-After": "2"} if status == 429 else None
        return JSONResponse({"error": {"code": code, "message": message}}, status, headers)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        return said(*refusal(error))

    async def unread(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return said(422, "input", unreadable(error.errors()))

    async def unrouted(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        advice = {
            404: "There is no such page. Open the address without a path.",
            405: "That cannot be done here. Use GET or POST.",
        }
        text = advice.get(error.status_code, "The question cannot be read. Load the page again.")
        answer = said(error.status_code, "missing" if error.status_code == 404 else "input", text)
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(RequestValidationError, unread)
    app.add_exception_handler(HTTPException, unrouted)
    for kind in (LinearscopeError, Missing, Dropped, Busy, MemoryError, Exception):
        app.add_exception_handler(kind, refused)


def _add_page(app: FastAPI) -> None:
    if not (ASSETS / "index.html").is_file():
        raise InputError("The files of the studio's page are missing. Install linearscope again.")
    held = {path.name: path.read_bytes() for path in ASSETS.iterdir() if path.suffix in TYPES}

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    def index() -> Response:
        return Response(held["index.html"], media_type=TYPES[".html"])

    @app.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    def asset(name: str) -> Response:
        if name not in held:
            raise Missing("The page has no such file. Load it again.")
        return Response(held[name], media_type=TYPES[Path(name).suffix])

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return Response(status_code=204)


def _add_choices(app: FastAPI, stage: Stage, queue: Queue) -> None:
    decoding = asyncio.Semaphore(DECODING)

    @app.get("/api/studio", operation_id="studio")
    async def studio() -> schema.StudioInfo:
        """Everything that can be chosen."""
        methods = [
            schema.MethodInfo(
                name=one.name,
                title=one.title,
                family=one.family,
                source=one.source,
                layer=one.layer,
                first=one.name in FIRST_METHODS,
                needs=NEEDS.get(one.name, ""),
            )
            for one in METHODS.values()
        ]
        return schema.StudioInfo(
            version=VERSION,
            models=stage.models(),
            images=stage.photos.list(),
            methods=methods,
            variants=[*VARIANTS],
            limits=schema.Limits(
                upload_bytes=UPLOAD_BYTES,
                upload_pixels=UPLOAD_PIXELS,
                vectors=long_answers.VECTORS,
                methods=long_answers.METHODS_AT_ONCE,
                epsilon=EPSILON,
            ),
            model=stage.first_recipe().model,
            image=stage.first_recipe().image,
        )

    @app.post(
        "/api/images",
        operation_id="upload",
        openapi_extra={
            "requestBody": {
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                "required": True,
            }
        },
    )
    async def upload(request: Request, name: Annotated[str, Query(min_length=1, max_length=200)]) -> schema.Photo:
        """Hold a photo for the studio: the bytes of a file."""
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > UPLOAD_BYTES:
                break
        plain = "".join(letter for letter in name if letter.isprintable()).strip() or "photo"
        async with decoding:
            return await asyncio.to_thread(stage.photos.add, bytes(data), plain)

    @app.get(
        "/api/images/{image}/thumbnail",
        operation_id="thumbnail",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    async def thumbnail(image: Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]) -> Response:
        """A small picture of a photo."""
        async with decoding:
            return Response(await asyncio.to_thread(stage.photos.thumbnail, image), media_type="image/png")

    @app.post("/api/subjects", operation_id="subject")
    async def subject(request: Request, asked: schema.AskedSubject, visitor: Visitor = None) -> schema.SubjectInfo:
        """Capture a network on a photo and interpret it, or take it from what is held."""
        recipe = stage.recipe(asked.model, asked.image, asked.side)
        return await attended(
            request, queue.heavy(lambda: stage.subject(recipe).info, visitor_of(request, visitor), alone=True)
        )

    @app.post("/api/subjects/{subject}/attack", operation_id="attack")
    async def attack(
        request: Request, subject: SubjectId, asked: schema.AskedAttack, visitor: Visitor = None
    ) -> schema.SubjectInfo:
        """The same network on the photo after an attack."""
        if asked.epsilon > EPSILON:
            raise InputError(f"epsilon is {asked.epsilon:g}. Give at most {EPSILON:g} pixel levels.")

        def attacked() -> schema.SubjectInfo:
            before = stage.find(subject)
            if asked.label is not None:
                before.score(asked.label)
            made = before.recipe
            return stage.subject(Recipe(made.model, made.image, made.side, subject, asked.epsilon, asked.label)).info

        return await attended(request, queue.heavy(attacked, visitor_of(request, visitor), "attack", alone=True))

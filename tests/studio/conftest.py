import json
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="the extra `studio` is not installed")

from fastapi.testclient import TestClient

from linearscope.studio import Stage, create_app
from linearscope.studio.security import Guard
from tests.studio.browser import browsing
from tests.studio.raw import serving


@pytest.fixture(scope="session")
def stage():
    return Stage()


@pytest.fixture(scope="session")
def client(stage):
    with TestClient(create_app(stage), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def studio(stage):
    """Address of a studio behind its guard, with the same stage as ``client``."""
    with serving(lambda at: Guard(create_app(stage), hosts=at.hosts, names=at.names, port=at.port)) as place:
        yield place.url


# Captures are made by the server's own thread alone: PyTorch's tracing keeps its state for the whole process.
@pytest.fixture(scope="session")
def shown(stage, studio):
    """The subject with which the studio shows a network on a photo."""

    def ask(model, image="espresso", side=None):
        body = json.dumps({"model": model, "image": image, "side": side}).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{studio}api/subjects", body, headers)) as answer:
            return stage.find(json.load(answer)["id"])

    return ask


@pytest.fixture(scope="session")
def interpreter(shown):
    """Its interpreter."""
    return lambda *asked, **side: shown(*asked, **side).it


# Of a module: while Playwright is there, an event loop runs in the main thread, and tests without it start their own.
@pytest.fixture(scope="module")
def chromium():
    with browsing() as browser:
        yield browser

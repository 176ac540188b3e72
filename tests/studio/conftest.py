import pytest

pytest.importorskip("fastapi", reason="the extra `studio` is not installed")

from fastapi.testclient import TestClient

from linearscope.studio import Stage, create_app


@pytest.fixture(scope="session")
def stage():
    return Stage()


@pytest.fixture(scope="session")
def client(stage):
    with TestClient(create_app(stage), raise_server_exceptions=False) as client:
        yield client

"""Whatever is asked, in the terms of the schema or out of them: an answer or a refusal in words, never a failure."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from linearscope.studio import schema as ours  # noqa: E402
from tests.studio.asking import Asked  # noqa: E402

OPERATIONS = [
    "studio",
    "upload",
    "thumbnail",
    "subject",
    "attack",
    "pictures",
    "output",
    "field",
    "scores",
    "contributions",
    "layer_map",
    "discussion",
    "votes",
    "vote_map",
    "spectrum",
    "triplet",
    "compare",
    "heatmap",
    "page",
    "page_plan",
]
#: Long answers are asked for k and methods that are quick.
QUICK = {"k": 2, "tol": 0.05, "methods": "gradient,contributions", "stride": 64}


@pytest.fixture(scope="module")
def subjects(client):
    made = [Asked(client, "small_vgg"), Asked(client, "espcn_x2", side=32), Asked(client, "small_vgg", epsilon=2.0)]
    return [one.info["id"] for one in made]


@pytest.fixture(scope="module")
def operations(client):
    api = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    found = (result.ok() for result in api.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_question_fails(name, client, subjects, operations):
    operation = operations[name]

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), number=st.integers(0, 11))
    def ask(case, number):
        path = {name: str(value) for name, value in dict(case.path_parameters or {}).items()}
        query = {name: value for name, value in dict(case.query or {}).items() if value is not None}
        # A name that was never given is refused at once, so that most questions are about what is there.
        if "subject" in path and number % 4:
            path["subject"] = subjects[number % 3]
        if number % 3:
            query |= {name: value for name, value in QUICK.items() if name in query}
        address = operation.path.format(**{name: quote(value, safe="") for name, value in path.items()})
        answer = client.request(case.method, address, params=query, **body(case))
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            said = answer.json()["error"]
            assert set(said) == {"code", "message"}
            assert said["message"].endswith(".")
            assert ". " in said["message"]
        assert '"unexpected"' not in answer.text[-2000:]

    ask()


def body(case):
    if isinstance(case.body, (dict, list, str, int, float, bool)):
        return {"json": case.body}
    return {"content": case.body} if isinstance(case.body, bytes) else {}


def test_every_operation_is_asked(operations):
    assert set(operations) == set(OPERATIONS)


def test_types_of_the_page_are_those_of_the_schema(client):
    """The page's types.ts names the same fields as the schema, type by type."""
    source = Path(__file__).parents[2] / "frontend" / "src" / "core" / "types.ts"
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", source.read_text(), flags=re.DOTALL)
    there = {
        name: set(re.findall(r"^\s*(\w+):", body, flags=re.MULTILINE))
        for name, body in re.findall(r"export interface (\w+) \{\n(.*?)\n\}", text, flags=re.DOTALL)
    }
    pairs = {
        "Model": ours.ModelInfo,
        "Photo": ours.Photo,
        "MethodInfo": ours.MethodInfo,
        "Studio": ours.StudioInfo,
        "Certificate": ours.CertificateInfo,
        "Score": ours.Score,
        "AttackInfo": ours.AttackInfo,
        "Subject": ours.SubjectInfo,
        "LayerShare": ours.LayerShare,
        "ContributionsInfo": ours.ContributionsInfo,
        "VotesInfo": ours.VotesInfo,
        "SpectrumStep": ours.SpectrumStep,
        "Triplet": ours.Triplet,
        "SpectrumDone": ours.SpectrumDone,
        "CheckInfo": ours.CheckInfo,
        "Answer": ours.Answer,
        "PagePlan": ours.PagePlan,
    }
    for name, model in pairs.items():
        assert there[name] == set(model.model_fields), name

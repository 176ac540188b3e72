"""Every answer over HTTP is the library's own."""

import io
import json

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.analysis import share_maps
from linearscope.attribution import compare
from tests.studio.asking import Asked, whole

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def upscaler(client):
    return Asked(client, "espcn_x2", side=32)


@pytest.fixture(scope="module")
def classifier(client):
    return Asked(client, "small_vgg")


@pytest.fixture(scope="module")
def it(stage, upscaler):
    return stage.find(upscaler.info["id"]).it


@pytest.fixture(scope="module")
def scores(stage, classifier):
    return stage.find(classifier.info["id"]).it


def test_what_can_be_chosen(client):
    said = client.get("/api/studio").json()
    assert said["model"] in [model["name"] for model in said["models"]]
    assert said["image"] in [image["id"] for image in said["images"]]
    assert {method["name"] for method in said["methods"]} == set(ls.attribution.METHODS)
    assert sum(method["first"] for method in said["methods"]) == 6
    assert [method["name"] for method in said["methods"] if method["needs"]] == ["relevant-units"]


@pytest.mark.parametrize(("kind", "channel"), [("column", 1), ("row", 2), ("column", None), ("row", None)])
def test_fields(upscaler, it, kind, channel):
    header, arrays = upscaler.packet(
        "field", kind=kind, row=5, column=9, **({} if channel is None else {"channel": channel})
    )
    ask = it.columns if kind == "column" else it.rows
    wanted = ask([(c, 5, 9) for c in (range(3) if channel is None else [channel])]).sum(0)
    assert np.allclose(whole(header, arrays["values"]), wanted.numpy(), **CLOSE)
    assert header["channel"] == channel
    assert header["energy"] == pytest.approx(float(wanted.double().square().sum()), rel=1e-4)


def test_pictures_and_outputs(upscaler, classifier, it):
    _, arrays = upscaler.packet("pictures")
    assert arrays["input"].shape == (32, 32, 3)
    assert arrays["output"].shape == (64, 64, 3)
    _, arrays = upscaler.packet("output")
    assert np.allclose(arrays["output"], it.output[0].numpy(), **CLOSE)
    assert np.allclose(arrays["residual"], it.residual[0].numpy(), **CLOSE)
    assert set(classifier.packet("pictures")[1]) == {"input"}


def test_scores_and_their_sums(classifier, scores):
    said = classifier.get("scores").json()["scores"]
    assert [one["score"] for one in said] == scores.output.flatten().tolist()
    for one in classifier.get("contributions", targets="1,7").json()["contributions"]:
        total = one["input"] + sum(layer["share"] for layer in one["layers"])
        assert total == pytest.approx(one["target"]["score"], rel=1e-5)
        for layer in one["layers"]:
            if layer["map"]:
                header, arrays = classifier.packet("layer-map", target=one["target"]["index"], layer=layer["layer"])
                assert arrays["values"].sum() == pytest.approx(layer["share"], rel=1e-4, abs=1e-5)
                assert header["share"] == pytest.approx(layer["share"], rel=1e-4, abs=1e-5)


def test_discussions_and_votes(classifier, scores):
    header, arrays = classifier.packet("discussion", targets="2,0,5", variant="input")
    wanted = ls.discussion(scores, [2, 0, 5], variant="input")
    assert [one["index"] for one in header["targets"]] == [2, 0, 5]
    assert np.allclose(arrays["maps"], wanted.maps.numpy(), **CLOSE)
    assert classifier.get("votes/map", variant="spread", pool=3).status_code == 404
    said = classifier.stream("votes", variant="spread", pool=3)
    assert [name for name, _ in said] == ["progress", "done"]
    votes = ls.votes(ls.discussion(scores), pool=3)
    assert np.array_equal(classifier.packet("votes/map", variant="spread", pool=3)[1]["winner"], votes.winner.numpy())
    assert {one["index"]: one["share"] for one in said[-1][1]["ranking"]} == pytest.approx(dict(votes.ranking()))


def test_an_attack_changes_what_is_said(client, classifier):
    after = Asked(client, "small_vgg", epsilon=8.0)
    attack = after.info["attack"]
    assert attack["of"] == classifier.info["id"]
    assert attack["before"]["index"] == classifier.info["scores"][0]["index"]
    before = classifier.get("scores").json()["scores"][attack["label"]["index"]]["score"]
    assert attack["label"]["score"] < before
    change = np.abs(after.packet("pictures")[1]["input"].astype(int) - classifier.packet("pictures")[1]["input"])
    assert 0 < change.max() <= 8


@pytest.mark.parametrize("tol", [1e-2, 1e-5])
def test_a_spectrum_is_that_of_svd(upscaler, it, tol):
    said = upscaler.stream("spectrum", k=4, tol=tol)
    wanted = ls.svd(it, 4, tol=tol)
    assert said[0][0] == "step"
    done = said[-1][1]
    assert said[-1][0] == "done"
    values = np.array([one["value"] for one in done["triplets"]])
    assert np.allclose(values, wanted.singular_values.numpy(), rtol=max(tol, 1e-5))
    assert all(one["converged"] and one["residual"] <= tol * values[0] for one in done["triplets"])
    last = {data["index"]: data for name, data in said if name == "triplet"}
    assert [last[i]["value"] for i in range(4)] == values.tolist()
    x = it.point.double().flatten().numpy()
    for i, one in enumerate(done["triplets"]):
        _, arrays = upscaler.packet("spectrum/vectors", k=4, tol=tol, index=i)
        v = torch.from_numpy(arrays["eigen_input"].copy())
        error = it.matvec(v[None])[0].numpy() - one["value"] * arrays["eigen_output"]
        assert np.linalg.norm(error) <= 1.1 * tol * values[0] + 1e-4
        assert one["coefficient"] == pytest.approx(float(v.double().flatten().numpy() @ x), rel=1e-4, abs=1e-4)
    again = upscaler.stream("spectrum", k=4, tol=tol)
    assert again[-1] == said[-1]
    assert [name for name, _ in again] == ["triplet"] * 4 + ["done"]


@pytest.mark.parametrize("fixture", ["classifier", "upscaler"])
def test_methods_are_those_of_the_library(fixture, request, stage):
    asked = request.getfixturevalue(fixture)
    subject = stage.find(asked.info["id"])
    names = ["gradient", "contributions", "integrated-gradients", "grad-cam", "votes"]
    said = asked.stream("compare", methods=",".join(names), target=3)
    assert [name for name, _ in said[:1] + said[-1:]] == ["begin", "done"]
    answers = {data["method"]: data for name, data in said if name == "answer"}
    left = {data["method"]: data["reason"] for name, data in said if name == "left_out"}
    wanted = compare(subject.captured.explainer, subject.it.image, 3, methods=names, strict=False)
    assert [one.method.name for one in wanted.answers] == [*answers]
    assert left == dict(wanted.left_out)
    assert said[-1][1]["methods"] == [*answers]
    for number, name in enumerate(answers):
        _, arrays = asked.packet("compare/map", method=name, target=3)
        assert np.allclose(arrays["heatmap"], wanted.heatmaps[number, 0].numpy(), rtol=1e-4, atol=1e-6)
    check = answers["contributions"]["check"]
    assert check["holds"]
    assert check["error"] <= check["tolerance"] == 1e-4
    assert answers["gradient"]["check"] is None
    assert answers["integrated-gradients"]["check"]["tolerance"] == 0.05


def test_share_maps_sum_to_the_shares(scores):
    found = share_maps(scores, 4)
    wanted = ls.contributions(scores, 4)
    assert float(found["input"].double().sum()) == pytest.approx(wanted.input, rel=1e-5)
    assert set(found) - {"input"} <= set(wanted.layers)
    for name in set(found) - {"input"}:
        assert float(found[name].double().sum()) == pytest.approx(wanted.layers[name], rel=1e-4, abs=1e-5)


def test_files_say_what_they_are(upscaler):
    answer = upscaler.get("field", kind="row", row=1, column=2, channel=0, format="npz")
    assert answer.headers["content-disposition"] == 'attachment; filename="espcn_x2-Espresso-32-row-0-1-2.npz"'
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as file:
        assert np.array_equal(
            file["values"], upscaler.packet("field", kind="row", row=1, column=2, channel=0)[1]["values"]
        )
        about = json.loads(str(file["about"]))
    assert (about["model"], about["image"], about["side"], about["attack"]) == ("espcn_x2", "espresso", 32, None)
    assert (about["interpretation"], about["dtype"]) == ("freeze", "float32")
    assert "train_restoration.py" in about["weights"]


WRONG = [
    ("field", {"kind": "column", "row": 32, "column": 0}, "There is no row 32. Give one from 0 to 31."),
    ("field", {"kind": "row", "row": 0, "column": 64}, "There is no column 64. Give one from 0 to 63."),
    ("field", {"kind": "row", "row": 0, "column": 0, "channel": 3}, "There is no channel 3. Give one from 0 to 2."),
    ("field", {"kind": "row", "row": 0, "column": 0, "place": 3}, "There is no place. Leave it out."),
    ("field", {"kind": "row", "row": [0, 1], "column": 0}, "The row is given more than once. Give it once."),
    (
        "page",
        {"kind": "row", "stride": 8, "at": "1,1_2,2"},
        "The at is '1,1_2,2'. Give it in the form that the page uses.",
    ),
    (
        "page",
        {"kind": "row", "stride": 8, "path": "1,1_"},
        "The path is '1,1_'. Give it in the form that the page uses.",
    ),
    (
        "page/plan",
        {"kind": "row", "stride": 8, "pins": "1,10000"},
        "A pin is at (1, 10000), outside of 64 x 64 pixels.",
    ),
    ("field", {"kind": "both", "row": 0, "column": 0}, "The kind is 'both'. Give 'row' or 'column'."),
    ("field", {"kind": "row", "row": "x", "column": 0}, "The row is 'x'. Give a whole number."),
    ("field", {"kind": "row", "row": 0}, "The column is missing. Give it."),
    ("spectrum", {"k": 0, "tol": 0.1}, "The k is '0'. Give at least 1."),
    ("spectrum", {"k": 2, "tol": "nan"}, "The tol is 'nan'. Give a finite number."),
    ("compare", {"methods": "gradiant"}, "There is no method 'gradiant'; the nearest are"),
    ("compare", {"methods": "gradient,gradient"}, "2 methods were named. Name 1 to 40, each once."),
    ("compare", {"methods": "gradient", "target": 99999999}, "There is no output 99999999. Give one from 0 to 12287."),
    ("scores", {}, "A list of scores needs a network that gives labels, and espcn_x2 makes an image."),
]


@pytest.mark.parametrize(("path", "query", "message"), WRONG)
def test_what_cannot_be_answered_says_why(upscaler, path, query, message):
    answer = upscaler.get(path, **query)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "input"
    assert answer.json()["error"]["message"].startswith(message)


def test_labels_that_are_not_there_are_refused(classifier):
    for path, query in [
        ("contributions", {"targets": "10"}),
        ("discussion", {"targets": "1,1"}),
        ("discussion", {"targets": "1", "variant": "x"}),
        ("layer-map", {"target": 1, "layer": "nothing"}),
        ("contributions", {"targets": "1;2"}),
        ("spectrum", {"k": 2, "tol": 0.01}),
        ("field", {"kind": "row", "row": 0, "column": 0}),
    ]:
        assert classifier.get(path, **query).status_code == 422, path
    assert classifier.get("compare/map", method="gradient", target=9).status_code == 404

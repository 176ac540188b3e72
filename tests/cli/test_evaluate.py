"""``linearscope evaluate``: the page, the numbers and values beside it, going on, and every way to ask wrongly."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from linearscope.attribution import METHODS, register_method
from linearscope.attribution import methods as methods_registry
from linearscope.cli.evaluate_options import asked_methods, asked_metrics
from linearscope.errors import InputError
from linearscope.evaluation import metrics as registry
from linearscope.evaluation.metrics import METRICS
from tests.report.conftest import Page

MODEL = ["--model", "models.py:classifier", "--batch", 2, "--out", "found"]
FEW = ["--methods", "gradient,grad-cam", "--metrics", "iou-auc,fidelity,deletion", "--option", "steps=4"]


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are fastest alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos(work):
    """Three photos of noise with masks."""
    generator = np.random.default_rng(0)
    for i in range(3):
        pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        mask = np.zeros((20, 24), dtype=np.uint8)
        mask[4 + i : 12, 6:15] = 1
        for kind, image in (("images", pixels), ("masks", mask)):
            (work / "photos" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(work / "photos" / kind / f"{i}.png")
    return work


def numbers(work):
    return json.loads((work / "found" / "report" / "result.json").read_text())


def test_the_page_its_numbers_and_values(photos, run):
    (photos / "photos" / "labels.csv").write_text("0,1\n1,2\n2,3\n")
    (photos / "names.txt").write_text("\n".join(["ant", "bee", "cat", "dog", "emu"]))
    code, out, err = run("evaluate", "photos", *MODEL, *FEW, "--labels", "names.txt", "--against", "gradient")
    assert code == 0, err
    report = photos / "found" / "report"
    found = numbers(photos)
    assert found["schema"] == "linearscope.evaluate/1"
    assert [one["name"] for one in found["methods"]] == ["gradient", "grad-cam", "random", "centre", "edges"]
    assert [one["name"] for one in found["metrics"]] == ["iou-auc", "fidelity", "deletion"]
    assert found["labelled"]
    assert np.load(report / "values" / "images.npz")["targets"].tolist() == [1, 2, 3]
    for metric in found["metrics"]:
        values = np.load(report / metric["values"])
        means = {name: values[name].mean() for name in metric["estimates"]}
        for name, one in metric["estimates"].items():
            assert one["mean"] == pytest.approx(means[name])
            assert one["low"] <= one["mean"] <= one["high"]
            assert one["count"] == 3
        order = sorted(means, key=means.get, reverse=metric["better"] == "higher")
        assert [means[name] for name in metric["ranking"]] == [means[name] for name in order]
        assert metric["compared_with"] == "gradient"
        assert metric["differences"]["edges"]["mean"] == pytest.approx(means["edges"] - means["gradient"])
    for file in found["figures"]:
        with Image.open(report / file) as picture:
            assert np.asarray(picture).std() > 2
    assert found["metrics"][2]["options"] == {"steps": 4}
    page = Page((report / "index.html").read_text())
    text = " ".join(page.words)
    assert "ant" not in text.split()
    assert "bee, cat, dog" in text
    assert "Every method against gradient" in text
    assert "iou-auc (higher is better)" in out


def test_interrupted_the_same_command_goes_on(photos, run, monkeypatch):
    function, left = METRICS["iou-auc"].function, [4]

    def stopped(case):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return function(case)

    arguments = ["evaluate", "photos", *MODEL, "--methods", "gradient,grad-cam", "--metrics", "iou-auc,pointing"]
    monkeypatch.setitem(registry._METRICS, "iou-auc", replace(METRICS["iou-auc"], function=stopped))
    code, _, err = run(*arguments)
    assert code == 130
    assert "goes on where it stopped" in err
    assert len(list((photos / "found" / "records").iterdir())) == 4
    monkeypatch.setitem(registry._METRICS, "iou-auc", replace(METRICS["iou-auc"], function=function))
    assert run(*arguments)[0] == 0
    assert len(list((photos / "found" / "records").iterdir())) == 10
    code, _, err = run(*arguments, "--seed", 1)
    assert code == 2
    assert "other settings (seed)" in err


def test_methods_that_do_not_apply_are_named_with_their_reason(photos, run, monkeypatch):
    few = {name: METHODS[name] for name in ("gradient", "contributions")}
    monkeypatch.setattr(methods_registry, "_METHODS", few)

    @register_method("never", "never", "none", family="baseline", heatmap="positive")
    def never(explainer, images, targets, layer):
        raise InputError("This one is never ready.")

    monkeypatch.setattr("linearscope.attribution.METHODS", few)
    monkeypatch.setattr("linearscope.attribution.explainer.METHODS", few)
    monkeypatch.setattr("linearscope.evaluation.protocol.METHODS", few)
    code, _, err = run("evaluate", "photos", *MODEL, "--methods", "all", "--metrics", "pointing")
    assert code == 0, err
    assert "never is left out: This one is never ready." in err
    assert numbers(photos)["left_out"] == {"never": "This one is never ready."}
    assert "never ready" in (photos / "found" / "report" / "index.html").read_text()
    code, _, err = run("evaluate", "photos", *MODEL, "--methods", "gradient,never", "--metrics", "pointing")
    assert code == 2
    assert "This one is never ready." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--methods", "gradeint"], "no method 'gradeint'"),
        (["photos", "--metrics", "iou"], "no metric 'iou'"),
        (["photos", "--option", "grad-cam.wide=3"], "no option of grad-cam 'wide'"),
        (["photos", "--methods", "gradient", "--option", "grad-cam.wide=3"], "grad-cam, which is not asked"),
        (["photos", "--metrics", "pointing", "--option", "deletion.steps=3"], "deletion, which is not measured"),
        (["photos", "--option", "pointing.radius=3"], "no option of pointing 'radius'"),
        (["photos", "--option", "tolerance=3", "--option", "tolerance=4"], "pointing.tolerance twice"),
        (["photos", "--methods", "gradient@a b"], "no way to ask gradient"),
        (["photos", "--methods", "gradient,gradient@x"], "ask the same thing"),
        (["photos", "--methods", "gradient", "--units", "units.npz"], "--units is for the method relevant-units"),
        (["photos", "--methods", "gradient", "--layer", "features"], "None of the methods needs a layer"),
        (["photos", "--batch", "17"], "--batch is 17"),
        (["photos", "--count", "0"], "--count of 1 or more"),
        ([], "No data is named"),
        (["nothing/there"], "There is no folder nothing/there"),
        (["an8flower-single"], "no data set or folder 'an8flower-single'"),
    ],
)
def test_mistakes_before_the_model_is_asked(photos, run, arguments, message):
    code, _, err = run("evaluate", *arguments, "--model", "models.py:classifier", "--out", "found")
    assert code == 2
    assert message in err
    assert not (photos / "found").exists()


def test_mistakes_that_need_the_model(photos, run):
    mask = photos / "photos" / "masks" / "1.png"
    Image.fromarray(np.zeros((20, 24), dtype=np.uint8)).save(mask)
    code, _, err = run("evaluate", "photos", *MODEL, *FEW)
    assert code == 2
    assert "masks/1.png is empty" in err
    code, _, err = run("evaluate", "photos", *MODEL, "--methods", "gradient", "--metrics", "fidelity", "--count", 2)
    assert code == 0, err  # needs no masks
    code, _, err = run("evaluate", "an8flower-single-6c", *MODEL, "--methods", "gradient", "--count", 2)
    assert code == 2
    assert "6 classes and the model 5 scores" in err
    for path in (photos / "photos" / "masks").iterdir():
        path.unlink()
    (photos / "photos" / "masks").rmdir()
    code, _, err = run("evaluate", "photos", *MODEL, "--methods", "gradient", "--metrics", "pointing", "--out", "other")
    assert code == 2
    assert "'pointing' needs a mask for every image" in err


def test_the_table_of_metrics(run):
    code, out, _ = run("evaluate", "--list")
    assert code == 0
    for name in METRICS:
        assert name in out
    assert "Baselines, always measured: random" in out


def test_options_go_to_those_that_have_them():
    options = ["steps=7", "lrp-epsilon.epsilon=2", "insertion.fill=blur"]
    asked, named = asked_methods(
        "grad-cam,lrp-epsilon@deep,integrated-gradients",
        ["grad-cam=features.2"],
        ["lrp-epsilon@deep.epsilon=2", "steps=7"],
        None,
    )
    assert named
    assert [(one.name, one.method, one.layer, dict(one.options)) for one in asked] == [
        ("grad-cam", "grad-cam", "features.2", {}),
        ("lrp-epsilon@deep", "lrp-epsilon", None, {"epsilon": 2}),
        ("integrated-gradients", "integrated-gradients", None, {"steps": 7}),
    ]
    assert asked_metrics("deletion,insertion", options, []) == {
        "deletion": {"steps": 7},
        "insertion": {"steps": 7, "fill": "blur"},
    }
    (one,), _ = asked_methods("lrp-epsilon@a", [], ["epsilon=3"], None)
    assert one.options == {"epsilon": 3}


def test_with_a_bundled_network_on_rendered_plants(work, run):
    few = ["--methods", "gradient,guided-backprop", "--metrics", "iou-auc,class-sensitivity"]
    code, _, err = run("evaluate", "an8flower-single-6c", *few, "--count", 6, "--batch", 6, "--out", "found")
    assert code == 0, err
    found = numbers(work)
    assert found["about"]["model"] == "an8flower_6c"
    assert found["images"] == 6
    overlap, alike = found["metrics"]
    assert set(overlap["shown_to_beat_the_baselines"]) == {"gradient", "guided-backprop"}
    assert alike["ranking"][:2] == ["gradient", "guided-backprop"]

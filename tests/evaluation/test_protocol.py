"""The protocol: what it measures is what the metrics say, one by one; it goes on where it stopped; who is better."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.attribution import METHODS
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation import deletion, estimate, iou_curve, parameter_randomisation, pointing_game
from linearscope.evaluation import metrics as registry
from linearscope.evaluation.baselines import BASELINES
from linearscope.evaluation.data import ImagesWithMasks
from linearscope.evaluation.metrics import METRICS, Measured, register_metric
from linearscope.evaluation.protocol import evaluate, refusals
from linearscope.evaluation.results import Asked, Evaluated, Evaluation, Scored

FAST = ["iou-auc", "pointing", "checkerboard"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Networks this small are fastest alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU()
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)).double().eval()


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(1)
    masks = torch.zeros(5, 16, 16, dtype=torch.bool)
    masks[:, 3:9, 5:12] = True
    images = torch.rand(5, 3, 16, 16, generator=generator, dtype=torch.float64)
    return ImagesWithMasks("noise", tuple("abcde"), images, masks, ("0", "1", "2", "3", "4"))


@pytest.fixture(scope="module")
def explainer(model, data):
    return ls.Explainer(model, data.images[:2])


@pytest.fixture(scope="module")
def randomised(explainer, data):
    return evaluate(explainer, data, ["guided-backprop"], {"randomisation": {"stops": 9}, "class-sensitivity": {}})


@pytest.fixture
def counted(monkeypatch):
    """How often a method was asked, batch by batch."""
    asked = []
    method = METHODS["gradient"]

    def function(*arguments, **options):
        asked.append(1)
        return method.function(*arguments, **options)

    monkeypatch.setitem(METHODS, "gradient", replace(method, function=function))
    return asked


def test_every_number_is_what_the_metric_alone_says(explainer, data):
    """In batches of 2 with a last one of 1, against all five images at once."""
    metrics = {**{name: {} for name in FAST}, "deletion": {"steps": 4}}
    found = evaluate(explainer, data, ["gradient", "grad-cam"], metrics)
    targets = torch.arange(5)
    assert found.targets.tolist() == targets.tolist()
    assert found.labelled
    for name in ("gradient", "grad-cam"):
        maps = explainer(data.images, targets, method=name).heatmap()
        curve = iou_curve(maps, data.masks)
        scored = found[name].scored
        assert torch.allclose(scored["iou-auc"].values, curve.values, atol=1e-12)
        assert torch.allclose(scored["iou-auc"].curve.y.double(), curve.curves, atol=1e-6)
        assert torch.equal(scored["pointing"].values, pointing_game(maps, data.masks).values)
        direct = deletion(explainer.scores, data.images, maps, targets, steps=4)
        assert torch.allclose(scored["deletion"].values, direct.values, atol=1e-12)
        assert scored["iou-auc"].estimate == estimate(curve.values)
        assert torch.allclose(found[name].heatmaps.double(), maps, atol=1e-6)


def test_the_largest_values_can_be_cut(explainer, data):
    found = evaluate(explainer, data, ["gradient"], {"iou-auc": {"clip": 0.9}})
    maps = explainer(data.images, torch.arange(5), method="gradient").heatmap()
    cut = torch.stack([one.clamp(max=float(np.quantile(one.numpy(), 0.9))) for one in maps])
    expected = iou_curve(cut, data.masks).values
    assert torch.allclose(found["gradient"].scored["iou-auc"].values, expected, atol=1e-9)
    with pytest.raises(InputError, match="above 0 and at most 1"):
        evaluate(explainer, data, ["gradient"], {"iou-auc": {"clip": 0}})


def test_randomisation_is_parameter_randomisation_at_every_layer(model, data, randomised):
    """One capture whose tensors are replaced, against a model and a capture for every layer."""
    direct = parameter_randomisation(model, data.images, torch.arange(5), method="guided-backprop")
    scored = randomised["guided-backprop"].scored["randomisation"]
    assert torch.allclose(scored.curve.y.double(), direct.values.T, atol=1e-6)
    assert torch.allclose(scored.values, direct.values.mean(0), atol=1e-9)
    assert scored.curve.x.tolist() == [0.25, 0.5, 0.75, 1.0]


def test_fewer_stops_end_at_the_whole_model_and_draws_are_averaged(explainer, data, randomised):
    found = evaluate(explainer, data, ["guided-backprop"], {"randomisation": {"stops": 2, "draws": 2}})
    few, every = (one["guided-backprop"].scored["randomisation"].curve for one in (found, randomised))
    assert few.x.tolist() == [0.25, 1.0]
    other = 2 * few.y - every.y[:, [0, -1]]  # the second draw
    assert other.abs().max() <= 1 + 1e-6
    assert not torch.allclose(other, every.y[:, [0, -1]], atol=1e-3)


def test_baselines_know_nothing_of_the_model(data, randomised):
    assert [row.name for row in randomised.rows if row.baseline] == ["random", "centre", "edges"]
    for name in BASELINES:
        for metric in ("class-sensitivity", "randomisation"):
            assert randomised[name].scored[metric].values.tolist() == pytest.approx([1.0] * 5)
    one, other = (BASELINES["random"].function(data.images[:2], numbers) for numbers in ([3, 4], [4, 3]))
    assert torch.equal(one[0], other[1])
    assert not torch.equal(one[0], one[1])
    step = torch.zeros(1, 3, 8, 8)
    step[..., 4:] = 1
    edges = BASELINES["edges"].function(step, [0])[0]
    assert edges[:, 3:5].unique().tolist() == [0.5]
    assert edges[:, [0, 1, 2, 5, 6, 7]].abs().max() == 0


@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_run_that_is_stopped_goes_on(explainer, data, tmp_path, monkeypatch, counted, at):
    whole = evaluate(explainer, data, ["gradient", "grad-cam"], FAST)
    batches = len(counted)
    function, left = METRICS["pointing"].function, [at]

    def stopped(case, **options):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return function(case, **options)

    monkeypatch.setitem(registry._METRICS, "pointing", replace(METRICS["pointing"], function=stopped))
    counted.clear()
    with pytest.raises(KeyboardInterrupt):
        evaluate(explainer, data, ["gradient", "grad-cam"], FAST, out=tmp_path / "run")
    monkeypatch.setitem(registry._METRICS, "pointing", replace(METRICS["pointing"], function=function))
    found = evaluate(explainer, data, ["gradient", "grad-cam"], FAST, out=tmp_path / "run")
    assert len(counted) <= batches + 1  # what was measured is not measured again
    for row, other in zip(found.rows, whole.rows, strict=True):
        for metric in FAST:
            assert torch.equal(row.scored[metric].values, other.scored[metric].values)
    counted.clear()
    evaluate(explainer, data, ["gradient", "grad-cam"], FAST, out=tmp_path / "run")
    assert not counted


def test_a_run_gets_more_metrics_and_methods(explainer, data, tmp_path, counted):
    evaluate(explainer, data, ["gradient"], ["pointing"], out=tmp_path / "run")
    counted.clear()
    found = evaluate(explainer, data, ["grad-cam", "gradient"], FAST, out=tmp_path / "run")
    whole = evaluate(explainer, data, ["grad-cam", "gradient"], FAST)
    for metric in FAST:
        assert torch.equal(found["gradient"].scored[metric].values, whole["gradient"].scored[metric].values)
    counted.clear()
    evaluate(explainer, data, ["gradient"], ["pointing"], out=tmp_path / "run")
    assert not counted


def test_other_settings_are_refused(explainer, data, tmp_path):
    out = tmp_path / "run"
    evaluate(explainer, data, ["grad-cam"], {"pointing": {}}, out=out, settings={"weights": "a"})
    with pytest.raises(InputError, match="other settings \\(weights\\)"):
        evaluate(explainer, data, ["grad-cam"], {"pointing": {}}, out=out, settings={"weights": "b"})
    with pytest.raises(InputError, match="options of pointing"):
        evaluate(explainer, data, ["grad-cam"], {"pointing": {"tolerance": 2}}, out=out, settings={"weights": "a"})
    asked, other = [Asked("grad-cam", explainer.default_layer)], replace(data, masks=~data.masks)
    with pytest.raises(InputError, match="options of grad-cam"):
        evaluate(explainer, data, asked, {"pointing": {}}, out=out, settings={"weights": "a"})
    with pytest.raises(InputError, match="\\(data\\)"):
        evaluate(explainer, other, ["grad-cam"], {"pointing": {}}, out=out, settings={"weights": "a"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds other files"):
        evaluate(explainer, data, ["grad-cam"], ["pointing"], out=tmp_path / "other")


def test_a_file_is_known_by_what_it_holds(explainer, data, tmp_path, monkeypatch, counted):
    """A method that reads a file: moved it is the same, changed it is another."""
    with_file = replace(METHODS["gradient"], options={"units": "a file"}, function=lambda *_, units: asked(*_))
    asked = METHODS["gradient"].function
    monkeypatch.setitem(METHODS, "gradient", with_file)
    for name, text in (("one", "a"), ("moved", "a"), ("other", "b")):
        (tmp_path / name).write_text(text)

    def measure(name):
        method = Asked("gradient", options={"units": str(tmp_path / name)})
        evaluate(explainer, data, [method], ["pointing"], out=tmp_path / "run")

    measure("one")
    measure("moved")
    assert len(counted) == 3
    with pytest.raises(InputError, match="options of gradient"):
        measure("other")


def test_a_damaged_record_is_made_again(explainer, data, tmp_path):
    first = evaluate(explainer, data, ["gradient"], ["iou-auc"], out=tmp_path)
    path = tmp_path / "records" / "00001-gradient.npz"
    path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "records" / "00001-gradient.part").write_bytes(b"begun")
    again = evaluate(explainer, data, ["gradient"], ["iou-auc"], out=tmp_path)
    assert torch.equal(first["gradient"].scored["iou-auc"].values, again["gradient"].scored["iou-auc"].values)
    assert not list((tmp_path / "records").glob("*.part"))


def test_nothing_is_written_for_what_cannot_be_asked(explainer, data, tmp_path):
    with pytest.raises(InputError):
        evaluate(explainer, data, [Asked("lrp-z-box")], ["pointing"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_method_in_two_ways(explainer, data):
    layer = next(iter(explainer.layers))
    asked = [Asked("grad-cam"), Asked("grad-cam@first", layer)]
    found = evaluate(explainer, data, asked, ["iou-auc"])
    assert not torch.equal(*(found[name].scored["iou-auc"].values for name in ("grad-cam", "grad-cam@first")))
    with pytest.raises(InputError, match="asked twice"):
        evaluate(explainer, data, ["grad-cam", "grad-cam"], ["iou-auc"])


def test_methods_that_cannot_be_asked_are_left_out_when_nobody_named_them(explainer, data):
    found = evaluate(explainer, data, ["gradient", "lrp-z-box"], ["pointing"], strict=False)
    assert "bounds" in found.left_out["lrp-z-box"]
    assert [row.name for row in found.rows] == ["gradient", *BASELINES]
    with pytest.raises(InputError, match="No method can be asked"):
        evaluate(explainer, data, ["lrp-z-box"], ["pointing"], strict=False)


def test_without_masks_and_labels(explainer, data):
    bare = replace(data, masks=None, labels=None)
    found = evaluate(explainer, bare, ["gradient"], ["fidelity", "checkerboard"])
    assert found.targets.tolist() == explainer.scores(data.images).argmax(1).tolist()
    assert not found.labelled
    assert found.right == 1
    with pytest.raises(InputError, match="'iou-auc' needs a mask for every image"):
        evaluate(explainer, bare, ["gradient"], ["iou-auc"])
    assert {"iou-auc", "pointing"} == set(refusals(explainer, False))


def test_what_a_model_cannot_be_measured_by(data):
    one = nn.Sequential(nn.Flatten(), nn.Linear(768, 1)).double()
    assert {"fidelity", "deletion", "class-sensitivity"} <= set(refusals(ls.Explainer(one, data.images), True))
    program = ls.Explainer(ls.capture(one, data.images), data.images)
    assert "random" in refusals(program, True)["randomisation"]
    with pytest.raises(InputError, match="at least two scores"):
        evaluate(program, replace(data, labels=None), ["gradient"], ["class-sensitivity"])
    picture = ls.Explainer(nn.Conv2d(3, 3, 1).double(), data.images)
    with pytest.raises(InputError, match="list of scores"):
        evaluate(picture, replace(data, labels=None), ["gradient"], ["pointing"])


@pytest.mark.parametrize(
    ("asked", "metrics", "message"),
    [
        (["gradeint"], FAST, "no method 'gradeint'"),
        (["edges"], FAST, "The baselines are always there"),
        (["gradient"], ["iou"], "no metric 'iou'"),
        (["gradient"], {"pointing": {"radius": 3}}, "no option of pointing 'radius'"),
        (["gradient"], [], "No metric"),
        ([], FAST, "No method"),
    ],
)
def test_names_that_do_not_exist(explainer, data, asked, metrics, message):
    with pytest.raises(InputError, match=message):
        evaluate(explainer, data, asked, metrics)


def test_against_what_is_not_there(explainer, data):
    with pytest.raises(UnknownNameError, match="grad-cam"):
        evaluate(explainer, data, ["gradient"], ["pointing"], against="grad-cam")


def hand_made(values, metric="iou-auc", against=None):
    """An evaluation of given values: capital letters are baselines."""
    rows = tuple(
        Evaluated(
            Asked(name), name, "", "", name.isupper(), "positive", 0.1, torch.zeros(1, 4, 4),
            {metric: Scored(torch.tensor(each, dtype=torch.float64))},
        )
        for name, each in values.items()
    )  # fmt: skip
    count = len(rows[0].scored[metric].values)
    images = torch.zeros(1, 3, 4, 4)
    return Evaluation(
        tuple(map(str, range(count))), images, None, torch.zeros(count, dtype=torch.int64), False, 1.0, rows,
        {metric: {}}, {}, against,
    )  # fmt: skip


def test_who_is_better_is_asked_in_pairs():
    """``near`` differs less from ``best`` than images differ from each other, always; ``same`` now up, now down."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0.2, 0.8, 30)
    found = hand_made(
        {
            "near": images - 0.01 - 0.001 * generator.random(30),
            "best": images,
            "same": images + 0.05 * generator.permutation([-1, 1] * 15) - 1e-4,
            "poor": images / 3,
            "BASE": images / 2,
        }
    )
    assert found.ranking("iou-auc") == ("best", "same", "near", "BASE", "poor")
    assert found.ties == {"iou-auc": {"same"}}
    assert found["near"].scored["iou-auc"].estimate.high > found["best"].scored["iou-auc"].estimate.low
    assert found.above_baselines["iou-auc"] == {"near", "best", "same"}
    assert found.better("iou-auc", "near", "best") is False
    assert found.better("iou-auc", "best", "same") is None
    direct = estimate(found["near"].scored["iou-auc"].values - found["best"].scored["iou-auc"].values)
    assert found.compared["iou-auc"]["near"] == direct
    assert "best" not in found.compared["iou-auc"]
    other = replace(found, against="poor")
    assert set(other.compared["iou-auc"]) == {"near", "best", "same", "BASE"}


def test_lower_is_better_where_it_is():
    values = {"one": [0.1, 0.2, 0.1, 0.15] * 4, "two": [0.5, 0.6, 0.5, 0.4] * 4, "BASE": [0.3, 0.31, 0.32, 0.3] * 4}
    found = hand_made(values, "deletion")
    assert found.ranking("deletion") == ("one", "BASE", "two")
    assert found.above_baselines["deletion"] == {"one"}
    assert found.better("deletion", "one", "two") is True


def test_one_image_shows_nothing():
    found = hand_made({"one": [0.9], "two": [0.1], "BASE": [0.0]})
    assert found.ties["iou-auc"] == {"two"}
    assert not found.above_baselines["iou-auc"]


def test_a_metric_of_ones_own(explainer, data, monkeypatch):
    monkeypatch.setattr(registry, "_METRICS", registry._METRICS)

    @register_metric("size", "size", "none", better="lower", asks="How large?", limits="Else.", power="exponent")
    def size(case, power=1):
        return Measured(case.heatmaps.pow(power).sum((1, 2)))

    try:
        found = evaluate(explainer, data, ["gradient"], {"size": {"power": 2}})
        with pytest.raises(InputError, match="already"):
            register_metric("size", "", "", better="lower", asks="", limits="")(size)
    finally:
        del registry._METRICS["size"]
    maps = explainer(data.images, torch.arange(5), method="gradient").heatmap()
    assert torch.allclose(found["gradient"].scored["size"].values, maps.square().sum((1, 2)))

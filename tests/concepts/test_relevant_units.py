"""Units that tell classes apart, and their file."""

import json

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.concepts import find_units
from tests.concepts.networks import Colours, coloured


@pytest.fixture(scope="module")
def found():
    images, labels, _ = coloured(60)
    return ls.relevant_units(
        Colours(), images, labels, mu=2.0, batch=8, layers=["conv", "relu"], names=["red", "green", "blue"]
    )


def test_each_class_is_told_by_its_own_channel(found):
    assert found.layers == ("conv", "relu")
    for c in range(3):
        best = found.of_class(c, 1)[0]
        assert best.channel == c
        assert best.weight > 0.5


def test_weights_keep_the_bound_and_carry_a_certificate(found):
    assert found.weights.shape == (3, 10)
    assert (abs(found.weights).sum(1) <= 2.0 + 1e-9).all()
    assert found.gap.max() <= 1e-8
    assert found.counts.tolist() == [20, 20, 20]
    assert found.name(1) == "green"


def test_examples_are_the_images_with_the_largest_scores(found):
    images, _, _ = coloured(60)
    scores, _ = found.scorer(ls.capture(Colours(), images))(images)
    for layer, channel in found.identified():
        column = scores[:, found.units.index((layer, channel))]
        assert set(found.exciting(layer, channel)) == set(column.topk(9).indices.tolist())
        first = found.exciting(layer, channel)[0]
        assert float(column[first]) == pytest.approx(float(column.max()))


def test_responses_are_scores_times_weights_over_their_sum(found):
    scores = torch.rand(4, 10, dtype=torch.float64)
    for c in range(3):
        row = found.weights.toarray()[c]
        expected = np.maximum(scores.numpy() * row / row.sum(), 0)
        assert np.allclose(found.responses(scores, c).numpy(), expected, rtol=0, atol=1e-15)


def test_responses_keep_their_order_where_weights_sum_to_less_than_zero():
    scores = torch.tensor([[-1.0, 0.0, 0.2], [-1.0, -0.1, 0.0], [0.0, -1.0, 0.1], [-0.1, -1.0, 0.0]])
    units = find_units(scores, [0, 0, 1, 1], {"a": 3}, mu=3.0)
    row = units.weights.toarray()[0]
    assert row.sum() < 0
    said = units.responses(torch.ones(1, 3, dtype=torch.float64), 0)[0].numpy()
    assert np.allclose(said, np.maximum(row, 0) / abs(row).sum())
    assert (said > 0).any()


def test_portions_and_one_tensor_give_the_same():
    images, labels, _ = coloured(30)
    program = ls.capture(Colours(), images[:4])
    one = ls.relevant_units(program, images, labels, mu=1.0)
    other = ls.relevant_units(program, iter([images[:7], images[7], images[8:]]), labels.tolist(), mu=1.0)
    assert np.array_equal(one.weights.toarray(), other.weights.toarray())


def test_an_imbalanced_class_is_still_told_by_its_channel():
    images, labels, _ = coloured(90)
    kept = torch.cat([(labels != 2).nonzero().flatten(), (labels == 2).nonzero().flatten()[:3]])
    units = ls.relevant_units(Colours(), images[kept], labels[kept], mu=2.0)
    assert units.counts.tolist() == [30, 30, 3]
    assert units.of_class(2, 1)[0].channel == 2


def test_what_is_saved_is_what_is_read(found, tmp_path):
    found.save(tmp_path / "units.npz")
    read = ls.load_relevant_units(tmp_path / "units.npz")
    assert list(tmp_path.iterdir()) == [tmp_path / "units.npz"]
    assert (read.channels, read.classes, read.names) == (found.channels, found.classes, found.names)
    assert (read.mu, read.score, read.units) == (found.mu, found.score, found.units)
    assert np.array_equal(read.weights.toarray(), found.weights.toarray())
    for name in ("gap", "counts", "examples", "excitations"):
        assert np.array_equal(getattr(read, name), getattr(found, name))
    assert read.of_class(2) == found.of_class(2)


def test_damaged_and_foreign_files_are_one_sentence(found, tmp_path):
    path = tmp_path / "units.npz"
    found.save(path)
    whole = path.read_bytes()
    for bad in (whole[: len(whole) // 2], b"", b"no archive", whole[:200] + b"\0" * 64 + whole[264:]):
        path.write_bytes(bad)
        with pytest.raises(ls.InputError, match="damaged or no file"):
            ls.load_relevant_units(path)
    np.savez(path, values=np.zeros(3))
    with pytest.raises(ls.InputError, match="holds no relevant units"):
        ls.load_relevant_units(path)
    np.savez(path, about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ls.InputError, match="damaged or no file"):
        ls.load_relevant_units(path)
    about = json.dumps({"form": "linearscope relevant units 1", "channels": [["a", 2]]}).encode()
    np.savez(path, about=np.frombuffer(about, np.uint8))
    with pytest.raises(ls.InputError, match="damaged or no file"):
        ls.load_relevant_units(path)
    with pytest.raises(ls.InputError, match="There is no file"):
        ls.load_relevant_units(tmp_path / "nothing.npz")


def test_a_place_that_cannot_be_written_is_one_sentence_and_leaves_nothing(found, tmp_path):
    with pytest.raises(ls.InputError, match="cannot be written"):
        found.save(tmp_path / "no" / "units.npz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ls.InputError, match="cannot be written"):
        found.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_units_of_another_network_are_refused(found):
    images = torch.rand(1, 3, 8, 8)
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten())
    with pytest.raises(ls.InputError, match="belong to another network"):
        found.scorer(ls.capture(other, images))
    wider = Colours()
    wider.conv = torch.nn.Conv2d(3, 6, 1)
    with pytest.raises(ls.InputError, match="has 6 channels and not 5"):
        found.scorer(ls.capture(wider, images))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mu": 0.0}, "mu is 0"),
        ({"mu": -3.0}, "mu is -3"),
        ({"labels": [0] * 6}, "only one class"),
        ({"labels": [0, 1, 2, 0, 1, 7]}, "The label 7 is no class; the model has 3 outputs"),
        ({"labels": [0, 1, 2, 0, 1, -1]}, "The label -1"),
        ({"labels": [0, 1, 2, 0, 1]}, "There are 5 labels and 6 images"),
        ({"labels": torch.rand(6)}, "whole numbers"),
        ({"classes": [0, 1, 2], "labels": [0, 1, 0, 1, 0, 1]}, "no images of class 2"),
        ({"images": torch.rand(2, 3, 8, 8), "labels": [0, 1], "classes": [0, 1, 2]}, "2 images and 3 classes"),
        ({"images": torch.rand(0, 3, 8, 8), "labels": []}, "n at least 1"),
        ({"images": [], "labels": [0]}, "There are no images"),
        ({"layers": ["relu2"]}, "There is no layer 'relu2'"),
        ({"layers": [""]}, "There is no layer ''"),
        ({"score": "spectral"}, "There is no score"),
        ({"names": ["red"]}, "1 names"),
    ],
)
def test_bad_input_is_one_sentence(change, said):
    given = {"images": torch.rand(6, 3, 8, 8), "labels": [0, 1, 2, 0, 1, 2], **change}
    images, labels = given.pop("images"), given.pop("labels")
    with pytest.raises(ls.InputError, match=said):
        ls.relevant_units(Colours(), images, labels, **given)
    with pytest.raises(ls.InputError, match="for 0, 1, 2"):
        ls.relevant_units(Colours(), torch.rand(6, 3, 8, 8), [0, 1, 2, 0, 1, 2]).of_class(5)

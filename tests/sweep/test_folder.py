"""The folder sweep: interrupted anywhere it goes on with nothing lost or counted twice."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import linearscope as ls
from linearscope.errors import InputError
from linearscope.models import Preprocessing, read_image
from linearscope.program import fingerprint
from linearscope.sweep import Sweep, image_files

COUNT = 6


class Interrupted(BaseException):
    """Stands for Ctrl-C, or a machine going away."""


@pytest.fixture
def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    ).eval()


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    generator = np.random.default_rng(0)
    for i in range(COUNT):
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(images / f"{i}.png")
    (images / "notes.txt").write_text("no image")
    return images


def sweep(model, out, read=None, **changes):
    prepare = Preprocessing()
    settings = {"model": "small", "weights": fingerprint(model.state_dict().values()), **changes}
    return Sweep(
        out,
        settings=settings,
        capture=lambda image: ls.capture(model, image),
        read=read or (lambda path: prepare(read_image(path))),
        interpretation="freeze",
        epsilon=None,
        bounds=(torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)),
        names=lambda count: ["a", "b", "c"],
    )


def test_records_are_the_contributions(model, folder, tmp_path):
    records, skipped = sweep(model, tmp_path / "out").run(image_files(folder))
    assert [r.file for r in records] == [f"{i}.png" for i in range(COUNT)]
    assert skipped == []
    x = Preprocessing()(read_image(folder / "3.png"))
    c = ls.contributions(ls.interpret(model, x), int(model(x).argmax()))
    assert records[3].score == pytest.approx(c.score)
    assert records[3].layers == pytest.approx(c.layers)
    assert records[3].label == "abc"[int(model(x).argmax())]


@pytest.mark.parametrize("stop", range(COUNT))
def test_interrupted_it_goes_on_where_it_stopped(model, folder, tmp_path, stop):
    whole, _ = sweep(model, tmp_path / "whole").run(image_files(folder))
    prepare, seen = Preprocessing(), []

    def read(path):
        if len(seen) == stop and "stopped" not in seen:
            seen.append("stopped")
            raise Interrupted
        seen.append(path.name)
        return prepare(read_image(path))

    with pytest.raises(Interrupted):
        sweep(model, tmp_path / "out", read).run(image_files(folder))
    again, _ = sweep(model, tmp_path / "out", read).run(image_files(folder))
    assert again == whole
    seen.remove("stopped")
    assert seen == [f"{i}.png" for i in range(COUNT)]


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_line_cut_short_is_done_again(model, folder, tmp_path, cut):
    whole, _ = sweep(model, tmp_path / "out").run(image_files(folder))
    path = tmp_path / "out" / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    again, _ = sweep(model, tmp_path / "out").run(image_files(folder))
    assert again == whole
    assert len(path.read_text().splitlines()) == COUNT + 1
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_changed_image_is_done_again_and_counted_once(model, folder, tmp_path):
    first, _ = sweep(model, tmp_path / "out").run(image_files(folder))
    Image.new("RGB", (8, 8), "red").save(folder / "2.png")
    second, _ = sweep(model, tmp_path / "out").run(image_files(folder))
    assert len(second) == COUNT
    assert second[2] != first[2]
    assert second[:2] + second[3:] == first[:2] + first[3:]


def test_broken_images_are_named_and_left_out(model, folder, tmp_path):
    (folder / "9.png").write_bytes(b"broken")
    records, skipped = sweep(model, tmp_path / "out").run(image_files(folder))
    assert len(records) == COUNT
    assert [name for name, _ in skipped] == ["9.png"]


def test_only_broken_images_are_an_error(model, tmp_path):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"a\.png"):
        sweep(model, tmp_path / "out").run(image_files(tmp_path))


def test_another_model_is_refused_in_the_same_place(model, folder, tmp_path):
    sweep(model, tmp_path / "out").run(image_files(folder))
    with torch.no_grad():
        model[0].weight += 1
    with pytest.raises(InputError, match="weights"):
        sweep(model, tmp_path / "out").run(image_files(folder))


def test_damaged_records_are_refused(model, folder, tmp_path):
    sweep(model, tmp_path / "out").run(image_files(folder))
    path = tmp_path / "out" / "records.jsonl"
    path.write_text("{{{\n" + path.read_text())
    with pytest.raises(InputError, match="damaged"):
        sweep(model, tmp_path / "out").run(image_files(folder))


def test_image_files_of_odd_places(tmp_path):
    for place in (tmp_path / "nowhere", Path(__file__)):
        with pytest.raises(InputError):
            image_files(place)

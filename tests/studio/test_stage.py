import re

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.errors import InputError
from linearscope.models import default_image, load_model, read_image
from linearscope.studio import ModelSource, Stage
from linearscope.studio.photos import Photos
from linearscope.studio.refusals import Missing
from linearscope.studio.subject import Recipe


def test_a_subject_is_the_network_on_the_middle_of_the_photo(stage):
    subject = stage.subject(stage.recipe("espcn_x2", "espresso", 48))
    model = load_model("espcn_x2")
    image = model.preprocessing(read_image(default_image()))[:, :, 176:224, 276:324]
    assert torch.equal(subject.it.image, image)
    assert torch.allclose(subject.it.output, model.module(image), atol=1e-5)
    assert subject.info.kind == "super-resolution"
    assert subject.info.scale == 2
    assert subject.pictures["input"].shape == (48, 48, 3)
    assert subject.pictures["output"].shape == (96, 96, 3)


def test_the_same_subject_is_held(stage):
    one = stage.subject(stage.recipe("small_vgg", "espresso", None))
    assert stage.subject(stage.recipe("small_vgg", "espresso", None)) is one
    assert stage.find(one.id) is one


def test_every_bundled_network_says_its_kind_before_it_is_captured(stage):
    for model in stage.models():
        assert stage.subject(stage.recipe(model.name, model.image, 32 if model.sides else None)).kind == model.kind


def test_subjects_that_do_not_fit_are_made_again_when_asked_for():
    stage = Stage(memory=1)
    first = stage.subject(stage.recipe("small_vgg", "espresso", None))
    stage.subject(stage.recipe("small_vgg_bn", "espresso", None))
    assert stage.held(first.id) is None
    again = stage.find(first.id)
    assert again is not first
    assert again.info.scores == first.info.scores


def test_an_attacked_subject_is_made_again_with_the_one_it_is_of():
    stage = Stage(memory=1)
    before = stage.subject(stage.recipe("small_vgg", "espresso", None))
    made = before.recipe
    after = stage.subject(Recipe(made.model, made.image, made.side, before.id, 2.0, None))
    stage.subject(stage.recipe("small_vgg_bn", "espresso", None))
    assert stage.held(after.id) is None
    assert stage.find(after.id).info.attack == after.info.attack


def test_an_attack_is_that_of_the_library(stage):
    before = stage.subject(stage.recipe("small_vgg", "espresso", None))
    made = before.recipe
    after = stage.subject(Recipe(made.model, made.image, made.side, before.id, 3.0, 5))
    lower, upper = before.placed.bounds
    attack = ls.fgsm(before.it.program, before.it.image, label=5, epsilon=3 / 255, lower=lower, upper=upper)
    assert torch.equal(after.it.image, attack.adversarial)
    assert after.attack.label.index == 5
    assert after.attack.success == attack.success


def test_named_networks_come_first_and_are_loaded_at_once(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\ndef make():\n    return torch.nn.Conv2d(3, 3, 3, padding=1)\n")
    spec = f"{tmp_path / 'mine.py'}:make"
    stage = Stage([ModelSource("mine", lambda: load_model(spec))])
    assert stage.first_recipe().model == stage.models()[0].name == "mine"
    assert stage.models()[0].kind is None
    assert stage.subject(stage.recipe("mine", "espresso", 32)).kind == "image-to-image"
    assert stage.models()[0].kind == "image-to-image"
    with pytest.raises(InputError):
        Stage([ModelSource("none", lambda: load_model("nothing"))])


def test_what_is_not_there_is_refused(stage):
    for wrong in (("nothing", "espresso", None), ("small_vgg", "nothing", None)):
        with pytest.raises(Missing):
            stage.recipe(*wrong)
    with pytest.raises(InputError):
        stage.recipe("small_vgg", "espresso", 64)
    with pytest.raises(Missing):
        stage.find("0" * 16)


def test_photos_of_visitors_are_held_within_a_bound(monkeypatch):
    data = default_image().read_bytes()
    monkeypatch.setattr("linearscope.studio.photos.ALL_BYTES", int(2.5 * len(data)))
    photos = Photos()
    kept = photos.add(data, "a.jpg")
    assert photos.add(data, "a.jpg") == kept
    assert np.array_equal(photos.read(kept.id), read_image(default_image()))
    others = [photos.add(data + bytes([i]), "b.jpg") for i in range(2)]
    held = [photo.id for photo in photos.list() if not photo.bundled]
    assert held == [other.id for other in others]
    with pytest.raises(Missing):
        photos.read(kept.id)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", default_image().read_bytes()[:3000]])
def test_a_file_that_is_no_image_is_refused_by_its_own_name(data):
    with pytest.raises(InputError, match=re.escape("my photo.png")):
        Photos().add(data, "my photo.png")

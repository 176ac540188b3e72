"""The static flashlight page: every filter in it bit by bit, its size foretold, nothing that reaches out."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.errors import InputError
from linearscope.report.flashlight_data import cut_windows, pack, unpack
from linearscope.report.flashlight_page import (
    FORMAT,
    flashlight_parts,
    plan_page,
    positions,
    stride_within,
    write_flashlight_page,
)
from tests.report.conftest import Page


def flashlight_page(it, **options):
    return "".join(flashlight_parts(it, **options))


def network(scale=2, channels=3):
    torch.manual_seed(3)
    layers = nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, channels * scale**2, 3, padding=1)
    return nn.Sequential(*layers, nn.PixelShuffle(scale))


def photo(channels=3, size=(18, 21), dtype=torch.float32):
    return torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(4), dtype=dtype)


@pytest.fixture(scope="module")
def it():
    return ls.interpret(network(), photo())


def about(text):
    return json.loads(re.search(r'id="about">(.*?)</script>', text, re.S)[1])


def filters(text):
    """What the page holds: its facts, and every filter by its place, read as the page's script reads it."""
    facts = about(text)
    channels = facts["output_shape" if facts["kind"] == "column" else "input_shape"][0]
    pieces = {
        (int(i), int(k)): base64.b64decode(data, validate=True)
        for i, k, data in re.findall(r'id="piece-(\d+)-(\d+)">([^<]*)</script>', text)
    }
    found, length = {}, facts["piece"]
    for i, row in enumerate(facts["rows"]):
        for k in range(-(-len(facts["columns"]) // length)):
            some = facts["columns"][k * length : (k + 1) * length]
            for column, cut in zip(some, unpack(pieces.pop((i, k)), len(some), channels), strict=True):
                found[row, column] = cut
    assert not pieces
    return facts, found


def whole(cut, shape):
    top, left, values = cut
    image = np.zeros(shape, np.float32)
    image[:, top : top + values.shape[1], left : left + values.shape[2]] = values
    return image


@pytest.mark.parametrize("kind", ["column", "row"])
@pytest.mark.parametrize("channel", [None, 1])
def test_every_filter_is_there_bit_by_bit(it, kind, channel):
    _, found = filters(flashlight_page(it, kind=kind, stride=3, channel=channel))
    given, made = (it.input_shape, it.output_shape)[:: 1 if kind == "column" else -1]
    assert set(found) == {(r, c) for r in positions(given[1], 3) for c in positions(given[2], 3)}
    for (row, column), cut in found.items():
        index = [(c, row, column) for c in (range(given[0]) if channel is None else [channel])]
        if channel is None:
            window = it.pixel_windows([(row, column)], rows=kind == "row")[0]
        else:
            window = (it.column_window if kind == "column" else it.row_window)(index[0])
        assert cut[:2] == window.start[1:]
        assert cut[2].tobytes() == window.values.numpy().tobytes()
        # And the same numbers by the other way, whole.
        other = (it.columns(index) if kind == "column" else it.rows(index)).sum(0).numpy()
        np.testing.assert_allclose(whole(cut, made), other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["column", "row"])
@pytest.mark.parametrize("channel", [None, 2])
def test_chosen_places_are_there_whatever_the_stride(it, kind, channel):
    rows, columns = (positions(length, 5) for length in (it.input_shape if kind == "column" else it.output_shape)[1:])
    on = rows[1], columns[2]
    chosen = {"light": (3, 4), "pins": [(1, 1), on], "path": [(3, 4), (7, 1), on, (7, 1)]}
    text = flashlight_page(it, kind=kind, stride=5, channel=channel, **chosen)
    facts = about(text)
    assert {name: facts[name] for name in chosen} == json.loads(json.dumps(chosen))
    assert facts["kept"] == [[3, 4], [1, 1], [7, 1]]
    data = base64.b64decode(re.search(r'id="piece-kept">([^<]*)<', text)[1], validate=True)
    size = (it.output_shape if kind == "column" else it.input_shape)[0]
    wanted = cut_windows(it, kind, [(3, 4), (1, 1), (7, 1)], channel)
    for (top, left, values), one in zip(unpack(data, 3, size), wanted, strict=True):
        assert (top, left, values.tobytes()) == (one[0], one[1], one[2].tobytes())
    plan = plan_page(it, kind=kind, stride=5, channel=channel, **chosen)
    assert plan.positions == len(rows) * len(columns) + 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"light": (18, 0)}, "The light is at .18, 0., outside of 18 x 21"),
        ({"pins": [(1, 1), (0, 21)]}, "A pin is at .0, 21., outside"),
        ({"path": [(-1, 0)]}, "A place of the path is at .-1, 0., outside"),
        ({"pins": [(0, 0)] * 5}, "5 pins were given, and a page shows 4 at most"),
    ],
)
def test_places_that_are_not_there_are_refused(it, options, said):
    for asked in (plan_page, flashlight_page):
        with pytest.raises(InputError, match=said):
            asked(it, stride=9, **options)


def test_float64_is_rounded_once():
    it = ls.interpret(network().double(), photo(dtype=torch.float64))
    facts, found = filters(flashlight_page(it, stride=7, channel=0))
    assert facts["certificate"]["dtype"] == "float64"
    for (row, column), cut in found.items():
        exact = it.columns([(0, row, column)])[0].float().numpy()
        assert np.array_equal(whole(cut, it.output_shape), exact)


def test_words_come_back_from_their_bytes():
    generator = np.random.default_rng(0)
    cuts = [(5, 0, generator.normal(size=(3, 4, 2)).astype(np.float32)), (0, 700, np.zeros((3, 0, 0), np.float32))]
    cuts.append((1, 2, np.array([[[np.inf, -0.0, 1e-45]]] * 3, np.float32)))
    for one, other in zip(cuts, unpack(pack(cuts), 3, 3), strict=True):
        assert one[:2] == other[:2]
        assert one[2].shape == other[2].shape
        assert one[2].tobytes() == other[2].tobytes()


def test_a_window_of_some_channels_is_of_all():
    grouped = nn.Conv2d(3, 3, 3, padding=1, groups=3)
    it = ls.interpret(grouped, photo())
    top, left, values = cut_windows(it, "column", [(5, 6)], 1)[0]
    assert values.shape[0] == 3
    assert np.array_equal(whole((top, left, values), it.output_shape), it.columns([(1, 5, 6)])[0].numpy())


def test_a_map_that_looks_nowhere_has_empty_windows():
    class Deaf(nn.Module):
        def forward(self, x):
            return x.detach() * 0 + torch.ones_like(x)

    it = ls.interpret(Deaf(), photo())
    _, found = filters(flashlight_page(it, stride=9))
    assert all(not np.any(values) for _, _, values in found.values())


def test_facts_stand_in_the_page(it):
    text = flashlight_page(it, stride=5, model="net", photo="cup", notes=["The weights are random."],
                           input_channels=("B", "G", "R"))  # fmt: skip
    facts = about(text)
    assert facts["format"] == FORMAT
    assert facts["title"] == "Flashlight · net on cup"
    assert "<title>Flashlight · net on cup</title>" in text
    assert facts["input_channels"] == ["B", "G", "R"]
    assert facts["output_channels"] == ["R", "G", "B"]
    assert facts["certificate"]["reconstruction"] == it.certificate.reconstruction
    assert facts["stride"] == 5
    assert facts["notes"] == ["The weights are random."]
    assert "torch" in facts["versions"]


def test_the_page_asks_nothing_of_a_network(it):
    text = flashlight_page(it, stride=6)
    page = Page(text)
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    for inline in (script, style):
        assert "sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode() in policy
    assert not page.all("link")
    assert all(one["src"].startswith("data:image/png;base64,") for one in page.all("img"))
    assert not [one for one in page.all("script") if "src" in one]


def test_names_end_no_element(it):
    bad = '</script><script>alert("1")</script>'
    text = flashlight_page(it, stride=9, model=bad, photo=bad, notes=[bad], input_channels=[bad] * 3)
    assert about(text)["model"] == bad
    assert text.count("<script>") == 1


def test_pictures_are_those_given(it):
    from io import BytesIO

    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (18, 21, 3), dtype=np.uint8)
    text = flashlight_page(it, stride=9, input_picture=pixels)
    data = re.search(r'id="input-picture"[^>]*src="data:image/png;base64,([^"]*)"', text)[1]
    assert np.array_equal(np.asarray(Image.open(BytesIO(base64.b64decode(data)))), pixels)


@pytest.mark.parametrize("kind", ["column", "row"])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_size_is_foretold(it, kind, stride):
    plan = plan_page(it, kind=kind, stride=stride)
    again = plan_page(it, kind=kind, stride=stride)
    assert (plan.positions, plan.bytes) == (again.positions, again.bytes)
    text = flashlight_page(it, kind=kind, stride=stride)
    assert plan.positions == len(filters(text)[1])
    assert len(text) / 1.5 < plan.bytes < len(text) * 1.5
    assert plan.seconds > 0


def test_what_is_too_large_is_refused_with_a_stride_that_fits(it):
    limit = plan_page(it, stride=3).bytes
    with pytest.raises(InputError, match=r"is the most\. A stride of 3 fits\."):
        flashlight_page(it, stride=1, limit=limit)
    assert stride_within(it, limit) == 3
    assert stride_within(it, limit, most=9) > 3
    assert stride_within(it, 10) is None
    with pytest.raises(InputError, match="smaller image"):
        flashlight_page(it, limit=10)


def test_work_is_told_and_can_be_ended(it):
    told = []
    flashlight_page(it, stride=4, step=lambda done, total: told.append((done, total)))
    total = plan_page(it, stride=4).positions
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    class Enough(Exception):
        pass

    def stop(done, total):
        if done > 5:
            raise Enough

    with pytest.raises(Enough):
        flashlight_page(it, step=stop)


def test_a_file_appears_when_it_is_whole(it, tmp_path):
    path = tmp_path / "page.html"
    assert write_flashlight_page(path, it, stride=6, model="net") == path
    assert path.read_text(encoding="utf-8") == flashlight_page(it, stride=6, model="net")
    before = path.read_bytes()

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_flashlight_page(path, it, stride=6, step=stop)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(InputError, match="cannot be written"):
        write_flashlight_page(tmp_path / "nowhere" / "page.html", it, stride=6)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"stride": 0}, "stride is 0"),
        ({"kind": "diagonal"}, "kind of field"),
        ({"channel": 3}, "no channel 3"),
        ({"input_channels": ["R"]}, "1 channel named and there are 3"),
    ],
)
def test_what_does_not_fit_is_refused(it, options, match):
    with pytest.raises(InputError, match=match):
        flashlight_page(it, **options)


def test_scores_are_no_image():
    it = ls.interpret(nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), torch.rand(1, 3, 4, 4))
    for asked in (plan_page, flashlight_page):
        with pytest.raises(InputError, match="between two images"):
            asked(it)


@pytest.mark.parametrize(("length", "stride"), [(10, 1), (10, 3), (7, 7), (7, 9), (1, 4), (128, 5)])
def test_places_lie_evenly(length, stride):
    found = positions(length, stride)
    assert found
    assert np.all(np.diff(found) == stride)
    assert found[0] <= length - 1 - found[-1] <= found[0] + 1 < stride + 1

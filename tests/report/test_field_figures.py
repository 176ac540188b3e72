"""Pictures of rows and columns: the right pixel, the right colour, one scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import linearscope as ls
from linearscope.report import png
from linearscope.report.field_figures import (
    field_caption,
    field_comparison,
    field_figure,
    field_numbers,
    field_whole,
    field_zoom,
    pale,
)
from linearscope.report.field_files import read_field, write_field
from linearscope.report.field_pictures import (
    OUTSIDE,
    field_colours,
    field_half,
    field_limit,
    position_picture,
    square,
)
from tests.report.fields import made, photo

places = st.tuples(st.integers(0, 23), st.integers(0, 29))


def whole(field):
    full = torch.zeros(field.shape, dtype=torch.float64)
    top, left = field.start[-2:]
    height, width = field.values.shape[-2:]
    full[:, top : top + height, left : left + width] = field.values
    return full.numpy()


@given(places, st.integers(0, 40))
def test_a_square_is_the_whole_filter_around_the_pixel(place, half):
    field = replace(made(), point=tuple(map(float, place)))
    padded = np.pad(whole(field), ((0, 0), (50, 50), (50, 50)), constant_values=np.nan)
    row, column = place[0] + 50, place[1] + 50
    expected = padded[:, row - half : row + half + 1, column - half : column + half + 1]
    assert np.array_equal(square(field, half), expected, equal_nan=True)


@given(places, st.integers(0, 40))
def test_the_photo_is_cut_like_the_filter(place, half):
    padded = np.pad(photo(), ((50, 50), (50, 50), (0, 0)), constant_values=OUTSIDE)
    row, column = place[0] + 50, place[1] + 50
    expected = padded[row - half : row + half + 1, column - half : column + half + 1]
    assert (position_picture(photo(), place, half) == expected).all()


def test_a_point_between_pixels_is_cut_around_the_later_one():
    field = made(point=(10.5, 12.5))
    assert square(field, 3)[:, 3, 3].tolist() == field.values[:, 3, 3].tolist()


def test_signs_have_colours_and_zero_is_white():
    values = torch.tensor([2.0, 0.5, 0.0, -0.5, -2.0]).expand(3, 1, 5) / 3
    one, two, none, four, five = field_colours(values, 2.0)[0].astype(int)
    assert one[0] > one[2]
    assert five[2] > five[0]
    assert none.min() > 240
    # Smaller values are paler.
    assert one.sum() < two.sum() < none.sum() > four.sum() > five.sum()


def test_values_beyond_the_limit_look_like_the_limit():
    values = torch.tensor([1.0, 7.0]).reshape(1, 1, 2)
    assert (field_colours(values, 1.0)[0, 0] == field_colours(values, 1.0)[0, 1]).all()


def test_channels_that_cancel_are_white_as_a_sum_and_not_in_colour():
    values = torch.tensor([1.0, -1.0, 0.0]).reshape(3, 1, 1)
    assert field_colours(values, 1.0, "signed").min() > 240
    assert field_colours(values, 1.0, "colour")[0, 0].tolist() == [255, 0, 128]
    assert (field_colours(values[:2], 1.0, "colour") == field_colours(values[:2], 1.0, "signed")).all()
    with pytest.raises(ls.InputError, match="signed"):
        field_colours(values, 1.0, "rainbow")


@pytest.mark.parametrize("colours", ["signed", "colour"])
def test_half_of_the_energy_lies_above_the_limit(colours):
    fields = [made(seed=seed) for seed in range(3)]
    limit = field_limit(fields, colours)
    drawn = [one.values.numpy() for one in fields]
    sizes = np.abs(np.concatenate([(v.sum(0) if colours == "signed" else v).ravel() for v in drawn]))
    energy = (sizes**2).sum()
    assert (sizes[sizes > limit] ** 2).sum() < energy / 2 <= (sizes[sizes >= limit] ** 2).sum()


def test_the_limit_does_not_depend_on_the_window_and_grows_with_the_filter():
    field = made()
    padded = replace(field, values=torch.from_numpy(whole(field)), start=(0, 0, 0))
    assert field_limit([field]) == field_limit([padded])
    assert np.isclose(field_limit([replace(field, values=3 * field.values)]), 3 * field_limit([field]))
    assert field_limit([replace(field, values=0 * field.values)]) == 1.0


def test_the_square_holds_the_window_or_what_matters_of_it():
    small, large = made(half=3), made(half=9)
    assert field_half([small]) == 6  # never less
    assert field_half([replace(large, radii={0.5: 1, 0.9: 5, 0.99: 30})]) == 10  # the window and one pixel
    assert field_half([large, replace(large, radii={0.5: 1, 0.9: 2, 0.99: 5})]) == 7  # 1.2 x 5 + 1
    assert np.isfinite(square(large, 10)).sum() >= large.values.numel()


def test_the_whole_filter_lies_where_it_is():
    field = made(point=(6.0, 20.0), half=2)
    white = np.full((24, 30, 3), 255, np.uint8)
    drawn = pale(field, white, field_limit([field]), "signed")
    assert (drawn[4:9, 18:23] == field_colours(field.values, field_limit([field]))).all()
    outside = np.ones((24, 30), bool)
    outside[4:9, 18:23] = False
    assert drawn[outside].min() > 240


FIGURES = {
    "zoom": lambda: field_zoom(made()),
    "whole": lambda: field_whole(made("column"), photo()),
    "one": lambda: field_figure(made(), photo()),
    "at the border": lambda: field_figure(replace(made(half=0), point=(0.0, 29.0), start=(0, 0, 29)), photo()),
    "zero": lambda: field_figure(
        replace(made(), values=torch.zeros(3, 7, 7), orientation=None, frequency=None, radii={0.5: 0, 0.9: 0, 0.99: 0}),
        photo(),
    ),
    "several": lambda: field_comparison(
        {"network": [made(), made(seed=1)], "bicubic": [made(seed=2), made(seed=3)]}, ["edge", "flat"], photo()
    ),
    "one channel in colour": lambda: field_figure(made(channels=1), photo(), colours="colour"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_deterministic(name):
    first, second = png(FIGURES[name]()), png(FIGURES[name]())
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_figures_that_cannot_be_compared_are_refused():
    with pytest.raises(ls.InputError, match="30 × 24"):
        field_figure(made(), photo((48, 60)))
    with pytest.raises(ls.InputError, match="one filter for each"):
        field_comparison({"network": [made()]}, ["edge", "flat"], photo())


def test_the_caption_says_the_numbers():
    text = field_caption(made()).replace("\u202f", " ")
    side = {"row": "input", "column": "output"}
    for kind in side:
        assert f"1.0 / 2.2 / 3.1 {side[kind]} px" in field_caption(replace(made(), kind=kind))
    for part in ("32°", "0.21 cycles/px", "0.4 % far"):
        assert part in text
    assert "°" not in field_caption(replace(made(), orientation=None, frequency=None))


def test_numbers_are_plain():
    numbers = field_numbers(made())
    assert numbers["energy_radius_pixels"] == {"0.5": 1.0, "0.9": 2.2, "0.99": 3.1}
    assert numbers["window_start"] == [0, 7, 9]


@pytest.mark.parametrize("orientation", [32.0, None])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_files_hold_the_filter_unchanged(tmp_path, orientation, dtype):
    field = replace(made(), values=made().values.to(dtype), orientation=orientation, frequency=orientation)
    write_field(tmp_path / "a.npz", field)
    again = read_field(tmp_path / "a.npz")
    assert torch.equal(again.values, field.values)
    assert again.values.dtype == dtype
    assert replace(again, values=None) == replace(field, values=None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("data", [b"", b"text", None])
def test_files_of_other_things_are_refused(tmp_path, data):
    if data is None:
        np.savez(tmp_path / "a.npz", values=np.zeros(3))
    else:
        (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(ls.InputError, match=r"a\.npz"):
        read_field(tmp_path / "a.npz")

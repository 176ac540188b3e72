"""What pixels stand on, on images where that is known."""

import numpy as np
import pytest
import torch

import linearscope as ls
from linearscope.analysis.points import KINDS, edge_direction, interesting_points, matching_output, surroundings


def scene(size=96):
    """A bright square (edges, corners) above, noise (texture) lower left, nothing lower right."""
    image = torch.full((1, 1, size, size), 0.4, dtype=torch.float64)
    image[..., 12:40, 30:70] = 0.9
    noise = torch.rand(36, 36, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    image[..., 56:92, 8:44] = 0.2 + 0.5 * noise
    return image


def in_texture(row, column):
    return 56 <= row < 92 and 8 <= column < 44


@pytest.mark.parametrize("channels", [1, 3])
def test_each_kind_is_found_where_it_is(channels):
    points = interesting_points(scene().expand(1, channels, -1, -1))
    assert tuple(points) == KINDS
    row, column = points["edge"]
    assert min(abs(row - 11.5), abs(row - 39.5)) < 3 or min(abs(column - 29.5), abs(column - 69.5)) < 3
    assert not in_texture(*points["edge"])
    assert in_texture(*points["texture"])
    # Nothing changes within three pixels of the flat point.
    row, column = points["flat"]
    around = scene()[0, 0, row - 3 : row + 4, column - 3 : column + 4]
    assert float(around.std()) == 0


def test_the_corner_of_a_square_is_a_corner():
    image = torch.zeros(1, 1, 60, 60, dtype=torch.float64)
    image[..., 30:, 30:] = 1
    row, column = interesting_points(image)["corner"]
    assert abs(row - 29.5) <= 3
    assert abs(column - 29.5) <= 3
    assert surroundings(image)[30, 30] == "corner"


def test_points_do_not_depend_on_units():
    assert interesting_points(scene()) == interesting_points(255 * scene() - 100)


def test_transposing_the_image_transposes_what_pixels_stand_on():
    image = scene()
    assert (surroundings(image) == surroundings(image.mT).T).all()


@pytest.mark.parametrize("degrees", [0, 30, 60, 90, 120, 150])
def test_the_direction_of_an_edge_is_counter_clockwise(degrees):
    y, x = np.mgrid[:41, :41] - 20.0
    # Along the edge in these coordinates: cos to the right, sin upwards.
    across = x * np.sin(np.radians(degrees)) + y * np.cos(np.radians(degrees))
    image = torch.from_numpy(1 / (1 + np.exp(-across)))[None, None]
    apart = (float(edge_direction(image)[20, 20]) - degrees + 90) % 180 - 90
    assert abs(apart) < 1
    assert surroundings(image)[20, 20] == "edge"


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3), (16, 4)])
def test_small_and_constant_images_have_points_inside(size):
    image = torch.full((1, 3, *size), 0.3)
    for row, column in interesting_points(image).values():
        assert 0 <= row < size[0]
        assert 0 <= column < size[1]
    assert (surroundings(image) == "flat").all()


def test_points_are_apart():
    points = list(interesting_points(scene()).values())
    gaps = [np.hypot(a[0] - b[0], a[1] - b[1]) for i, a in enumerate(points) for b in points[:i]]
    assert min(gaps) >= np.hypot(96, 96) / 8


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_matching_output_pixel_covers_the_centre_of_the_input_pixel(scale):
    for place in range(7):
        row, column = matching_output((place, 0), (3, 7, 5), (3, 7 * scale, 5 * scale))
        centre = (place + 0.5) * scale  # in output pixels, from the upper edge of the first
        assert row <= centre < row + 1
        assert column // scale == 0


def test_places_outside_and_no_images_are_refused():
    with pytest.raises(ls.InputError, match="row from 0 to 6 and a column from 0 to 4"):
        matching_output((7, 0), (3, 7, 5), (3, 7, 5))
    with pytest.raises(ls.InputError, match="tour"):
        matching_output((0, 0), (3, 7, 5), (10,))
    with pytest.raises(ls.InputError, match="no pixels"):
        interesting_points(torch.zeros(3, 8, 8))

"""Figures of off-diagonals and templates show the areas and pixels that were found."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import ConnectionPatch
from PIL import Image
from torch import Tensor, nn

import linearscope as ls
from linearscope.report.off_diagonal_figures import (
    block_matrix_figure,
    coupling_figure,
    far_areas_figure,
    off_diagonal_caption,
    template_caption,
    templates_figure,
)
from linearscope.report.style import CONSTANTS, png

PHOTO = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
X = torch.rand(1, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class CopyMove(nn.Module):
    """The upper left corner is added to the lower right one."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * nn.functional.pad(x[..., :4, :4], (12, 0, 12, 0))


@pytest.fixture(scope="module")
def found() -> ls.OffDiagonal:
    return ls.off_diagonal(ls.interpret(CopyMove(), X), blocks=4, near=3, probes=None)


def pixels(figure: object) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))  # type: ignore[arg-type]


def test_the_area_fed_from_afar_is_chosen_and_an_arrow_comes_from_its_source(found: ls.OffDiagonal) -> None:
    figure = far_areas_figure(found, PHOTO, PHOTO)
    (arrow,) = [artist for artist in figure.findobj(ConnectionPatch) if artist.get_visible()]
    assert arrow.xy1 == (1.5, 1.5)
    assert arrow.xy2 == (13.5, 13.5)
    assert pixels(figure).std() > 0
    other = far_areas_figure(found, PHOTO, PHOTO, block=(0, 1))
    assert not other.findobj(ConnectionPatch)


def test_a_block_outside_of_the_grid_is_refused(found: ls.OffDiagonal) -> None:
    with pytest.raises(ls.InputError, match="no block"):
        far_areas_figure(found, PHOTO, PHOTO, block=(4, 0))


def test_the_matrix_is_drawn_whole(found: ls.OffDiagonal) -> None:
    (shown,) = block_matrix_figure(found, PHOTO).axes[0].images
    matrix = np.asarray(shown.get_array())
    assert matrix.shape == (16, 16)
    assert matrix[15, 0] == pytest.approx(found.energy[3, 3, 0, 0])
    assert matrix.argmax() == found.energy.argmax()


def test_captions_say_the_numbers(found: ls.OffDiagonal) -> None:
    text = off_diagonal_caption(found)
    assert f"{found.share * 100:.0f}" in text.split("%")[0] or f"{found.share * 100:.1f}" in text.split("%")[0]
    assert "farther than 3 pixels" in text


def test_triggers_are_drawn_pixel_by_pixel() -> None:
    it = ls.interpret(CopyMove(), X)
    segments = np.zeros((16, 16), np.int64)
    segments[12:, 12:] = 1
    found = ls.templates(it, segments)
    figure = templates_figure(found, PHOTO, PHOTO)
    shown = np.asarray(figure.axes[1].images[0].get_array())
    orange = (shown == (np.asarray(to_rgb(CONSTANTS)) * 255).astype(np.uint8)).all(2)
    assert (orange == found.items[0].triggers).all()
    assert f"{found.items[0].half} pixel" in template_caption(found.items[0])
    empty = ls.templates(it, np.zeros((16, 16), np.int64))
    with pytest.raises(ls.InputError, match="no segment"):
        templates_figure(empty, PHOTO, PHOTO)


def test_rows_share_one_scale_and_zero_is_left_white() -> None:
    row = torch.zeros(3, 16, 16)
    row[:, 4, 4] = 1
    figure = coupling_figure({"a": row, "b": 0.1 * row}, PHOTO, (4.0, 4.0))
    first, second = (axes.images[0] for axes in figure.axes[1:3])
    assert first.norm is second.norm or first.norm.vmax == second.norm.vmax
    assert np.ma.getmaskarray(first.get_array()).sum() == 255
    assert figure.axes[1].get_title("left") == "a"

"""The pages of upscalers and image-to-image networks: whole, self-contained, true to their numbers."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis.image_map import ImageSubject
from linearscope.analysis.image_to_image import ImageToImageTour, tour_image_to_image
from linearscope.analysis.super_resolution import SuperResolutionTour, tour_super_resolution
from linearscope.report import About
from linearscope.report.image_figures import energy_limit, flashlight_half
from linearscope.report.image_page import as_picture
from linearscope.report.image_to_image import write_image_to_image
from linearscope.report.super_resolution import write_super_resolution
from tests.report.conftest import Page

ABOUT = About("toy", "photo.png", command="linearscope tour photo.png", notes=("The weights are random.",))


def picture(channels: int = 3, height: int = 20, width: int = 22) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, channels, height // 2, width // 2, generator=generator)
    return nn.functional.interpolate(coarse, (height, width), mode="bilinear")


def subject(module: nn.Module, image: torch.Tensor, original: torch.Tensor | None = None) -> ImageSubject:
    return ImageSubject("toy", ls.capture(module.eval(), image), image, original)


def upscaler(channels: int = 3, scale: int = 2) -> nn.Module:
    torch.manual_seed(0)
    last = nn.Conv2d(6, channels * scale**2, 3, padding=1)
    return nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), last, nn.PixelShuffle(scale))


def translator(channels: int = 3, outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    first = nn.Conv2d(channels, 6, 3, padding=1)
    return nn.Sequential(first, nn.InstanceNorm2d(6, affine=True), nn.ReLU(), nn.Conv2d(6, outputs, 3, padding=1))


@pytest.fixture(scope="module")
def upscaled() -> SuperResolutionTour:
    image = picture()
    original = nn.functional.interpolate(image, scale_factor=2, mode="bicubic").clamp(0, 1)
    other = subject(upscaler(), 0.5 * image, original)
    return tour_super_resolution(subject(upscaler(), image, original), compare=[other], points=[(5, 6)], k=2)


@pytest.fixture(scope="module")
def translated() -> ImageToImageTour:
    return tour_image_to_image(subject(translator(), picture()), k=2, blocks=3, probes=2, rows=2)


@pytest.fixture(scope="module")
def pages(
    upscaled: SuperResolutionTour, translated: ImageToImageTour, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {
        "larger": write_super_resolution(upscaled, ABOUT, folder / "larger").parent,
        "same": write_image_to_image(translated, ABOUT, folder / "same").parent,
    }


def read(folder: Path) -> tuple[Page, dict[str, Any]]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    return page, json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=refuse)


SHARED = ["✓ exact", "What came out", "What the network adds by itself", "Columns: what one pixel sends out"]
SHARED += ["Rows: what one pixel takes in"]
LAST = ["The flashlight", "The first eigen-inputs and eigen-outputs", "What “exact” means here"]
PANELS = {
    "larger": [
        "22\u00a0×\u00a020 → 44\u00a0×\u00a040\u00a0pixels",
        *SHARED[:2],
        "bicubic upscaling does not",
        *SHARED[2:],
        *LAST,
    ],
    "same": [*SHARED, "Far away: the off-diagonals", "Do the norms carry it?", "Templates: what makes", *LAST],
}


@pytest.mark.parametrize("kind", PANELS)
def test_every_panel_is_there_in_order(pages: dict[str, Path], kind: str) -> None:
    text = read(pages[kind])[0].text
    places = [text.find(panel) for panel in PANELS[kind]]
    assert -1 not in places, PANELS[kind][places.index(-1)]
    assert places == sorted(places)
    assert "The weights are random." in text
    assert "linearscope tour photo.png" in text


@pytest.mark.parametrize("kind", PANELS)
def test_nothing_is_loaded_from_outside_and_every_figure_is_shown(pages: dict[str, Path], kind: str) -> None:
    page, result = read(pages[kind])
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe"}
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/png;base64,")
    assert all(image["alt"] for image in page.all("img"))
    files = {f"figures/{path.name}" for path in (pages[kind] / "figures").iterdir()}
    assert files == set(result["figures"])
    assert len({image["src"] for image in page.all("img")}) <= len(files) <= len(page.all("img"))


@pytest.mark.parametrize("kind", PANELS)
def test_no_number_is_missing_or_not_one(pages: dict[str, Path], kind: str) -> None:
    page, result = read(pages[kind])
    words = page.text.lower().split()
    assert "nan" not in words
    assert "none" not in words or kind == "same"  # a sentence may say that none of the energy is far

    def walk(value: Any, path: str) -> None:
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(one, (dict, list)):
                walk(one, f"{path}/{key}")
            elif isinstance(one, float):
                assert math.isfinite(one), path
            elif one is None:
                assert re.search(r"quality|orientation|seconds|commonest|probes|ssim", f"{path}/{key}"), f"{path}/{key}"

    walk(result, "")


def test_numbers_are_those_of_the_tour(pages: dict[str, Path], upscaled: SuperResolutionTour) -> None:
    page, result = read(pages["larger"])
    assert result["schema"] == "linearscope.super-resolution/1"
    for one, told in zip(upscaled.maps, result["networks"], strict=True):
        assert told["name"] == one.name
        assert told["residual_ratio"] == one.residual_ratio
        assert one.quality is not None
        assert told["quality"]["psnr_db"] == one.quality.psnr
        assert f"{one.quality.psnr:.2f}\u202fdB" in page.text
        assert one.flashlight is not None
        assert told["flashlight"]["score"] == one.flashlight.score
        for place, said in zip(one.places, told["places"], strict=True):
            assert said["column"]["energy"] == pytest.approx(float(place.column.values.double().square().sum()))
    for pair, told in zip(upscaled.eigen.pairs, result["singular_triplets"]["triplets"], strict=True):
        assert told["singular_value"] == pair.singular_value


def test_the_other_page_says_far_energy_and_templates(pages: dict[str, Path], translated: ImageToImageTour) -> None:
    _, result = read(pages["same"])
    assert result["schema"] == "linearscope.image-to-image/1"
    assert result["off_diagonal"]["far_share"] == translated.off_diagonal.share
    assert [one["interpretation"] for one in result["coupling"]] == [one.interpretation for one in translated.coupling]
    assert len(result["templates"]["segments_looked_at"]) == len(translated.templates.items)


@pytest.mark.parametrize("image", [torch.zeros(1, 1, 16, 17), torch.full((1, 3, 6, 7), 0.5)], ids=["black", "tiny"])
def test_pages_of_odd_images_are_whole(image: torch.Tensor, tmp_path: Path) -> None:
    channels = image.shape[1]
    up = tour_super_resolution(subject(upscaler(channels, 3), image), k=1)
    same = tour_image_to_image(subject(translator(channels, 5), image), k=1, blocks=2, probes=2, rows=1)
    for number, page in enumerate(
        (write_super_resolution(up, ABOUT, tmp_path / "up"), write_image_to_image(same, ABOUT, tmp_path / "same"))
    ):
        text = read(page.parent)[0].text
        assert "nan" not in text.lower().split()
        assert f"No {('original', 'ground truth')[number]} was given" in text


def test_an_output_of_many_channels_is_shown_by_its_strongest() -> None:
    values = torch.zeros(1, 5, 2, 2)
    values[0, 3, 0, 0] = values[0, 1, 1, 1] = 1
    shown = as_picture(values)
    assert len({tuple(pixel) for pixel in shown.reshape(-1, 3).tolist()}) == 3


def test_scales_of_pictures_hold_half_of_the_energy() -> None:
    assert energy_limit([torch.tensor([[[3.0, -4.0, 0.0]]])]) == 4
    assert energy_limit([torch.tensor([[[3.0, -3.0, 0.0]]])]) == 3
    assert energy_limit([torch.zeros(1, 2, 2)]) == 1


def test_tiles_hold_nearly_all_of_the_columns(upscaled: SuperResolutionTour) -> None:
    found = upscaled.network.flashlight
    assert found is not None
    half = flashlight_half([found])
    middle = found.columns.shape[-1] // 2
    inside = found.columns[..., middle - half : middle + half, middle - half : middle + half]
    assert float(inside.square().sum() / found.columns.square().sum()) >= 0.98

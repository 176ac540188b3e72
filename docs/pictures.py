"""Remake docs/pictures/ from pages of bundled networks: ``make pictures``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from linearscope.report.style import INK, MUTED, TYPE

HERE = Path(__file__).parent / "pictures"


def compose(tour: Path) -> Figure:
    """The photo, where its score is made, what the pixels say, and the contributions by depth, in one picture."""
    result = json.loads((tour / "result.json").read_text())
    figures = tour / "figures"
    first = result["before"]["predictions"][0]
    panels = [
        ("photo.png", "the photo", f"{first['name']}, {first['probability']:.0%}"),
        ("layer-d.png", "where the score is made", "at the last feature map"),
        ("discussion-1.png", "what each pixel adds", "red for, blue against"),
        ("votes-1.png", "the pixels that vote for it", f"{first['name']} among 1,000 labels"),
    ]
    with rc_context(TYPE):
        figure = Figure(figsize=(12, 7.4), facecolor="white")
        FigureCanvasAgg(figure)
        for i, (name, title, caption) in enumerate(panels):
            axes = figure.add_axes((0.012 + 0.2475 * i, 0.555, 0.235, 0.38))
            axes.imshow(Image.open(figures / name))
            axes.set_axis_off()
            axes.set_title(title, color=INK, fontsize=12, loc="left", pad=6)
            axes.text(0, -0.03, caption, color=MUTED, fontsize=10, va="top", transform=axes.transAxes)
        axes = figure.add_axes((0.012, 0.0, 0.976, 0.46))
        axes.imshow(Image.open(figures / "contributions.png"))
        axes.set_axis_off()
        axes.set_title(
            "its score as an exact sum: the image's share and every layer's constants",
            color=INK,
            fontsize=12,
            loc="left",
        )
    return figure


def compose_upscaler(tour: Path) -> Figure:
    """A detail before and after, and the columns of the network and of bicubic upscaling all over it."""
    result = json.loads((tour / "result.json").read_text())
    networks = result["networks"]
    first, last = networks[0], networks[-1]
    lit = [one["flashlight"]["score"] for one in (first, last)]
    quality = [one["quality"]["psnr_db"] for one in (first, last)]
    return _row(
        tour,
        [
            ("input-detail.png", "a detail of the input", ""),
            (f"output-{len(networks)}-detail.png", "bicubic upscaling", f"{quality[1]:.1f} dB"),
            ("output-1-detail.png", first["name"], f"{quality[0]:.1f} dB"),
            (f"flashlight-{len(networks)}.png", "49 columns of bicubic", f"flashlight {abs(lit[1]):.2f}"),
            ("flashlight-1.png", f"49 columns of {first['name']}", f"flashlight {lit[0]:.2f}"),
            ("eigen-output-1-zoom.png", "its first eigen-output", f"singular value {_value(result):.1f}"),
        ],
    )


def compose_translator(tour: Path) -> Figure:
    """A facade and its map, a column over all of it, and the first eigen-pair."""
    result = json.loads((tour / "result.json").read_text())
    return _row(
        tour,
        [
            ("input.png", "a rendered facade", ""),
            ("output-1.png", result["networks"][0]["name"], "its map of labels"),
            ("column-1-whole.png", "a column of F", "of an input pixel on an edge"),
            ("row-1-whole.png", "a row of F", "of the output pixel there"),
            ("eigen-input-1.png", "the first eigen-input", f"singular value {_value(result):.1f}"),
            ("eigen-output-1.png", "the first eigen-output", ""),
        ],
    )


def compose_explain(page: Path) -> Figure:
    """Seven methods in columns, two labels in rows."""
    result = json.loads((page / "result.json").read_text())
    names = [one["name"] for one in result["methods"]]
    across, labels = len(names) + 1, result["targets"]
    with rc_context(TYPE):
        figure = Figure(figsize=(12, 3.5), facecolor="white")
        FigureCanvasAgg(figure)
        for row, label in enumerate(labels):
            files = ["photo.png", *(f"{name}-{row + 1}.png" for name in names)]
            for i, file in enumerate(files):
                axes = figure.add_axes(((i + 0.04) / across, 0.51 - 0.47 * row, 0.92 / across, 0.42))
                axes.imshow(Image.open(page / "figures" / file), interpolation="nearest")
                axes.set_axis_off()
                if row == 0 and i:
                    axes.set_title(names[i - 1], color=INK, fontsize=11, loc="left", pad=6)
                if not i:
                    said = f"{label['name']}, score {label['score']:.1f}"
                    axes.text(0, -0.03, said, color=MUTED, fontsize=9.5, va="top", transform=axes.transAxes)
    return figure


def _value(result: dict[str, Any]) -> float:
    return float(result["singular_triplets"]["triplets"][0]["singular_value"])


def _row(tour: Path, panels: list[tuple[str, str, str]]) -> Figure:
    with rc_context(TYPE):
        figure = Figure(figsize=(15, 3.1), facecolor="white")
        FigureCanvasAgg(figure)
        for i, (name, title, caption) in enumerate(panels):
            axes = figure.add_axes(((i + 0.04) / len(panels), 0.1, 0.92 / len(panels), 0.78))
            axes.imshow(Image.open(tour / "figures" / name), interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(title, color=INK, fontsize=11, loc="left", pad=6)
            axes.text(0, -0.03, caption, color=MUTED, fontsize=9.5, va="top", transform=axes.transAxes)
    return figure


EXPLAINED = "gradient,guided-backprop,grad-cam,lrp-epsilon-plus,occlusion,contributions,votes"

#: Picture, how it is composed, and the command with the page that it is composed from.
PICTURES: dict[str, tuple[Callable[[Path], Figure], list[str]]] = {
    "tour": (compose, ["tour", "--no-attack"]),
    "upscaler": (compose_upscaler, ["tour", "--model", "edsr_small_x2", "--compare", "espcn_x2"]),
    "facades": (compose_translator, ["tour", "--model", "facades"]),
    "explain": (compose_explain, ["explain", "--target", "espresso", "--target", "cup", "--method", EXPLAINED]),
}


#: Pictures of the live page: the address in it, and how high the window is.
PAGES: dict[str, tuple[str, int]] = {
    "studio-flashlight": ("#/flashlight?model=edsr_small_x2&image=espresso&side=96&at=all,41,60&zoom=near", 860),
    "studio-classification": ("#/classification?model=efficientnet_lite0&image=espresso", 1480),
}


def photograph(names: Sequence[str]) -> None:
    """Take the pictures of the live page."""
    sys.path.insert(0, str(HERE.parent.parent))
    from playwright.sync_api import sync_playwright
    from tests.studio.screenshots import CHROMIUM, studio

    with studio() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in names:
            place, height = PAGES[name]
            page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
            page.goto(address + place)
            page.wait_for_load_state("networkidle", timeout=120_000)
            page.wait_for_timeout(2000)
            page.screenshot(path=HERE / f"{name}.png")
        browser.close()


def main() -> None:
    """Make the pictures, from tours that are there or new ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in PICTURES:
        parser.add_argument(f"--{name}", type=Path, help="the folder of a page to take the figures from")
    parser.add_argument("--only", choices=[*PICTURES, *PAGES], help="remake this picture and no other")
    args = parser.parse_args()
    HERE.mkdir(exist_ok=True)
    for name, (draw, options) in PICTURES.items():
        if args.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            tour = getattr(args, name)
            if tour is None:
                tour = Path(scratch) / "tour"
                command = [sys.executable, "-c", "from linearscope.cli import main; main()", *options]
                subprocess.run([*command, "--out", tour], check=True)
            draw(tour).savefig(HERE / f"{name}.png", dpi=110)
    photograph([name for name in PAGES if args.only in (None, name)])


if __name__ == "__main__":
    main()

"""Remake docs/pictures/ from a tour of the bundled photo: ``make pictures``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

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


def main() -> None:
    """Make the picture, from a tour that is there or a new one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tour", type=Path, help="the folder of a tour to take the figures from")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tour = args.tour
        if tour is None:
            tour = Path(scratch) / "tour"
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from linearscope.cli import main; main()",
                    "tour",
                    "--no-attack",
                    "--out",
                    tour,
                ],
                check=True,
            )
        HERE.mkdir(exist_ok=True)
        compose(tour).savefig(HERE / "tour.png", dpi=110)


if __name__ == "__main__":
    main()

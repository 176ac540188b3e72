"""The page of a folder's statistics."""

from __future__ import annotations

from pathlib import Path

from linearscope.analysis.statistics import FolderStatistics
from linearscope.report import sentences
from linearscope.report.about import About
from linearscope.report.figures import statistics_figure
from linearscope.report.numbers import statistics_numbers
from linearscope.report.output import FIGURES, PAGE, RESULT, replacing, write_json
from linearscope.report.page import Figures, render
from linearscope.report.words import amount, percent, tiny

__all__ = ["write_statistics"]


def write_statistics(found: FolderStatistics, about: About, out: Path) -> Path:
    """Write the statistics of a folder as one HTML page, with its figure and numbers beside it.

    Parameters
    ----------
    found
        From :func:`linearscope.analysis.statistics.summarise`.
    about
        Where it comes from; ``image`` names the folder.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    with replacing(out) as folder:
        figures = Figures(folder / FIGURES)
        alt = f"Mean share of the input and of {len(found.names) - 1} constants by depth, with one standard deviation"
        page = render(
            "statistics.html",
            about=about,
            images=len(found.records),
            counted=found.counted,
            sentence=sentences.statistic(found),
            depth=sentences.statistic_depth(found),
            worst=tiny(max(one.error for one in found.records)),
            summaries=[
                {
                    "name": name,
                    "formula": formula,
                    "mean": percent(one.mean),
                    "std": percent(one.std) if one.count > 1 else "–",
                    "median": percent(one.median),
                    "interval": f"{percent(one.low)} to {percent(one.high)}" if one.count > 1 else "–",
                }
                for name, formula, one in (
                    ("signed", "r / y", found.residual_ratio),
                    ("of sizes", "|r| / (|r| + |F x₀|)", found.residual_share),
                )
            ],
            chart=figures.chart(
                "statistics",
                alt,
                lambda width: statistics_figure(found.names, found.mean, found.std, found.counted, width=width),
            ),
            rows=[
                {
                    "file": one.file,
                    "label": one.label,
                    "score": amount(one.score),
                    "ratio": "–" if one.residual_ratio is None else percent(one.residual_ratio),
                    "share": "–" if one.residual_share is None else percent(one.residual_share),
                    "width": round(100 * (one.residual_share or 0.0), 3),
                }
                for one in found.records
            ],
        )
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**statistics_numbers(found, about), "figures": figures.files})
    return out / PAGE

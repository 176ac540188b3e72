"""From results to what people read: pages, figures, numbers. The only place that draws."""

from linearscope.report.about import About, current_versions, plain_picture
from linearscope.report.figures import contribution_histogram, layerwise_curve, reach_curve, statistics_figure
from linearscope.report.image_to_image import write_image_to_image
from linearscope.report.output import check_out
from linearscope.report.pictures import difference_panel, discussion_panel, photo_panel, vote_panel
from linearscope.report.statistics import write_statistics
from linearscope.report.style import png
from linearscope.report.super_resolution import write_super_resolution
from linearscope.report.tour import write_tour

__all__ = [
    "About",
    "check_out",
    "contribution_histogram",
    "current_versions",
    "difference_panel",
    "discussion_panel",
    "layerwise_curve",
    "photo_panel",
    "plain_picture",
    "png",
    "reach_curve",
    "statistics_figure",
    "vote_panel",
    "write_image_to_image",
    "write_statistics",
    "write_super_resolution",
    "write_tour",
]

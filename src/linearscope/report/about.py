"""What a report says of where its numbers come from."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = ["About", "Picture", "current_versions", "plain_picture"]

#: ``(H, W, 3)``, RGB.
Picture = npt.NDArray[np.uint8]


def current_versions() -> dict[str, str]:
    """Versions of Python, this package and those whose numbers a report shows."""
    found = {"Python": platform.python_version()}
    for name in ("linearscope", "torch", "numpy", "matplotlib"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def plain_picture(tensor: Tensor) -> Picture:
    """Show a tensor whose pixels lie between 0 and 1; for models that have no preprocessing of their own.

    Parameters
    ----------
    tensor
        ``(1, C, H, W)`` with one or three channels; of any other number the mean is shown.
    """
    planes = tensor.detach().cpu().double()[0]
    if len(planes) != 3:
        planes = planes.mean(0, keepdim=True).expand(3, -1, -1)
    return np.asarray((planes.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy(), dtype=np.uint8)


@dataclass(frozen=True)
class About:
    """Where the numbers of a report come from.

    Parameters
    ----------
    model
        Name of the model as it was asked for.
    image
        Name of the image, or of the folder.
    source
        Architecture, weights and licence in one line; empty where not known.
    preprocessing
        What was done to the photo, in words.
    display
        From a tensor in the model's units to a picture: ``(1, C, H, W)`` to ``(H, W, 3)`` uint8.
    labels
        Names of the scores, or None.
    command
        The command line that makes the report again; empty for none.
    seconds
        What the computation took; None where it was not timed.
    versions
        Of the software.
    notes
        Anything the reader must know, such as that the weights are random; one sentence each.
    """

    model: str
    image: str
    source: str = ""
    preprocessing: str = ""
    display: Callable[[Tensor], Picture] = plain_picture
    labels: tuple[str, ...] | None = None
    command: str = ""
    seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=current_versions)
    notes: tuple[str, ...] = ()

    def name(self, label: int) -> str:
        """Full name of a label."""
        if self.labels is not None and label < len(self.labels):
            return self.labels[label]
        return f"label {label}"

    def short(self, label: int) -> str:
        """First of the synonyms of a label, at most 32 characters, with its index where the name is not its own.

        Examples
        --------
        >>> About("m", "i", labels=("tabby, tabby cat", "crane", "crane")).short(0)
        'tabby'
        >>> About("m", "i", labels=("tabby, tabby cat", "crane", "crane")).short(2)
        'crane (2)'
        """
        first = self.name(label).split(",")[0].strip() or f"label {label}"
        same = [name for name in self.labels or () if name.split(",")[0].strip() == first]
        return clip(first, 32) + (f" ({label})" if len(same) > 1 else "")


def clip(text: str, length: int) -> str:
    """Shorten ``text`` to ``length`` characters, the last of them an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"

"""Options that several commands share, and what they make: a model ready to be shown images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linearscope.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from linearscope.models import LoadedModel, PlacedModel
    from linearscope.program import Program

__all__ = [
    "INTERRUPTED",
    "Asked",
    "Device",
    "Dtype",
    "Epsilon",
    "Interpretation",
    "Labels",
    "Model",
    "Output",
    "Preprocess",
    "Ready",
    "Weights",
    "choice",
    "epsilon_in_pixels",
    "find_device",
    "prepare",
]

#: Exit code after Ctrl-C.
INTERRUPTED = 130

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A bundled name, torchvision:NAME, timm:NAME, file.py:factory or file.pt2.",
        metavar="MODEL",
    ),
]
Weights = Annotated[
    Path | None, typer.Option("--weights", "-w", help="A .safetensors or .pth file of tensors.", metavar="FILE")
]
Preprocess = Annotated[
    str | None,
    typer.Option(
        "--preprocess", help="Such as resize=256,crop=224,mean=0.5,std=0.25; overrides the model's.", metavar="TEXT"
    ),
]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="A text file with one class name a line.", metavar="FILE")
]
Output = Annotated[
    str | None, typer.Option("--output", help="Which tensor, when the model returns several.", metavar="NAME")
]
Interpretation = Annotated[
    str,
    typer.Option(
        "--interpretation",
        help="freeze: units keep their decision. freeze-deviation: norms let the mean move. taylor: first order.",
        metavar="NAME",
    ),
]
Epsilon = Annotated[
    float, typer.Option("--epsilon", help="Strength of the attack in 8-bit pixel levels.", metavar="LEVELS")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps ...", metavar="DEVICE")]
Dtype = Annotated[str, typer.Option("--dtype", help="float32 or float64.", metavar="TYPE")]


def choice(kind: str, value: str, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``; raise :class:`UnknownNameError` otherwise."""
    if value not in choices:
        raise UnknownNameError(kind, value, choices)
    return value


def epsilon_in_pixels(epsilon: float) -> float:
    """Check an attack's strength, given in 8-bit pixel levels, and return it in units of the pixel range 0 to 1."""
    if not 0 < epsilon <= 255:
        raise InputError(f"--epsilon is {epsilon:g} pixel levels. Give a number above 0 and at most 255, such as 2.")
    return epsilon / 255


@dataclass(frozen=True)
class Ready:
    """A model on its device, and how an image becomes its input.

    Attributes
    ----------
    model
        As loaded.
    placed
        The same on its device.
    tensors
        The weights; of a ``.pt2`` file its bytes.
    labels_given
        Whether the class names come from a file that the user named.
    """

    model: LoadedModel
    placed: PlacedModel
    tensors: list[Tensor]
    labels_given: bool

    def capture(self, image: Tensor) -> Program:
        """Make the Program for an image tensor."""
        return self.placed.capture(image)

    def tensor(self, path: Path) -> Tensor:
        """Read an image file into a tensor on the device."""
        from linearscope.models import read_image

        return self.placed.tensor(read_image(path))

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """What pixels 0 and 255 are in the model's units, on the device."""
        return self.placed.bounds

    def names(self, count: int) -> tuple[str, ...] | None:
        """Class names for ``count`` scores; ``None`` where the model has none for that many.

        Raises
        ------
        InputError
            When a file of names was given and holds another number.
        """
        names = self.model.labels
        if names is None or len(names) == count:
            return names
        if self.labels_given:
            raise InputError(f"--labels holds {len(names)} names and the model has {count} scores. Give one a score.")
        return None


@dataclass(frozen=True)
class Asked:
    """What every kind of tour is asked.

    Attributes
    ----------
    ready
        The model.
    image
        The photo that the user named, or ``None``.
    interpretation
        ``"freeze"``, ``"freeze-deviation"`` or ``"taylor"``.
    out
        Folder for the page.
    command
        The command line that was given.
    start
        When the command began, by ``time.perf_counter()``.
    """

    ready: Ready
    image: Path | None
    interpretation: str
    out: Path
    command: str
    start: float


def prepare(
    model: str | None,
    weights: Path | None,
    preprocess: str | None,
    labels: Path | None,
    output: str | None,
    device: str,
    dtype: str,
) -> Ready:
    """Load the model that the shared options name, on its device and in its type."""
    import torch

    from linearscope.models import DEFAULT, PlacedModel, load_model

    choice("type of numbers", dtype, ("float32", "float64"))
    numbers = torch.float32 if dtype == "float32" else torch.float64
    place = find_device(device)
    loaded = load_model(
        DEFAULT if model is None else model, weights=weights, preprocess=preprocess, labels=labels, output=output
    )
    placed = PlacedModel(loaded, place, numbers)
    module = placed.module
    if isinstance(module, torch.nn.Module):
        tensors = [*module.state_dict().values()]
    else:
        tensors = [torch.frombuffer(bytearray(module.read_bytes()), dtype=torch.uint8)]
    return Ready(loaded, placed, tensors, labels is not None)


def find_device(name: str) -> torch.device:
    """Return the device of that name, if this machine has it."""
    import torch

    try:
        place = torch.device(name)
        torch.zeros(1, device=place).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"The device {name!r} cannot be used here. Give --device cpu, or one this machine has."
        ) from error
    return place

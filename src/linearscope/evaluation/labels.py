"""Label randomisation: are the maps of a model that learned true labels unlike those of one that learned noise?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from linearscope.attribution import Explainer
from linearscope.errors import InputError
from linearscope.evaluation.given import Classes, classes, pictures, whole
from linearscope.evaluation.sanity import Method, maps_of
from linearscope.evaluation.similarity import Similarity, compare
from linearscope.progress import track

__all__ = ["label_randomisation", "permuted_labels", "train_small"]


def label_randomisation(
    true: nn.Module,
    permuted: nn.Module,
    images: Tensor,
    targets: Classes | None = None,
    *,
    method: Method = "gradient",
    foreground: bool = False,
    **options: Any,
) -> Similarity:
    """Compare a method's maps of a model trained on true labels and of one trained on permuted labels.

    Parameters
    ----------
    true, permuted
        The two modules, of one architecture; :func:`train_small` trains small ones.
    images
        ``(n, C, H, W)``.
    targets
        One class for all, or one an image; default: each image's first by the true model, for both.
    method, foreground, options
        As in :func:`parameter_randomisation`.

    Examples
    --------
    >>> import torch
    >>> one, other = (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(432, 5)) for _ in range(2))
    >>> images = torch.rand(2, 3, 12, 12)
    >>> label_randomisation(one, one, images).estimate.mean
    1.0
    >>> label_randomisation(one, other, images).estimate.mean < 0.5
    True

    Source: Adebayo et al., NeurIPS 2018, section 3.2.
    """
    images = pictures(images)
    if targets is None:
        targets = Explainer(true, images).scores(images).argmax(1)
    chosen = classes(targets, len(images))
    first, second = (maps_of(model, images, chosen, method, options) for model in (true, permuted))
    return compare(first, second, foreground=foreground)


def permuted_labels(labels: Tensor, seed: int = 0) -> Tensor:
    """Labels in a random order: as many of each class, and no relation to the images.

    Examples
    --------
    >>> import torch
    >>> permuted_labels(torch.arange(4)).sort().values.tolist()
    [0, 1, 2, 3]
    """
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).to(labels.device)]


def train_small(
    images: Tensor, labels: Tensor, *, channels: int = 32, until: float = 0.95, epochs: int = 200, batch: int = 32,
    seed: int = 0,
) -> nn.Sequential:  # fmt: skip
    """Train a small network until it knows its images by heart, true labels or not.

    Three convolutions with max pooling, two dense layers, ReLU, no normalisation; Adam at 0.001.

    Parameters
    ----------
    images
        ``(n, C, H, W)``, at least 8 x 8.
    labels
        ``(n,)``, int64.
    channels
        Of the first convolution; the others have twice as many.
    until
        Stop after the first epoch with this share of the images right.
    epochs
        At most.
    batch
        Images a step.
    seed
        Of the start and of the order.

    Raises
    ------
    InputError
        When there is one class only, or the share is not reached: a model that has not learned tells nothing.

    Examples
    --------
    >>> import torch
    >>> images = torch.rand(8, 1, 8, 8)
    >>> net = train_small(images, torch.arange(8) % 2, channels=8)
    >>> net(images).shape
    torch.Size([8, 2])
    """
    images = pictures(images)
    known = classes(labels, len(images), "labels").to(images.device)
    whole(epochs, "the number of epochs", 1)
    if bool((known == known[0]).all()):
        raise InputError("The labels are of one class only, which any network knows; give at least two classes.")
    if not 0 < until <= 1 or min(images.shape[2:]) < 8:
        raise InputError(
            f"Training goes until a share in (0, 1] of images of at least 8 x 8 is right; {until} was given."
        )
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        net = _small(images.shape[1], channels, int(known.max()) + 1).to(images)
        net(images[:1])
        optimiser = torch.optim.Adam(net.parameters(), 1e-3)
        share = 0.0
        for _ in track(range(epochs), "training a small network"):
            right = 0
            order = torch.randperm(len(images)).to(images.device)
            for part in (order[start : start + batch] for start in range(0, len(images), batch)):
                scores = net(images[part])
                loss = F.cross_entropy(scores, known[part])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                right += int((scores.argmax(1) == known[part]).sum())
            share = right / len(images)
            if share >= until:
                return net.eval().requires_grad_(False)
    raise InputError(
        f"After {epochs} epochs {share:.0%} of the images are right, and {until:.0%} were asked; give more epochs."
    )


def _small(colours: int, channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(colours, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.LazyLinear(4 * channels), nn.ReLU(), nn.Linear(4 * channels, count),
    )  # fmt: skip

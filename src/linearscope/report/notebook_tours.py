"""Cards of tours and of measured explanations: the numbers of several results at once."""

from __future__ import annotations

from linearscope.analysis import (
    ClassificationTour,
    Explained,
    ImageMap,
    ImageToImageTour,
    SuperResolutionTour,
)
from linearscope.evaluation import Estimate, PerImage
from linearscope.report.image_sentences import score
from linearscope.report.notebook_matrix import PAIRS
from linearscope.report.notebook_parts import (
    Bar,
    Card,
    Shown,
    card_of,
    map_picture,
    signed_bars,
    tensor_picture,
)
from linearscope.report.words import amount, count, percent, tiny

__all__: list[str] = []


@card_of(Explained)
def _explained(found: Explained) -> Card:
    scores = [(f"output {label}", float(found.scores[label])) for label in found.shown]
    return Card(
        "Image explained",
        count(len(found.scores), "score"),
        facts=[
            ("F x + r against y", f"{tiny(found.certificate.reconstruction)} relative error"),
            ("first probability", percent(float(found.probabilities.max()))),
        ],
        pictures=_spoken(found),
        bars=signed_bars([(name, value, amount(value)) for name, value in scores]),
    )


@card_of(ClassificationTour)
def _classification(found: ClassificationTour) -> Card:
    inner = _explained(found.before)
    facts = list(inner.facts)
    pictures = list(inner.pictures)
    sentence = ""
    if found.attack is not None:
        sentence = (
            f"An attack of epsilon {amount(found.attack.epsilon)} changes the first label from "
            f"{found.attack.before} to {found.attack.after}."
            if found.attack.success
            else f"An attack of epsilon {amount(found.attack.epsilon)} leaves the first label at {found.attack.before}."
        )
        pictures.append(tensor_picture(found.attack.adversarial, "attacked"))
    if found.reach is not None:
        facts.append(("decisions change at step", amount(found.reach.step)))
    return Card("Tour of a classifier", inner.about, sentence, facts, pictures, inner.bars)


def _spoken(found: Explained) -> list[Shown]:
    maps = zip(found.discussion.targets, found.discussion.maps, strict=True)
    return [tensor_picture(found.image, "image")] + [
        map_picture(one, f"discussion of output {target}") for target, one in list(maps)[:3]
    ]


@card_of(ImageMap)
def _image_map(found: ImageMap) -> Card:
    facts = [
        ("residual", f"{percent(found.residual_ratio)} of the output"),
        ("flashlight", score(found.flashlight)),
        ("F x + r against y", f"{tiny(found.certificate.reconstruction)} relative error"),
    ]
    if found.quality is not None:
        facts.append(("PSNR", f"{amount(found.quality.psnr)} dB"))
    return Card(
        "Network on an image",
        found.name,
        facts=facts,
        pictures=[
            tensor_picture(found.image_pixels, "input"),
            tensor_picture(found.output_pixels, "output"),
            map_picture(found.residual[0], "residual"),
        ],
    )


@card_of(SuperResolutionTour)
def _super_resolution(found: SuperResolutionTour) -> Card:
    return _between_images("Tour of an upscaler", f"{found.network.name}, {found.scale} times", found.maps, found)


@card_of(ImageToImageTour)
def _image_to_image(found: ImageToImageTour) -> Card:
    return _between_images("Tour of an image-to-image network", found.network.name, found.maps, found)


def _between_images(
    title: str, about: str, maps: tuple[ImageMap, ...], found: SuperResolutionTour | ImageToImageTour
) -> Card:
    inner = _image_map(found.network)
    facts = list(inner.facts)
    if isinstance(found, ImageToImageTour):
        facts.append(("far energy", percent(found.off_diagonal.share)))
    facts += [(f"flashlight of {one.name}", score(one.flashlight)) for one in maps[1:]]
    pictures = list(inner.pictures)
    pictures += [map_picture(one.eigen_input, f"eigen-input {i}") for i, one in enumerate(found.eigen.pairs[:PAIRS], 1)]
    return Card(title, about, facts=facts, pictures=pictures)


@card_of(Estimate)
def _estimate(found: Estimate) -> Card:
    return Card(
        "Estimate",
        count(found.count, "image"),
        facts=[("mean", amount(found.mean)), ("95 % interval", f"{amount(found.low)} to {amount(found.high)}")],
    )


@card_of(PerImage)
def _per_image(found: PerImage) -> Card:
    inner = _estimate(found.estimate)
    values = found.values.tolist()
    return Card(
        type(found).__name__,
        inner.about,
        facts=inner.facts,
        bars=[
            Bar(f"image {i}", amount(value), value / (max(map(abs, values)) or 1.0))
            for i, value in enumerate(values[:8])
        ],
        notes=[f"{len(values) - 8} more images not shown."] if len(values) > 8 else [],
    )

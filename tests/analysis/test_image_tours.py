"""The tours of networks that make images: what they hold agrees with direct computation, and odd images do no harm."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis.eigen import eigen_pairs
from linearscope.analysis.flashlight import grid_period
from linearscope.analysis.image_map import ImageSubject
from linearscope.analysis.image_to_image import tour_image_to_image
from linearscope.analysis.quality import quality
from linearscope.analysis.super_resolution import tour_super_resolution
from linearscope.analysis.tour_kind import tour_kind
from linearscope.errors import InputError
from linearscope.models import load_model
from linearscope.networks import Bicubic

WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "weights"


def picture(channels=3, size=(24, 26), seed=0):
    generator = torch.Generator().manual_seed(seed)
    smooth = torch.rand(1, channels, size[0] // 2, size[1] // 2, dtype=torch.float64, generator=generator)
    return nn.functional.interpolate(smooth, size, mode="bilinear", align_corners=False)


def upscaler(channels=3, scale=2, bias=True):
    torch.manual_seed(0)
    layers = [nn.Conv2d(channels, 8, 3, padding=1, bias=bias), nn.ReLU()]
    layers += [nn.Conv2d(8, channels * scale**2, 3, padding=1, bias=bias), nn.PixelShuffle(scale)]
    return nn.Sequential(*layers).double()


def translator(channels=3):
    torch.manual_seed(0)
    layers = [nn.Conv2d(channels, 6, 3, padding=1), nn.InstanceNorm2d(6, affine=True), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(6, channels, 3, padding=1)).double()


def subject(model, image, name="net", original=None):
    return ImageSubject(name, ls.capture(model, image), image, original)


@pytest.fixture(scope="module")
def upscaled():
    image = picture()
    original = picture(size=(48, 52), seed=5)
    compared = subject(upscaler(bias=False), image, "unbiased", original)
    return tour_super_resolution(
        subject(upscaler(), image, original=original), compare=[compared], points=[(3, 4)], k=3
    )


@pytest.fixture(scope="module")
def translated():
    image = picture(size=(24, 24))
    return tour_image_to_image(subject(translator(), image), k=2, blocks=4, probes=2, rows=4)


def test_kinds_are_told_by_the_output():
    assert tour_kind((1, 3, 8, 8), (1, 10)) == "classification"
    assert tour_kind((1, 1, 7, 9), (1, 1, 21, 27)) == "super-resolution"
    assert tour_kind((1, 3, 7, 9), (1, 21, 7, 9)) == "image-to-image"


@pytest.mark.parametrize(
    "shape", [(1, 1), (10,), (2, 10), (1, 3, 4, 4), (1, 3, 16, 8), (1, 3, 12, 12), (1, 3, 8, 8, 1), (1, 64, 10), (1, 0)]
)
def test_other_outputs_are_refused_in_one_sentence(shape):
    with pytest.raises(InputError, match="neither scores"):
        tour_kind((1, 3, 8, 8), shape)


def test_columns_rows_and_residual_are_those_of_the_matrix(upscaled):
    one = upscaled.network
    assert [place.kind for place in one.places] == ["chosen", "edge", "corner", "texture", "flat"]
    assert one.places[0].point == (3, 4)
    it = ls.interpret(upscaler(), picture())
    for place in one.places:
        column = it.columns((1, *place.point))[0]
        assert torch.allclose(place.column.window.whole(), column, atol=1e-12)
        row = it.rows((1, *place.output_point))[0]
        assert torch.allclose(place.row.window.whole(), row, atol=1e-12)
    zero = it.output - it.matvec(picture())
    assert one.residual_ratio == pytest.approx(float(zero.norm() / it.output.norm()), rel=1e-9)
    energies = [float(part.square().sum()) for part in (zero, it.output - zero)]
    assert one.residual_share == pytest.approx(energies[0] / sum(energies), rel=1e-9)


def test_networks_without_constants_have_no_residual(upscaled):
    assert upscaled.others[0].name == "unbiased"
    for one in (upscaled.others[0], upscaled.bicubic):
        assert one.residual_share < 1e-20
    assert upscaled.network.residual_ratio > 1e-3


def test_the_reference_is_bicubic_upscaling(upscaled):
    reference = upscaled.bicubic
    assert torch.allclose(reference.output, Bicubic(2).double()(picture()), atol=1e-12)
    assert abs(reference.flashlight.score) < 1e-12
    assert upscaled.network.flashlight.score > 1e-3
    assert [one.name for one in upscaled.maps] == ["net", "unbiased", "bicubic"]


def test_every_network_is_compared_with_the_original(upscaled):
    original = picture(size=(48, 52), seed=5)
    for one in upscaled.maps:
        assert one.quality == quality(one.output, original, border=2)


def test_eigen_pairs_are_singular_triplets():
    image = picture(size=(8, 10))
    it = ls.interpret(upscaler(), image)
    values = torch.linalg.svdvals(it.matvec(torch.eye(240, dtype=torch.float64).reshape(240, 3, 8, 10)).flatten(1))
    for pair, value in zip(eigen_pairs(it, 3).pairs, values, strict=False):
        assert pair.singular_value == pytest.approx(float(value), rel=1e-3)
        product = it.matvec(pair.eigen_input[None])[0]
        assert float((product - pair.singular_value * pair.eigen_output).norm()) < 2e-4 * float(values[0])
        assert pair.eigen_input.norm().item() == pytest.approx(1)


def test_eigen_inputs_of_a_local_gain_are_there():
    class Spot(nn.Module):
        def forward(self, x):
            gain = torch.ones_like(x)
            gain[..., 4:7, 10:13] = 5.0
            return gain * x

    found = eigen_pairs(ls.interpret(Spot(), picture(1)), 2)
    for pair in found.pairs:
        assert pair.singular_value == pytest.approx(5)
        assert math.dist(pair.input_pattern.centre, (5, 11)) < 1.5
        assert pair.input_pattern.radius < 3
        assert pair.input_pattern.area <= 9 / (24 * 26) + 1e-12


def test_the_grid_of_a_network_is_that_of_its_strides():
    class Coarse(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
            self.more = nn.Conv2d(4, 4, 3, stride=2, padding=1)
            self.up = nn.ConvTranspose2d(4, 3, 4, stride=4)

        def forward(self, x):
            y = self.more(self.down(x))
            return self.up(y * y.mean((2, 3), keepdim=True))

    image = picture(size=(32, 32)).float()
    assert grid_period(ls.capture(Coarse(), image)) == 4
    assert grid_period(ls.capture(upscaler().float(), image)) == 1


def test_the_image_to_image_tour_holds_all_of_it(translated):
    assert translated.network.scale == 1
    assert translated.network.quality is None
    assert {one.interpretation for one in translated.coupling} >= {"freeze", "taylor"}
    frozen = next(one for one in translated.coupling if one.interpretation == "freeze")
    taylor = next(one for one in translated.coupling if one.interpretation == "taylor")
    assert frozen.outside.max() == 0 < taylor.outside.min()
    assert translated.off_diagonal.energy.shape == (4, 4, 4, 4)
    assert translated.off_diagonal.outside == 0
    assert len(translated.templates.segments) == 24


def numbers(value):
    """Every float in a nest of dataclasses, tuples and tensors."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, torch.Tensor):
        yield from value.double().flatten().tolist()
    elif isinstance(value, dict):
        yield from (n for one in value.values() for n in numbers(one))
    elif isinstance(value, (tuple, list)):
        yield from (n for one in value for n in numbers(one))
    elif hasattr(value, "__dataclass_fields__"):
        yield from (n for name in value.__dataclass_fields__ for n in numbers(getattr(value, name)))


@pytest.mark.parametrize(
    "image",
    [
        torch.zeros(1, 3, 17, 19, dtype=torch.float64),
        torch.full((1, 3, 16, 16), 0.5, dtype=torch.float64),
        picture(3, (9, 33)),
    ],
    ids=["black", "grey", "narrow"],
)
def test_odd_images_leave_no_nan(image):
    up = tour_super_resolution(subject(upscaler(), image), k=2)
    same = tour_image_to_image(subject(translator(), image), k=2, blocks=3, probes=2, rows=2)
    for tour in (up, same):
        assert all(math.isfinite(number) for number in numbers(tour))


def test_one_channel_and_images_too_small_for_a_flashlight():
    image = picture(1, (8, 10))
    tour = tour_super_resolution(subject(upscaler(1, 3), image), k=1)
    assert tour.scale == 3
    assert tour.bicubic.output.shape == (1, 1, 24, 30)
    assert tour_super_resolution(subject(upscaler(1), picture(1, (6, 6))), k=1).network.flashlight is None


def test_what_does_not_fit_is_refused():
    image = picture()
    with pytest.raises(InputError, match="as large as the image"):
        tour_super_resolution(subject(translator(), image))
    with pytest.raises(InputError, match="super-resolution tour"):
        tour_image_to_image(subject(upscaler(), image))
    with pytest.raises(InputError, match="one scale"):
        tour_super_resolution(subject(upscaler(), image), compare=[subject(upscaler(scale=3), image)], k=1)
    with pytest.raises(InputError, match="row from 0 to 23"):
        tour_super_resolution(subject(upscaler(), image), points=[(24, 0)], k=1)


PUBLISHED = {
    "carn_m_x2": "sr_carn_m",
    "espcn_x3": "sr_espcn_relu_x3",
    "espcn_tanh_x2": "sr_tf_espcn_x2",
    "fsrcnn_subpixel_x2": "sr_fsrcnn_x2",
    "transformer_net": "style_transformernet_candy",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_run_through_their_tour(name):
    path = WEIGHTS / f"{PUBLISHED[name]}.safetensors"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in ../shared/data")
    loaded = load_model(name, weights=path)
    one, two = loaded.preprocessing.lower, loaded.preprocessing.upper
    image = one + (two - one) * picture(one.shape[1], (24, 24)).float()
    given = subject(loaded.module, image, name)
    if tour_kind(given.program.input_shape, given.program.output_shape) == "super-resolution":
        tour = tour_super_resolution(given, k=1)
    else:
        tour = tour_image_to_image(given, k=1, blocks=2, probes=2, rows=2)
    certificate = tour.network.certificate
    assert max(certificate.reconstruction, certificate.adjoint) <= certificate.tolerance
    assert all(math.isfinite(number) for number in numbers(tour))
    if name != "transformer_net":
        assert tour.network.flashlight.score > tour.bicubic.flashlight.score + 1e-3

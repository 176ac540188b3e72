"""Rows and columns by windows against whole products, and where F can differ from zero against where it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.interpreter import LinearInterpreter
from tests.analysis.networks import NETWORKS, image, randomised


class Upscaler(nn.Module):
    """Convolutions of all kinds, skips, a pixel shuffle and an interpolated skip."""

    def __init__(self, scale: int = 2) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 6, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=2), nn.PReLU(6), nn.Conv2d(6, 6, 1))
        self.tail = nn.Sequential(nn.Conv2d(6, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(x)
        y = torch.cat([y, F.relu(self.body(y))], 1)[:, 3:9] + y
        up = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return self.tail(y) + up


class Generator(nn.Module):
    """The parts of an image-to-image generator: reflections, strides, norms of the image, transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.ReflectionPad2d(2), nn.Conv2d(3, 4, 5), nn.InstanceNorm2d(4), nn.ReLU(),
            nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.InstanceNorm2d(6, affine=True), nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(4), nn.ReLU6(),
            nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Encoder(nn.Module):
    """Pooling, split channels, a gate, a mean over rows, and channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding="same", dilation=2)
        self.norm = nn.LayerNorm(8)
        self.gate = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        a, b = x.chunk(2, 1)
        x = torch.cat([b, a * 0.5], 1)
        x = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return F.avg_pool2d(x * torch.sigmoid(self.gate(x)), 3, 1, 1).mean(2)


class Results(nn.Module):
    """Ends on one of several results."""

    def __init__(self, last: bool) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 6, 3, padding=1), last

    def forward(self, x: Tensor) -> Tensor:
        parts = [part.relu() * (i + 0.5) for i, part in enumerate(self.conv(x).split([1, 3, 2], 1))]
        x = torch.cat(parts, 1)
        return x.chunk(2, 2)[1] if self.last else x.sort(3).values


MADE = {
    "upscaler": Upscaler,
    "generator": Generator,
    "encoder": Encoder,
    "chunk": lambda: Results(True),
    "sort": lambda: Results(False),
}
EVERY = {**{name: (lambda c=c: randomised(c().double())) for name, c in MADE.items()}, **NETWORKS}


@pytest.fixture(scope="module", params=EVERY, ids=str)
def it(request: pytest.FixtureRequest) -> LinearInterpreter:
    return ls.interpret(EVERY[request.param](), image(size=12))


def dense(it: LinearInterpreter) -> Tensor:
    """F by whole products."""
    rows, _ = it.shape
    eye = torch.eye(rows, dtype=it.point.dtype).reshape(rows, *it.output_shape)
    return it.rmatvec(eye).flatten(1)


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_every_row_and_column_by_its_window_is_that_of_the_whole_product(it: LinearInterpreter) -> None:
    matrix = dense(it)
    chosen = np.random.default_rng(0)
    columns = sorted(chosen.choice(it.shape[1], min(40, it.shape[1]), replace=False).tolist())
    rows = sorted(chosen.choice(it.shape[0], min(40, it.shape[0]), replace=False).tolist())
    for index, window in zip(columns, it.column_windows(columns), strict=True):
        close(window.whole().flatten(), matrix[:, index])
    for index, window in zip(rows, it.row_windows(rows), strict=True):
        close(window.whole().flatten(), matrix[index])
    close(it.columns(columns).flatten(1), matrix[:, columns].T)
    close(it.rows(rows).flatten(1), matrix[rows])


def test_support_holds_everything_that_is_not_zero(it: LinearInterpreter) -> None:
    support = it.support()
    assert support.input_shape == it.input_shape
    assert support.output_shape == it.output_shape
    used = (dense(it) != 0).reshape(*it.output_shape, *it.input_shape)
    outside = torch.ones_like(used)
    for axis, one in enumerate(support.axes):
        table = torch.from_numpy(np.ascontiguousarray(one.matrix))
        assert table.shape[1] == it.input_shape[axis]
        view = [1] * used.dim()
        view[len(it.output_shape) + axis] = table.shape[1]
        if one.output_axis is not None:
            view[one.output_axis] = table.shape[0]
        outside &= table.reshape(view)
    assert not (used & ~outside).any()


@pytest.mark.parametrize("name", ["upscaler", "generator"])
def test_streamed_decisions_give_the_same_windows(name: str) -> None:
    model, x = EVERY[name](), image(size=16)
    kept, streamed = (ls.interpret(model, x, memory=memory) for memory in ("store", "stream"))
    for index in ((0, 0, 0), (2, 7, 9)):
        for a, b in ((kept.row_window, streamed.row_window), (kept.column_window, streamed.column_window)):
            close(a(index).values, b(index).values)
            assert a(index).start == b(index).start


def test_windows_of_a_layer_are_those_of_its_map() -> None:
    it = ls.interpret(EVERY["upscaler"](), image(size=16)).at("head")
    matrix = dense(it)
    close(it.row_window((1, 20, 9)).whole().flatten(), matrix.reshape(*it.output_shape, -1)[1, 20, 9])
    close(it.column_window((4, 3, 9)).whole().flatten(), matrix.T.reshape(*it.input_shape, -1)[4, 3, 9])


def test_a_window_does_not_grow_with_the_image() -> None:
    model = EVERY["upscaler"]()
    small, large = (ls.interpret(model, image(size=size)) for size in (24, 48))
    at = {24: 12, 48: 24}
    for size, one in ((24, small), (48, large)):
        row = one.row_window((1, 2 * at[size], 2 * at[size]))
        assert tuple(row.values.shape) == (3, 7, 7)
        assert row.start == (0, at[size] - 3, at[size] - 3)
    boxes = [one._cutter.forward(((0, 1), (0, 3), (at[s], at[s] + 1), (at[s], at[s] + 1))) for s, one in
             ((24, small), (48, large))]  # fmt: skip
    assert small._cutter.work(boxes[0]) == large._cutter.work(boxes[1])


def test_a_strided_encoder_repeats_by_its_period() -> None:
    it = ls.interpret(EVERY["generator"](), image(size=32))
    for axis in (1, 2):
        assert it.support().axes[axis].output_axis == axis
        widths = it.support().axes[axis].matrix.sum(1)
        assert np.array_equal(widths[8:16], widths[10:18])


def test_first_order_norms_see_the_whole_image_and_frozen_ones_do_not() -> None:
    x = image(size=24)
    frozen, taylor = (ls.interpret(EVERY["generator"](), x, interpretation=i) for i in ("freeze", "taylor"))
    assert frozen.support().axes[1].output_axis == 1
    assert taylor.support().axes[1].output_axis is None
    assert frozen.row_window((0, 12, 12)).values.shape[1] < 24
    assert taylor.row_window((0, 12, 12)).values.shape[1] == 24


def test_an_index_outside_says_what_is_inside() -> None:
    it = ls.interpret(EVERY["upscaler"](), image(size=8))
    with pytest.raises(ls.InputError, match="0 to 2, 0 to 15, 0 to 15"):
        it.row_window((0, 16, 0))
    with pytest.raises(ls.InputError, match="0 to 191"):
        it.columns([192])
    with pytest.raises(ls.InputError, match="There is no column"):
        it.column_window((0, 1))


def test_a_branch_that_nothing_of_the_image_reaches_is_empty() -> None:
    class Cropped(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 4:, :]

    it = ls.interpret(Cropped(), image(size=8))
    window = it.column_window((0, 2, 2))
    assert window.values.numel() == 0
    assert not window.whole().any()
    assert torch.equal(it.columns([(0, 2, 2), (0, 5, 2)])[1].nonzero(), torch.tensor([[0, 1, 2]]))

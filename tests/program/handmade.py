"""Models as people write them by hand, one idea each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MODELS"]

MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {}


def model(*shape: int) -> Callable[[type[nn.Module]], type[nn.Module]]:
    def add(kind: type[nn.Module]) -> type[nn.Module]:
        MODELS[kind.__name__] = (kind, shape or (1, 3, 8, 8))
        return kind

    return add


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)

    def top(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(x.mean((2, 3)))
        return out


@model()
class FunctionalRelu(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.top(F.relu(self.norm(self.b(F.relu(self.a(x))))))


@model()
class InPlaceRelu(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.relu_()
        return self.top(torch.relu_(self.b(y)))


@model()
class Clamps(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x).clamp(-0.2, 0.3)
        y = self.b(y).clamp(min=0)
        return self.top(torch.clamp_max(y, 0.25).clamp_(min=0.01))


@model()
class InPlaceSkip(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.a(x))
        skip = y
        y = self.b(y)
        y += skip
        y *= 2
        return self.top(y)


@model()
class InPlaceSlices(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x).clone()
        y[:, 0] = 0.5
        y[:, 1:3, ::2] += y[:, 0:2, 1::2]
        y[y < 0] = 0.0
        return self.top(y)


@model()
class OneModuleThreeTimes(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        for _ in range(3):
            y = F.relu(self.b(y))
        return self.top(y)


@model()
class SharedWeights(Base):
    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv2d(4, 4, 3, padding=1)
        self.c.weight = self.b.weight

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.b(self.a(x)))
        return self.top(F.relu(self.c(y)) + F.conv_transpose2d(y, self.a.weight).mean(1, keepdim=True)[..., 1:-1, 1:-1])


@model()
class Einsum(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        z = torch.einsum("bchw,dc->bdhw", y, self.head.weight[:, :4])
        return torch.einsum("bchw,bdhw->bcd", F.relu(y), z)


@model()
class PReLUs(Base):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.many = nn.PReLU(), nn.PReLU(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(self.many(self.b(self.one(self.a(x)))))


@model()
class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=2, dilation=2), nn.LeakyReLU(0.2), nn.Conv2d(6, 6, 3, groups=3, padding="same"),
            nn.ReLU6(), nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.ELU(),
            nn.ConvTranspose2d(4, 4, 2, groups=2, dilation=2), nn.Softplus(), nn.Conv2d(4, 2, (3, 1), stride=(2, 3)),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


@model()
class Paddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
        self.b = nn.Conv2d(4, 4, 3, padding=2, padding_mode="circular")
        self.c = nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        y = F.silu(self.b(F.gelu(self.a(F.pad(x, (1, 0, 2, 1), value=0.7)))))
        out: Tensor = self.c(y)
        return out


@model()
class Resizing(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(F.relu(self.a(x)), scale_factor=1.5, mode="bicubic", align_corners=False)
        y = F.interpolate(self.b(y), size=(5, 7), mode="bilinear", align_corners=True)
        return F.interpolate(y, scale_factor=2, mode="nearest")


@model()
class PixelShuffles(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(F.pixel_shuffle(self.a(x), 2))
        return self.top(F.relu(F.pixel_unshuffle(y, 2)))


@model()
class Norms(Base):
    def __init__(self) -> None:
        super().__init__()
        self.instance = nn.InstanceNorm2d(4, affine=True)
        self.tracked = nn.InstanceNorm2d(4, track_running_stats=True)
        self.group = nn.GroupNorm(2, 4)
        self.layer = nn.LayerNorm([4, 8, 8])
        self.rms = nn.RMSNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.instance(self.a(x)))
        y = F.relu(self.group(self.b(y))) + self.tracked(y)
        return self.top(self.rms(F.relu(self.layer(y))))


@model()
class NormByHand(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        mean, var = y.mean(1, keepdim=True), y.var(1, keepdim=True, unbiased=False)
        y = (y - mean) / torch.sqrt(var + 1e-5)
        z = self.b(y)
        z = z * torch.rsqrt(z.pow(2).mean(1, keepdim=True) + 1e-5)
        return self.top(z / z.norm(dim=1, keepdim=True).clamp(min=1e-3))


@model()
class SqueezeExcite(Base):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.silu(self.a(x))
        y = y * torch.sigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(y, 1)))))
        return self.top(F.hardsigmoid(self.up(self.down(y))) * self.b(y))


@model()
class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        out: Tensor = self.head(tokens + self.attention(tokens, tokens, tokens)[0])
        return out


@model()
class AttentionByHand(Attention):
    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        weights = (tokens @ tokens.transpose(1, 2) / 8**0.5).softmax(-1)
        out: Tensor = self.head(weights @ tokens)
        return out


@model()
class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.encoder(self.patch(x).flatten(2).transpose(1, 2)).mean(1))
        return out


@model()
class Cells(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(24, 6), nn.GRUCell(24, 6), nn.RNNCell(24, 6)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(2, 0, 1, 3).flatten(2)
        h = c = g = r = x.new_zeros(x.shape[0], 6)
        for row in rows[:3]:
            h, c = self.lstm(row, (h, c))
            g, r = self.gru(row, g), self.rnn(row, r)
        return torch.cat([h, g, r], 1)


@model()
class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(24, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(24, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 1, 3).flatten(2)
        return torch.cat([self.lstm(rows)[0][:, -1], self.gru(rows)[1][0]], 1)


@model()
class Branches(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        if y.sum() > 0:
            return self.top(F.relu(self.b(y)))
        return self.top(torch.tanh(self.b(y)))


@model()
class Maxima(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(self.a(x), 3, 2, 1, dilation=1, ceil_mode=True)
        y = torch.maximum(y, self.b(y)) + y.amax((2, 3), keepdim=True)
        y = torch.where(y > 0.1, y, 0.3 * y - 1)
        return torch.cat(
            [y.flatten(1).topk(3, 1)[0], y.max(1)[0].flatten(1), F.adaptive_max_pool2d(y, 1)[:, :, 0, 0]], 1
        )


@model()
class Gates(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        first, second = y.chunk(2, 1)
        glu = first * second.sigmoid()
        tanh = torch.tanh(first) * torch.sigmoid(second)
        bare = first * second
        return self.top(torch.cat([glu + tanh, bare / (1 + first.abs())], 1))


@model(2, 3, 8, 8)
class BatchOfTwo(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.top(F.relu(self.norm(self.a(x))))


@model(1, 2, 4, 6, 4)
class Volume(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv3d(2, 3, 3, padding=1), nn.BatchNorm3d(3)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool3d(F.max_pool3d(F.relu(self.norm(self.conv(x))), 2), 2, ceil_mode=True)


@model()
class Odds(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y = torch.softmax(y, 1) + F.softplus(y) + torch.exp(-y.abs()) - torch.log1p(y.square())
        y = F.hardswish(F.mish(y)) + F.selu(y) * torch.erf(y) + F.hardtanh(y, -0.5, 0.4) + F.softshrink(y, 0.1)
        y = torch.roll(y, 1, 2).flip(3) + F.threshold(y, 0.2, -0.3) + y.cumsum(2) * 0.1 + F.logsigmoid(y)
        return self.top(torch.stack([y, y, y.transpose(2, 3), self.b(y)]).sum(0))

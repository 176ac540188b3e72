"""What capture promises: eval mode, nothing changed, outputs chosen, names, and clear refusals."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import linearscope as ls


def image(*shape: int) -> Tensor:
    return torch.randn(shape or (1, 3, 8, 8), dtype=torch.float64)


def small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)
    ).double()


def test_the_model_keeps_its_state() -> None:
    model = small().train()
    model[3].eval()
    loss = model(image()).sum()
    loss.backward()
    flags = [m.training for m in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    versions = [t._version for t in [*model.parameters(), *model.buffers()]]
    gradients = [p.grad for p in model.parameters()]
    hooks = [len(m._forward_hooks) for m in model.modules()]
    it = ls.interpret(model, image())
    it.rmatvec(torch.ones(1, 5, dtype=torch.float64))
    assert flags == [m.training for m in model.modules()]
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert versions == [t._version for t in [*model.parameters(), *model.buffers()]]
    assert all(a is p.grad for a, p in zip(gradients, model.parameters(), strict=True))
    assert hooks == [len(m._forward_hooks) for m in model.modules()]
    assert not it.output.requires_grad


def test_parameters_are_shared_and_not_copied() -> None:
    model = small()
    program = ls.capture(model, image())
    held = {t.untyped_storage().data_ptr() for t in program.parameters.values()}
    assert {p.untyped_storage().data_ptr() for p in model.parameters()} <= held


def test_a_program_follows_its_weights() -> None:
    class Standardised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3, 3, 3, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight / self.weight.norm())

    model, x = Standardised(), image()
    program = ls.capture(model, x)
    assert torch.allclose(program(x), model(x))
    with torch.no_grad():
        model.weight[0] *= 3
    assert torch.allclose(program(x), model(x))
    assert torch.allclose(ls.interpret(program, x).output, model(x))


class _Several(nn.Module):
    def forward(self, x: Tensor) -> dict[str, object]:
        return {"out": x * 2, "aux": [x.mean(1), (x.amax(1), x.argmax(1))]}


@pytest.mark.parametrize(("output", "shape"), [("out", (1, 3, 8, 8)), ("aux/0", (1, 8, 8)), ("aux/1/0", (1, 8, 8))])
def test_an_output_is_chosen_by_its_path(output: str, shape: tuple[int, ...]) -> None:
    assert ls.capture(_Several(), image(), output=output).output_shape == shape


@pytest.mark.parametrize("output", [None, "outt", "aux", 7])
def test_not_choosing_lists_the_choices(output: str | int | None) -> None:
    with pytest.raises(ls.InputError, match="'out', 'aux/0', 'aux/1/0', 'aux/1/1'"):
        ls.capture(_Several(), image(), output=output)


def test_tuples_are_chosen_by_index() -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.sum(1), x * 3

    assert ls.capture(Pair(), image(), output=1).output_shape == (1, 3, 8, 8)
    with pytest.raises(ls.InputError, match="'0', '1'"):
        ls.capture(Pair(), image())
    with pytest.raises(ls.InputError, match="leave it out"):
        ls.capture(small(), image(), output=0)


def test_integers_cannot_be_chosen() -> None:
    with pytest.raises(ls.CaptureError, match="argmax"):
        ls.capture(_Several(), image(), output="aux/1/1")


@pytest.mark.parametrize("final", [nn.Softmax(-1), nn.LogSoftmax(-1)])
def test_a_final_softmax_is_cut_and_said_at_the_callers_line(final: nn.Module) -> None:
    model = small()
    x = image()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        it = ls.interpret(nn.Sequential(model, final), x)
    (warning,) = [w for w in caught if issubclass(w.category, ls.LinearscopeWarning)]
    assert warning.filename == __file__
    assert "softmax was cut off" in str(warning.message)
    assert torch.allclose(it.output, model.eval()(x))
    assert any("softmax" in note for note in it.certificate.notes)


class _Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.5, training=True)


class _Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1e-3 * torch.randn_like(x)


class _Counts(nn.Module):
    count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x * self.count


class _Averages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.mul_(0.9).add_(x.mean())
        return x - self.mean


@pytest.mark.parametrize("kind", [_Random, _Noisy, _Counts, _Averages])
def test_random_and_stateful_models_are_refused(kind: type[nn.Module]) -> None:
    model = kind()
    with pytest.raises(ls.CaptureError, match=r"random|state"):
        ls.capture(model, image())
    assert getattr(model, "count", 0) == 0
    assert all(float(buffer) == 0 for buffer in model.buffers())


def test_faint_noise_is_refused_too() -> None:
    class Faint(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1e-12 * torch.rand_like(x)

    with pytest.raises(ls.CaptureError, match="random numbers"):
        ls.capture(Faint(), image())


class _LeavesTorch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy() * 2)


class _NaN(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.log(-x.abs() - 1)


class _Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x) + 1


@pytest.mark.parametrize("kind", [_LeavesTorch, _NaN, _Constant])
def test_what_is_no_map_of_the_image_is_refused(kind: type[nn.Module]) -> None:
    with pytest.raises(ls.CaptureError):
        ls.capture(kind(), image())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (image(1, 4, 8, 8), "shape"), (image(1, 3, 2, 2), "shape"), (image().float(), "float64"),
        (image().int(), "floating-point"), (image() * torch.nan, "NaN"), (image() / 0, "NaN or infinite"),
        (image(0, 3, 8, 8), "shape"), (torch.tensor(1.0), "shape"), ("photo.png", "not str"), (None, "not NoneType"),
    ],
)  # fmt: skip
def test_bad_images_are_refused_in_one_sentence(given: object, words: str) -> None:
    with pytest.raises(ls.InputError, match=words):
        ls.capture(small(), given)  # type: ignore[arg-type]


def test_bad_models_are_refused() -> None:
    with pytest.raises(ls.InputError, match=r"nn\.Module"):
        ls.capture(torch.relu, image())  # type: ignore[arg-type]
    broken = small()
    with torch.no_grad():
        broken[0].weight[0, 0, 0, 0] = torch.inf
    with pytest.raises(ls.InputError, match=r"'0\.weight'"):
        ls.capture(broken, image())


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.conv(x))
        return x + self.act(self.conv(y))


def test_names_are_stable_unique_and_speak_of_modules() -> None:
    model = nn.Sequential(_Block(), nn.ReLU(), _Block()).double()
    first, second = ls.capture(model, image()), ls.capture(model, image())
    names = [node.name for node in first.nodes]
    assert names == [node.name for node in second.nodes]
    assert len(set(names)) == len(names)
    assert set(first.layers) >= {"0.conv", "0.act", "0.conv#2", "0.act#2", "0", "1", "2.conv", "2.act#2", "2"}
    assert first.find("0").index == first.find("0.add").index


def test_head_and_tail_make_the_whole() -> None:
    model = nn.Sequential(_Block(), nn.ReLU(), _Block()).double()
    x = image()
    program = ls.capture(model, x)
    for layer in program.cuts():
        head, tail = program.cut(layer)
        assert torch.equal(tail(head(x)), program(x))
    assert "0.conv" not in program.cuts()
    with pytest.raises(ls.InputError, match=r"skip connection.*'0'"):
        program.cut("0.act")
    with pytest.raises(ls.UnknownNameError, match=r"'0\.conv'"):
        program.cut("0.convv")


def test_a_tail_is_interpreted_like_any_program() -> None:
    x = image()
    program = ls.capture(nn.Sequential(_Block(), nn.ReLU(), _Block()).double(), x)
    head, tail = program.cut("1")
    z = head(x)
    it = ls.interpret(tail, z)
    assert torch.allclose(it.matvec(z)[0] + it.residual[0], program(x)[0])


def test_inference_tensors_are_taken() -> None:
    with torch.inference_mode():
        model = small()
    it = ls.interpret(model, image())
    assert it.certificate.reconstruction <= 1e-12


def test_a_program_moves_to_another_type() -> None:
    x = image()
    program = ls.capture(small(), x).to(dtype=torch.float32)
    assert program(x.float()).dtype == torch.float32
    assert ls.interpret(program, x.float()).certificate.reconstruction <= 1e-4

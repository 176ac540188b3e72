"""The public surface of an interpreter, against the dense matrix."""

from __future__ import annotations

import pytest
import torch
from scipy.sparse.linalg import svds
from torch import Tensor, nn

import linearscope as ls
from tests.zoo.measure import contribution_error, errors, randomise


class Skips(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.act, self.pool = nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.stem(x))
        y = y + self.act(self.norm(self.one(y)))
        y = self.pool(y + self.act(self.two(y)))
        out: Tensor = self.head(y.flatten(1))
        return out


@pytest.fixture
def image() -> Tensor:
    return torch.randn(1, 3, 4, 4, dtype=torch.float64)


@pytest.fixture
def model(image: Tensor) -> nn.Module:
    return randomise(Skips().double(), image)


@pytest.fixture
def it(model: nn.Module, image: Tensor) -> ls.LinearInterpreter:
    return ls.interpret(model, image)


@pytest.fixture
def matrix(model: nn.Module, image: Tensor) -> Tensor:
    """F, by autograd: the model is piecewise linear."""
    return torch.autograd.functional.jacobian(model, image).reshape(5, 48)


def close(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert float((a - b).abs().max()) <= 1e-12 * max(float(b.abs().max()), 1.0)


def test_products_are_those_of_the_matrix(it: ls.LinearInterpreter, matrix: Tensor, image: Tensor) -> None:
    assert (it.input_shape, it.output_shape, it.shape) == ((3, 4, 4), (5,), (5, 48))
    v, u = torch.randn(7, 3, 4, 4, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
    close(it.matvec(v), v.flatten(1) @ matrix.T)
    close(it.rmatvec(u), (u @ matrix).reshape(6, 3, 4, 4))
    close(it.residual[0], it.output[0] - matrix @ image.flatten())


def test_probes_are_not_changed(it: ls.LinearInterpreter) -> None:
    v, u = torch.randn(3, 3, 4, 4, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    copies = v.clone(), u.clone()
    it.matvec(v), it.rmatvec(u)
    assert torch.equal(v, copies[0])
    assert torch.equal(u, copies[1])


@pytest.mark.parametrize(
    "indices",
    [[0, 17, 47], torch.tensor([0, 17, 47]), [(0, 0, 0), (1, 0, 1), (2, 3, 3)], [0, -31, -1], range(0, 48, 17)],
)
def test_columns_by_every_form_of_index(it: ls.LinearInterpreter, matrix: Tensor, indices: object) -> None:
    wanted = [0, 17, 34] if isinstance(indices, range) else [0, 17, 47]
    close(it.columns(indices), matrix[:, wanted].T)  # type: ignore[arg-type]


@pytest.mark.parametrize(("indices", "wanted"), [(2, [2]), ([4, 0], [4, 0]), ([(1,)], [1]), (-1, [4])])
def test_rows_by_every_form_of_index(
    it: ls.LinearInterpreter, matrix: Tensor, indices: object, wanted: list[int]
) -> None:
    close(it.rows(indices).flatten(1), matrix[wanted])  # type: ignore[arg-type]


def test_one_tuple_is_one_place(it: ls.LinearInterpreter, matrix: Tensor) -> None:
    close(it.columns((1, 0, 1)), matrix[:, [17]].T)


@pytest.mark.parametrize("indices", [48, -49, [0, 99], [(0, 0, 4)], [(0, 0)], [(3, 0, 0)]])
def test_indices_out_of_range_are_refused(it: ls.LinearInterpreter, indices: object) -> None:
    with pytest.raises(ls.InputError, match="no column"):
        it.columns(indices)  # type: ignore[arg-type]


def test_it_is_an_operator_for_scipy(it: ls.LinearInterpreter, matrix: Tensor) -> None:
    operator = it.linear_operator()
    assert operator.shape == (5, 48)
    _, found, _ = svds(operator, k=3, random_state=0)
    expected = torch.linalg.svdvals(matrix)[:3]
    assert torch.allclose(torch.tensor(found.copy()).flip(0), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "layer", ["stem", "act", "one", "norm", "act#2", "two", "act#3", "pool", "head", "add", "add#2"]
)
@pytest.mark.parametrize("interpretation", ["freeze", "taylor"])
def test_the_affine_form_from_any_layer(model: nn.Module, image: Tensor, layer: str, interpretation: str) -> None:
    it = ls.interpret(model, image, interpretation=interpretation)
    form = it.at(layer)
    assert {key: error for key, error in errors(form).items() if not error <= 1e-12} == {}
    close((form.matvec(form.point) + form.residual)[0], it.output[0])


def test_the_form_from_a_layer_beside_a_skip_keeps_the_skip_in_the_residual(model: nn.Module, image: Tensor) -> None:
    form = ls.interpret(model, image).at("act#3")
    program = ls.capture(model, image)
    tail = program.cut("pool")[1]
    skip = ls.interpret(program, image).at("add").point
    pooled = ls.interpret(model, image).at("pool")
    assert tail.input_shape == pooled.point.shape
    # pool selects the same places whatever comes in, so that the part of the skip is what is left without the layer.
    zero = form.residual - pooled.residual
    through = ls.interpret(model, image).at("add#2")
    close(zero[0], (through.matvec(skip) + through.residual - pooled.residual)[0])


def test_an_unknown_layer_names_the_nearest(it: ls.LinearInterpreter) -> None:
    with pytest.raises(ls.UnknownNameError, match="'norm'"):
        it.at("nrom")


@pytest.mark.parametrize("interpretation", ["freeze", "taylor"])
def test_memory_modes_give_the_same_numbers(model: nn.Module, image: Tensor, interpretation: str) -> None:
    v, u = torch.randn(3, 3, 4, 4, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    results = []
    for memory in ("store", "stream", "auto"):
        it = ls.interpret(model, image, memory=memory, interpretation=interpretation)
        results.append((it.matvec(v), it.rmatvec(u), it.residual, contribution_error(it)))
        assert (it.decision_bytes == 0) == (memory == "stream")
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0][:3], other[:3], strict=True))
        assert other[3] <= 1e-12


def test_a_relu_is_stored_as_one_bit(image: Tensor) -> None:
    it = ls.interpret(nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()).double(), image, memory="store")
    assert it.decision_bytes == 32 * 16 // 8
    floats = 32 * 16 * 4
    assert it.decision_bytes * 32 == floats


def test_a_budget_of_a_few_bytes_splits_the_probes(model: nn.Module, image: Tensor, matrix: Tensor) -> None:
    it = ls.interpret(model, image, memory_budget=3000)
    assert len(list(it.in_batches(48, lambda start, end: end - start))) > 5
    close(it.columns(range(48)).T, matrix)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("out of memory"), MemoryError()])
def test_running_out_of_memory_halves_the_batch_and_goes_on(
    it: ls.LinearInterpreter, matrix: Tensor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    sizes: list[int] = []
    product = it._engine.forward

    def tight(lanes: Tensor) -> Tensor:
        sizes.append(len(lanes))
        if len(lanes) > 1:  # two are always tried; whether more are depends on how fast that was
            raise error
        return product(lanes)

    monkeypatch.setattr(it._engine, "forward", tight)
    close(it.matvec(torch.eye(48, dtype=torch.float64).reshape(48, *it.input_shape)).flatten(1).T, matrix)
    assert max(sizes) > 1
    assert sizes[-1] == 1
    assert sum(size for size in sizes if size > 1) <= 2 * max(sizes), "it did not learn from the first failures"


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    it: ls.LinearInterpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(lanes: Tensor) -> Tensor:
        raise RuntimeError("something else")

    monkeypatch.setattr(it._engine, "forward", broken)
    with pytest.raises(RuntimeError, match="something else"):
        it.matvec(torch.zeros(2, *it.input_shape, dtype=torch.float64))


def test_changed_weights_are_noticed(model: nn.Module, image: Tensor) -> None:
    it = ls.interpret(model, image)
    with torch.no_grad():
        model.head.bias.add_(1)  # type: ignore[union-attr, operator]
    with pytest.raises(ls.InputError, match="changed"):
        it.rows(0)
    assert torch.allclose(ls.interpret(model, image).output, model(image))


@pytest.mark.parametrize(
    ("method", "given", "words"),
    [
        ("matvec", torch.zeros(2, 5, dtype=torch.float64), r"\(P, 3, 4, 4\)"),
        ("matvec", torch.zeros(3, 4, 4, dtype=torch.float64), r"\(P, 3, 4, 4\)"),
        ("matvec", torch.zeros(1, 3, 4, 4), "float64"),
        ("matvec", torch.full((1, 3, 4, 4), torch.nan, dtype=torch.float64), "NaN"),
        ("rmatvec", torch.zeros(5, dtype=torch.float64), r"\(P, 5\)"),
        ("rmatvec", [1.0] * 5, "list"),
        ("rmatvec", torch.full((1, 5), torch.inf, dtype=torch.float64), "NaN or infinite"),
    ],
)
def test_bad_probes_are_refused(it: ls.LinearInterpreter, method: str, given: object, words: str) -> None:
    with pytest.raises(ls.InputError, match=words):
        getattr(it, method)(given)


@pytest.mark.parametrize(
    "option", [{"interpretation": "frozen"}, {"memory": "disk"}, {"memory_budget": 0}, {"memory_budget": -5}]
)
def test_bad_options_are_refused(model: nn.Module, image: Tensor, option: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(ls.InputError):
        ls.interpret(model, image, **option)


def test_a_program_takes_images_of_its_shape_only(model: nn.Module, image: Tensor) -> None:
    program = ls.capture(model, image)
    for bad in (torch.zeros(1, 3, 6, 6, dtype=torch.float64), image.float(), image * torch.nan):
        with pytest.raises(ls.InputError):
            ls.interpret(program, bad)


def test_several_images_are_one_input(model: nn.Module) -> None:
    images = torch.randn(3, 3, 4, 4, dtype=torch.float64)
    it = ls.interpret(model, images)
    assert (it.input_shape, it.output_shape) == ((3, 3, 4, 4), (3, 5))
    assert {key: error for key, error in errors(it).items() if not error <= 1e-12} == {}
    for place, image in enumerate(images):
        single = ls.interpret(model, image[None])
        row = it.rows([(place, 2)])[0]
        close(row[place], single.rows(2)[0])
        assert float(row.abs().sum()) == float(row[place].abs().sum())


def test_an_image_of_zeros_and_a_model_of_zeros() -> None:
    model = Skips().double()
    it = ls.interpret(model, torch.zeros(1, 3, 4, 4, dtype=torch.float64))
    close(it.residual, it.output)
    for parameter in model.parameters():
        parameter.data.zero_()
    assert float(ls.interpret(model, torch.ones(1, 3, 4, 4, dtype=torch.float64)).output.abs().max()) == 0


def test_shared_storage_is_never_overwritten() -> None:
    """Lanes that are views of one memory meet again in sums: each has to arrive as it left."""

    class Views(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x.relu()
            z = torch.stack([y, y, y.transpose(2, 3), x]).sum(0)
            first, second = z.expand(2, *z.shape).unbind(0)
            return first.relu() + second + z.view(z.shape).clamp(max=0.5) + first.permute(0, 1, 3, 2)

    image = torch.randn(1, 2, 3, 3, dtype=torch.float64)
    it = ls.interpret(Views(), image)
    jacobian = torch.autograd.functional.jacobian(Views(), image).reshape(18, 18)
    close(it.rows(range(18)).reshape(18, 18), jacobian)
    close(it.columns(range(18)).reshape(18, 18).T, jacobian)


def test_float32_keeps_its_certificate(model: nn.Module, image: Tensor) -> None:
    it = ls.interpret(model.float(), image.float())
    assert it.certificate.reconstruction <= 1e-6
    assert it.certificate.frozen == {"relu": 3, "max_pool": 1}
    assert "relu" in str(it.certificate)


def test_decisions_leave_the_grad_mode_alone():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())
    it = ls.interpret(model, torch.rand(1, 3, 6, 6))
    for _ in zip(it.decisions(), it.decisions(torch.rand(1, 3, 6, 6)), strict=True):
        assert torch.is_grad_enabled()
    assert torch.is_grad_enabled()

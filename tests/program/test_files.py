"""``.pt2`` files: they come back as they were, and nothing in a stranger's file is ever executed."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import linearscope as ls


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.conv(x)))
        out: Tensor = self.head(torch.relu(y * y.mean((2, 3), keepdim=True).sigmoid()).mean((2, 3)))
        return out


@pytest.fixture
def x() -> Tensor:
    return torch.randn(1, 3, 8, 8, dtype=torch.float64)


@pytest.fixture
def model() -> nn.Module:
    return _Net().double().eval()


@pytest.fixture
def saved(model: nn.Module, x: Tensor, tmp_path: Path) -> Path:
    path = tmp_path / "net.pt2"
    ls.capture(model, x).save(path)
    return path


def test_a_program_comes_back_as_it_was(model: nn.Module, x: Tensor, saved: Path) -> None:
    before, after = ls.capture(model, x), ls.load(saved)
    assert [node.name for node in before.nodes] == [node.name for node in after.nodes]
    assert before.layers == after.layers
    assert torch.equal(before(x), after(x))
    assert torch.equal(ls.interpret(saved, x).rows(2), ls.interpret(model, x).rows(2))
    assert [path.name for path in saved.parent.iterdir()] == ["net.pt2"]


def test_notes_and_cut_outputs_come_back(model: nn.Module, x: Tensor, tmp_path: Path) -> None:
    with pytest.warns(ls.LinearscopeWarning):
        program = ls.capture(nn.Sequential(model, nn.Softmax(-1)), x)
    program.save(tmp_path / "cut.pt2")
    assert ls.load(tmp_path / "cut.pt2").notes == program.notes


def test_tails_are_saved_too(model: nn.Module, x: Tensor, tmp_path: Path) -> None:
    head, tail = ls.capture(model, x).cut("norm")
    tail.save(tmp_path / "tail.pt2")
    z = head(x)
    assert torch.equal(ls.load(tmp_path / "tail.pt2")(z), tail(z))


def test_programs_of_others_are_read(model: nn.Module, x: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "foreign.pt2"
    torch.export.save(torch.export.export(model, (x,)), path)
    assert torch.allclose(ls.interpret(path, x).output, model(x))


def test_dynamic_shapes_ask_for_an_image(model: nn.Module, x: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "dynamic.pt2"
    dims = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=(dims,)), path)
    with pytest.raises(ls.InputError, match="image="):
        ls.load(path)
    other = torch.randn(1, 3, 11, 9, dtype=torch.float64)
    assert torch.allclose(ls.interpret(path, other).output, model(other))
    with pytest.raises(ls.InputError, match="shape"):
        ls.load(path, image=torch.randn(1, 4, 8, 8, dtype=torch.float64))


def test_named_dimensions_are_read_too(model: nn.Module, x: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "named.pt2"
    height = torch.export.Dim("height", min=4, max=64)
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({2: height},)), path)
    other = torch.randn(1, 3, 12, 8, dtype=torch.float64)
    assert torch.allclose(ls.interpret(path, other).output, model(other))


@pytest.mark.parametrize("place", ["missing/net.pt2", "."])
def test_a_place_that_cannot_be_written_leaves_nothing(model: nn.Module, x: Tensor, tmp_path: Path, place: str) -> None:
    with pytest.raises(ls.InputError, match="cannot be written"):
        ls.capture(model, x).save(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


# -- strangers -------------------------------------------------------------------------------------------------------


class _Bomb:
    """A pickle of this creates the canary when it is loaded."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (exec, (f"open({str(self.canary)!r}, 'w').close()",))


def rewrite(source: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of the file with its members changed."""
    with zipfile.ZipFile(source) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    target = source.with_name("hostile.pt2")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"hostile/{name}", content)
    return target


def graph(members: dict[str, bytes], change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    program = json.loads(members["models/model.json"])
    change(program)
    members["models/model.json"] = json.dumps(program).encode()


def _sample(members: dict[str, bytes], canary: Path) -> None:
    buffer = io.BytesIO()
    torch.save(_Bomb(canary), buffer)
    members["data/sample_inputs/model.pt"] = buffer.getvalue()


def _old_pickle(members: dict[str, bytes], canary: Path) -> None:
    members["data/sample_inputs/model.pt"] = pickle.dumps(_Bomb(canary), protocol=0)


def _weight(members: dict[str, bytes], canary: Path) -> None:
    table = json.loads(members["data/weights/model_weights_config.json"])
    entry = next(iter(table["config"].values()))
    entry["use_pickle"] = True
    members["data/weights/model_weights_config.json"] = json.dumps(table).encode()
    members["data/weights/" + entry["path_name"]] = pickle.dumps(_Bomb(canary))


def _legacy_weights(members: dict[str, bytes], canary: Path) -> None:
    _sample(members, canary)
    members["data/weights/model.pt"] = members.pop("data/sample_inputs/model.pt")


def _opaque(members: dict[str, bytes], canary: Path) -> None:
    table = json.loads(members["data/constants/model_constants_config.json"])
    table["config"]["evil"] = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    members["data/constants/model_constants_config.json"] = json.dumps(table).encode()
    members["data/constants/opaque_obj_0"] = pickle.dumps(_Bomb(canary))


def _evil(canary: Path) -> str:
    code = f"open({str(canary)!r}, 'w').close()"
    return "exec(" + "+".join(f"chr({ord(letter)})" for letter in code) + ")"


def _target(text: str) -> Callable[[dict[str, bytes], Path], None]:
    def change(members: dict[str, bytes], canary: Path) -> None:
        graph(members, lambda p: p["graph_module"]["graph"]["nodes"][0].update(target=text))

    return change


def _expression(wrap: str) -> Callable[[dict[str, bytes], Path], None]:
    def change(members: dict[str, bytes], canary: Path) -> None:
        size = {"as_expr": {"expr_str": wrap.format(_evil(canary)), "hint": {"as_int": 8}}}

        def put(program: dict) -> None:  # type: ignore[type-arg]
            for meta in program["graph_module"]["graph"]["tensor_values"].values():
                meta["sizes"][-1] = size

        graph(members, put)

    return change


def _spec(text: str) -> Callable[[dict[str, bytes], Path], None]:
    def change(members: dict[str, bytes], canary: Path) -> None:
        module = canary.with_name("evil_module.py")
        module.write_text(f"open({str(canary)!r}, 'w').close()\nfactory = dict\n")
        graph(members, lambda p: p["graph_module"]["module_call_graph"][0]["signature"].update(in_spec=text))

    return change


def _container(kind: str, context: object) -> str:
    return json.dumps([1, {"type": kind, "context": context, "children_spec": []}])


_ENUM = _container("builtins.dict", json.dumps([{"__enum__": True, "fqn": "evil_module:E", "name": "A"}]))
_FACTORY = _container(
    "collections.defaultdict",
    {"default_factory_module": "evil_module", "default_factory_name": "factory", "dict_context": []},
)

HOSTILE: dict[str, Callable[[dict[str, bytes], Path], None]] = {
    "a pickle with code as sample inputs": _sample,
    "the same in an old protocol": _old_pickle,
    "a pickled weight": _weight,
    "a pickled constant": _opaque,
    "a call of os": _target("torch.os.system"),
    "a call of torch.load": _target("torch.load"),
    "a call of a custom extension": _target("#evil.op"),
    "a call that maps a file": _target("torch.ops.aten.from_file.default"),
    "a shape that is code": _expression("{}"),
    "a shape that hides code": _expression("Max(1, {})"),
    "a shape with an attribute": _expression("s0.__class__ or {}"),
    "a shape with code after spaces": _expression("1" + " " * 200_000 + "+ {}"),
    "a container that imports a module": _spec(_ENUM),
    "a container with a factory": _spec(_FACTORY),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_and_nothing_runs(
    kind: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    canary = tmp_path / "canary"
    path = rewrite(saved, lambda members: HOSTILE[kind](members, canary))
    with pytest.raises(ls.InputError, match="was not read"):
        ls.load(path)
    assert not canary.exists(), "code in the file was executed"


def test_the_hostile_files_would_run_code_in_pytorch_itself(saved: Path, tmp_path: Path) -> None:
    """The canaries are live: ``torch.export.load`` walks into this one."""
    canary = tmp_path / "canary"
    path = rewrite(saved, lambda members: _sample(members, canary))
    with pytest.raises(Exception):  # noqa: B017, PT011
        torch.export.load(path)
    assert canary.exists()


def test_parts_that_do_not_belong_are_never_looked_at(saved: Path, tmp_path: Path, x: Tensor) -> None:
    canary = tmp_path / "canary"
    path = rewrite(
        saved, lambda members: _legacy_weights(members, canary) or members.update({"data/sample_inputs/model.pt": b""})
    )
    ls.load(path)(x)
    assert not canary.exists()


def test_two_parts_of_one_name_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(n for n in archive.namelist() if n.endswith("model.json")), "{}")
    with pytest.raises(ls.InputError, match="same name"):
        ls.load(saved)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "change",
    [
        _half,
        lambda d: b"",
        lambda d: b"not a zip",
        lambda d: pickle.dumps({"a": 1}),
        lambda d: d[:-1],
        lambda d: d[1000:],
    ],
)
def test_damaged_files_are_refused(saved: Path, change: Callable[[bytes], bytes]) -> None:
    saved.write_bytes(change(saved.read_bytes()))
    with pytest.raises(ls.InputError):
        ls.load(saved)


def test_other_zip_files_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "weights.pt2")
    with pytest.raises(ls.InputError, match=r"torch\.export\.save"):
        ls.load(tmp_path / "weights.pt2")


@pytest.mark.parametrize(
    "part", ["models/model.json", "data/weights/model_weights_config.json", "extra/linearscope.json"]
)
def test_damaged_tables_are_refused(saved: Path, part: str) -> None:
    for content in (b"{", b"[]", b'{"names": 3, "config": 4}'):
        path = rewrite(saved, lambda members, content=content: members.update({part: content}))  # type: ignore[misc]
        with pytest.raises(ls.InputError):
            ls.load(path)


@pytest.mark.parametrize("name", ["nothing.pt2", "."])
def test_missing_files_and_folders_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ls.InputError, match="cannot be read"):
        ls.load(tmp_path / name)

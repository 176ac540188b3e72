"""``linearscope studio``: what it offers, mistakes before it starts, and the whole command once."""

import importlib.util
import json
import re
import signal
import subprocess
import sys

import pytest
import torch

import linearscope.studio
from linearscope.cli.studio import owner
from linearscope.errors import LinearscopeError
from linearscope.networks import BUNDLED
from linearscope.studio import server
from tests.studio.raw import PATIENCE, ask


@pytest.fixture
def start(run, work, monkeypatch):
    """Run the command without serving; returns code, output, errors, the stage and what the server was asked."""
    found = {}
    monkeypatch.setattr(linearscope.studio, "create_app", lambda stage: found.setdefault("stage", stage))
    monkeypatch.setattr(server, "serve", lambda app, **options: found.setdefault("options", options))

    def call(*arguments):
        found.clear()
        code, out, err = run("studio", *arguments)
        return code, out, err, found.get("stage"), found.get("options")

    return call


def names(stage):
    return [model.name for model in stage.models()]


WITH_WEIGHTS = [name for name, entry in BUNDLED.items() if entry.weights_title]


def test_the_bundled_models_are_offered(start):
    code, _, _, stage, options = start()
    assert code == 0
    assert names(stage) == WITH_WEIGHTS
    assert {name: options[name] for name in ("host", "port", "open_browser")} == {
        "host": "127.0.0.1",
        "port": 0,
        "open_browser": True,
    }


def test_named_models_come_first_and_none_twice(start):
    _, _, _, stage, options = start(
        "photo.png", "--model", "models.py:classifier", "-m", "denoiser", "-m", "denoiser", "--no-browser", "--port", 1
    )
    assert names(stage) == [
        "models.py:classifier",
        "denoiser",
        *(name for name in WITH_WEIGHTS if name != "denoiser"),
    ]
    assert stage.first_recipe().model == "models.py:classifier"
    assert stage.photos.list()[0].title == "photo.png"
    assert (options["open_browser"], options["port"]) == (False, 1)


def write_files(work):
    torch.save(torch.nn.Linear(6, 5).state_dict(), work / "head.pth")
    state = {f"head.{name}": value for name, value in torch.load(work / "head.pth", weights_only=True).items()}
    torch.save(state, work / "few.pth")
    (work / "names.txt").write_text("a\nb\nc\nd\ne\n")


def test_options_of_the_one_model_named(start, work):
    write_files(work)
    code, _, _, stage, _ = start("-m", "models.py:classifier", "--labels", "names.txt", "--preprocess", "resize=20")
    assert code == 0
    model = stage._loaded["models.py:classifier"]
    assert model.labels == ("a", "b", "c", "d", "e")
    assert "resize=20" in str(model.preprocessing)


def test_options_of_several_models(start, work):
    write_files(work)
    torch.save(BUNDLED["espcn_x3"].make().state_dict(), work / "x3.pth")
    code, _, err, stage, _ = start(
        *("-m", "models.py:classifier", "-m", "models.py:several", "--weights", "espcn_x3=x3.pth"),
        *("--labels", "models.py:classifier=names.txt", "--output", "models.py:several=aux"),
        *("--preprocess", "models.py:several=resize=20"),
    )
    assert (code, err) == (0, "")
    assert names(stage)[:3] == ["models.py:classifier", "models.py:several", "espcn_x3"]
    assert stage._loaded["models.py:several"].output == "aux"
    assert "resize=20" in str(stage._loaded["models.py:several"].preprocessing)
    assert "resize=20" not in str(stage._loaded["models.py:classifier"].preprocessing)
    assert stage._loaded["espcn_x3"].weights == "weights from x3.pth"


@pytest.mark.parametrize(
    ("text", "named", "expected"),
    [
        ("w=1.pth", ["a"], ("a", "w=1.pth")),
        ("a=w.pth", ["a", "ab"], ("a", "w.pth")),
        ("ab=w.pth", ["a", "ab"], ("ab", "w.pth")),
        ("a=b=c", ["a", "a=b"], ("a=b", "c")),
        ("vdsr=w.pth", [], ("vdsr", "w.pth")),
        ("mean=0,std=1", ["timm:resnet18"], ("timm:resnet18", "mean=0,std=1")),
    ],
)
def test_whose_an_option_is(text, named, expected):
    assert owner("--weights", text, named, ["vdsr"]) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.png"], "none.png"),
        (["--model", "smal_vgg"], "There is no model 'smal_vgg'; the nearest"),
        (["--model", ""], "No model is named."),
        (["--model", "espcn_x3"], "espcn_x3 comes without weights."),
        (["--model", "models.py:broken"], "no such luck"),
        (["--model", "evil.pkl"], "evil.pkl"),
        (["--weights", "w.pth"], "--weights w.pth names no model. Name it with --model"),
        (["-m", "vdsr_x2", "-m", "espcn_x3", "-w", "w.pth"], "--weights w.pth is for one of 2 models. Write"),
        (["-m", "denoiser", "-m", "facades", "--preprocess", "denoisr=crop=8"], "There is no model 'denoisr'"),
        (["-m", "espcn_x3", "-w", "a.pth", "-w", "b.pth"], "--weights is given twice for espcn_x3. Give it once."),
        (["-m", "espcn_x3", "-w", "none.pth"], "none.pth"),
        (["-m", "denoiser", "--preprocess", "crop=x"], "crop"),
        (["-m", "denoiser", "--labels", "none.txt"], "none.txt"),
        (["--interpretation", "guess"], "There is no interpretation 'guess'"),
        (["--device", "abacus"], "The device 'abacus' cannot be used here."),
        (["--dtype", "float8"], "There is no type of numbers 'float8'"),
        (["--port", "many"], "--port"),
    ],
)
def test_mistakes_are_said_before_the_server_starts(start, arguments, said):
    code, out, err, _, options = start(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert options is None


@pytest.mark.parametrize(("host", "port"), [("nowhere.invalid", 0), ("127.0.0.1", 70000)])
def test_places_that_cannot_be(run, work, monkeypatch, host, port):
    monkeypatch.setattr(linearscope.studio, "create_app", lambda stage: None)
    code, out, err = run("studio", "--host", host, "--port", port)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_without_the_extra(start, monkeypatch, package):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    code, _, err, _, options = start()
    assert code == 2
    assert f"The studio needs {package}" in err
    assert "pip install 'fastapi>=0.115' 'uvicorn>=0.30'" in err
    assert options is None


def test_mistakes_are_of_the_one_family():
    with pytest.raises(LinearscopeError):
        owner("--weights", "x", [], [])


def test_the_command_from_start_to_end(work):
    command = [sys.executable, "-c", "from linearscope.cli import main; main()", "studio", "photo.png", "--no-browser"]
    child = subprocess.Popen(
        command,
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        line = child.stdout.readline()
        found = re.fullmatch(r"The studio is at http://127\.0\.0\.1:(\d+)/\n", line)
        assert found, line + child.stderr.read()
        port = int(found[1])
        page = ask(port, "/", ("Accept", "text/html"))
        assert (page.status, page.header("content-type")) == (200, "text/html; charset=utf-8")
        said = ask(port, "/api/studio").json
        assert said["images"][0]["title"] == "photo.png"
        assert [model["name"] for model in said["models"]] == WITH_WEIGHTS
        missing = ask(port, "/api/subjects", method="POST", body=json.dumps({"model": "/etc/passwd"}).encode())
        assert 400 <= missing.status < 500
        assert missing.json["error"]["message"]
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
        child.communicate()
    assert (child.returncode, err) == (130, "")

"""``linearscope tour``: the page, its figures and its numbers."""

import json
import re

import pytest


def test_tour_of_a_python_model(run, work):
    code, out, err = run("tour", "photo.png", "--model", "models.py:classifier", "--out", "page")
    assert code == 0, err
    page = work / "page" / "index.html"
    assert str(page.resolve()) in out
    result = json.loads((work / "page" / "result.json").read_text())
    text = page.read_text()
    assert "photo.png" in text
    assert not re.findall(r"""(?:src|href)=["']https?://""", text)
    assert list((work / "page" / "figures").glob("*.png"))
    assert result["schema"].startswith("linearscope.")


def test_every_kind_of_source_gives_the_same_scores(run, work):
    import torch

    import linearscope as ls
    from linearscope.models import load_model, read_image
    from linearscope.program import save

    loaded = load_model("models.py:classifier")
    x = loaded.preprocessing(read_image("photo.png"))
    save(ls.capture(loaded.module, x), "small.pt2")
    torch.save(loaded.module.state_dict(), "small.pth")
    from safetensors.torch import save_file

    save_file(loaded.module.state_dict(), "small.safetensors")
    ways = [
        ["--model", "models.py:classifier"],
        ["--model", "small.pt2"],
        ["--model", "models.py:classifier", "--weights", "small.pth"],
        ["--model", "models.py:classifier", "--weights", "small.safetensors", "--dtype", "float64"],
    ]
    outputs = []
    for i, way in enumerate(ways):
        code, out, err = run("tour", "photo.png", *way, "--out", f"page{i}", "--no-attack")
        assert code == 0, err
        outputs.append(re.findall(r": score (-?[\d.]+)", out))
    assert all(output == outputs[0] for output in outputs)


def test_labels_classes_output_and_preprocessing(run, work):
    (work / "names.txt").write_text("ant\nbee\ncat\ndog\neel\n")
    code, out, err = run(
        "tour", "photo.png", "--model", "models.py:several", "--output", "aux", "--labels", "names.txt",
        "--classes", "dog,1", "--preprocess", "resize=18,crop=16,mean=0.5,std=0.5", "--no-attack",
    )  # fmt: skip
    assert code == 0, err
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["dog", "bee"]
    result = json.loads((work / "linearscope-tour" / "result.json").read_text())
    assert "resize=18" in json.dumps(result)


@pytest.mark.parametrize(
    "options", [["--interpretation", "taylor"], ["--variant", "input"], ["--pool", "3"], ["--epsilon", "8"]]
)
def test_options_take_effect(run, work, options):
    base = ["tour", "photo.png", "--model", "models.py:classifier"]
    assert run(*base, "--out", "a")[0] == 0
    code, _, err = run(*base, "--out", "b", *options)
    assert code == 0, err
    first, second = ((work / name / "result.json").read_text() for name in "ab")
    about = json.loads(second)
    assert options[1] in json.dumps(about)
    assert first != second


def test_a_grey_model_takes_a_colour_photo(run, work):
    code, _, err = run("tour", "photo.png", "--model", "models.py:grey", "--preprocess", "channels=L", "--out", "page")
    assert code == 0, err


def test_running_again_replaces_the_page(run, work):
    for _ in range(2):
        assert run("tour", "photo.png", "--model", "models.py:classifier", "--no-attack")[0] == 0
    assert sorted(p.name for p in work.iterdir() if p.name.startswith(".")) == []


def test_help_and_version(run):
    for arguments in (
        ["--help"],
        ["tour", "--help"],
        ["contributions", "--help"],
        ["models", "--help"],
        ["rules", "--help"],
    ):
        code, out, _ = run(*arguments)
        assert code == 0
        assert "Usage" in out
    code, out, _ = run("--version")
    assert (code, out.startswith("linearscope ")) == (0, True)


def test_rules_print_every_operation_of_the_registry(run):
    from linearscope.rules import table

    code, out, _ = run("rules", "--markdown")
    assert code == 0
    assert all(f"`{rule.target}`" in out for rule in table())
    code, out, _ = run("rules")
    assert code == 0
    assert "max_pool" in out


def test_models_list_the_bundled_ones(run):
    code, out, _ = run("models")
    assert code == 0
    assert "efficientnet_lite0" in out
    assert "torchvision:NAME" in out

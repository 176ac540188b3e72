"""What goes wrong for users: one sentence, exit code 2, nothing half-written."""

import errno
import io
import pickle
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

TOUR = ["tour", "photo.png", "--model", "models.py:classifier"]
LARGER = ["tour", "photo.png", "--model", "models.py:upscaler"]


def bytes_of(mode="RGB", size=(20, 20), file_format="PNG"):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, file_format)
    return buffer.getvalue()


class Payload:
    """Unpickling runs code that leaves a file behind."""

    def __reduce__(self):
        return (open, ("canary", "w"))


def write_images(work):
    (work / "empty.png").write_bytes(b"")
    (work / "text.png").write_text("not an image")
    (work / "cut.png").write_bytes(bytes_of()[:40])
    photo = bytes_of("RGB", (64, 64), "JPEG")
    (work / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (work / "folder.png").mkdir()
    (work / "clean").mkdir()
    (work / "clean" / "a.png").write_bytes(bytes_of())
    (work / "tiny.png").write_bytes(bytes_of(size=(1, 1)))
    header = bytearray(bytes_of())
    header[16:24] = (30000).to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    (work / "bomb.png").write_bytes(bytes(header))
    header[16:24] = (0).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    (work / "zero.png").write_bytes(bytes(header))
    (work / "vector.svg").write_text("<svg/>")


def write_weights(work):
    torch.save({"nothing": torch.zeros(2)}, work / "misfit.pth")
    torch.save({"head.weight": torch.zeros(7, 6)}, work / "shape.pth")
    (work / "evil.pth").write_bytes(pickle.dumps(Payload()))
    torch.save({"head.weight": Payload()}, work / "evil_zip.pth")
    (work / "cut.pth").write_bytes((work / "misfit.pth").read_bytes()[:100])
    (work / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (work / "text.txt").write_text("no weights")
    state = torch.load(work / "misfit.pth", weights_only=True)
    torch.save({**state, "head.bias": torch.full((5,), float("nan"))}, work / "nan.pth")


def write_programs(work):
    (work / "text.pt2").write_text("no program")
    with zipfile.ZipFile(work / "other.pt2", "w") as archive:
        archive.writestr("data", "no program")
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    torch.export.save(torch.export.export(module, (torch.rand(1, 3, 2, 2),)), work / "two.pt2")
    data = (work / "two.pt2").read_bytes()
    (work / "cut.pt2").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(work / "two.pt2") as source, zipfile.ZipFile(work / "evil.pt2", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, pickle.dumps(Payload()) if "sample_inputs" in name else content)


CASES = {
    # images
    "missing image": (["tour", "nowhere.png"], "nowhere.png"),
    "folder for an image": (["tour", "folder.png"], "folder"),
    "empty image": (["tour", "empty.png"], "empty"),
    "text for an image": (["tour", "text.png"], "text.png"),
    "truncated png": (["tour", "cut.png"], "cut.png"),
    "truncated jpeg": (["tour", "cut.jpg"], "cut.jpg"),
    "decompression bomb": (["tour", "bomb.png"], "pixels"),
    "zero pixels": (["tour", "zero.png"], "zero.png"),
    "vector graphics": (["tour", "vector.svg"], "vector.svg"),
    "device for an image": (["tour", "/dev/zero"], "/dev/zero"),
    "image too small for the model": (["tour", "tiny.png", "--model", "models.py:classifier"], "1, 3, 1, 1"),
    "image smaller than the crop": ([*TOUR, "--preprocess", "crop=64"], "crop"),
    "wrong channel count": (["tour", "photo.png", "--model", "models.py:grey"], "1, 3, 20, 24"),
    "colour model given grey": ([*TOUR, "--preprocess", "channels=L"], "1, 1, 20, 24"),
    # models
    "unknown model": (["tour", "photo.png", "--model", "efficientnet"], "efficientnet_lite0"),
    "empty model": (["tour", "photo.png", "--model", ""], "model"),
    "unknown source": (["tour", "photo.png", "--model", "torchvison:resnet18"], "torchvision"),
    "unknown torchvision model": (["tour", "photo.png", "--model", "torchvision:resnet19"], "resnet18"),
    "unknown timm model": (["tour", "photo.png", "--model", "timm:resnet19"], "resnet"),
    "missing python file": (["tour", "photo.png", "--model", "nowhere.py:classifier"], "nowhere.py"),
    "missing factory": (["tour", "photo.png", "--model", "models.py:clasifier"], "classifier"),
    "no factory named": (["tour", "photo.png", "--model", "models.py"], "models.py"),
    "factory that raises": (["tour", "photo.png", "--model", "models.py:broken"], "no such luck"),
    "factory of no model": (["tour", "photo.png", "--model", "models.py:no_model"], "no_model"),
    "weights for a model": (["tour", "photo.png", "--model", "misfit.pth"], "--weights"),
    "NaN in the model": (["tour", "photo.png", "--model", "models.py:not_a_number"], "NaN"),
    "operation without a rule": (["tour", "photo.png", "--model", "models.py:unknown_operation"], "rule"),
    "no kind of tour": (["tour", "photo.png", "--model", "models.py:shrinker"], "neither scores"),
    "pool of an upscaler": ([*LARGER, "--pool", "3"], "--pool is for a network that gives labels"),
    "attack of an upscaler": ([*LARGER, "--no-attack"], "--attack"),
    "classes of an upscaler": ([*LARGER, "--classes", "1"], "--classes"),
    "labels of an image": (
        ["tour", "photo.png", "--model", "models.py:translator", "--labels", "text.txt"],
        "--labels",
    ),
    "noise of an upscaler": ([*LARGER, "--noise", "9"], "makes an image of the same size"),
    "downscaled for labels": ([*TOUR, "--downscale"], "makes a larger image"),
    "points of a classifier": ([*TOUR, "--at", "3,3"], "--at"),
    "vectors of a classifier": ([*TOUR, "-k", "3"], "--vectors"),
    "crop of a classifier": ([*TOUR, "--crop", "64"], "--crop"),
    "comparing classifiers": ([*TOUR, "--compare", "small_vgg"], "--compare"),
    "no vectors": ([*LARGER, "-k", "0"], "at least 1"),
    "small crop": ([*LARGER, "--crop", "3"], "--crop"),
    "no noise": ([*LARGER, "--noise", "0"], "--noise"),
    "two originals": ([*LARGER, "--downscale", "--original", "photo.png"], "two originals"),
    "original of another size": ([*LARGER, "--original", "photo.png"], "48 x 40"),
    "missing original": ([*LARGER, "--original", "nowhere.png"], "nowhere.png"),
    "original on a crop": ([*LARGER, "--downscale", "--preprocess", "crop=16"], "--crop"),
    "original without a photo": (["tour", "--model", "models.py:upscaler", "--original", "photo.png"], "Name that too"),
    "point that is none": ([*LARGER, "--at", "5"], "--at"),
    "point outside": ([*LARGER, "--at", "20,5"], "row from 0 to 19"),
    "another scale beside it": ([*LARGER, "--compare", "models.py:thrice"], "one scale"),
    "classifier beside it": ([*LARGER, "--compare", "models.py:classifier"], "image"),
    "unknown network beside it": ([*LARGER, "--compare", "edsr_smal_x2"], "edsr_small_x2"),
    "several outputs": (["tour", "photo.png", "--model", "models.py:several"], "'out', 'aux'"),
    "unknown output": (["tour", "photo.png", "--model", "models.py:several", "--output", "our"], "'out', 'aux'"),
    "output of a model with one": ([*TOUR, "--output", "out"], "one tensor"),
    # programs
    "missing program": (["tour", "photo.png", "--model", "nowhere.pt2"], "nowhere.pt2"),
    "text for a program": (["tour", "photo.png", "--model", "text.pt2"], "text.pt2"),
    "another zip for a program": (["tour", "photo.png", "--model", "other.pt2"], "other.pt2"),
    "truncated program": (["tour", "photo.png", "--model", "cut.pt2"], "cut.pt2"),
    "program of another size": (["tour", "photo.png", "--model", "two.pt2"], "1, 3, 2, 2"),
    "program with code": (["tour", "photo.png", "--model", "evil.pt2"], "more than tensors"),
    "weights for a program": (["tour", "photo.png", "--model", "two.pt2", "--weights", "misfit.pth"], "own weights"),
    # weights
    "missing weights": ([*TOUR, "--weights", "nowhere.pth"], "nowhere.pth"),
    "folder for weights": ([*TOUR, "--weights", "folder.png"], "folder"),
    "weights that do not fit": ([*TOUR, "--weights", "misfit.pth"], "nothing"),
    "weights of another shape": ([*TOUR, "--weights", "shape.pth"], "head.weight"),
    "pickle with code": ([*TOUR, "--weights", "evil.pth"], "evil.pth"),
    "archive with code": ([*TOUR, "--weights", "evil_zip.pth"], "evil_zip.pth"),
    "truncated weights": ([*TOUR, "--weights", "cut.pth"], "cut.pth"),
    "truncated safetensors": ([*TOUR, "--weights", "cut.safetensors"], "cut.safetensors"),
    "text for weights": ([*TOUR, "--weights", "text.txt"], "text.txt"),
    "NaN in weights": ([*TOUR, "--weights", "nan.pth"], "nan.pth"),
    "network without weights": (["tour", "photo.png", "--model", "squeezenet1_1"], "--weights"),
    # options
    "unknown option": ([*TOUR, "--atack"], "--attack"),
    "unknown command": (["tuor", "photo.png"], "tour"),
    "unknown interpretation": ([*TOUR, "--interpretation", "freze"], "'freeze'"),
    "unknown variant": ([*TOUR, "--variant", "spred"], "'spread'"),
    "even pool": ([*TOUR, "--pool", "4"], "odd"),
    "no number for the pool": ([*TOUR, "--pool", "three"], "--pool"),
    "zero epsilon": ([*TOUR, "--epsilon", "0"], "epsilon"),
    "NaN epsilon": ([*TOUR, "--epsilon", "nan"], "epsilon"),
    "epsilon beyond the range": ([*TOUR, "--epsilon", "300"], "epsilon"),
    "class out of range": ([*TOUR, "--classes", "5"], "from 0 to 4"),
    "class name without names": ([*TOUR, "--classes", "dog"], "dog"),
    "unknown class": (["tour", "--classes", "expresso"], "espresso"),
    "empty class": ([*TOUR, "--classes", "1,,2"], "class"),
    "missing labels": ([*TOUR, "--labels", "nowhere.txt"], "nowhere.txt"),
    "labels of another number": ([*TOUR, "--labels", "text.txt"], "names"),
    "unknown step of preprocessing": ([*TOUR, "--preprocess", "rezise=20"], "resize"),
    "bad value in preprocessing": ([*TOUR, "--preprocess", "resize=big"], "resize"),
    "zero deviation": ([*TOUR, "--preprocess", "std=0"], "std"),
    "unknown device": ([*TOUR, "--device", "gpu"], "gpu"),
    "device that is not there": ([*TOUR, "--device", "cuda:99"], "cuda:99"),
    "device without numbers": ([*TOUR, "--device", "meta"], "meta"),
    "file for the records": (
        ["contributions", ".", "--model", "models.py:classifier", "--out", "text.txt"],
        "text.txt",
    ),
    "unknown type": ([*TOUR, "--dtype", "float8"], "float"),
    # places
    "file for the page": ([*TOUR, "--out", "text.txt"], "text.txt"),
    "folder with other things": ([*TOUR, "--out", "."], "other things"),
    "missing folder": (["contributions", "nowhere"], "nowhere"),
    "image for a folder": (["contributions", "photo.png"], "photo.png"),
    "folder without images": (["contributions", "folder.png"], "no images"),
    "statistics of no scores": (["contributions", "clean", "--model", "models.py:upscaler"], "scores"),
    "statistics without a rule": (["contributions", "clean", "--model", "models.py:unknown_operation"], "rule"),
    "records over other things": (["contributions", ".", "--model", "models.py:classifier", "--out", "."], "other"),
    "attack of no strength": (
        ["contributions", ".", "--model", "models.py:classifier", "--attack", "--epsilon", "0"],
        "epsilon",
    ),
    "models of no such name": (["models", "zzzzzz"], "zzzzzz"),
}


@pytest.fixture(scope="session")
def bad_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    write_images(folder), write_weights(folder), write_programs(folder)
    return folder


def snapshot(work):
    return {str(path.relative_to(work)) for path in work.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_code_2_and_nothing_written(run, work, bad_files, case):
    arguments, words = CASES[case]
    shutil.copytree(bad_files, work, dirs_exist_ok=True)
    before = snapshot(work)
    code, _, err = run(*arguments)
    assert code == 2, err
    assert words in err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith(("Usage", "Try"))]
    assert len(lines) == 1, err
    assert lines[0].startswith("Error: ")
    assert snapshot(work) == before
    assert not (work / "canary").exists()


LEGITIMATE = {
    "16-bit grey": lambda: Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24) * 100),
    "grey": lambda: Image.new("L", (24, 20), 99),
    "one bit": lambda: Image.new("1", (24, 20), 1),
    "palette": lambda: Image.new("P", (24, 20), 7),
    "grey with alpha": lambda: Image.new("LA", (24, 20), (9, 128)),
    "very wide": lambda: Image.new("RGB", (3000, 9), "red"),
    "RGBA": lambda: Image.new("RGBA", (24, 20), (9, 99, 200, 128)),
}


@pytest.mark.parametrize("kind", LEGITIMATE)
def test_legitimate_images_simply_work(run, work, kind):
    LEGITIMATE[kind]().save("odd.png")
    code, _, err = run("tour", "odd.png", "--model", "models.py:classifier", "--no-attack")
    assert code == 0, err


def test_exif_rotation_is_applied(run, work):
    image = Image.open("photo.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save("turned.jpg", exif=exif, quality=100)
    code, _, err = run("tour", "turned.jpg", "--model", "models.py:classifier", "--no-attack")
    assert code == 0, err
    text = (work / "linearscope-tour" / "result.json").read_text()
    assert text


def test_no_permission_to_write(run, work, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", "page")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    code, _, err = run(*TOUR, "--out", "page", "--no-attack")
    assert code == 2
    assert "permission" in err.lower()
    assert not (work / "page").exists()


def test_a_full_disk_leaves_nothing(run, work, monkeypatch):
    before = snapshot(work)

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    monkeypatch.setattr("pathlib.Path.write_text", full)
    code, _, err = run(*TOUR, "--out", "page", "--no-attack")
    assert code == 2
    assert "disk" in err or "space" in err
    assert snapshot(work) == before


def test_interrupting_ends_cleanly(run, work, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("linearscope.analysis.tour.discussion", interrupt)
    before = snapshot(work)
    code, _, err = run(*TOUR)
    assert code == 130
    assert "Traceback" not in err
    assert snapshot(work) == before


def test_running_out_of_memory_says_so(run, work, monkeypatch):
    def exhausted(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("linearscope.analysis.tour.discussion", exhausted)
    code, _, err = run(*TOUR)
    assert code == 2
    assert "memory" in err.lower()


def test_there_are_at_least_sixty_cases():
    assert len(CASES) + len(LEGITIMATE) >= 60

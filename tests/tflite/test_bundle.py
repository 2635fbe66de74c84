"""``bundle``: what goes to which device."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import FAILED, MISSING, PICTURES, on_device, one_line
from PIL import Image
from refusals import USAGE, refused

from kerascnn.tflite.accelerators.check import is_compiled
from kerascnn.tflite.accelerators.registry import accelerators
from kerascnn.tflite.bundle.bundle import Bundle, bundle
from kerascnn.tflite.bundle.devices import devices
from kerascnn.tflite.bundle.verify import verify
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.metadata.metadata import read_metadata

STAND_IN = Path(__file__).parents[1] / "helpers" / "edgetpu_compiler_stand_in.py"


def test_the_command_writes_all_that_a_device_needs(cli, tmp_path, bundled_run):
    printed = cli("bundle", bundled_run, "--target", "raspberrypi", "--json").json
    folder = tmp_path / printed["path"]
    assert folder.name == "digits-fc-raspberrypi"
    names = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert names == set(printed["files"])
    assert {"run.py", "model.tflite", "labels.txt", "model.json", "requirements.txt", "README.md"} <= names
    assert len([name for name in names if name.endswith(".png")]) == PICTURES
    card = json.loads((folder / "model.json").read_text())
    assert card["keras_sha256"] == hashlib.sha256((bundled_run / "model.keras").read_bytes()).hexdigest()
    assert (card["test"]["n"], card["input"], card["classes"]) == (360, "int8", list("0123456789"))
    assert "python run.py --selftest" in (folder / "README.md").read_text()
    refused(cli("bundle", bundled_run), FAILED, "digits-fc-raspberrypi exists", "--out")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is missing: apt install coreutils")
def test_sha256sum_finds_every_file_as_listed(pi_bundle):
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=pi_bundle, capture_output=True, check=False
    )
    assert sums.returncode == 0, sums.stderr


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
def test_the_same_run_gives_the_same_bytes(bundled_run, tmp_path, name):
    first, second = (bundle(bundled_run, out=tmp_path / place / name).path for place in "ab")
    if name == "folder":
        pairs = [(each, second / each.relative_to(first)) for each in first.rglob("*") if each.is_file()]
        assert len(pairs) > PICTURES
    else:
        pairs = [(first, second)]
    assert all(one.read_bytes() == other.read_bytes() for one, other in pairs)


def test_a_coral_bundle_without_the_compiler_says_how_to_compile(cli, bundled_run, tmp_path):
    cli(
        "bundle", bundled_run, "--target", "coral", "--out", "coral", env=os.environ | {"PATH": str(tmp_path)}
    )
    text = (tmp_path / "coral" / "README.md").read_text()
    assert "edgetpu_compiler model.tflite" in text
    assert "udev" in text
    answer = on_device(tmp_path / "coral", "--selftest", "--delegate", "edgetpu")
    assert answer.returncode == MISSING
    one_line(answer, MISSING, "kerascnn compile model.tflite", "then create this folder again")


def test_an_android_bundle_has_uint8_and_the_snippet_for_its_channels(bundled_run, tmp_path):
    folder = bundle(bundled_run, target="android", out=tmp_path / "android").path
    card = json.loads((folder / "model.json").read_text())
    assert (card["input"], card["delegates"]) == ("uint8", {})
    one_line(
        on_device(folder, "--selftest", "--delegate", "edgetpu"), USAGE, "this folder is not for edgetpu"
    )
    text = (folder / "README.md").read_text()
    assert "ByteArray(32 * 32)" in text
    assert "ImageClassifier" not in text  # MediaPipe cannot load a grey model
    assert on_device(folder, "--selftest").returncode == 0


def test_a_coral_bundle_holds_the_compiled_file_where_the_compiler_is(cli, bundled_run, tmp_path):
    """The compiler is a stand-in, so its file runs nowhere; only that it is taken along is shown."""
    script = tmp_path / "bin" / "edgetpu_compiler"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{STAND_IN}' \"$@\"\n")
    script.chmod(0o755)
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {
        "PATH": path,
        "STAND_IN": "success",
        "STAND_IN_SEEN": str(tmp_path / "seen.json"),
    }
    made = cli("bundle", bundled_run, "--target", "coral", "--out", "coral", "--json", env=environment)
    assert "model_edgetpu.tflite" in made.json["files"]
    folder = tmp_path / "coral"
    assert is_compiled(read_graph(folder / "model_edgetpu.tflite"), *accelerators.values())
    assert read_metadata(folder / "model_edgetpu.tflite").classes == tuple("0123456789")
    assert "python run.py photo.jpg --delegate edgetpu" in (folder / "README.md").read_text()
    delegate = json.loads((folder / "model.json").read_text())["delegates"]["edgetpu"]
    assert (delegate["model"], delegate["library"]) == ("model_edgetpu.tflite", "libedgetpu.so.1")
    assert not verify(folder).problems


@pytest.mark.long
def test_an_android_bundle_of_a_colour_model_is_what_mediapipe_takes(on_photos, tmp_path):
    colour = shutil.copytree(on_photos / "runs" / "a", tmp_path / "colour")
    folder = bundle(colour, target="android", out=tmp_path / "app").path
    text = (folder / "README.md").read_text()
    assert 'setModelAssetPath("model.tflite")' in text
    assert "Bitmap.createBitmap(photo, " in text  # as the model was trained
    assert "BitmapImageBuilder(square)" in text
    assert read_metadata(folder / "model.tflite").classes == ("blue", "green", "red")
    assert on_device(folder, "--selftest").returncode == 0
    golden = next(each for each in (folder / "golden").iterdir() if each.suffix == ".png")
    with Image.open(golden) as picture:
        assert picture.height > 16  # as the photo was, not as the model takes it


def test_another_scheme_proves_itself_too(bundled_run, tmp_path):
    folder = bundle(bundled_run, target="generic", scheme="float16", out=tmp_path / "half").path
    assert json.loads((folder / "model.json").read_text())["scheme"] == "float16"
    assert on_device(folder, "--selftest").returncode == 0
    assert not verify(folder).problems


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "toaster"], ["Unknown target 'toaster'", *devices]),
        (["--scheme", "int3"], ["Unknown scheme 'int3'"]),
        (["--target", "coral", "--scheme", "float16"], ["full int8 only"]),
    ],
)
def test_bundles_that_make_no_sense(cli, tmp_path, bundled_run, options, words):
    refused(cli("bundle", bundled_run, *options), USAGE, *words)
    assert not list(tmp_path.iterdir())


def test_only_a_page_is_opened_in_a_browser():
    folder, page = (Bundle(Path("a.html"), target, ("b",), "") for target in ("coral", "web"))
    assert "follow a.html/README.md" in str(folder)
    assert "open a.html in a browser" in str(page)

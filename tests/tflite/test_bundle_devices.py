"""A bundle on the devices that people have: their Python, their Pillow, their camera, their own changes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from bundles import FAILED, MISSING, on_device, one_line, resummed
from PIL import Image, ImageOps
from refusals import USAGE
from waiting import wait_until

from kerascnn.tflite.bundle.device import throttling


def _first_golden(folder):
    return sorted((folder / "golden").glob("*.png"))[0]


@pytest.fixture(scope="module")
def seen_surely(pi_bundle):
    """A class, an image of it on which the model is sure, and an image on which it is sure of another."""
    answers = json.loads(on_device(pi_bundle, pi_bundle / "golden", "--json").stdout)
    sure = [
        (each["classes"][0]["label"], each["image"])
        for each in answers
        if each["classes"][0]["probability"] > 0.9
    ]
    (label, image), *others = sure
    another = next(path for other, path in others if other != label)
    return label, *(Image.open(path).convert("RGB") for path in (image, another))


def test_python_without_the_folder_of_the_program(pi_bundle, tmp_path):
    golden = _first_golden(pi_bundle)
    usual = on_device(pi_bundle, golden, "--json").stdout
    safe = on_device(pi_bundle, golden, "--json", env=os.environ | {"PYTHONSAFEPATH": "1"})
    isolated = subprocess.run(
        [sys.executable, "-I", pi_bundle / "run.py", golden, "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (safe.returncode, isolated.returncode) == (0, 0), safe.stderr + isolated.stderr
    assert safe.stdout == isolated.stdout == usual


def test_a_python_or_pillow_that_is_too_old_is_named(pi_bundle, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "sitecustomize.py").write_text("import PIL.Image\nPIL.__version__ = '9.4.0'\n")
    old = os.environ | {"PYTHONPATH": str(tmp_path / "old")}
    words = ("Pillow 10.1 or newer is needed, this is 9.4.0", "pip install -r requirements.txt")
    one_line(on_device(pi_bundle, "--selftest", env=old), MISSING, *words)
    (tmp_path / "older").mkdir()
    older = (
        "import sys, platform\nsys.version_info = (3, 8, 10)\nplatform.python_version = lambda: '3.8.10'\n"
    )
    (tmp_path / "older" / "sitecustomize.py").write_text(older)
    old = os.environ | {"PYTHONPATH": str(tmp_path / "older")}
    words = "run.py needs Python 3.11 or newer, this is 3.8.10"
    one_line(on_device(pi_bundle, "--selftest", env=old), MISSING, words)


def test_the_program_may_be_edited_and_says_so_but_not_what_answers(changeable):
    golden = _first_golden(changeable)
    likeliest, *_ = on_device(changeable, golden).stdout.split(" %")
    program = changeable / "run.py"
    program.write_text(program.read_text().replace("count: int = 3", "count: int = 1"))
    edited = on_device(changeable, golden)
    assert (edited.returncode, edited.stdout) == (0, f"{likeliest} %\n")
    assert "Note: run.py changed or removed since this folder was created." in edited.stderr
    (changeable / "examples/watch.py").rename(changeable / "mine.py")
    assert "Note: examples/watch.py, run.py changed or removed" in on_device(changeable, golden).stderr
    (changeable / "labels.txt").write_text("x\n")
    one_line(on_device(changeable, golden), FAILED, "labels.txt has changed")


def test_a_model_of_another_size_is_not_the_model_of_the_folder(changeable):
    card = json.loads((changeable / "model.json").read_text())
    card["preprocessing"]["height"] = 48
    (changeable / "model.json").write_text(json.dumps(card))
    resummed(changeable)
    words = ("model.tflite is not the model of this folder", "[32, 32, 1]")
    one_line(on_device(changeable, "--selftest"), FAILED, *words)


def _camera(folder, images):
    """A stand-in for rpicam-vid, which writes one JPEG file after the other to standard output."""
    for number, image in enumerate(images):
        image.save(folder / f"{number}.jpg", quality=95)
    program = folder / "rpicam-vid"
    program.write_text(f"#!/bin/sh\ncat {' '.join(str(folder / f'{n}.jpg') for n in range(len(images)))}\n")
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_camera_of_a_raspberry_pi_and_dark_ink_on_white_before_it(pi_bundle, tmp_path):
    golden = _first_golden(pi_bundle)
    digit = Image.open(golden).convert("L").resize((64, 64))
    expected = json.loads(on_device(pi_bundle, golden, "--json").stdout)[0]["classes"][0]["label"]
    for options, image in (([], digit), (["--invert"], ImageOps.invert(digit))):
        environment = _camera(tmp_path, [image, image]) | {"PYTHONPATH": str(tmp_path)}
        answer = on_device(pi_bundle, "--camera", "--json", *options, env=environment)
        seen = [json.loads(line)[0]["label"] for line in answer.stdout.splitlines()]
        assert seen == [expected, expected], answer.stderr
        assert (answer.returncode, answer.stderr.splitlines()[-1]) == (FAILED, "Error: the camera stopped.")
    program = tmp_path / "rpicam-vid"
    program.write_text("#!/bin/sh\necho 'ERROR: *** no cameras available ***' >&2\nexit 255\n")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['cv2'] = None\n")
    words = ("no cameras available", "python -m pip install opencv-python-headless")
    one_line(on_device(pi_bundle, "--camera", env=environment), MISSING, *words)


def test_what_a_raspberry_pi_says_of_its_voltage_is_put_in_words():
    assert throttling(0x50005) == "now: voltage too low, throttled; since start: voltage too low, throttled"
    assert throttling(0x80000) == "since start: soft temperature limit"
    assert throttling(0) == "never slowed down"


def test_the_example_that_watches_calls_a_function_once_for_each_time_a_class_is_seen(
    pi_bundle, seen_surely, tmp_path
):
    label, one, other = seen_surely
    environment = _camera(tmp_path, [one, one, other, one])
    watch = [sys.executable, pi_bundle / "examples/watch.py", label]
    environment |= {"PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(watch, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (FAILED, "Error: the camera stopped.")
    assert [line.split()[0] for line in answer.stdout.splitlines()] == [label, label]
    assert not list(pi_bundle.rglob("__pycache__"))


def test_the_example_at_a_pin_lights_a_lamp(pi_bundle, seen_surely, tmp_path):
    label, one, other = seen_surely
    environment = _camera(tmp_path, [one, other]) | {"PYTHONPATH": str(tmp_path)}
    (tmp_path / "gpiozero.py").write_text(
        "class LED:\n"
        "    def __init__(self, pin): object.__setattr__(self, 'pin', pin)\n"
        "    def __setattr__(self, name, value): print(self.pin, name, value)\n"
    )
    lamp = [sys.executable, pi_bundle / "examples/gpio.py", label, "27"]
    answer = subprocess.run(lamp, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert answer.stdout.splitlines() == ["27 value True", "27 value False"], answer.stderr
    assert answer.stderr.splitlines()[-1] == "Error: the camera stopped."


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["watch.py"], USAGE, "give a class after watch.py: 0, 1, 2"),
        (["watch.py", "seven"], USAGE, "give a class after watch.py"),
        (["watch.py", "7", "often"], USAGE, "often after the class is not a number"),
        (["gpio.py", "7"], MISSING, "python -m pip install gpiozero lgpio"),
        (["serve.py", "99999"], USAGE, "99999 is not a port"),
        (["serve.py", "http"], USAGE, "http is not a port"),
    ],
)
def test_what_an_example_cannot_do_is_one_line(pi_bundle, tmp_path, arguments, code, words):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gpiozero'] = None\n")
    program = [sys.executable, pi_bundle / "examples" / arguments[0], *arguments[1:]]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    one_line(answer, code, words)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "golden/outputs.npy").write_bytes(b""),
        lambda folder: (folder / "model.json").write_text("{}"),
        lambda folder: (folder / "labels.txt").write_bytes(b"\xff\n"),
        lambda folder: np.save(folder / "golden/inputs.npy", np.zeros((2, 3, 4))),
        lambda folder: _first_golden(folder).unlink(),
    ],
)
def test_a_folder_that_does_not_fit_together_is_one_line(changeable, damage):
    damage(changeable)
    resummed(changeable)
    one_line(on_device(changeable, "--selftest"), FAILED, "is inconsistent", "Copy it again")


def test_golden_files_that_contradict_each_other_pass_nothing(changeable):
    outputs = np.load(changeable / "golden/outputs.npy")
    np.save(changeable / "golden/outputs.npy", np.roll(outputs, 1, axis=1))
    resummed(changeable)
    told = json.loads(on_device(changeable, "--selftest", "--json").stdout)
    assert (told["verdict"], told["logits_wrong"]) == ("wrong", 0)
    logits = np.load(changeable / "golden/logits.npy")
    logits[0, 0] ^= 8
    np.save(changeable / "golden/outputs.npy", outputs)
    np.save(changeable / "golden/logits.npy", logits)
    resummed(changeable)
    answer = on_device(changeable, "--selftest")
    assert (answer.returncode, "1 of 320 logits wrong" in answer.stdout) == (FAILED, True)


def test_the_example_that_serves_answers_over_http(pi_bundle, tmp_path):
    golden = _first_golden(pi_bundle)
    expected = json.loads(on_device(pi_bundle, golden, "--json").stdout)[0]["classes"]
    told = tmp_path / "told"
    with (
        told.open("w") as errors,
        subprocess.Popen([sys.executable, pi_bundle / "examples/serve.py", "0"], stdout=errors) as server,
    ):
        try:
            wait_until(lambda: "http" in told.read_text(), "the server names its address", server)
            address = told.read_text().split()[-1]
            with urllib.request.urlopen(address, data=golden.read_bytes(), timeout=30) as answer:
                assert json.loads(answer.read()) == expected
            with pytest.raises(urllib.error.HTTPError) as refusal:
                urllib.request.urlopen(address, data=b"no image", timeout=30)
            assert (refusal.value.code, json.loads(refusal.value.read())["error"][:12]) == (
                400,
                "not an image",
            )
            with socket.create_connection(
                ("localhost", int(address.strip("/").rpartition(":")[2]))
            ) as silent:
                silent.sendall(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
                assert b" 413 " in silent.recv(99)
                with urllib.request.urlopen(address, data=golden.read_bytes(), timeout=30) as answer:
                    assert json.loads(answer.read()) == expected  # while the other client says nothing
        finally:
            server.kill()


def test_the_lines_of_the_readme_that_need_no_camera_run(pi_bundle, tmp_path):
    text = (pi_bundle / "README.md").read_text()
    assert "dpkg --print-architecture" in text
    use = text.partition("## Use\n\n```\n")[2].partition("```")[0].splitlines()
    assert len(use) == 5
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "photo.jpg")
    folder = shutil.copytree(pi_bundle, tmp_path / "bundle")
    shutil.copy(tmp_path / "photo.jpg", folder)
    for line in use[:-1]:  # the last one needs a camera
        given = line.partition("#")[0].replace("python run.py", f"{sys.executable} run.py")
        answer = subprocess.run(given, shell=True, capture_output=True, text=True, cwd=folder, check=False)
        assert answer.returncode == 0, line + answer.stderr

"""A bundle's ``run.py``: run as a maker runs it, with the packages it asks for."""

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import venv

import numpy as np
import pytest
from bundles import FAILED, MISSING, PICTURES, on_device, one_line, resummed
from PIL import Image, ImageOps
from refusals import USAGE
from waiting import wait_until

from kerascnn.tflite.bundle.bundle import bundle


def test_the_program_is_short_and_needs_three_packages(pi_bundle):
    program = (pi_bundle / "run.py").read_text()
    assert len(program.splitlines()) < 420
    imported = {
        name.partition(".")[0]
        for source in (program, *((pi_bundle / name).read_text() for name in ("pixels.py", "device.py")))
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = imported - sys.stdlib_module_names - {"pixels", "device"}
    assert foreign == {"numpy", "PIL", "ai_edge_litert", "cv2"}  # the last one only for a USB camera


def test_it_proves_itself(pi_bundle):
    told = json.loads(on_device(pi_bundle, "--selftest", "--json").stdout)
    assert (told["passed"], told["verdict"] in ("equal", "within rounding")) == (True, True)
    assert (told["images"], told["inputs_differ"], told["outputs"]) == (PICTURES, [], PICTURES * 10)
    assert (told["outputs_wrong"], told["classes_differ"]) == (0, 0)
    assert not list(pi_bundle.rglob("__pycache__"))


@pytest.mark.skipif(shutil.which("grep") is None, reason="grep is missing: apt install grep")
def test_a_script_that_follows_the_readme_takes_no_silence_for_a_pass(changeable):
    lines = (changeable / "README.md").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("python run.py --selftest | ")]
    shell = {"shell": True, "cwd": changeable, "capture_output": True, "text": True, "check": False}
    line = line.replace("python", shlex.quote(sys.executable), 1)
    good = subprocess.run(line, **shell)
    assert (good.returncode, len(good.stdout.splitlines())) == (0, 1)
    (changeable / "run.py").write_bytes(b"")
    assert subprocess.run(line, **shell).returncode == 1


def test_photos_give_what_kerascnn_predicts(cli, pi_bundle, bundled_run, tmp_path):
    """Turned by EXIF, transparent, 16-bit, large: the device prepares each as the model file says."""
    draw = np.random.default_rng(5)
    pixels = draw.integers(0, 256, (90, 120, 4), dtype=np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels[..., :3]).save(tmp_path / "a.jpg", exif=turned)
    Image.fromarray(pixels).save(tmp_path / "b.png")
    Image.fromarray(draw.integers(0, 65_536, (40, 40), dtype=np.uint16)).save(tmp_path / "c.png")
    Image.fromarray(pixels[..., 0]).resize((900, 700)).save(tmp_path / "d.webp")
    (tmp_path / "notes.txt").write_text("no picture")
    names = ["a.jpg", "b.png", "c.png", "d.webp"]
    expected = cli("predict", bundled_run / "tflite" / "static_wi8_ai8.tflite", *names, "--json").json
    answer = on_device(pi_bundle, *names, "--json", cwd=tmp_path)
    assert json.loads(answer.stdout) == expected
    folder = json.loads(on_device(pi_bundle, tmp_path, "--json").stdout)
    assert [one["classes"] for one in folder] == [one["classes"] for one in expected]
    with (tmp_path / "a.jpg").open("rb") as piped:
        shown = on_device(pi_bundle, "-", stdin=piped).stdout
    likeliest = expected[0]["classes"][0]
    assert shown.startswith(f"-  {likeliest['label']} {100 * likeliest['probability']:.1f} %")


def test_a_picture_that_cannot_be_decoded_does_not_stop_the_others(pi_bundle, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    bomb = Image.new("1", (20_000, 20_000))
    bomb.save(tmp_path / "bomb.png")
    good = next((pi_bundle / "golden").glob("*.png"))
    answer = on_device(pi_bundle, tmp_path / "bad.png", tmp_path / "bomb.png", "gone.png", good)
    assert answer.returncode == FAILED
    errors = [line for line in answer.stderr.splitlines() if line.startswith("Error: ")]
    assert [line.split()[1].rpartition("/")[2] for line in errors] == ["bad.png", "bomb.png", "gone.png"]
    assert "Traceback" not in answer.stderr
    assert answer.stdout.startswith(str(good))


def test_benchmark_tells_what_a_report_needs(pi_bundle):
    (entry,) = json.loads(on_device(pi_bundle, "--benchmark", "--threads", 1, "--json").stdout)["models"]
    assert (entry["runs"], entry["threads"], entry["delegate"]) == (1_000, 1, "cpu")
    assert 0 < entry["median_us"] <= entry["p95_us"] <= entry["p99_us"]
    assert entry["first_us"] > 0
    assert entry["init_ms"] > 0
    assert entry["sd_us"] > 0


def test_the_camera_is_read_until_it_ends(pi_bundle, tmp_path):
    (tmp_path / "cv2.py").write_text(
        "import numpy as np\n"
        "class VideoCapture:\n"
        "    def __init__(self, number): self.left = 2\n"
        "    def read(self):\n"
        "        self.left -= 1\n"
        "        return self.left >= 0, np.full((48, 64, 3), 90, np.uint8)\n"
    )
    answer = on_device(pi_bundle, "--camera", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert len(answer.stdout.splitlines()) == 2
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (1, "Error: the camera returns no images.")


@pytest.mark.parametrize(
    "arguments", [[], ["--selftest", "--benchmark"], ["x.png", "--selftest"], ["--benchmark", "--runs", "0"]]
)
def test_a_wrong_use_of_the_program_is_exit_code_2(pi_bundle, arguments):
    assert on_device(pi_bundle, *arguments).returncode == USAGE


def test_without_an_edge_tpu_nothing_falls_back_silently(bundled_run, tmp_path):
    coral = bundle(bundled_run, target="coral", out=tmp_path / "coral").path
    shutil.copy(coral / "model.tflite", coral / "model_edgetpu.tflite")  # stands for what the compiler makes
    card = json.loads((coral / "model.json").read_text())
    card["delegates"]["edgetpu"]["model"] = "model_edgetpu.tflite"
    (coral / "model.json").write_text(json.dumps(card))
    resummed(coral)
    refusal = on_device(coral, "--selftest", "--delegate", "edgetpu")
    assert (refusal.returncode, refusal.stdout) == (MISSING, "")
    assert refusal.stderr.splitlines()[-1].startswith("Error: libedgetpu.so.1 is not installed")
    allowed = on_device(coral, "--selftest", "--delegate", "edgetpu", "--fallback")
    assert allowed.returncode == 0
    assert "Running on the CPU, as --fallback allows." in allowed.stderr
    assert "on the cpu" in allowed.stdout


def test_the_program_says_in_one_line_what_is_wrong(pi_bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "._a.png").write_bytes(b"of another system")
    Image.new("RGB", (13_000, 13_000)).save(tmp_path / "large.png")
    one_line(on_device(pi_bundle, tmp_path / "empty"), FAILED, "contains no images")
    one_line(on_device(pi_bundle, tmp_path / "gone.png"), FAILED, "gone.png", "No such file")
    one_line(on_device(pi_bundle, "x" * 300), FAILED, "File name too long")
    one_line(on_device(pi_bundle, "-", input=""), FAILED, "- cannot be decoded", "format is not supported")
    one_line(on_device(pi_bundle, tmp_path / "large.png"), FAILED, "large.png", "more than 89,478,485 pixels")
    os.mkfifo(tmp_path / "pipe")
    one_line(on_device(pi_bundle, tmp_path / "pipe"), FAILED, "pipe", "it is not a regular file")
    (tmp_path / "cv2.py").write_text("raise ValueError('numpy.dtype size changed')")
    unfit = os.environ | {"PYTHONPATH": str(tmp_path)}
    one_line(
        on_device(pi_bundle, "--camera", env=unfit), FAILED, "the camera does not work: numpy.dtype size"
    )
    (tmp_path / "ai_edge_litert.py").write_text("")
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')")
    one_line(on_device(pi_bundle, "--selftest", env=unfit), MISSING, "pip install -r requirements.txt")


@pytest.mark.parametrize(
    "arguments",
    [
        ["x.png", "--runs", "5"],
        ["x.png", "--fallback"],
        ["x.png", "--threads", "9999"],
        ["--selftest", "--invert"],
    ],
)
def test_an_option_that_would_change_nothing_is_refused(pi_bundle, arguments):
    assert on_device(pi_bundle, *arguments).returncode == USAGE


def test_dark_ink_on_white_paper(pi_bundle, tmp_path):
    golden = sorted((pi_bundle / "golden").glob("*.png"))[0]
    ImageOps.invert(Image.open(golden).convert("L")).save(tmp_path / "paper.png")
    as_it_was = json.loads(on_device(pi_bundle, golden, "--json").stdout)[0]["classes"]
    inverted = json.loads(on_device(pi_bundle, tmp_path / "paper.png", "--invert", "--json").stdout)[0][
        "classes"
    ]
    assert inverted == as_it_was
    assert "--invert" in (pi_bundle / "README.md").read_text()


def test_a_reader_who_has_enough_and_ctrl_c_are_no_failures(pi_bundle, tmp_path):
    piped = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' '{pi_bundle}/run.py' '{pi_bundle}/golden' | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in piped.stderr
    told = tmp_path / "told"
    with (
        told.open("w") as errors,
        subprocess.Popen(
            [sys.executable, pi_bundle / "run.py", "--benchmark", "--runs", "100000000"],
            stderr=errors,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
    ):
        # LiteRT's own note
        wait_until(lambda: "XNNPACK" in told.read_text(), "the model is open", process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in told.read_text()


@pytest.mark.long
def test_it_runs_where_only_its_requirements_are(pi_bundle, tmp_path):
    """The real runtime: a new environment without TensorFlow and without this package."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", pi_bundle / "requirements.txt"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert installed.returncode == 0, installed.stderr
    for name in ("kerascnn", "tensorflow", "keras"):
        found = subprocess.run(
            [python, "-c", f"import {name}"], capture_output=True, check=False, cwd=tmp_path
        )
        assert found.returncode == 1, name
    picture = next((pi_bundle / "golden").glob("*.png"))
    for arguments in (["--selftest"], [picture], ["--benchmark", "--json"]):
        answer = on_device(pi_bundle, *arguments, python=python, env=environment, cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout

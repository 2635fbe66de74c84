"""A bundle: what is in it, that it proves itself on a device, that every damage is found."""

import ast
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from painted_photos import SMALL
from PIL import Image, ImageOps
from test_bad_input import USAGE, refused

from kerascnn.tflite.bundle.bundling import bundle
from kerascnn.tflite.bundle.targets import targets
from kerascnn.tflite.bundle.verify import verify
from kerascnn.tflite.edgetpu.check import is_compiled
from kerascnn.tflite.metadata import read_metadata
from kerascnn.tflite.model_graph import read_graph

FAILED, MISSING = 1, 5
PICTURES = 32
STAND_IN = Path(__file__).parent / "edgetpu_compiler_stand_in.py"


def on_device(folder, *arguments, python=sys.executable, **kwargs):
    """Run a bundle's program as a device does: from another folder, without this package's help."""
    return subprocess.run(
        [str(python), str(folder / "run.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        **kwargs,
    )


@pytest.fixture(scope="module")
def copied(trained, tmp_path_factory):
    """A copy of the trained run: bundling may quantize."""
    return Path(shutil.copytree(trained[0], tmp_path_factory.mktemp("run") / "digits-fc"))


@pytest.fixture(scope="module")
def made(copied, tmp_path_factory):
    """The bundle for a Raspberry Pi; tests must not change it."""
    return bundle(copied, out=tmp_path_factory.mktemp("bundle") / "pi").path


@pytest.fixture
def changeable(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "bundle"))


def test_the_command_writes_all_that_a_device_needs(cli, tmp_path, copied):
    printed = cli("bundle", copied, "--target", "raspberrypi", "--json").json
    folder = tmp_path / printed["path"]
    assert folder.name == "digits-fc-raspberrypi"
    names = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert names == set(printed["files"])
    assert {"run.py", "model.tflite", "labels.txt", "model.json", "requirements.txt", "README.md"} <= names
    assert len([name for name in names if name.endswith(".png")]) == PICTURES
    card = json.loads((folder / "model.json").read_text())
    assert card["keras_sha256"] == hashlib.sha256((copied / "model.keras").read_bytes()).hexdigest()
    assert (card["test"]["n"], card["input"], card["classes"]) == (360, "int8", list("0123456789"))
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, check=False
    )
    assert sums.returncode == 0, sums.stderr
    assert "python run.py --selftest" in (folder / "README.md").read_text()
    refused(cli("bundle", copied), FAILED, "digits-fc-raspberrypi exists", "--out")


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
def test_the_same_run_gives_the_same_bytes(copied, tmp_path, name):
    first, second = (bundle(copied, out=tmp_path / place / name).path for place in "ab")
    if name == "folder":
        pairs = [(each, second / each.relative_to(first)) for each in first.rglob("*") if each.is_file()]
        assert len(pairs) > PICTURES
    else:
        pairs = [(first, second)]
    assert all(one.read_bytes() == other.read_bytes() for one, other in pairs)


def test_the_program_is_short_and_needs_three_packages(made):
    program = (made / "run.py").read_text()
    assert len(program.splitlines()) < 290
    imported = {
        name.partition(".")[0]
        for source in (program, *((made / name).read_text() for name in ("pixels.py", "device.py")))
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
    assert foreign == {"numpy", "PIL", "ai_edge_litert", "picamera2", "cv2"}  # the last two only for --camera


def test_it_proves_itself(made):
    told = json.loads(on_device(made, "--selftest", "--json").stdout)
    assert told["passed"] is True
    assert (told["pictures"], told["inputs_differ"], told["outputs"]) == (PICTURES, [], PICTURES * 10)
    assert told["largest_steps"] <= 1
    assert not list(made.rglob("__pycache__"))


def test_photos_give_what_kerascnn_predicts(cli, made, copied, tmp_path):
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
    expected = cli("predict", copied / "tflite" / "static_wi8_ai8.tflite", *names, "--json").json
    answer = on_device(made, *names, "--json", cwd=tmp_path)
    assert json.loads(answer.stdout) == expected
    folder = json.loads(on_device(made, tmp_path, "--json").stdout)
    assert [one["classes"] for one in folder] == [one["classes"] for one in expected]
    with (tmp_path / "a.jpg").open("rb") as piped:
        shown = on_device(made, "-", stdin=piped).stdout
    likeliest = expected[0]["classes"][0]
    assert shown.startswith(f"-  {likeliest['label']} {100 * likeliest['probability']:.1f} %")


def test_a_picture_that_cannot_be_decoded_does_not_stop_the_others(made, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    bomb = Image.new("1", (20_000, 20_000))
    bomb.save(tmp_path / "bomb.png")
    good = next((made / "golden").glob("*.png"))
    answer = on_device(made, tmp_path / "bad.png", tmp_path / "bomb.png", "gone.png", good)
    assert answer.returncode == FAILED
    errors = [line for line in answer.stderr.splitlines() if line.startswith("Error: ")]
    assert [line.split()[1].rpartition("/")[2] for line in errors] == ["bad.png", "bomb.png", "gone.png"]
    assert "Traceback" not in answer.stderr
    assert answer.stdout.startswith(str(good))


def test_benchmark_tells_what_a_report_needs(made):
    (entry,) = json.loads(on_device(made, "--benchmark", "--threads", 1, "--json").stdout)["models"]
    assert (entry["runs"], entry["threads"], entry["delegate"]) == (1_000, 1, "cpu")
    assert 0 < entry["median_us"] <= entry["p95_us"] <= entry["p99_us"]
    assert entry["first_us"] > 0
    assert entry["init_ms"] > 0
    assert entry["sd_us"] > 0


def test_the_camera_is_read_until_it_ends(made, tmp_path):
    (tmp_path / "cv2.py").write_text(
        "import numpy as np\n"
        "class VideoCapture:\n"
        "    def __init__(self, number): self.left = 2\n"
        "    def read(self):\n"
        "        self.left -= 1\n"
        "        return self.left >= 0, np.full((48, 64, 3), 90, np.uint8)\n"
    )
    answer = on_device(made, "--camera", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert len(answer.stdout.splitlines()) == 2
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (1, "Error: the camera gives no pictures.")


@pytest.mark.parametrize(
    "arguments", [[], ["--selftest", "--benchmark"], ["x.png", "--selftest"], ["--benchmark", "--runs", "0"]]
)
def test_a_wrong_use_of_the_program_is_exit_code_2(made, arguments):
    assert on_device(made, *arguments).returncode == USAGE


def test_without_an_edge_tpu_nothing_falls_back_silently(copied, tmp_path):
    coral = bundle(copied, target="coral", out=tmp_path / "coral").path
    shutil.copy(coral / "model.tflite", coral / "model_edgetpu.tflite")  # stands for what the compiler makes
    card = json.loads((coral / "model.json").read_text()) | {"edgetpu_model": "model_edgetpu.tflite"}
    (coral / "model.json").write_text(json.dumps(card))
    _resummed(coral)
    refusal = on_device(coral, "--selftest", "--delegate", "edgetpu")
    assert (refusal.returncode, refusal.stdout) == (MISSING, "")
    assert refusal.stderr.splitlines()[-1].startswith("Error: libedgetpu.so.1 is not installed")
    allowed = on_device(coral, "--selftest", "--delegate", "edgetpu", "--fallback")
    assert allowed.returncode == 0
    assert "Running on the CPU, as --fallback allows." in allowed.stderr
    assert "on the cpu" in allowed.stdout


def test_a_coral_bundle_without_the_compiler_says_how_to_compile(cli, copied, tmp_path):
    cli("bundle", copied, "--target", "coral", "--out", "coral", env=os.environ | {"PATH": str(tmp_path)})
    text = (tmp_path / "coral" / "README.md").read_text()
    assert "edgetpu_compiler model.tflite" in text
    assert "udev" in text
    answer = on_device(tmp_path / "coral", "--selftest", "--delegate", "edgetpu")
    assert answer.returncode == MISSING
    one_line(answer, MISSING, "kerascnn compile model.tflite", "then make this folder again")


def test_an_android_bundle_has_uint8_and_the_snippet_for_its_channels(copied, tmp_path):
    folder = bundle(copied, target="android", out=tmp_path / "android").path
    assert json.loads((folder / "model.json").read_text())["input"] == "uint8"
    text = (folder / "README.md").read_text()
    assert "ByteArray(32 * 32)" in text
    assert "ImageClassifier" not in text  # MediaPipe cannot load a grey model
    assert on_device(folder, "--selftest").returncode == 0


def test_a_coral_bundle_holds_the_compiled_file_where_the_compiler_is(cli, copied, tmp_path):
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
    made = cli("bundle", copied, "--target", "coral", "--out", "coral", "--json", env=environment)
    assert "model_edgetpu.tflite" in made.json["files"]
    folder = tmp_path / "coral"
    assert is_compiled(read_graph(folder / "model_edgetpu.tflite"))
    assert read_metadata(folder / "model_edgetpu.tflite").classes == tuple("0123456789")
    assert "python run.py photo.jpg --delegate edgetpu" in (folder / "README.md").read_text()
    assert not verify(folder).problems


def test_an_android_bundle_of_a_colour_model_is_what_mediapipe_takes(cli, photos, tmp_path):
    trained = cli("train", "alexnet", "--data", photos, *SMALL, "--epochs", 1, "--name", "colour")
    assert trained.code == 0, trained.err
    folder = bundle(tmp_path / "runs" / "colour", target="android", out=tmp_path / "app").path
    text = (folder / "README.md").read_text()
    assert 'setModelAssetPath("model.tflite")' in text
    assert read_metadata(folder / "model.tflite").classes == ("blue", "green", "red")
    assert on_device(folder, "--selftest").returncode == 0
    golden = next(each for each in (folder / "golden").iterdir() if each.suffix == ".png")
    with Image.open(golden) as picture:
        assert picture.height > 16  # as the photo was, not as the model takes it


def test_another_scheme_proves_itself_too(copied, tmp_path):
    folder = bundle(copied, target="generic", scheme="float16", out=tmp_path / "half").path
    assert json.loads((folder / "model.json").read_text())["scheme"] == "float16"
    assert on_device(folder, "--selftest").returncode == 0
    assert not verify(folder).problems


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "toaster"], ["Unknown target 'toaster'", *targets]),
        (["--scheme", "int3"], ["Unknown scheme 'int3'"]),
        (["--target", "coral", "--scheme", "float16"], ["full int8 only"]),
    ],
)
def test_bundles_that_make_no_sense(cli, tmp_path, copied, options, words):
    refused(cli("bundle", copied, *options), USAGE, *words)
    assert not list(tmp_path.iterdir())


def test_verify_compares_with_the_run(cli, made, copied, run, tmp_path):
    assert cli("verify", made, "--run", copied).code == 0
    other = Path(shutil.copytree(run, tmp_path / "other"))
    with (other / "model.keras").open("ab") as file:
        file.write(b" ")
    refused_by = cli("verify", made, "--run", other, "--json")
    assert refused_by.code == FAILED
    assert json.loads(refused_by.out)["problems"] == [f"it was made of another model than that of {other}"]


def _truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_truncated, _changed, Path.unlink])
def test_every_damaged_file_is_found_on_both_sides(made, changeable, damage):
    names = sorted(each.relative_to(made) for each in made.rglob("*") if each.is_file())
    assert len(names) > PICTURES
    kinds = {name.suffix or name.name: name for name in names}  # one of each kind also by the program
    kinds |= {"program": Path("pixels.py"), "beside": Path("device.py")}
    for name in names:
        damage(changeable / name)
        assert verify(changeable).problems, name
        if name in kinds.values():
            answer = on_device(changeable, "--selftest")
            assert answer.returncode != 0, name
            if name.name != "run.py":  # damaged, it says what Python says
                assert answer.stderr.startswith("Error: "), answer.stderr
                assert len(answer.stderr.splitlines()) == 1
        shutil.copy(made / name, changeable / name)
    assert not verify(changeable).problems


def test_a_surprise_in_a_folder_is_found(changeable):
    (changeable / "setup.sh").write_text("true")
    (changeable / "golden" / "link.png").symlink_to("/etc/hostname")
    problems = verify(changeable).problems
    assert "setup.sh is not of a bundle" in problems
    assert "golden/link.png is a link or no plain file" in problems


def test_traps_in_an_archive_are_found_without_unpacking(cli, copied, tmp_path):
    whole = bundle(copied, out=tmp_path / "pi.zip").path
    assert not verify(whole).problems
    link = zipfile.ZipInfo("pi/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("/etc/passwd", "x")
        archive.writestr("pi/../../outside", "x")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("other/run.py", "x")
    problems = verify(whole).problems
    assert "/etc/passwd would land outside the bundle's folder" in problems
    assert "pi/../../outside would land outside the bundle's folder" in problems
    assert "link is a link or no plain file" in problems
    assert "run.py is there twice" in problems
    assert "the archive has more than one folder" in problems
    _truncated(whole)
    refused(cli("verify", whole), FAILED, "is not a whole archive")
    refused(cli("verify", "gone"), FAILED, "gone is neither a folder nor a file")


def _resummed(folder):
    """Write the list of hashes anew, as whoever changes a bundle on purpose would."""
    sums = "".join(
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.relative_to(folder).as_posix()}\n"
        for each in sorted(folder.rglob("*"))
        if each.is_file() and each.name != "SHA256SUMS"
    )
    (folder / "SHA256SUMS").write_text(sums)


def _with_card(**changes):
    def change(folder):
        card = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(card | changes, indent=2, ensure_ascii=False) + "\n")

    return change


def _negated(folder):
    outputs = np.load(folder / "golden/outputs.npy")
    np.save(folder / "golden/outputs.npy", -outputs)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda folder: (folder / "evil.sh").write_text("true"), "evil.sh is not of a bundle"),
        (lambda folder: (folder / "run.py").write_text("print('owned')"), "run.py is not what this kerascnn"),
        (lambda folder: (folder / "requirements.txt").write_text("evil"), "requirements.txt asks for"),
        (lambda folder: (folder / "LICENSE").unlink(), "LICENSE is missing"),
        (_negated, "the golden outputs differ by"),
        (_with_card(output_step=1e9), "model.json allows devices to differ by more"),
        (_with_card(keras_sha256="ab" * 32), "the model was not made of what model.json names"),
        (_with_card(classes=list("abcdefghij")), "name other classes"),
        (_with_card(run="/" + "srv/x"), "model.json names a place of another machine"),
        (_with_card(preprocessing={}), "its content does not fit together"),
    ],
)
def test_a_bundle_changed_on_purpose_is_found_too(changeable, change, problem):
    change(changeable)
    _resummed(changeable)
    assert any(problem in each for each in verify(changeable).problems), verify(changeable).problems


def test_figures_that_the_run_does_not_have_are_found(made, copied, changeable):
    tested = json.loads((made / "model.json").read_text())["test"]
    _with_card(test=tested | {"accuracy": 1.0})(changeable)
    text = (changeable / "README.md").read_text()
    (changeable / "README.md").write_text(
        text.replace(f"{tested['accuracy']:.2%}".replace("%", " %"), "100.00 %")
    )
    _resummed(changeable)
    assert not verify(changeable).problems  # it agrees with itself
    assert any("other test figures" in each for each in verify(changeable, run=copied).problems)


def test_what_stands_before_or_behind_an_archive_is_found(cli, copied, tmp_path):
    printed = cli("bundle", copied, "--out", "v1:2.zip", "--json").json
    whole = tmp_path / "v1:2.zip"
    assert verify(whole).problems == ()
    assert verify(whole).sha256 == printed["sha256"]
    content = whole.read_bytes()
    whole.write_bytes(b"#!/bin/sh\n" + content)
    assert "something stands before the archive" in verify(whole).problems
    whole.write_bytes(content + b"more")
    assert "something stands behind the archive" in verify(whole).problems


def test_an_archive_that_lists_its_folders_is_whole(made, tmp_path):
    with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
        for each in [made, *sorted(made.rglob("*"))]:
            archive.write(each, Path("pi") / each.relative_to(made))
    assert any(name.endswith("/") for name in archive.namelist())
    assert verify(tmp_path / "again.zip").problems == ()


def one_line(answer, code, *words):
    assert answer.returncode == code, answer
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("INFO:")]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("Error: ")
    assert all(word in lines[0] for word in words), lines


def test_the_program_says_in_one_line_what_is_wrong(made, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "._a.png").write_bytes(b"of another system")
    Image.new("RGB", (13_000, 13_000)).save(tmp_path / "large.png")
    one_line(on_device(made, tmp_path / "empty"), FAILED, "holds no pictures")
    one_line(on_device(made, tmp_path / "gone.png"), FAILED, "gone.png", "No such file")
    one_line(on_device(made, "x" * 300), FAILED, "File name too long")
    one_line(on_device(made, "-", input=""), FAILED, "- cannot be decoded", "no known format")
    one_line(on_device(made, tmp_path / "large.png"), FAILED, "large.png", "too many pixels")
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')")
    unfit = os.environ | {"PYTHONPATH": str(tmp_path)}
    one_line(on_device(made, "--camera", env=unfit), FAILED, "the camera does not work: numpy.dtype size")
    (tmp_path / "ai_edge_litert.py").write_text("")
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')")
    one_line(on_device(made, "--selftest", env=unfit), MISSING, "pip install -r requirements.txt")


@pytest.mark.parametrize(
    "arguments", [["x.png", "--runs", "5"], ["x.png", "--fallback"], ["x.png", "--threads", "9999"]]
)
def test_an_option_that_would_change_nothing_is_refused(made, arguments):
    assert on_device(made, *arguments).returncode == USAGE


def test_dark_ink_on_white_paper(made, tmp_path):
    golden = sorted((made / "golden").glob("*.png"))[0]
    ImageOps.invert(Image.open(golden).convert("L")).save(tmp_path / "paper.png")
    as_it_was = json.loads(on_device(made, golden, "--json").stdout)[0]["classes"]
    inverted = json.loads(on_device(made, tmp_path / "paper.png", "--invert", "--json").stdout)[0]["classes"]
    assert inverted == as_it_was
    assert "--invert" in (made / "README.md").read_text()


def test_a_reader_who_has_enough_and_ctrl_c_are_no_failures(made):
    piped = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' '{made}/run.py' '{made}/golden' | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in piped.stderr
    with subprocess.Popen(
        [sys.executable, made / "run.py", "--benchmark", "--runs", "100000000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for line in process.stderr:
            if "XNNPACK" in line:  # LiteRT's own note: the model is open
                break
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        process.wait(timeout=60)
    assert (process.returncode, "Traceback" in told) == (130, False)


def test_a_list_cut_at_a_line_is_found(changeable):
    sums = changeable / "SHA256SUMS"
    sums.write_text("".join(sums.read_text().splitlines(keepends=True)[:-1]))
    one_line(on_device(changeable, "--selftest"), FAILED, "run.py is missing")


def test_a_picture_put_beside_the_golden_ones_is_not_one_of_them(changeable):
    (changeable / "golden" / "zz.png").write_bytes(b"surplus")
    answer = on_device(changeable, "--selftest")
    assert (answer.returncode, f"{PICTURES} pictures" in answer.stdout) == (0, True)


@pytest.mark.slow
def test_it_runs_where_only_its_requirements_are(made, tmp_path):
    """The real runtime: a new environment without TensorFlow and without this package."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", made / "requirements.txt"],
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
    picture = next((made / "golden").glob("*.png"))
    for arguments in (["--selftest"], [picture], ["--benchmark", "--json"]):
        answer = on_device(made, *arguments, python=python, env=environment, cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout

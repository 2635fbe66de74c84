"""Bad input through the real command: one clear line, the right exit code, nothing half-written."""

import contextlib
import gzip
import json
import os
import resource
import shutil
import subprocess
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import write_idx
from PIL import Image
from refusals import FAILED, USAGE, nothing_written, refused
from small_tflite import compiled


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train lennet", ["model 'lennet'", "did you mean lenet"]),
        ("train lenet --head conv1x", ["head 'conv1x'", "did you mean conv1x1?"]),
        ("train lenet --data digit", ["data source 'digit'", "did you mean digits?"]),
        (
            "train lenet --data zzzz",
            ["data source 'zzzz'", "Available: digits, mnist, fashion_mnist, cifar10, cifar100"],
        ),
        ("compare lenet --heads fc,nim", ["head 'nim'", "did you mean nin?"]),
        ("compare lenet --heads fc", ["at least two different"]),
        ("compare lenet --heads fc,fc", ["at least two different"]),
        ("compare lenet --seeds 0", ["seeds=0"]),
        ("summary lenet6", ["model 'lenet6'", "did you mean lenet"]),
        ("summary lenet --head cnv1x1", ["did you mean conv1x1?"]),
        ("train lenet --epochs 0", ["epochs", "greater than or equal to 1", "epochs=0"]),
        ("train lenet --epochs -3", ["epochs=-3"]),
        ("train lenet --batch-size 0", ["batch_size=0"]),
        ("train lenet --batch-size 2000", ["at most 1,257", "batch_size=2000"]),
        ("train lenet --seed -1", ["seed=-1"]),
        ("train lenet --seed 4294967296", ["seed=4294967296"]),
        ("train lenet --name a/b", ["plain folder name", "a/b"]),
        ("train lenet --data-dir somewhere", ["--data-dir has no meaning"]),
        ("compare lenet --epochs 0", ["epochs=0"]),
        (
            "train alexnet --variant one_tower --image-size 224",
            ["conv1: (224 + 2·0 − 11)/4 + 1 = 54.25 is not a whole number", "fits 195 and 227"],
        ),
        ("summary lenet --image-size 30", ["pool1: (26 + 2·0 − 2)", "fits 28 and 32"][1:]),
        ("summary alexnet --image-size 5000", ["less than or equal to 4096"]),
        ("train alexnet --head-units 0", ["head_units", "greater than or equal to 1"]),
        ("train lenet --head nin --head-units 9", ["nin head of lenet5 modern has no hidden layers"]),
        ("train lenet --variant papier", ["Unknown variant 'papier' of lenet5", "modern, paper"]),
        ("train lenet --norm batch", ["Unknown norm 'batch' for lenet5 modern", "Available: none"]),
        ("compare alexnet --norm group", ["Unknown norm 'group'", "batch, lrn, none"]),
        ("train lenet --variant paper --head nin", ["takes head fc only", "its own C5, F6 and RBF"]),
        ("train lenet --variant paper --image-size 36", ["image_size=32 only"]),
        ("train lenet --classes 7", ["digits has 10 classes", "classes=7"]),
        ("summary lenet --head-units 100000000000", ["head_units must be less than or equal to 65536"]),
        ("train lenet --channels 4", ["1 channel (grey) or 3 (colour)", "channels=4"]),
        ("compare lenet --batch-size 2000", ["at most 1,257"]),
    ],
)
def test_a_request_that_makes_no_sense(cli, tmp_path, command, words):
    refused(cli(*command.split()), USAGE, *words)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(
    "command",
    ["train lenet --epochs many", "train lenet --head-units 3,x", "train", "predict run", "trian lenet"],
)
def test_what_click_refuses(cli, command):
    answer = cli(*command.split())
    assert (answer.code, answer.out) == (USAGE, "")
    assert answer.err.splitlines()[-1].startswith("Error: ")


def _damage_magic(folder: Path) -> None:
    write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((9, 28, 28)), magic=b"\0\0\x0d\x03")


def _damage_labels(folder: Path) -> None:
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.full(60, 11))


def _damage_count(folder: Path) -> None:
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.zeros(479))


def _truncate_compressed(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-5_000])


def _truncate_values(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def _lengthen_values(folder: Path) -> None:
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\0"))


def _shrink_images(folder: Path) -> None:
    write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((480, 27, 28)))


def _empty_file(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(b"")


def _header_only(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x01\0"))


def _empty_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _too_few(folder: Path) -> None:
    write_idx(folder / "train-images-idx3-ubyte.gz", np.zeros((12, 28, 28)))
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.arange(12) % 10)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, ["is not a folder"]),
        (_empty_folder, ["has no train-images-idx3-ubyte.gz"]),
        (_damage_magic, ["train-images", "magic number 00000803", "starts with 00000d03"]),
        (_damage_labels, ["t10k-labels", "labels must be 0 to 9, number 0 is 11"]),
        (_damage_count, ["480 images", "479 labels"]),
        (_truncate_compressed, ["train-images", "damaged or truncated"]),
        (_truncate_values, ["must hold 376,320 values after its header, it holds 376,319"]),
        (_lengthen_values, ["must hold 60 values after its header, it holds more"]),
        (_shrink_images, ["must hold 28×28 images, it holds (27, 28)"]),
        (_empty_file, ["train-labels", "magic number"]),
        (_header_only, ["truncated within its header"]),
        (_too_few, ["12 images of", "are too few to set 1 aside"]),
    ],
)
def test_bad_data(cli, tmp_path, mnist_dir, damage, words):
    damage(mnist_dir)
    refused(cli("train", "lenet", "--data", "mnist", "--data-dir", mnist_dir), FAILED, *words)
    assert nothing_written(tmp_path)


def test_no_network_for_a_download(cli, tmp_path):
    nowhere = {
        "https_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HOME": str(tmp_path),
    }
    answer = cli("train", "lenet", "--data", "mnist", env=os.environ | nowhere)
    refused(answer, FAILED, "MNIST could not be downloaded", "--data-dir", "--data digits")
    assert nothing_written(tmp_path)


def test_a_run_that_exists_is_kept(cli, tmp_path, whole_study):
    shutil.copytree(whole_study[0] / "runs" / "nin-1", tmp_path / "runs" / "a")
    first = cli("summary", "runs/a", "--json").json
    before = (tmp_path / "runs" / "a" / "model.keras").read_bytes()
    refused(
        cli("train", "lenet", "--epochs", 1, "--name", "a"), FAILED, "runs/a exists", "--overwrite", "a-1"
    )
    assert (tmp_path / "runs" / "a" / "model.keras").read_bytes() == before
    replaced = cli("train", "lenet", "--epochs", 1, "--name", "a", "--overwrite", "--json").json
    assert (first["parameters"], replaced["parameters"]) == (2_742, 61_706)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a"]


@pytest.mark.parametrize("command", ["evaluate {}", "quantize {}", "predict {} picture.png", "summary {}"])
@pytest.mark.parametrize("state", ["incomplete", "newer", "no run"])
def test_a_run_that_cannot_be_used(cli, tmp_path, run, command, state):
    Image.new("L", (8, 8)).save(tmp_path / "picture.png")
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    if state == "incomplete":
        (copy / "model.keras").unlink()
    elif state == "newer":
        record = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps(record | {"format": 99}))
    else:
        (copy / "run.json").unlink()
    words = {"incomplete": "is incomplete", "newer": "format 99, newer", "no run": "is not a run"}
    refused(cli(*command.format("copy").split()), FAILED, "copy", words[state])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("evaluate absent", "does not exist"),
        ("quantize absent", "does not exist"),
        ("evaluate absent.keras", "does not exist"),
        ("evaluate absent.tflite", "does not exist"),
        ("summary absent.keras", "does not exist"),
        ("evaluate text.txt", "neither a run folder nor a .keras or .tflite"),
    ],
)
def test_what_is_not_there(cli, tmp_path, command, words):
    (tmp_path / "text.txt").write_text("hello")
    refused(cli(*command.split()), FAILED, words)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["model.keras", "tflite/static_wi8_ai8.tflite"])
def test_a_truncated_model(cli, tmp_path, run, kind, share):
    content = (run / kind).read_bytes()
    cut = tmp_path / f"cut{Path(kind).suffix}"
    cut.write_bytes(content[: int(len(content) * share)])
    refused(cli("evaluate", cut, "--data", "digits"), FAILED, "cut")


@pytest.mark.parametrize(
    ("file", "told"), [("note.keras", "cannot be opened"), ("note.tflite", "is not a valid .tflite file")]
)
def test_a_file_that_is_not_a_model(cli, tmp_path, file, told):
    (tmp_path / file).write_text("this is no model" * 100)
    refused(cli("evaluate", file, "--data", "digits"), FAILED, f"{file} {told}")


def test_a_foreign_keras_file_never_runs_its_own_code(cli, tmp_path):
    pixels = keras.Input((8, 8, 1))
    spy = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    code = keras.layers.Lambda(eval(f"lambda x: ({spy}, x)[1]"), output_shape=(8, 8, 1))
    model = keras.Model(pixels, keras.layers.Dense(10)(keras.layers.Flatten()(code(pixels))))
    model.save(tmp_path / "hostile.keras")
    (tmp_path / "ran").unlink(missing_ok=True)  # building it ran it
    refused(cli("evaluate", "hostile.keras", "--data", "digits"), FAILED, "has a Lambda layer")
    assert not (tmp_path / "ran").exists()


def test_a_foreign_model_needs_a_source_and_gets_it(cli, tmp_path):
    pixels = keras.Input((8, 8, 1))
    scores = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(pixels))
    keras.Model(pixels, scores).save(tmp_path / "other.keras")
    refused(cli("evaluate", "other.keras"), USAGE, "name a source with --data")
    assert cli("evaluate", "other.keras", "--data", "digits", "--json").json["n"] == 360


def _of_words() -> keras.Model:
    words = keras.Input((8,))
    return keras.Model(words, keras.layers.Dense(10)(words))


def _of_maps() -> keras.Model:
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Conv2D(3, 1)(pixels))


@pytest.mark.parametrize("kind", [_of_words, _of_maps])
def test_a_foreign_model_of_another_kind(cli, tmp_path, kind):
    kind().save(tmp_path / "other.keras")
    refused(cli("evaluate", "other.keras", "--data", "digits"), FAILED, "does not classify images")


@pytest.mark.parametrize(
    ("image", "words"),
    [("absent.png", "does not exist"), ("folder", "is a folder"), ("bad.png", "cannot be decoded")],
)
def test_an_image_that_cannot_be_read(cli, tmp_path, run, image, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.new("L", (8, 8)).save(tmp_path / "good.png")
    refused(cli("predict", run, "good.png", image), FAILED, image, words)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--calibration-samples", "1258"], USAGE, ["1 to 1,257", "calibration_samples=1258"]),
        (["--calibration-samples", "0"], USAGE, ["calibration_samples=0"]),
        (["--scheme", "float32", "--calibration-samples", "99"], USAGE, ["float32 uses no calibration"]),
        (["--scheme", "static_wi8"], USAGE, ["scheme 'static_wi8'", "did you mean static_wi8_ai8?"]),
    ],
)
def test_a_quantization_that_makes_no_sense(cli, run, options, code, words):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    refused(cli("quantize", run, *options), code, *words)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_top_k_must_be_positive(cli, tmp_path, run):
    Image.new("L", (8, 8)).save(tmp_path / "picture.png")
    refused(cli("predict", run, "picture.png", "--top-k", 0), USAGE, "top_k=0")


def test_data_that_changed_since_training_is_refused(cli, tmp_path, on_mnist, mnist_dir):
    run = shutil.copytree(on_mnist[0], tmp_path / "a")
    write_idx(mnist_dir / "t10k-labels-idx1-ubyte.gz", np.zeros(60))
    config = (run / "config.toml").read_text()
    was = tomllib.loads(config)["data_dir"]
    (run / "config.toml").write_text(config.replace(was, str(mnist_dir)))
    refused(cli("quantize", run), FAILED, "other hash", "--data-dir")
    assert not (run / "tflite").exists()


def test_an_operator_that_litert_lacks_is_named(cli, tmp_path):
    (tmp_path / "m_edgetpu.tflite").write_bytes(compiled())
    answer = cli("evaluate", "m_edgetpu.tflite", "--data", "digits")
    refused(answer, FAILED, "m_edgetpu.tflite cannot be opened", "edgetpu-custom-op", "compiled from")


def test_a_study_that_exists_is_kept(cli, tmp_path):
    (tmp_path / "study").mkdir()
    refused(cli("compare", "lenet", "--out", "study"), FAILED, "study exists", "--out")


def test_a_folder_that_cannot_be_made(cli, tmp_path):
    (tmp_path / "runs").write_text("in the way")
    refused(cli("train", "lenet", "--epochs", 1), FAILED, "runs", "could not be created")


def _small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def test_a_disk_that_refuses_leaves_the_earlier_run_whole(cli, tmp_path, whole_study):
    shutil.copytree(whole_study[0] / "runs" / "nin-1", tmp_path / "runs" / "a")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    answer = cli("train", "lenet", "--epochs", 1, "--name", "a", "--overwrite", before=_small_files_only)
    refused(answer, FAILED, "epoch-000001.npz could not be written: File too large")
    assert {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()} == before


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1.6 MB: a training needs 1.4 MB, and 0.4 MB stay."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
def test_a_full_disk_leaves_the_earlier_run_whole(cli, small_disk, trained):
    shutil.copytree(trained[0], small_disk / "runs/a", ignore=shutil.ignore_patterns("tflite"))
    before = contents(small_disk / "runs/a")
    again = cli("train", "lenet", "--epochs", 3, "--name", "a", "--overwrite", cwd=small_disk)
    assert again.code == FAILED
    assert "could not be written: No space left on device" in again.err.splitlines()[-1]
    kept = next(path for path in (small_disk / "runs/a-1", small_disk / "runs/a") if path.exists())
    assert contents(kept) == before
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(1_000))
    refused(cli("quantize", kept, cwd=small_disk), FAILED, "No space left on device")
    with contextlib.suppress(FileNotFoundError):
        assert list((kept / "tflite").iterdir()) == []


def test_a_name_that_is_not_utf_8_is_refused(cli):
    refused(cli("compare", "lenet", "--out", os.fsdecode(b"x\xff")), USAGE, "names in UTF-8")


@pytest.mark.parametrize(
    ("given", "code"),
    [("summary nope", 2), ("train", 2), ("train lenet --epochs x", 2), ("nope", 2), ("evaluate nowhere", 1)],
)
def test_a_failure_is_a_json_document_where_one_was_asked_for(cli, given, code):
    answer = cli(*given.split(), "--json")
    told = json.loads(answer.out)
    assert (answer.code, told["exit_code"]) == (code, code)
    assert f"Error: {told['error']}\n" in answer.err

"""Trainings that are killed, at any moment, and go on: they end as if they had never been stopped."""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import COMMAND, run_command
from painted_photos import SMALL, paint
from test_bad_input import FAILED, USAGE, refused

import kerascnn
from kerascnn.training.checkpoint import Checkpoint, Checkpoints

#: Moved digits, a moving average, clipping: what could be forgotten. Photos add dropout and batch norm.
EVERYTHING = (
    *("lenet", "--epochs", 6, "--batch-size", 8, "--augment", "--ema", 0.9, "--clip-norm", 1),
    *("--label-smoothing", 0.1, "--class-weights"),
)


def outcome(run: Path):
    """Everything that must not depend on whether a training was stopped."""
    weights = []

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            weights.append((name, item[()].tobytes()))

    with zipfile.ZipFile(run / "model.keras") as archive:
        h5py.File(archive.open("model.weights.h5")).visititems(collect)
    with (run / "history.csv").open() as rows:
        history = [row | {"seconds": None} for row in csv.DictReader(rows)]
    metrics = json.loads((run / "metrics.json").read_text()) | {"seconds": None}
    state = json.loads((run / "run.json").read_text())["state"]
    return weights, history, metrics, state


def kill_when(folder: Path, options, happens) -> None:
    """Start a training and kill it, with no chance to clean up, at the moment something happens."""
    command = [*COMMAND, "train", *map(str, options)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while not happens():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.0005)  # a checkpoint is written in some milliseconds
        process.kill()
        assert process.wait() == -signal.SIGKILL


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in run.glob("checkpoints/*"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    answer = run_command("train", *EVERYTHING, "--name", "a", cwd=folder)
    assert answer.code == 0, answer.err
    assert not (folder / "runs" / "a" / "checkpoints").exists()  # a run that is done needs none
    return outcome(folder / "runs" / "a")


def before_the_first_epoch_ends(run):
    return (run / "run.json").exists()


def between_epochs(run):
    return "epoch-000002.npz" in checkpoints(run)


def while_a_checkpoint_is_written(run):
    return {"epoch-000001.npz", ".epoch-000002.part.npz"} <= set(checkpoints(run))


def inside_the_third_epoch(run):
    if between_epochs(run):
        time.sleep(0.3)
        return True
    return False


def while_the_model_is_tested(run):
    return (run / "model.keras").exists()


@pytest.mark.parametrize(
    "moment",
    [
        before_the_first_epoch_ends,
        between_epochs,
        while_a_checkpoint_is_written,
        inside_the_third_epoch,
        while_the_model_is_tested,
    ],
)
def test_a_killed_training_ends_as_if_it_had_never_been_stopped(cli, tmp_path, undisturbed, moment):
    run = tmp_path / "runs" / "a"
    kill_when(tmp_path, [*EVERYTHING, "--name", "a"], lambda: moment(run))
    assert json.loads((run / "run.json").read_text())["state"] == "running"
    resumed = cli("train", "--resume", "runs/a", "--json")
    assert resumed.json["run"] == "runs/a"
    assert outcome(run) == undisturbed
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["a"]


def test_a_kill_between_checkpoint_and_history_costs_no_row(cli, tmp_path, undisturbed):
    run = tmp_path / "runs" / "a"
    kill_when(tmp_path, [*EVERYTHING, "--name", "a"], lambda: between_epochs(run))
    (run / "history.csv").unlink(missing_ok=True)
    elsewhere = run.rename(tmp_path / "elsewhere")
    with (elsewhere / "config.toml").open("a") as settings:
        settings.write('weights = "/a/run/that/is/gone"\n')  # the checkpoint has its weights
    resumed = cli("train", "--resume", ".", cwd=elsewhere)
    assert resumed.code == 0, resumed.err
    assert outcome(elsewhere) == undisturbed
    made_with = json.loads((elsewhere / "environment.json").read_text())
    assert [each["device"]["name"] for each in made_with["resumed"]] == ["cpu:0"]


def test_a_killed_training_on_photos_ends_as_if_it_had_never_been_stopped(cli, tmp_path):
    paint(tmp_path / "photos", 20)
    options = ["alexnet", "--data", "photos", *SMALL, "--epochs", 4, "--class-weights", "--name"]
    assert cli("train", *options, "whole").code == 0
    kill_when(tmp_path, [*options, "killed"], lambda: between_epochs(tmp_path / "runs" / "killed"))
    assert cli("train", "--resume", "runs/killed").code == 0
    assert outcome(tmp_path / "runs" / "killed") == outcome(tmp_path / "runs" / "whole")


def test_ctrl_c_keeps_the_best_model_and_the_way_on(cli, tmp_path, undisturbed):
    run = tmp_path / "runs" / "a"
    command = [*COMMAND, "train", *map(str, EVERYTHING), "--name", "a"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not between_epochs(run):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert process.wait() == 130
    assert "kerascnn train --resume runs/a goes on" in told
    assert cli("evaluate", "runs/a").code == 0
    (run / "tflite").mkdir()
    (run / "tflite" / "old.tflite").touch()
    assert kerascnn.resume(run).record.state == "done"
    assert outcome(run) == undisturbed
    assert not (run / "tflite").exists()  # it was made from the model that was not trained to its end


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder with a run that was killed after its second epoch."""
    folder = tmp_path_factory.mktemp("killed")
    kill_when(folder, [*EVERYTHING, "--name", "a"], lambda: between_epochs(folder / "runs" / "a"))
    return folder


@pytest.fixture
def stopped(killed, tmp_path):
    """A copy of that run, to be changed."""
    shutil.copytree(killed / "runs", tmp_path / "runs")
    return tmp_path / "runs" / "a"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_and_other_versions_are_named(cli, stopped, undisturbed):
    newest = stopped / "checkpoints" / checkpoints(stopped)[-1]
    damage(newest)
    made_with = stopped / "environment.json"
    made_with.write_text(made_with.read_text().replace(f'"keras": "{keras.__version__}"', '"keras": "3.0.0"'))
    resumed = cli("train", *EVERYTHING, "--resume", "runs/a")  # the same settings may be repeated
    assert resumed.code == 0
    assert f"runs/a/checkpoints/{newest.name} is damaged: the training goes on from" in resumed.err
    assert f"runs/a began with keras 3.0.0 and goes on with {keras.__version__}" in resumed.err
    assert outcome(stopped) == undisturbed


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None])
def test_without_a_whole_checkpoint_it_begins_anew(stopped, content):
    for name in checkpoints(stopped):
        path = stopped / "checkpoints" / name
        path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    assert Checkpoints(stopped / "checkpoints").newest() is None


def test_the_last_two_checkpoints_are_kept(tmp_path):
    kept = Checkpoints(tmp_path / "checkpoints")
    for number in range(1, 5):
        epochs = [{"epoch": n} for n in range(1, number + 1)]
        kept.save(Checkpoint([np.full(3, number)], epochs, number, [np.zeros(2, np.float32)], 1.5))
    assert sorted(path.name for path in kept.folder.iterdir()) == ["epoch-000003.npz", "epoch-000004.npz"]
    newest = kept.newest()
    assert newest is not None
    assert (newest.state[0].tolist(), newest.best_epoch, newest.seconds) == ([4, 4, 4], 4, 1.5)
    assert [epoch["epoch"] for epoch in newest.epochs] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 9], ["epochs is 6, not 9"]),
        (["alexnet"], ["model is lenet, not alexnet"]),
        (["--no-augment", "--set", "ema=0.5"], ["augment is True, not False", "ema is 0.9, not 0.5"]),
        (["--seed", 2], ["seed is 1, not 2", "train anew"]),
    ],
)
def test_other_settings_are_refused_with_the_difference(cli, stopped, options, words):
    before = checkpoints(stopped)
    refused(cli("train", *options, "--resume", "runs/a"), USAGE, *words)
    assert checkpoints(stopped) == before


def test_other_data_are_refused(cli, tmp_path):
    paint(tmp_path / "photos", 12)
    options = ["alexnet", "--data", "photos", *SMALL, "--epochs", 3, "--name", "a"]
    kill_when(tmp_path, options, lambda: between_epochs(tmp_path / "runs" / "a"))
    picture = next((tmp_path / "photos" / "red").iterdir())
    picture.write_bytes(picture.read_bytes() + b"\0")
    refused(cli("train", "--resume", "runs/a"), FAILED, "is not the data", "its hash differs")


def test_what_cannot_be_resumed(cli, tmp_path, run):
    refused(cli("train", "--resume", "runs/none"), FAILED, "runs/none does not exist")
    (tmp_path / "empty").mkdir()
    refused(cli("train", "--resume", "empty"), FAILED, "is not a run")
    refused(cli("train", "--resume", run), USAGE, "is done: there is nothing to resume")


def test_two_processes_cannot_train_the_same_run(cli, stopped):
    fcntl = pytest.importorskip("fcntl")
    held = os.open(stopped, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    refused(cli("train", "--resume", "runs/a"), FAILED, "is being trained by another process")
    os.close(held)


def test_a_training_on_jax_is_resumed_too(cli, tmp_path):
    pytest.importorskip("jax")
    paint(tmp_path / "photos", 20)
    options = [
        "alexnet",
        "--data",
        "photos",
        *SMALL,
        "--epochs",
        5,
        "--ema",
        0.9,
        "--backend",
        "jax",
        "--name",
    ]
    assert cli("train", *options, "whole", fresh=True).code == 0
    kill_when(tmp_path, [*options, "killed"], lambda: between_epochs(tmp_path / "runs" / "killed"))
    resumed = cli("train", "--resume", "runs/killed", fresh=True)
    assert resumed.code == 0, resumed.err
    assert outcome(tmp_path / "runs" / "killed") == outcome(tmp_path / "runs" / "whole")

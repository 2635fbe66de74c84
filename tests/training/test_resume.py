"""Trainings that are killed, at any moment, and go on: they end as if they had never been stopped."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import fresh_command, run_command
from outcomes import outcome
from painted_photos import SMALL, paint
from refusals import FAILED, USAGE, refused
from signalled import copy_at, exists, interrupted, killed

import kerascnn
from kerascnn.training.records.checkpoint import Checkpoint, Checkpoints

#: Moved digits, a moving average, clipping: what could be forgotten. Photos add dropout and batch norm.
EVERYTHING = (
    *("lenet", "--epochs", 6, "--batch-size", 8, "--augment", "--ema", 0.9, "--clip-norm", 1),
    *("--label-smoothing", 0.1, "--class-weights"),
)


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in run.glob("checkpoints/*"))


def while_a_checkpoint_is_written(folder: Path) -> bool:
    first, *others = sorted(checkpoints(folder / "runs/a"), reverse=True) or [""]
    return first == "epoch-000001.npz" and any(name.startswith(".epoch-000002.") for name in others)


def inside_the_third_epoch(folder: Path) -> bool:
    history = folder / "runs/a/history.csv"
    return history.exists() and len(history.read_text().splitlines()) == 1 + 2


between_epochs = exists("runs/a/checkpoints/epoch-000002.npz")
MOMENTS = {
    "before the first epoch ends": exists("runs/a/run.json"),
    "between epochs": between_epochs,
    "while a checkpoint is written": while_a_checkpoint_is_written,
    "inside the third epoch": inside_the_third_epoch,
    "while the model is tested": exists("runs/a/model.keras"),
}


@pytest.fixture(scope="module")
def cut_off(shared):
    """A training, and its run as it was at each of these moments. 10 s of processor time."""

    def fill(folder):
        before = partial(copy_at, MOMENTS, folder, folder / "then")
        answer = run_command("train", *EVERYTHING, "--name", "a", cwd=folder, before=before)
        assert answer.code == 0, answer.err
        assert not (folder / "runs" / "a" / "checkpoints").exists()  # a run that is done needs none

    return shared("cut-off", fill)


@pytest.fixture(scope="module")
def undisturbed(cut_off):
    return outcome(cut_off / "runs" / "a")


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("before the first epoch ends", marks=pytest.mark.long),
        pytest.param("between epochs", marks=pytest.mark.long),
        "while a checkpoint is written",
        pytest.param("inside the third epoch", marks=pytest.mark.long),
        pytest.param("while the model is tested", marks=pytest.mark.long),
    ],
)
def test_a_training_cut_off_at_any_moment_ends_as_if_it_had_never_been_stopped(
    cli, tmp_path, cut_off, undisturbed, moment
):
    run = shutil.copytree(cut_off / "then" / moment, tmp_path / "runs") / "a"
    for half_written in run.glob("checkpoints/.*"):
        os.truncate(half_written, half_written.stat().st_size // 2)
    assert json.loads((run / "run.json").read_text())["state"] == "running"
    resumed = cli("train", "--resume", "runs/a", "--json")
    assert resumed.json["run"] == "runs/a"
    assert outcome(run) == undisturbed
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["a"]


@pytest.mark.long
def test_a_killed_training_goes_on_elsewhere_and_no_row_is_missing(cli, tmp_path, undisturbed):
    killed("train", *EVERYTHING, "--name", "a", at=between_epochs, folder=tmp_path)
    stopped = tmp_path / "runs" / "a"
    (stopped / "history.csv").unlink(missing_ok=True)  # a kill came between checkpoint and history
    elsewhere = stopped.rename(tmp_path / "elsewhere")
    with (elsewhere / "config.toml").open("a") as settings:
        settings.write('weights = "/a/run/that/is/gone"\n')  # the checkpoint has its weights
    resumed = cli("train", "--resume", ".", cwd=elsewhere)
    assert resumed.code == 0, resumed.err
    assert outcome(elsewhere) == undisturbed
    made_with = json.loads((elsewhere / "environment.json").read_text())
    assert [each["device"]["name"] for each in made_with["resumed"]] == ["cpu:0"]


@pytest.mark.long
def test_a_training_on_photos_cut_off_ends_as_if_it_had_never_been_stopped(cli, tmp_path, on_photos):
    shutil.copytree(on_photos / "then", tmp_path / "runs")
    assert cli("train", "--resume", "runs/a").code == 0
    assert outcome(tmp_path / "runs" / "a") == outcome(on_photos / "runs" / "a")


@pytest.mark.long
def test_ctrl_c_keeps_the_best_model_and_the_way_on(cli, tmp_path, undisturbed):
    run = tmp_path / "runs" / "a"
    said = interrupted("train", *EVERYTHING, "--name", "a", at=between_epochs, folder=tmp_path)
    assert "Resume: kerascnn train --resume runs/a" in said
    assert cli("evaluate", "runs/a").code == 0
    (run / "tflite").mkdir()
    (run / "tflite" / "old.tflite").touch()
    assert kerascnn.resume(run).record.state == "done"
    assert outcome(run) == undisturbed
    assert not (run / "tflite").exists()  # it was made from the model that was not trained to its end


@pytest.fixture
def stopped(cut_off, tmp_path):
    """A run as a kill leaves it after its second epoch, to be changed."""
    return shutil.copytree(cut_off / "then" / "between epochs", tmp_path / "runs") / "a"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.long
def test_a_damaged_checkpoint_and_other_versions_are_named(cli, stopped, undisturbed):
    newest = stopped / "checkpoints" / checkpoints(stopped)[-1]
    damage(newest)
    made_with = stopped / "environment.json"
    made_with.write_text(made_with.read_text().replace(f'"keras": "{keras.__version__}"', '"keras": "3.0.0"'))
    resumed = cli("train", *EVERYTHING, "--resume", "runs/a")  # the same settings may be repeated
    assert resumed.code == 0
    assert f"runs/a/checkpoints/{newest.name} is damaged: training resumes from" in resumed.err
    assert f"runs/a began with keras 3.0.0 and resumes with {keras.__version__}" in resumed.err
    assert outcome(stopped) == undisturbed


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None])
def test_without_a_whole_checkpoint_it_begins_anew(stopped, content):
    for name in checkpoints(stopped):
        path = stopped / "checkpoints" / name
        path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    assert Checkpoints(stopped / "checkpoints").newest() is None


def test_the_last_two_checkpoints_are_kept(tmp_path):
    kept = Checkpoints(tmp_path / "checkpoints")
    figures = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    for number in range(1, 5):
        epochs = [{"epoch": n, **dict.fromkeys(figures, 0.5)} for n in range(1, number + 1)]
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
        (["--seed", 2], ["seed is 1, not 2", "start a new training"]),
    ],
)
def test_other_settings_are_refused_with_the_difference(cli, stopped, options, words):
    before = checkpoints(stopped)
    refused(cli("train", *options, "--resume", "runs/a"), USAGE, *words)
    assert checkpoints(stopped) == before


def test_other_data_are_refused(cli, tmp_path, on_photos):
    shutil.copytree(on_photos / "photos", tmp_path / "photos")
    shutil.copytree(on_photos / "then", tmp_path / "runs")
    picture = next((tmp_path / "photos" / "red").glob("*.jpg"))
    picture.write_bytes(picture.read_bytes() + b"\0")
    given = ("train", "--resume", "runs/a", "--data-dir", "photos")
    refused(cli(*given), FAILED, "is not the data", "other hash")


def test_what_cannot_be_resumed(cli, tmp_path, run):
    refused(cli("train", "--resume", "runs/none"), FAILED, "runs/none does not exist")
    (tmp_path / "empty").mkdir()
    refused(cli("train", "--resume", "empty"), FAILED, "is not a run")
    refused(cli("train", "--resume", run), USAGE, "is complete: there is nothing to resume")


def test_two_processes_cannot_train_the_same_run(cli, stopped):
    fcntl = pytest.importorskip("fcntl")
    held = os.open(stopped, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    refused(cli("train", "--resume", "runs/a"), FAILED, "is in use by another kerascnn process")
    os.close(held)


#: The command, in a process that copies its runs after the second epoch.
WATCHED = """
from pathlib import Path
from kerascnn.cli.main import main
from signalled import copy_at, exists
copy_at({"then": exists("runs/a/checkpoints/epoch-000002.npz")}, Path.cwd(), Path.cwd())
main()
"""


@pytest.mark.long
def test_a_training_on_jax_is_resumed_too(tmp_path):
    pytest.importorskip("jax")
    paint(tmp_path / "photos", 20)
    options = ["alexnet", "--data", "photos", *SMALL, "--epochs", 4, "--ema", 0.9, "--backend", "jax"]
    trained = subprocess.run(
        [sys.executable, "-c", WATCHED, "train", *map(str, options), "--name", "a"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    whole = (tmp_path / "runs").rename(tmp_path / "whole")
    (tmp_path / "then").rename(tmp_path / "runs")
    resumed = fresh_command("train", "--resume", "runs/a", cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert outcome(tmp_path / "runs" / "a") == outcome(whole / "a")

"""One training in two real processes on loopback, through the command: the weights of one process."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import COMMAND, fresh_command
from painted_photos import SMALL, paint
from refusals import FAILED, USAGE, refused
from test_distribution import free_address
from waiting import wait_until

pytest.importorskip("jax")


def start(folder: Path, *options: object) -> list[subprocess.Popen]:
    """Start the same command in two processes."""
    place = ["--distribute", "--coordinator", free_address(), "--processes", 2, "--process-index"]
    return [
        subprocess.Popen(
            [*COMMAND, "train", *map(str, [*options, *place, index])],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in (0, 1)
    ]


def ended(processes: list[subprocess.Popen]) -> list[tuple[int, str, str]]:
    try:
        answers = [process.communicate(timeout=480) for process in processes]
    finally:
        end(processes)
    return [(process.returncode, *answer) for process, answer in zip(processes, answers, strict=True)]


def end(processes: list[subprocess.Popen]) -> None:
    """Kill what still runs and close its pipes."""
    for process in processes:
        process.kill()
        process.communicate()


def weights(run: Path) -> list[np.ndarray]:
    return keras.saving.load_model(run / "model.keras").get_weights()


def losses(run: Path) -> list[float]:
    with (run / "history.csv").open() as rows:
        return [float(row[name]) for row in csv.DictReader(rows) for name in ("loss", "val_loss")]


@pytest.mark.long
def test_two_processes_are_killed_and_resumed_and_train_to_the_weights_of_one(tmp_path):
    # A gentle rate: at the default one the rounding of a sum in two parts grows to 0.4 % on some processors.
    options = ["lenet", "--backend", "jax", "--augment", "--learning-rate", 5e-4, "--epochs", 4, "--name"]
    run = tmp_path / "runs" / "two"
    processes = start(tmp_path, *options, "two", "--json")
    try:
        wait_until((run / "checkpoints" / "epoch-000002.npz").exists, "two epochs are done", processes[0])
    finally:
        end(processes)
    (first, printed, told), (second, nothing, worker) = ended(
        start(tmp_path, "--resume", "runs/two", "--json")
    )
    assert (first, second) == (0, 0), told + worker
    assert json.loads(printed)["run"] == "runs/two"
    assert nothing == "null\n"
    assert worker == "loading JAX\nThis process has finished; process 0 has written the run.\n"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["two"]
    alone = fresh_command("train", *options, "one", cwd=tmp_path)
    assert alone.code == 0, alone.err
    np.testing.assert_allclose(losses(run), losses(tmp_path / "runs" / "one"), rtol=1e-4)
    for one, two in zip(weights(tmp_path / "runs" / "one"), weights(run), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


@pytest.mark.long
def test_each_process_reads_its_part_of_the_photos(tmp_path):
    paint(tmp_path / "photos", 21)  # the last batch does not divide by two
    options = ["alexnet", "--data", "photos", *SMALL, "--epochs", 1, "--optimizer", "sgd", "--class-weights"]
    answers = ended(start(tmp_path, *options, "--backend", "jax", "--name", "two"))
    assert [answer[0] for answer in answers] == [0, 0], answers
    alone = fresh_command("train", *options, "--backend", "jax", "--name", "one", cwd=tmp_path)
    assert alone.code == 0, alone.err
    np.testing.assert_allclose(losses(tmp_path / "runs/two"), losses(tmp_path / "runs/one"), rtol=2e-3)
    for one, two in zip(weights(tmp_path / "runs/one"), weights(tmp_path / "runs/two"), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-3)


IN_PYTHON = """
import sys, kerascnn
place = kerascnn.Distribution(coordinator=sys.argv[1], processes=2, process_index=int(sys.argv[2]))
run = kerascnn.train("lenet", head="nin", epochs=1, batch_size=256, name="two", distribution=place)
if run:
    found, tested = kerascnn.evaluate(run).accuracy, run.metrics()["test"]
    print(run.record.state, found.n, found.correct - round(tested["accuracy"] * tested["n"]))
else:
    print(run)
"""


@pytest.mark.long
def test_two_processes_of_python_train_one_run(tmp_path):
    """The first process gets the run and continues, the other one gets nothing. 70 s of processor time."""
    address = free_address()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", IN_PYTHON, address, str(index)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in (0, 1)
    ]
    (first, run, told), (second, nothing, worker) = ended(processes)
    assert (first, second) == (0, 0), told + worker
    assert (run, nothing) == ("done 360 0\n", "None\n")
    assert [path.name for path in tmp_path.rglob("run.json")] == ["run.json"]


@pytest.mark.long
def test_other_settings_in_one_of_the_processes_are_refused(tmp_path):
    place = ["--distribute", "--coordinator", free_address(), "--processes", 2, "--process-index"]
    command = [sys.executable, "-m", "kerascnn", "train", "lenet", "--backend", "jax", "--epochs"]
    processes = [
        subprocess.Popen(
            [*command, *map(str, [epochs, *place, index])],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, epochs in ((0, 1), (1, 2))
    ]
    (_, _, first), (code, _, second) = ended(processes)
    assert code == FAILED
    assert second.splitlines()[-1].startswith("Error: Process 1 has other settings or data than process 0.")
    assert first.splitlines()[-1].startswith("Error: Another process of this training stopped")
    assert not list(tmp_path.rglob("run.json"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--coordinator", "a:1"], ["--coordinator, --processes and --process-index need --distribute"]),
        (["--distribute", "--processes", 2], ["Missing: coordinator, process_index"]),
        (["--distribute", "--backend", "tensorflow"], ["MultiWorkerMirroredStrategy"]),
    ],
)
def test_a_meeting_that_makes_no_sense(cli, options, words):
    answer = cli("train", "lenet", *options)
    assert answer.code == USAGE
    for word in words:
        assert word in answer.err.splitlines()[-1]


@pytest.mark.long
def test_a_coordinator_that_does_not_answer(cli, tmp_path):
    place = ["--distribute", "--coordinator", free_address(), "--processes", 2, "--process-index", 1]
    soon = dict(os.environ) | {"KERASCNN_JOIN_SECONDS": "2"}
    refused(
        cli("train", "lenet", "--backend", "jax", *place, env=soon, fresh=True),
        FAILED,
        "did not answer within 2 s",
    )
    assert not (tmp_path / "runs").exists()

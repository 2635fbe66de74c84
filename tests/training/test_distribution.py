"""One training in several processes, on loopback: the weights of one, and a line when one is missing."""

import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kerascnn.foundation.errors import UsageError
from kerascnn.training.backend.distribution import Distribution, Team

PROGRAM = Path(__file__).parents[1] / "helpers" / "distributed_training.py"
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")


def test_an_option_comes_before_its_environment_variable():
    environment = {
        "KERASCNN_COORDINATOR": "node1:1234",
        "KERASCNN_PROCESSES": "4",
        "KERASCNN_PROCESS_INDEX": "3",
    }
    asked = Distribution.of(environment, coordinator=None, process_index=0)
    assert (asked.coordinator, asked.processes, asked.process_index) == ("node1:1234", 4, 0)
    assert not Distribution.of({}).is_named


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"coordinator": "node1:1234"}, ["processes, process_index", "or none of them on a cluster"]),
        ({"processes": 2, "process_index": 0}, ["Missing: coordinator"]),
        ({"coordinator": "node1:1234", "processes": 2, "process_index": 2}, ["below processes=2"]),
        ({"coordinator": "node1", "processes": 2, "process_index": 0}, ["host:port", "'node1'"]),
        ({"coordinator": "node1:70000", "processes": 2, "process_index": 0}, ["host:port"]),
        ({"coordinator": "node1:1234", "processes": "two", "process_index": 0}, ["processes='two'"]),
        ({"coordinator": "node1:1234", "processes": 0, "process_index": 0}, ["processes=0"]),
        ({"join_seconds": 0}, ["join_seconds=0"]),
    ],
)
def test_a_meeting_place_that_makes_no_sense_is_refused(options, words):
    with pytest.raises(UsageError) as refused:
        Distribution.of({}, **options)
    for word in words:
        assert word in str(refused.value)


def test_the_parts_of_a_batch_are_the_batch_filled_up_from_its_beginning():
    batch = np.arange(10, 15)
    assert [Team(index, processes=2, devices=4).part(batch).tolist() for index in (0, 1)] == [
        [10, 11, 12, 13],
        [14, 10, 11, 12],
    ]
    assert Team(2, processes=3, devices=3).part(np.array([7])).tolist() == [7]
    assert Team().part(batch).tolist() == batch.tolist()


def start(folder: Path, kind: str, *place: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), kind, *map(str, place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.mark.long
@needs_jax
@pytest.mark.parametrize("kind", ["tables", "files"])
def test_two_processes_train_to_the_weights_of_one(tmp_path, kind):
    address = free_address()
    running = [start(tmp_path, kind), *(start(tmp_path, kind, address, 2, index) for index in (0, 1))]
    ended = [(*process.communicate(timeout=240), process.returncode) for process in running]
    assert [code for _, _, code in ended] == [0, 0, 0], ended
    one, first, second = (np.load(tmp_path / f"{name}.npz") for name in ("alone", "0", "1"))
    for name in one.files:
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], one[name], atol=2e-5)
    figures = [np.array(re.findall(r"\S+", out), float) for out, _, _ in ended]  # and no word of Gloo's
    np.testing.assert_allclose(figures[1], figures[0], atol=2e-4)
    np.testing.assert_array_equal(figures[1], figures[2])


@pytest.mark.long
@needs_jax
def test_two_devices_of_one_process_train_to_the_weights_of_one(tmp_path):
    two_devices = "--xla_force_host_platform_device_count=2"
    running = [start(tmp_path, "tables"), start(tmp_path, "tables", "here", XLA_FLAGS=two_devices)]
    ended = [(*process.communicate(timeout=240), process.returncode) for process in running]
    assert [code for _, _, code in ended] == [0, 0], ended
    one, two = (np.load(tmp_path / f"{name}.npz") for name in ("alone", "here"))
    for name in one.files:
        np.testing.assert_allclose(two[name], one[name], atol=2e-5)


@pytest.mark.long
@needs_jax
def test_one_device_is_nothing_to_distribute_over(tmp_path):
    alone = start(tmp_path, "tables", "here")
    _, err = alone.communicate(timeout=60)
    assert alone.returncode == 2
    assert last_line(err).startswith("Error: There is only one process with one device")


@pytest.mark.long
@needs_jax
def test_a_coordinator_that_does_not_answer_is_one_line(tmp_path):
    address = free_address()
    alone = start(tmp_path, "tables", address, 2, 1, KERASCNN_JOIN_SECONDS="1")
    _, err = alone.communicate(timeout=60)
    assert alone.returncode == 1
    assert last_line(err).startswith(f"Error: The coordinator {address} did not answer within 1 s")


@pytest.mark.long
@needs_jax
def test_a_missing_process_is_one_line(tmp_path):
    address = free_address()
    alone = start(tmp_path, "tables", address, 2, 0, KERASCNN_JOIN_SECONDS="1")
    _, err = alone.communicate(timeout=60)
    assert alone.returncode == 1
    assert last_line(err).startswith(f"Error: Not all of the 2 processes connected to {address} within 1 s")


@pytest.mark.long
@needs_jax
@pytest.mark.parametrize("dying", [0, 1])
def test_a_process_that_dies_ends_the_other(tmp_path, dying):
    address = free_address()
    running = [
        start(tmp_path, "tables", address, 2, index, *(["die"] if index == dying else [])) for index in (0, 1)
    ]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert running[dying].returncode == 7
    assert running[1 - dying].returncode == 1
    assert last_line(errors[1 - dying]).startswith("Error: Another process of this training stopped")
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.long
@needs_jax
def test_processes_with_other_settings_are_told(tmp_path):
    address = free_address()
    running = [start(tmp_path, kind, address, 2, index) for index, kind in enumerate(("tables", "files"))]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [1, 1]
    assert "Process 1 has other settings than process 0" in last_line(errors[1])

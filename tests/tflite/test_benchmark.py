"""benchmark: figures of the right kind from real files, right figures from known times."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from commands import background
from refusals import FAILED, USAGE, refused
from small_tflite import compiled
from waiting import wait_for_the_end_of, wait_until

from kerascnn.tflite.runtime import benchmark as benchmarking
from kerascnn.tflite.runtime import interpreter
from kerascnn.tflite.runtime.benchmark import benchmark

INTERRUPTED = 130
TIMES = ["init_ms", "first_us", "median_us", "p95_us", "p99_us", "mean_us", "sd_us"]


def test_the_files_of_a_run_side_by_side(cli, trained):
    run, _ = trained
    told = cli("benchmark", run, "--threads", 2, "--runs", 40, "--json").json
    keras, int8 = str(run / "model.keras"), str(run / "tflite/static_wi8_ai8.tflite")
    assert [(entry["path"], entry["threads"]) for entry in told["models"]] == [(keras, 2), (int8, 2)]
    for entry in told["models"]:
        assert entry["runs"] == 40
        assert all(entry[name] > 0 for name in TIMES)
        assert entry["median_us"] <= entry["p95_us"] <= entry["p99_us"]
        assert entry["images_per_second"] == pytest.approx(1e6 / entry["mean_us"], rel=1e-3)
        assert entry["many_images_per_second"] > 0
        assert entry["model_sha256"] == hashlib.sha256(Path(entry["path"]).read_bytes()).hexdigest()
        assert 0 < entry["memory_mib"] < 200  # of a network of 61,706 parameters, TensorFlow not counted
    assert told["device"]["processors"] == os.cpu_count()
    assert told["versions"]["keras"]
    for name in ("median_us", "memory_mib"):  # what int8 without TensorFlow is for
        assert told["models"][1][name] < told["models"][0][name]


@pytest.mark.long
def test_each_file_with_each_number_of_threads(cli, run, tmp_path):
    file = run / "tflite/static_wi8_ai8.tflite"
    files = [str(file), shutil.copy(file, tmp_path / "copy.tflite")]
    told = cli("benchmark", *files, "--threads", "1,2", "--runs", 5, "--json").json
    found = [(entry["path"], entry["threads"]) for entry in told["models"]]
    assert found == [(path, threads) for path in map(str, files) for threads in (1, 2)]


def test_a_person_reads_two_tables(cli, trained):
    run, _ = trained
    answer = cli("benchmark", run / "tflite/static_wi8_ai8.tflite", "--runs", 20)
    assert answer.code == 0, answer.err
    times, costs, note, machine = answer.out.split("\n\n")
    assert times.splitlines()[0].endswith(" mean ± sd")
    assert costs.splitlines()[0].endswith("many at once, images/s")
    assert "over 20 of them" in note
    assert "processors\nkerascnn 0" in machine
    assert "timing one image: 20/20" in answer.err


class Known:
    """Stands for the other process: a model that takes known times. It writes down what is asked."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, served, task):
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, method, *arguments):
        self.asked.append((self.file if method != "open" else arguments[0].name, method))
        match method:
            case "open":
                self.file = arguments[0].name
                return 0.002
            case "first":
                return 0.5, 0.001
            case "times":
                first, self.number = self.number, self.number + arguments[0]
                return 1e-6 * np.arange(first + 1, self.number + 1)
            case "memory":
                return 3 * 2**20
            case "rate":
                return float(len([one for one in self.asked if one == (self.file, "rate")]) ** 2)


def test_figures_of_known_times(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarking, "OtherProcess", Known)
    monkeypatch.setattr(Known, "asked", [])
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(b"")
    first, second = benchmark([tmp_path / "a.tflite", tmp_path / "b.tflite"]).models
    # 1, 2, ... 1,000 µs: mean 500.5, variance (1,000² - 1) / 12
    assert (first.runs, first.median_us, first.mean_us, first.sd_us) == (1_000, 500.5, 500.5, 288.67)
    assert (first.p95_us, first.p99_us) == (950.05, 990.01)
    assert (first.init_ms, first.first_us, first.memory_mib) == (2, 500_000, 3)
    assert (first.images_per_second, first.many_images_per_second) == (1_998, 4)  # the median of 1, 4, 9
    assert first.many_images == 500  # half a second of them
    assert second.median_us == 500.5
    turns = [file for file, method in Known.asked if method == "times"]
    assert turns == ["a.tflite", "b.tflite"] * 20


@pytest.mark.parametrize(("likely", "runs"), [(1e-4, 1_000), (0.1, 200), (10.0, 50)])
def test_a_slow_model_runs_less_often(tmp_path, monkeypatch, likely, runs):
    def call(self, method, *arguments):
        return (0.5, likely) if method == "first" else Known.__call__(self, method, *arguments)

    monkeypatch.setattr(benchmarking, "OtherProcess", type("Slow", (Known,), {"__call__": call}))
    (tmp_path / "a.tflite").write_bytes(b"")
    (speed,) = benchmark([tmp_path / "a.tflite"]).models
    assert speed.runs == runs


HOLDING = """
import numpy as np
from kerascnn.tflite.runtime.memory import forget_peak, peak_bytes

forget_peak()
before = peak_bytes()
if before is not None:
    held = np.ones(50 * 2**20, np.uint8)
    print(peak_bytes() - before)
    del held
    forget_peak()
    print(peak_bytes() - before)
"""


def test_peak_memory_is_what_was_held_at_once():
    """In a process of its own, as models are timed: in a large one, others let go of memory meanwhile."""
    told = subprocess.run([sys.executable, "-c", HOLDING], capture_output=True, text=True, check=True).stdout
    if not told:
        pytest.skip("this system does not tell")
    held, afterwards = map(int, told.split())
    assert held == pytest.approx(50 * 2**20, rel=0.05)
    assert afterwards < 10 * 2**20


def test_threads_reach_the_interpreter(trained, monkeypatch):
    opened = []

    def recording(*arguments, num_threads, **kwargs):
        opened.append(num_threads)
        return real(*arguments, num_threads=num_threads, **kwargs)

    real = interpreter.Interpreter
    monkeypatch.setattr(interpreter, "Interpreter", recording)
    classify = interpreter.LiteRTClassifier(trained[0] / "tflite/static_wi8_ai8.tflite", threads=3)
    assert opened == [3]  # together on one image
    classify(np.zeros((5, 32, 32, 1), np.uint8))
    assert opened == [3, 1, 1, 1]  # each on images of its own


def test_what_runs_on_its_device_only_is_left_out_of_a_run(trained, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(trained[0], copy)
    (copy / "tflite/any_name.tflite").write_bytes(compiled())
    paths = [file.name for file in benchmarking._files([copy, copy / "model.keras"])]
    assert paths == ["model.keras", "static_wi8_ai8.tflite"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no-such-run"], FAILED, ["no-such-run does not exist"]),
        (["no.tflite"], FAILED, ["no.tflite does not exist"]),
        (["notes.txt"], FAILED, ["notes.txt is neither a run folder nor"]),
        (["damaged.tflite"], FAILED, ["damaged.tflite cannot be opened as a TFLite model"]),
        (["damaged.keras"], FAILED, ["damaged.keras cannot be opened as a Keras model"]),
        (["damaged.keras", "--threads", "0"], USAGE, ["threads must be 1 to 256", "[0]"]),
        (["damaged.keras", "--threads", "1,4096"], USAGE, ["threads must be 1 to 256"]),
        (["damaged.keras", "--runs", "0"], USAGE, ["runs must be at least 1"]),
        (["empty"], FAILED, ["empty is not a run"]),
    ],
)
def test_what_cannot_be_timed_is_refused(cli, tmp_path, arguments, code, words):
    for name in ("notes.txt", "damaged.tflite", "damaged.keras"):
        (tmp_path / name).write_bytes(b"no model")
    (tmp_path / "empty").mkdir()
    refused(cli("benchmark", *arguments), code, *words)


@pytest.mark.long
def test_ctrl_c_ends_all_processes(trained, tmp_path):
    with background("benchmark", trained[0], "--runs", 1_000_000, cwd=tmp_path) as command:
        wait_until(lambda: "timing one image" in command.err, "it times images", command)
        command.send(signal.SIGINT)
        assert command.wait(60) == INTERRUPTED
        assert "Interrupted: nothing was kept" in command.err
        wait_for_the_end_of(command.pid)

"""Processes that a command starts end with it, also when it is killed and they are in native code."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import background
from waiting import parent, processes, runs, wait_until

from kerascnn.other_process import COMMAND

LONGEST = 2  # seconds

#: Holds the interpreter's lock in native code, as a converter does.
BUSY = """
import ctypes
class Busy:
    def work(self):
        ctypes.PyDLL(None).sleep(60)
    def answer(self):
        return 5
"""
CALLING = """
import sys
from kerascnn import other_process
with other_process.OtherProcess("busy:Busy", "nothing") as call:
    assert call("answer") == 5
    print(call._process.pid, flush=True)
    call("work")
"""


def _children(pid):
    """Return the processes that one has started."""
    return [other for other in processes() if parent(other) == int(pid)]


def _all_end(pids):
    begun = time.monotonic()
    wait_until(lambda: not any(map(runs, pids)), f"{pids} end", seconds=30)
    assert time.monotonic() - begun < LONGEST


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is looked after by a fork")
def test_a_worker_in_native_code_ends_with_the_process_that_it_works_for(tmp_path):
    (tmp_path / "busy.py").write_text(BUSY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", CALLING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as calling:
        worker = calling.stdout.readline().strip()
        pids = [worker, *_children(worker)]
        assert len(pids) == 2
        time.sleep(0.2)  # it is in native code by then
        calling.kill()
        _all_end(pids)


def test_nothing_is_left_of_a_worker_that_ends(tmp_path):
    with subprocess.Popen(
        [*COMMAND, "kerascnn.tflite.stopwatch:Stopwatch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        wait_until(lambda: _children(worker.pid), "it is looked after", worker)
        pids = [str(worker.pid), *_children(worker.pid)]
        worker.kill()
        assert worker.stdout.read() == b""
        _all_end(pids[1:])


@pytest.mark.parametrize(
    ("command", "moment"),
    [
        pytest.param(
            ("compare", "lenet", "--jobs", 2, "--epochs", 50, "--out", "study"),
            "epoch 1/50",
            marks=pytest.mark.long,
        ),
        (("benchmark", "RUN", "--runs", 1_000_000), "timing one image"),
    ],
)
def test_workers_of_a_killed_command_end_at_once(run, tmp_path, command, moment):
    words = [run if word == "RUN" else word for word in command]
    with background(*words, cwd=tmp_path) as killed:
        wait_until(lambda: moment in killed.err, moment, killed)
        workers = _children(killed.pid)
        assert len(workers) == 2
        pids = [*workers, *(pid for worker in workers for pid in _children(worker))]
        os.kill(killed.pid, signal.SIGKILL)
        _all_end(pids)

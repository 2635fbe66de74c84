"""Processes that a command starts end with it, also when it is killed and they are in native code."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from commands import background
from waiting import parent, processes, runs, wait_until

from kerascnn.foundation.process import COMMAND

LONGEST = 2  # seconds

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")

#: Holds the interpreter's lock in native code, as a converter does.
BUSY = """
import ctypes
class Busy:
    def work(self):
        ctypes.PyDLL(None).sleep(60)
    def answer(self):
        return 5
    def take(self, count):
        return len(bytearray(count))
    def end(self):
        import os
        os.abort()
"""
CALLING = """
import sys
from kerascnn.foundation import process as other_process
with other_process.OtherProcess("busy:Busy", "nothing", forked=len(sys.argv) > 1) as call:
    assert call("answer") == 5
    assert isinstance(call._process, other_process.ForkedProcess) == (len(sys.argv) > 1)
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
@pytest.mark.parametrize("forked", [(), pytest.param(("forked",), marks=on_linux)])
def test_a_worker_in_native_code_ends_with_the_process_that_it_works_for(tmp_path, forked):
    (tmp_path / "busy.py").write_text(BUSY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", CALLING, *forked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as calling:
        worker = calling.stdout.readline().strip()
        pids = [worker, *_children(worker)]
        assert len(pids) == 2
        time.sleep(0.2)  # it is in native code by then
        calling.kill()
        _all_end(pids)


LIMITED = """
import sys, kerascnn.foundation.errors
from kerascnn.foundation import process as other_process
if sys.argv[1:]:
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
held = bytearray(300_000_000)  # a copy holds it, too: the limit is for what it takes beside it
with other_process.OtherProcess("busy:Busy", "it", memory=200_000_000, forked=True) as call:
    print(type(call._process).__name__, call("take", 100_000_000))
    for method, arguments, within in [("take", [250_000_000], 9), ("end", [], 9)]:
        try:
            call(method, *arguments, within=within)
        except kerascnn.foundation.errors.KerasCnnError as error:
            print(error)
with other_process.OtherProcess("busy:Busy", "it", forked=True) as call:
    try:
        call("work", within=0.5)
    except kerascnn.foundation.errors.KerasCnnError as error:
        print(error)
"""


@on_linux
@pytest.mark.parametrize(("threads", "process"), [((), "ForkedProcess"), (("one",), "Popen")])
def test_a_forked_process_has_the_same_limits_as_one_that_starts_anew(tmp_path, threads, process):
    (tmp_path / "busy.py").write_text(BUSY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", LIMITED, *threads]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.stdout.splitlines() == [
        f"{process} 100000000",
        "The process for it failed in take: MemoryError: MemoryError.",
        "The process for it ended with signal SIGABRT; -v shows its output.",
        "The process for it did not answer within 0 s.",
    ]
    assert done.returncode == 0


def test_nothing_is_left_of_a_worker_that_ends(tmp_path):
    with subprocess.Popen(
        [*COMMAND, "kerascnn.tflite.runtime.stopwatch:Stopwatch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
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
        pytest.param(("benchmark", "RUN", "--runs", 1_000_000), "timing one image", marks=pytest.mark.long),
        (("benchmark", "FILE", "COPY", "--runs", 1_000_000), "timing one image"),
    ],
)
def test_workers_of_a_killed_command_end_at_once(run, tmp_path, command, moment):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    named = {"RUN": run, "FILE": file, "COPY": shutil.copy(file, tmp_path)}
    words = [named.get(word, word) for word in command]
    with background(*words, cwd=tmp_path) as killed:
        wait_until(lambda: moment in killed.err, moment, killed)
        workers = _children(killed.pid)
        assert len(workers) == 2
        pids = [*workers, *(pid for worker in workers for pid in _children(worker))]
        os.kill(killed.pid, signal.SIGKILL)
        _all_end(pids)

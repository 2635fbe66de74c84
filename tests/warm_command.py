"""The real command in a process of its own, forked from one that has the big libraries loaded.

Loading TensorFlow and Keras takes seconds, and hundreds of tests run a command. The package itself is loaded
anew each time. What a command does while the libraries load (its silence, another backend) can only be seen
in a fresh process.
"""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LIBRARIES = [
    "keras",
    "ai_edge_litert.interpreter",
    "matplotlib.pyplot",
    "pydantic",
    "scipy.stats",
    "sklearn.metrics",
    "sklearn.model_selection",
]
TIME_LIMIT = 300  # seconds

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(LIBRARIES)


def run_warm(arguments: list[str], cwd: Path) -> tuple[int, str, str]:
    """Run ``kerascnn`` with the arguments; return its exit code, stdout and stderr.

    Raises:
        TimeoutError: It took too long and was killed.
    """
    return call_warm(_command, arguments, cwd)


def call_warm(call: Callable[[list[str]], None], words: list[str], cwd: Path) -> tuple[int, str, str]:
    """Call a module's function with the words in such a process; return its exit code, stdout and stderr.

    Raises:
        TimeoutError: It took too long and was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = (Path(folder, name) for name in ("out", "err"))
        process = _server.Process(target=_called, args=(call, words, cwd, out, err))
        process.start()
        process.join(TIME_LIMIT)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{' '.join(words)} still ran after {TIME_LIMIT} s")
        return process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")


def _called(call: Callable[[list[str]], None], words: list[str], cwd: Path, out: Path, err: Path) -> None:
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream.fileno())
        stream.reconfigure(encoding="utf-8")
    os.chdir(cwd)
    call(words)


def _command(arguments: list[str]) -> None:
    sys.argv = ["kerascnn", *arguments]
    runpy.run_module("kerascnn", run_name="__main__", alter_sys=True)

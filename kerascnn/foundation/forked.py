"""A worker process forked from this one, with all its loaded modules."""

import multiprocessing
import os
import sys
import threading
import warnings

from kerascnn.foundation import worker

#: A fork has none of their threads, but waits for the locks that these hold.
NEVER_COPIED = ("tensorflow", "jax", "torch")


def can_fork() -> bool:
    """Return whether this process can be forked safely now."""
    alone = threading.active_count() == 1
    return sys.platform == "linux" and alone and not any(name in sys.modules for name in NEVER_COPIED)


class ForkedProcess:
    """A forked process that serves an object on two pipes, with the interface of ``subprocess.Popen``.

    Args:
        served: The object's class, as ``package.module:Class``.
        memory: Bytes that it may take beside what this process has.

    Attributes:
        stdin: Stream for calls.
        stdout: Stream of answers.
        pid: The process's number.
    """

    def __init__(self, served: str, memory: int | None) -> None:
        calls, asked = os.pipe()
        answered, answers = os.pipe()
        self._process = multiprocessing.get_context("fork").Process(
            target=_work, args=(served, memory, calls, answers, (asked, answered)), daemon=True
        )
        with warnings.catch_warnings():  # of threads: OpenBLAS', which prepares itself for a fork
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        os.close(calls)
        os.close(answers)
        self.stdin, self.stdout = os.fdopen(asked, "wb"), os.fdopen(answered, "rb")
        self.pid = self._process.pid

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()

    def wait(self) -> int:
        """Wait for the process to end and return its exit code, or the negative number of its signal."""
        self._process.join()
        code = self._process.exitcode
        assert code is not None
        return code


def _work(served: str, memory: int | None, calls: int, answers: int, others: tuple[int, int]) -> None:
    for descriptor in others:  # with the caller's ends open here, its end would never show
        os.close(descriptor)
    worker.work(served, memory, calls, answers)

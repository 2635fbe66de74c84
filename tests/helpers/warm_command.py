"""The real command in a process of its own, forked from one that has everything loaded.

Loading TensorFlow and Keras takes seconds, a fork some hundredths of one, and hundreds of tests run a
command. What a command does while it loads (its silence, another backend, an encoding of the console) can
only be seen in a fresh process.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

import kerascnn
import kerascnn.cli
import kerascnn.tflite
from kerascnn.foundation import process as other_process

#: What commands load on their way, named here because they load it as late as they can.
LIBRARIES = [
    *("ai_edge_litert.interpreter", "ai_edge_litert.schema_py_generated", "ai_edge_quantizer"),
    *("h5py", "jinja2", "keras", "matplotlib.backends.backend_svg", "matplotlib.pyplot", "PIL.Image"),
    *("pydantic", "rich.progress", "scipy.stats", "tensorflow"),
]
#: Modules of other programs: those of a bundle, and the fine-tuning, which has a Keras of its own.
OTHERS = (
    ".__main__",
    ".bundle.run_template",
    *(f".bundle.examples.{name}" for name in ("gpio", "serve", "watch")),
    *(f".fine_tuning.{name}" for name in ("keras2_twin", "tfmot_wrappers", "tuner")),
)
TIME_LIMIT = 600  # seconds, of a command; on a machine with nothing else to do none takes longer than 60


def _modules() -> Iterable[str]:
    for package in (kerascnn, kerascnn.cli, kerascnn.tflite):
        # in order: what registers itself when it is loaded is listed in that order
        for source in sorted(Path(package.__path__[0]).rglob("*.py")):
            parts = source.relative_to(package.__path__[0]).with_suffix("").parts
            name = ".".join((package.__name__, *parts)).removesuffix(".__init__")
            if not name.endswith(OTHERS):
                yield name


_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload([*LIBRARIES, *_modules()])


class WarmProcess:
    """A module's function, called with words in a forked process; it is killed when the block is left.

    Args:
        call: The function; it may also end the process.
        words: What it is called with.
        cwd: The current folder there.
        env: All environment variables there; ``None``: those of the tests.
        before: A module's function that is called first.
    """

    def __init__(
        self,
        call: Callable[[list[str]], None],
        words: list[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._words, self._folder = words, tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._folder.name, name) for name in ("out", "err"))
        for path in (self._out, self._err):
            path.touch()
        streams = (self._out, self._err)
        workers = other_process.COMMAND  # as a test has set it
        self._process = _server.Process(
            target=_called, args=(call, words, cwd, streams, env, before, workers)
        )
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """Its number, which is also that of its group."""
        assert self._process.pid
        return self._process.pid

    @property
    def out(self) -> str:
        """What it has written to standard output so far."""
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text("utf-8")

    def poll(self) -> int | None:
        """Return its exit code, or ``None`` while it runs."""
        return self._process.exitcode

    def send(self, number: int) -> None:
        """Send a signal to it and to all that it started, as a terminal does."""
        os.killpg(self.pid, number)

    def wait(self, seconds: float = TIME_LIMIT) -> int:
        """Wait for its end and return its exit code.

        Raises:
            TimeoutError: It took too long.
        """
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise TimeoutError(f"{' '.join(self._words)} still ran after {seconds} s, it said: {self.err}")
        return self._process.exitcode


def call_warm(call: Callable[[list[str]], None], words: list[str], cwd: Path) -> tuple[int, str, str]:
    """Call a module's function with the words in such a process; return its exit code, stdout and stderr."""
    with WarmProcess(call, words, cwd) as process:
        return process.wait(), process.out, process.err


def kerascnn_command(arguments: list[str]) -> None:
    """Run ``kerascnn`` with the arguments."""
    sys.argv = ["kerascnn", *arguments]
    runpy.run_module("kerascnn", run_name="__main__", alter_sys=True)


def _called(
    call: Callable[[list[str]], None],
    words: list[str],
    cwd: Path,
    streams: tuple[Path, Path],
    env: Mapping[str, str] | None,
    before: Callable[[], None] | None,
    workers: tuple[str, ...],
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, stream in zip(streams, (sys.stdout, sys.stderr), strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), stream.fileno())
        stream.reconfigure(encoding="utf-8")
    os.chdir(cwd)
    if env is not None:
        os.environ.clear()
        os.environ.update(env)
    other_process.COMMAND = workers
    if before:
        before()
    call(words)

"""An object in a process of its own, seen from this side: its methods are called, its failures come back."""

import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kerascnn.errors import KerasCnnError
from kerascnn.progress import Progress, silent
from kerascnn.worker import PROGRESS

#: -P: a file in the current folder that is called like a library must not be loaded instead of it.
COMMAND = (sys.executable, "-P", "-m", "kerascnn.worker")


class OtherProcess:
    """Calls the methods of an object in a process that ends with the block.

    Calls and answers are pickles on its standard input and output: both ends are this package.

    Args:
        served: The object's class, as ``package.module:Class``; it takes no arguments.
        task: What it is for, in words: "fine-tuning".
    """

    def __init__(self, served: str, task: str) -> None:
        self._served, self._task = served, task

    def __enter__(self) -> Self:
        command = [*COMMAND, self._served]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(BrokenPipeError):  # a call that Ctrl-C cut off has no reader any more
                    pipe.close()

    def __call__(self, method: str, *arguments: Any, progress: Progress = silent) -> Any:
        """Call a method over there and return what it returns.

        Args:
            method: Its name; ``arguments`` are what it takes.
            progress: Told what the object's ``progress`` is told meanwhile, details as text.

        Raises:
            KerasCnnError: It failed, or the process ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump((method, arguments), self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            while (message := pickle.load(self._process.stdout))[0] == PROGRESS:
                progress(*message[1])
            _, failure, answer = message
        except (EOFError, OSError, pickle.UnpicklingError) as error:  # it ended, perhaps within an answer
            raise KerasCnnError(f"The process for {self._task} {self._end()}.") from error
        if isinstance(failure, KerasCnnError):
            raise failure
        if failure:
            raise KerasCnnError(f"The process for {self._task} failed in {method}: {failure}")
        return answer

    def _end(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed, perhaps for want of memory"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return f"ended with {how}; -v shows what it said"

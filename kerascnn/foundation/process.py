"""Call the methods of an object in another process; its failures are raised here."""

import pickle
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.forked import ForkedProcess, can_fork
from kerascnn.foundation.native_stderr import silent_natives
from kerascnn.foundation.progress import Progress, silent
from kerascnn.foundation.worker import PROGRESS

#: -P: a file in the current folder that is called like a library must not be loaded instead of it.
COMMAND = (sys.executable, "-P", "-m", "kerascnn.foundation.worker")


class ProcessError(KerasCnnError):
    """The other process ended, did not answer in time, or failed unexpectedly.

    Args:
        task: Purpose of the process.
        reason: What happened, as a sentence without subject and full stop.
    """

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task, self.reason = task, reason

    def _message(self) -> str:
        return f"The process for {self.task} {self.reason}."


class OtherProcess:
    """An object in another process, which ends with the block.

    Calls and answers are pickles on its standard input and output: both ends are this package.

    Args:
        served: The object's class, as ``package.module:Class``; it takes no arguments.
        task: Purpose of the process in words: "fine-tuning".
        memory: Bytes that it may take beside what it maps from files, where the system can hold it to that.
        forked: Fork this process where that is safe, instead of loading everything once more.
    """

    def __init__(self, served: str, task: str, *, memory: int | None = None, forked: bool = False) -> None:
        self._served, self._task, self._memory, self._forked = served, task, memory, forked

    def __enter__(self) -> Self:
        self._process: subprocess.Popen[bytes] | ForkedProcess
        with silent_natives():  # it keeps the descriptors that it begins with
            if self._forked and can_fork():
                self._process = ForkedProcess(self._served, self._memory)
            else:
                command = [*COMMAND, self._served, *([str(self._memory)] if self._memory else [])]
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

    def __call__(
        self, method: str, *arguments: Any, progress: Progress = silent, within: float | None = None
    ) -> Any:
        """Call a method in the other process and return its result.

        Args:
            method: Its name; ``arguments`` are what it takes.
            progress: Receives what the object passes to its ``progress``, details as text.
            within: Seconds after which the process is ended.

        Raises:
            ProcessError: It ended, did not answer within time, or met something unexpected.
            KerasCnnError: It failed.
        """
        if within is None:
            return self._answer(method, arguments, progress)
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(within, end)
        timer.start()
        try:
            return self._answer(method, arguments, progress)
        except ProcessError as error:
            if late.is_set():
                raise ProcessError(self._task, f"did not answer within {within:.0f} s") from error
            raise
        finally:
            timer.cancel()

    def _answer(self, method: str, arguments: tuple[Any, ...], progress: Progress) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump((method, arguments), self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            while (message := pickle.load(self._process.stdout))[0] == PROGRESS:
                progress(*message[1])
            _, failure, answer = message
        except (EOFError, OSError, pickle.UnpicklingError) as error:  # it ended, perhaps within an answer
            raise ProcessError(self._task, self._end()) from error
        if isinstance(failure, KerasCnnError):
            raise failure
        if failure:
            raise ProcessError(self._task, f"failed in {method}: {failure}")
        return answer

    def _end(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed, perhaps because memory ran out"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return f"ended with {how}; -v shows its output"

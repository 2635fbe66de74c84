"""The worker side of :class:`kerascnn.foundation.process.OtherProcess`: it reads calls and answers them."""

import os
import pickle
import select
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from kerascnn.foundation.native_stderr import natives

STDOUT, STDERR = 1, 2
PROGRESS, END = "progress", "end"  # of a call: what it tells meanwhile, and its last message


def serve(served: str, calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer each (method, arguments) with (END, failure, result).

    The failure is an error of this project as it is, any other in words; ``None`` is a success. An object
    with an attribute ``progress`` can tell it as often as it likes before its answer: (PROGRESS, what).
    """
    from kerascnn.foundation.errors import KerasCnnError, first_line

    module, _, name = served.partition(":")
    target = getattr(import_module(module), name)()

    def send(*message: Any) -> None:
        pickle.dump(message, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()

    if hasattr(target, "progress"):
        target.progress = lambda stage, done, total, detail: send(PROGRESS, (stage, done, total, str(detail)))
    while True:
        try:
            method, arguments = pickle.load(calls)
        except EOFError:
            return
        answer: tuple[KerasCnnError | str | None, Any]
        try:
            answer = None, getattr(target, method)(*arguments)
        except KerasCnnError as error:
            answer = error, None
        except Exception as error:  # whatever a library raises is one line on the other side
            answer = f"{type(error).__name__}: {first_line(error)}", None
        send(END, *answer)


def end_with(calls: int) -> None:
    """Kill this process as soon as its caller is gone.

    Another process looks: a converter that works for seconds lets no thread of this one run meanwhile.
    """
    worker, (here, there) = os.getpid(), os.pipe()
    if os.fork():
        os.close(here)  # the other end stays open as long as this process lives
        return
    for descriptor in (there, STDOUT, STDERR):
        os.close(descriptor)
    ended = select.poll()
    for descriptor in (here, calls):
        ended.register(descriptor, 0)
    if here not in dict(ended.poll()):
        os.kill(worker, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Serve the object that the command line names on standard input and output."""
    served, *memory = sys.argv[1:]
    answers = os.dup(STDOUT)
    work(served, int(memory[0]) if memory else None, sys.stdin.fileno(), answers)


def work(served: str, memory: int | None, calls: int, answers: int) -> None:
    """Answer calls until the caller is gone.

    Args:
        served: The object's class, as ``package.module:Class``.
        memory: Bytes that this process may take beside what it has; ``None``: as many as there are.
        calls: The descriptor that they are read from.
        answers: The one that answers are written to; nothing else is: what libraries print goes to standard
            error, of which the caller has decided whether it is shown.
    """
    # Ctrl-C reaches the whole group; the other side ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if memory:
        _hold_memory(memory)
    if hasattr(os, "fork"):  # not on Windows
        end_with(calls)
    os.dup2(STDERR, STDOUT)
    with natives(shown=True), os.fdopen(calls, "rb") as asked, os.fdopen(answers, "wb") as answered:
        serve(served, asked, answered)


def _hold_memory(most: int) -> None:
    """Limit the memory that this process may allocate beyond what it has; not on Windows."""
    with suppress(ImportError):
        import resource

        limit = most + _bytes_held()
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _bytes_held() -> int:
    """Return the bytes of this process's private memory on Linux, 0 elsewhere."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[5]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()

"""The other side of :class:`kerascnn.other_process.OtherProcess`: reads calls and answers them."""

import os
import pickle
import signal
import sys
from importlib import import_module
from typing import Any, BinaryIO

STDOUT, STDERR = 1, 2
PROGRESS, END = "progress", "end"  # of a call: what it tells meanwhile, and its last message


def serve(served: str, calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer each (method, arguments) with (END, failure, result).

    The failure is an error of this project as it is, any other in words; ``None`` is a success. An object
    with an attribute ``progress`` can tell it as often as it likes before its answer: (PROGRESS, what).
    """
    from kerascnn.errors import KerasCnnError, first_line

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
        except Exception as error:  # whatever a library raises is told on the other side, in one line
            answer = f"{type(error).__name__}: {first_line(error)}", None
        send(END, *answer)


def main() -> None:
    """Keep the answers' channel to itself: what libraries print goes to standard error."""
    # Ctrl-C reaches the whole group; the other side ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(STDOUT), "wb") as answers:
        os.dup2(STDERR, STDOUT)
        serve(sys.argv[1], sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

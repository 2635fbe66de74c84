"""The process that fine-tunes: reads calls from standard input until it ends, answers on standard output."""

import os
import pickle
import signal
import sys
from typing import BinaryIO

STDOUT, STDERR = 1, 2


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer each (method, arguments) with (failure, result); an empty failure is a success."""
    from kerascnn.errors import first_line
    from kerascnn.tflite.fine_tuning.tuner import Tuner

    tuner = Tuner()
    while True:
        try:
            method, arguments = pickle.load(calls)
        except EOFError:
            return
        try:
            answer = "", getattr(tuner, method)(*arguments)
        except Exception as error:  # whatever TensorFlow raises is told on the other side, in one line
            answer = f"{type(error).__name__}: {first_line(error)}", None
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def main() -> None:
    """Keep the answers' channel to itself: what libraries print goes to standard error."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the other side ends this one
    with os.fdopen(os.dup(STDOUT), "wb") as answers:
        os.dup2(STDERR, STDOUT)
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

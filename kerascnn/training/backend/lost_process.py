"""Report a lost process of a distributed training and end the others.

JAX's coordination service ends them by ``abort()`` with pages of native text. Here that becomes one line.
"""

import atexit
import ctypes
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kerascnn.foundation.errors import KerasCnnError

INTERRUPTED = 130  # the exit code of Ctrl-C
OTHERS_GONE = re.compile(r"gloo|nccl|coordination|heartbeat|connection (closed|reset)", re.IGNORECASE)

#: Told in one line why this process cannot go on; it must end the process and is called from any thread.
Lost = Callable[[str], None]

OTHERS_LOST = (
    "Another process of this training stopped, or its host cannot be reached. Its "
    "output says why; start all processes again."
)


def means_others_are_gone(error: BaseException) -> bool:
    """Return whether an error means that another process is gone."""
    ours = isinstance(error, KerasCnnError) or not isinstance(error, Exception)
    return not ours and bool(OTHERS_GONE.search(str(error)))


def exit_without_the_others(error: BaseException) -> None:
    """Exit this process at once; JAX's own exit handler would wait for all processes.

    Args:
        error: Why it ends.
    """
    usual = INTERRUPTED if isinstance(error, KeyboardInterrupt) else KerasCnnError.exit_code
    code = getattr(error, "exit_code", usual)

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)


@dataclass
class Phase:
    """The current phase of the process: the reason to print if it is aborted now."""

    reason: str = ""


@contextmanager
def abort_is_told(lost: Lost | None) -> Iterator[Phase]:
    """Print the phase's reason on ``abort()``, for which Python's signal handlers come too late.

    The native thread that aborts is an ordinary one, so it may run Python while the main thread waits.
    """
    phase = Phase()
    if lost is None or sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield phase
        return
    handler_type = ctypes.CFUNCTYPE(None, ctypes.c_int)
    told = handler_type(lambda number: lost(phase.reason))
    set_handler = ctypes.CDLL(None).signal
    set_handler.argtypes, set_handler.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    before = set_handler(signal.SIGABRT, ctypes.cast(told, ctypes.c_void_p))
    try:
        yield phase
    finally:
        set_handler(signal.SIGABRT, before)

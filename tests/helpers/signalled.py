"""Commands that are cut short at a moment that is certain: the process does it to itself.

One that watches from outside may look too late, on a machine that has much to do.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from commands import run_command

#: A module's function: whether something has happened in the folder of the command.
Moment = Callable[[Path], object]


def exists(name: str) -> Moment:
    """Return the moment when a file or folder of this name is there."""
    return partial(_exists, name)


def _exists(name: str, folder: Path) -> bool:
    return (folder / name).exists()


def do_at(moment: Moment, folder: Path, what: Callable[[], None]) -> None:
    """Have this process do something, once, before it opens or renames the first file after a moment."""
    waits = True

    def watch(event: str, _: tuple[Any, ...]) -> None:
        nonlocal waits
        if waits and event in ("open", "os.rename"):
            waits = False  # what is opened here is none of the command's files
            if moment(folder):
                what()
            else:
                waits = True

    sys.addaudithook(watch)


def signal_at(moment: Moment, number: int, folder: Path) -> None:
    """Have this process send a signal to its group at a moment."""
    do_at(moment, folder, partial(os.killpg, 0, number))


def copy_at(moments: Mapping[str, Moment], folder: Path, copies: Path) -> None:
    """Have this process copy its runs at each moment, as a kill would leave them then."""
    for name, moment in moments.items():
        do_at(moment, folder, partial(shutil.copytree, folder / "runs", copies / name))


def killed(*command: object, at: Moment, folder: Path) -> None:
    """Run a command until a moment, at which it is killed with no chance to clean up."""
    answer = run_command(*command, cwd=folder, before=partial(signal_at, at, signal.SIGKILL, folder))
    assert answer.code == -signal.SIGKILL, answer


def interrupted(*command: object, at: Moment, folder: Path) -> str:
    """Run a command until a moment, at which Ctrl-C comes; return the last line it says."""
    answer = run_command(*command, cwd=folder, before=partial(signal_at, at, signal.SIGINT, folder))
    assert answer.code == 130, answer
    assert "Traceback" not in answer.err
    return answer.err.splitlines()[-1]

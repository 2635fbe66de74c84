"""Waiting for what another process does: each wait says for what, and for how long at most."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

LONGEST = 300  # seconds; on a machine with nothing else to do the longest wait takes about ten


class Pollable(Protocol):
    """A process: its exit code, or ``None`` while it runs."""

    def poll(self) -> int | None: ...


def wait_until(
    happens: Callable[[], object], what: str, process: Pollable | None = None, seconds: float = LONGEST
) -> None:
    """Wait until something happens; it fails when time is up, or when the process ends before."""
    deadline = time.monotonic() + seconds
    while not happens():
        # A process may do it as its last act.
        assert process is None or process.poll() is None or happens(), f"it ended before this: {what}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.001)  # a checkpoint is written in some milliseconds


def runs(pid: str) -> bool:
    """Return whether a process is alive; one that has ended and that nobody has waited for is not."""
    return _state(pid)[0] not in ("", "Z")


def processes() -> list[str]:
    """Return the numbers of all processes."""
    return [path.name for path in Path("/proc").glob("[0-9]*")]


def parent(pid: str) -> int:
    """Return the process that started another one, 0 where that is gone."""
    return _state(pid)[1]


def wait_for_the_end_of(group: int) -> None:
    """Wait until no process of a group is alive."""

    def over() -> bool:
        found = map(_state, processes())
        return all(its_group != group or state == "Z" for state, _, its_group in found)

    wait_until(over, f"all processes of group {group} end", seconds=60)


def _state(pid: str) -> tuple[str, int, int]:
    """Return a process's state (one letter, as ``ps`` has it), parent and group, nothing if it is gone."""
    if not Path("/proc/self").exists():
        pytest.skip("it reads in /proc which processes are alive, and this system has none")
    try:
        told = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0, 0
    state, its_parent, group, *_ = told.rpartition(")")[2].split()
    return state, int(its_parent), int(group)

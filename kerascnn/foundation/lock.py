"""A lock on a folder against other processes while it is written, without a file that could stay behind.

The folder itself is locked, which the package filelock cannot do: it needs a file, which a killed process
leaves and which cannot be made in a folder that may only be read.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE, LOOK = 1.0, 0.05  # seconds that a short work of another process is waited for, and between looks

_held: set[Path] = set()  # by this process


@contextmanager
def held(folder: Path, *, again: bool = False) -> Iterator[None]:
    """Lock a folder while the block runs; the system releases it however this process ends.

    Args:
        folder: It exists.
        again: Whether it will do that this process holds it already.

    Raises:
        KerasCnnError: Another process holds it, or a folder in it is a link.
    """
    place = folder.resolve()
    if again and place in _held:
        yield
        return
    _require_no_links(folder)
    descriptor = _locked(folder) if fcntl else None
    _held.add(place)
    try:
        yield
    finally:
        _held.discard(place)
        if descriptor is not None:
            os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a process has locked a folder; ``True`` if the system cannot tell."""
    if not fcntl:
        return True
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _require_no_links(folder: Path) -> None:
    """Refuse a folder with linked folders in it, or in those: files would be written elsewhere."""
    for each in (*folder.glob("*"), *folder.glob("*/*")):
        if each.is_symlink() and not each.is_file():
            raise KerasCnnError(f"{each} is a link: nothing is written through it. Remove it.")


def _locked(folder: Path) -> int:
    """Lock a folder and return the descriptor that holds the lock."""
    descriptor = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(LOOK)
                continue
            holder = _holder(descriptor)
            os.close(descriptor)
            raise KerasCnnError(
                f"{folder} is in use by another kerascnn process: wait until it ends{holder}."
            ) from error
        except OSError:  # a file system without locks
            return descriptor
        return descriptor


def _holder(descriptor: int) -> str:
    """Return the process number and command that hold a folder, empty if unknown."""
    inode = os.fstat(descriptor).st_ino
    try:
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pid = next(each[4] for each in locks if each[1] == "FLOCK" and each[5].endswith(f":{inode}"))
        words = Path("/proc", pid, "cmdline").read_text().split("\0")
    except (OSError, ValueError, IndexError, StopIteration):
        return ""
    command = next((word for word in words[1:] if word.isalpha() and word != "kerascnn"), "")
    return f" (process {pid}{f', {command}' if command else ''})"

"""A description of the machine that names neither it nor its user."""

import os
import platform
import re
from typing import Any


def system() -> str:
    """Return the operating system, its version and C library, without a kernel's local suffix."""
    release = re.match(r"[\d.]*\d|", platform.release())
    libc = " ".join(filter(None, platform.libc_ver()))
    return ", ".join(filter(None, [f"{platform.system()} {release[0] if release else ''}".strip(), libc]))


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Return the conditions of a measured time: machine, system, processors."""
    return {"machine": platform.machine(), "system": system(), "processors": os.cpu_count()}

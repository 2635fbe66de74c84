"""Measure the peak memory of this process."""

import sys
from contextlib import suppress
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK = "5"  # what is written to CLEAR to reset the peak (Linux 4.0; proc(5))


def peak_bytes() -> int | None:
    """Return the peak resident memory in bytes; ``None`` if the system does not report it.

    Not ``ru_maxrss`` on Linux: there a new process inherits the peak of the one that started it.
    """
    with suppress(OSError, StopIteration):
        lines = STATUS.read_text("ascii").splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(kibibytes) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def forget_peak() -> None:
    """Reset the peak to the current resident memory, where the system can."""
    with suppress(OSError):
        CLEAR.write_text(PEAK, "ascii")

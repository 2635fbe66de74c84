"""How much memory this process has needed at its peak."""

import sys
from contextlib import suppress
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK = "5"  # what is written to CLEAR so that the peak begins anew (Linux 4.0; proc(5))


def peak_bytes() -> int | None:
    """Return the most memory that was resident at once; ``None`` on a system that does not tell.

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
    """Let the peak begin with what is resident now, where the system can."""
    with suppress(OSError):
        CLEAR.write_text(PEAK, "ascii")

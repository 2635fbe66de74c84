"""``doctor``: whether this machine has what kerascnn needs, and the line that mends what it lacks."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from packaging.requirements import Requirement

from kerascnn.errors import first_line
from kerascnn.tflite.edgetpu.install import LINES, PROGRAM

DISK, MEMORY = 2.0, 2.0  # GiB: the least for runs; what training AlexNet takes at its peak
LIBEDGETPU = "libedgetpu.so.1"
FEW_SECONDS = 10  # for a program that only tells its version

State = Literal["ok", "absent", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ``ok``; ``absent``: not there and not needed by the default path; ``problem``: needed.
        detail: What was found.
        fix: The line that mends it, empty where nothing is to mend.
    """

    name: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Health:
    """Everything that was looked at; ``ok`` if the default path has what it needs."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that is needed lacks."""
        return all(check.state != "problem" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return ok and checks."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def doctor() -> Health:
    """Look at Python, packages, backend, graphics card, LiteRT, Edge TPU, disk and memory."""
    looks: list[Callable[[], Check]] = [
        _python,
        _backend,
        _card,
        _litert,
        _compiler,
        _libedgetpu,
        _disk,
        _memory,
    ]
    python, *others = [look() for look in looks]
    return Health((python, *_packages(), *others))


def _python() -> Check:
    found = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("Python", "ok", f"{found}, {sys.executable}")
    return Check(
        "Python", "problem", f"{found}: TensorFlow has wheels for 3.11 to 3.13", "python3.12 -m venv .venv"
    )


def _packages() -> Iterator[Check]:
    """Yield a check for each package that kerascnn cannot do without."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield Check("packaging", "problem", "not installed", "python -m pip install 'packaging>=24'")
        return
    needed = [Requirement(line) for line in requires("kerascnn") or []]
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            yield _package(one)


def _package(needed: "Requirement") -> Check:
    fix = f"python -m pip install '{needed}'"
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return Check(needed.name, "problem", "not installed", fix)
    if needed.specifier.contains(found, prereleases=True):
        return Check(needed.name, "ok", found)
    return Check(needed.name, "problem", f"{found}, needs {needed.specifier}", fix)


def _backend() -> Check:
    try:
        import keras

        from kerascnn.training.backend.machine import choose_device

        device = choose_device("auto", None)
        return Check(
            "backend", "ok", f"Keras on {keras.backend.backend()}, trains on {device.name}: {device.why}"
        )
    except Exception as error:  # a broken installation raises whatever its first import meets
        fix = "python -m pip install --force-reinstall tensorflow keras"
        return Check("backend", "problem", f"{type(error).__name__}: {first_line(error)}", fix)


def _card() -> Check:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    told = _told(query)
    if not told:
        return Check("NVIDIA card", "absent", "no driver answers; a processor is enough")
    return Check("NVIDIA card", "ok", told, "" if _sees_card() else "python -m pip install 'kerascnn[gpu]'")


def _sees_card() -> bool:
    try:
        from kerascnn.training.backend.machine import choose_device

        return choose_device("auto", None).name.startswith("gpu")
    except Exception:  # told of by the check of the backend
        return False


def _litert() -> Check:
    """Run a network of one operator: a wheel for another processor fails only then."""
    try:
        from kerascnn.tflite.proof import runs_here

        runs_here()
        return Check("LiteRT", "ok", f"{version('ai-edge-litert')}, runs a network")
    except Exception as error:
        fix = "python -m pip install --force-reinstall ai-edge-litert"
        return Check("LiteRT", "problem", f"{type(error).__name__}: {first_line(error)}", fix)


def _compiler() -> Check:
    if not shutil.which(PROGRAM):
        return Check(
            "Edge TPU compiler", "absent", f"no {PROGRAM}; only kerascnn compile needs it", " && ".join(LINES)
        )
    return Check(
        "Edge TPU compiler", "ok", _told([PROGRAM, "--version"]) or "it is there, and tells no version"
    )


def _libedgetpu() -> Check:
    try:
        ctypes.CDLL(LIBEDGETPU)
    except OSError:
        fix = "https://github.com/feranick/libedgetpu/releases: 16.0tf2.17.1 or later"
        return Check("libedgetpu", "absent", "only a machine with a Coral needs it", fix)
    return Check("libedgetpu", "ok", LIBEDGETPU)


def _disk() -> Check:
    try:
        free = shutil.disk_usage(Path.cwd()).free / 2**30
    except OSError as error:
        return Check("disk", "problem", f"the current folder cannot be read: {error.strerror}", "cd ~")
    return _amount("disk", free, DISK, "free here", "make room, or name another place with --runs-dir")


def _memory() -> Check:
    if not hasattr(os, "sysconf"):
        return Check("memory", "ok", "unknown")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return _amount("memory", total, MEMORY, "in all", "train LeNet-5, or AlexNet --variant small_stem")


def _amount(name: str, found: float, least: float, where: str, fix: str) -> Check:
    enough = found >= least
    text = f"{found:,.1f} GiB {where}" + ("" if enough else f", needs {least:g}")
    return Check(name, "ok" if enough else "problem", text, "" if enough else fix)


def _told(command: list[str]) -> str:
    """Return the first line that a program prints, empty where it does not run."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=FEW_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return (ended.stdout.strip().splitlines() or [""])[0]

"""``doctor``: check what kerascnn needs on this machine, with the command that fixes each problem."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from packaging.requirements import Requirement

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.foundation.text.tables import Table
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.registry import accelerators

DISK, MEMORY = 2.0, 2.0  # GiB: the least for runs; what training AlexNet takes at its peak
FEW_SECONDS = 10  # for a program that only tells its version
LOADING, LITERT = 120, 60  # seconds to load TensorFlow, and LiteRT, from a slow disk
#: Calls the function ``module:name`` and prints its answer, or the first line of what went wrong.
ASK = """
import sys
from importlib import import_module
from kerascnn.foundation.errors import first_line
module, _, name = sys.argv[1].partition(":")
try:
    print(getattr(import_module(module), name)())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {first_line(error)}")
"""

State = Literal["ok", "absent", "untried", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: What.
        state: ``ok``; ``absent``: not there and not needed by the default path; ``untried``: installed, not
            loaded; ``problem``: needed.
        detail: The finding.
        fix: The line that solves it, empty where there is nothing to do.
    """

    name: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Health(Shown):
    """Result of ``doctor``: all checks; ``ok`` if training and quantization can run."""

    checks: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether all required checks passed."""
        return all(check.state != "problem" for check in self.checks)

    def blocks(self) -> list[Block]:
        """Return the checks, and the commands that fix the failed ones."""
        rows = [[check.name, check.state, check.detail] for check in self.checks]
        fixes = {check.name: check.fix for check in self.checks if check.fix}
        return [Table(["", "state", ""], rows, left=3), *([Facts(fixes)] if fixes else [])]

    def to_dict(self) -> dict[str, Any]:
        """Return ok and checks."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def doctor(*, load: bool = False) -> Health:
    """Check Python, packages, backend, graphics card, LiteRT, accelerators, disk and memory.

    Versions are read, not imported. LiteRT runs a network in a process of its own.

    Args:
        load: Whether TensorFlow is loaded too, in a process of its own, which takes seconds; it always is
            where there is an NVIDIA card.
    """
    card = _card()
    backend = _backend(loads=load or card.state == "ok")
    if card.state == "ok" and "trains on gpu" not in backend.detail:
        card = replace(card, fix="python -m pip install 'kerascnn[gpu]'")
    chips = [check for each in accelerators.loadable() for check in _accelerator(each)]
    return Health((_python(), *_packages(), backend, card, _litert(), *chips, _disk(), _memory()))


def _python() -> Finding:
    found = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", f"{found}, {sys.executable}")
    return Finding(
        "Python", "problem", f"{found}: TensorFlow has wheels for 3.11 to 3.13", "python3.12 -m venv .venv"
    )


def _packages() -> Iterator[Finding]:
    """Yield a check for each required package."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield Finding("packaging", "problem", "not installed", "python -m pip install 'packaging>=24'")
        return
    needed = [Requirement(line) for line in requires("kerascnn") or []]
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            yield _package(one)


def _package(needed: "Requirement") -> Finding:
    fix = f"python -m pip install '{needed}'"
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return Finding(needed.name, "problem", "not installed", fix)
    if needed.specifier.contains(found, prereleases=True):
        return Finding(needed.name, "ok", found)
    return Finding(needed.name, "problem", f"{found}, needs {needed.specifier}", fix)


def _backend(*, loads: bool) -> Finding:
    if not loads:
        return Finding("backend", "untried", "Keras on TensorFlow; `kerascnn doctor --load` loads them")
    try:
        return Finding("backend", "ok", _answer_of("kerascnn.training.backend.machine:usual_device", LOADING))
    except KerasCnnError as error:
        fix = "python -m pip install --force-reinstall tensorflow keras"
        return Finding("backend", "problem", str(error), fix)


def _card() -> Finding:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    found = _output_of(query)
    if not found:
        return Finding("NVIDIA card", "absent", "no NVIDIA driver found; training uses the CPU")
    return Finding("NVIDIA card", "ok", found)


def _litert() -> Finding:
    """Check LiteRT by running a network of one operator: a wheel for another CPU fails only then."""
    try:
        return Finding("LiteRT", "ok", _answer_of("kerascnn.tflite.runtime.proof:runs_here", LITERT))
    except KerasCnnError as error:
        fix = "python -m pip install --force-reinstall ai-edge-litert"
        return Finding("LiteRT", "problem", str(error), fix)


def _answer_of(function: str, seconds: float) -> str:
    """Return the result of ``module:function`` in a separate process: a library may hang or crash.

    Raises:
        KerasCnnError: It failed, or took longer than that.
    """
    command = [sys.executable, "-P", "-c", ASK, function]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env=quiet, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise KerasCnnError(f"did not answer within {seconds:g} s") from error
    if ended.returncode < 0:
        raise KerasCnnError(f"crashed with {signal.Signals(-ended.returncode).name}")
    said = (ended.stderr if ended.returncode else ended.stdout).strip().splitlines()
    if ended.returncode:
        raise KerasCnnError(said[-1] if said else f"ended with code {ended.returncode}")
    return said[-1]


def _accelerator(accelerator: Accelerator) -> Iterator[Finding]:
    """Yield checks for an accelerator's compiler and delegate, if it has them."""
    if compiler := accelerator.compiler:
        name, program = f"{accelerator.title} compiler", compiler.program
        if shutil.which(program):
            yield Finding(name, "ok", _output_of([program, "--version"]) or "installed, version unknown")
        else:
            detail = f"no {program}; only kerascnn compile needs it"
            yield Finding(name, "absent", detail, " && ".join(compiler.install))
    if delegate := accelerator.delegate:
        name = delegate.library.partition(".")[0]
        try:
            ctypes.CDLL(delegate.here)
        except OSError:
            detail = f"only a machine with {delegate.device} needs it"
            yield Finding(name, "absent", detail, delegate.source)
        else:
            yield Finding(name, "ok", delegate.here)


def _disk() -> Finding:
    try:
        free = shutil.disk_usage(Path.cwd()).free / 2**30
    except OSError as error:
        return Finding("disk", "problem", f"the current folder cannot be read: {error.strerror}", "cd ~")
    return _amount(
        "disk", free, DISK, "free here", "free some space, or choose another place with --runs-dir"
    )


def _memory() -> Finding:
    if not hasattr(os, "sysconf"):
        return Finding("memory", "ok", "unknown")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return _amount("memory", total, MEMORY, "in all", "train LeNet-5, or AlexNet --variant small_stem")


def _amount(name: str, found: float, least: float, where: str, fix: str) -> Finding:
    enough = found >= least
    text = f"{found:,.1f} GiB {where}" + ("" if enough else f", needs {least:g}")
    return Finding(name, "ok" if enough else "problem", text, "" if enough else fix)


def _output_of(command: list[str]) -> str:
    """Return the first line that a program prints, empty if it does not run."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=FEW_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return (ended.stdout.strip().splitlines() or [""])[0]

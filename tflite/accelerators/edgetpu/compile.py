"""``compile``: run ``edgetpu_compiler`` and judge it by the files it writes, not by its exit code.

It ends with 0 even when nothing maps, leaves stubs behind when it fails, and its files have no metadata of
their source.
"""

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, MissingError, TargetError, UsageError
from kerascnn.foundation.files import require_writable, whole_file, write_text
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.progress import Telling, teller
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.tflite.accelerators.check import UNKNOWN, Check, is_compiled
from kerascnn.tflite.accelerators.edgetpu.accelerator import ACCELERATOR
from kerascnn.tflite.accelerators.edgetpu.compiler_log import (
    TRANSIENT,
    Report,
    failure,
    read_reports,
    read_rows,
    read_version,
)
from kerascnn.tflite.accelerators.edgetpu.install import PROGRAM, missing
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.metadata.metadata import with_metadata_of

TIMEOUT = 180  # seconds, the compiler's own default
GRACE = 30  # seconds after which a compiler that has not kept its own time limit is ended
STUB = 1024  # bytes; a failure may leave a file of about that size
RUNTIMES = range(10, 15)

FLAGS = {
    "timeout": "-t",
    "min_runtime": "-m",
    "num_segments": "-n",
    "search_delegate": "-d",
    "delegate_step": "-k",
    "multiple_subgraphs": "-a",
}


@dataclass(frozen=True)
class Disagreement:
    """A difference between the compiler's result and the prediction of ``check``.

    Attributes:
        about: An operator's name, or ``parameters``, or ``file``.
        compiler: The compiler's result.
        check: The prediction of ``check``.
    """

    about: str
    compiler: str
    check: str

    def to_dict(self) -> dict[str, str]:
        """Return about, compiler, check."""
        return vars(self).copy()


@dataclass(frozen=True)
class CompiledFile:
    """A compiled file and the compiler's report on it."""

    path: Path
    bytes: int
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """Return path, bytes and the report."""
        return {"path": str(self.path), "bytes": self.bytes} | self.report.to_dict()


@dataclass(frozen=True)
class Compilation(Shown):
    """A ``.tflite`` file compiled for the Edge TPU.

    Attributes:
        version: The compiler's.
        retried: Whether the first try met an internal error.
        files: One, or one for each segment.
        disagreements: With what ``check`` had expected.
    """

    path: Path
    version: str
    retried: bool
    files: tuple[CompiledFile, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def on_target(self) -> int:
        """Number of operators that run on the Edge TPU."""
        return sum(file.report.on_target for file in self.files)

    @property
    def on_cpu(self) -> int:
        """Number of operators that stay on the CPU."""
        return sum(file.report.on_cpu for file in self.files)

    def blocks(self) -> list[Block]:
        """Return the mapping, each file, and the differences from ``check``."""
        from kerascnn.tflite.accelerators.edgetpu.compile_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the source, the compiler's version, its files and reports, and the disagreements."""
        return {
            "file": str(self.path),
            "version": self.version,
            "retried": self.retried,
            "on_target": self.on_target,
            "on_cpu": self.on_cpu,
            "files": [file.to_dict() for file in self.files],
            "disagreements": [each.to_dict() for each in self.disagreements],
        }


def compile_for_edgetpu(
    path: Path | str,
    *,
    out: Path | str | None = None,
    overwrite: bool = False,
    timeout: int = TIMEOUT,
    min_runtime: int | None = None,
    num_segments: int | None = None,
    search_delegate: bool = False,
    delegate_step: int | None = None,
    multiple_subgraphs: bool = False,
    progress: Telling = None,
) -> Compilation:
    """Compile a full-int8 ``.tflite`` file and attach its description and metadata again.

    Args:
        path: The file.
        out: Folder of ``<stem>_edgetpu.tflite`` and ``.log``; ``None``: the file's own.
        overwrite: Whether files there may be replaced that this program did not make.
        timeout: Seconds the compiler may take.
        min_runtime: The oldest Edge TPU runtime that must load the result, 10 to 14.
        num_segments: Cut the network into so many files, for a pipeline of Edge TPUs.
        search_delegate: Let the compiler look for a smaller part that compiles, where the whole does not.
        delegate_step: By how many operators that search moves.
        multiple_subgraphs: Allow several pieces on the Edge TPU.
        progress: Called when the compiler starts and ends.

    Raises:
        UsageError: A setting makes no sense.
        MissingError: ``edgetpu_compiler`` is not on the PATH; the message installs it.
        TargetError: The model does not fit the Edge TPU, or the file is compiled already.
        KerasCnnError: The file is unsound, a file of others would be replaced, or the compiler crashed, hung,
            or failed without a reason.
    """
    progress = teller(progress)
    path = Path(path)
    flags = _flags(
        timeout=timeout,
        min_runtime=min_runtime,
        num_segments=num_segments,
        search_delegate=search_delegate,
        delegate_step=delegate_step,
        multiple_subgraphs=multiple_subgraphs,
    )
    target = path.parent if out is None else Path(out)
    if target.exists():
        require_writable(target)
    if not overwrite:
        _require_own(path, target, num_segments or 1)
    expected = ACCELERATOR.check(read_graph(path))
    if expected.compiled:
        raise TargetError(f"{path} is already compiled for the Edge TPU.")
    program = shutil.which(PROGRAM)
    if program is None:
        raise MissingError(missing())
    progress("compiling", 0, 1, PROGRAM)
    with TemporaryDirectory() as folder:
        command = [program, "-s", "-o", folder, *flags, str(path.absolute())]
        code, text = _run(command, Path(folder), timeout)
        retried = TRANSIENT in text
        if retried:
            code, text = _run(command, Path(folder), timeout)
        reports = _judge(expected, Path(folder), code, text, num_segments or 1)
        require_writable(target)
        files = tuple(_keep(path, Path(folder) / report.output, target, report) for report in reports)
    progress("compiling", 1, 1, "done")
    return Compilation(path, read_version(text), retried, files, _disagreements(expected, reports))


def _require_own(path: Path, folder: Path, segments: int) -> None:
    """Refuse to replace files that are not from an earlier compilation, recognised by its log."""
    if segments == 1:
        names = [f"{path.stem}_edgetpu"]
    else:
        names = [f"{path.stem}_segment_{number}_of_{segments}_edgetpu" for number in range(segments)]
    for name in names:
        log = folder / f"{name}.log"
        require_own([log if log.exists() else folder / f"{name}.tflite"])


def _flags(**settings: int | bool | None) -> list[str]:
    """Return the compiler's flags for the given settings."""
    if settings["min_runtime"] not in (None, *RUNTIMES):
        raise UsageError(
            f"min_runtime must be {RUNTIMES[0]} to {RUNTIMES[-1]}. Received: "
            f"min_runtime={settings['min_runtime']}"
        )
    if settings["delegate_step"] is not None and not settings["search_delegate"]:
        raise UsageError("delegate_step requires search_delegate.")
    flags = []
    for name, value in settings.items():
        if value is True:
            flags.append(FLAGS[name])
        elif value is not None and value is not False:
            if value < 1:
                raise UsageError(f"{name} must be at least 1. Received: {name}={value}")
            flags += [FLAGS[name], str(value)]
    return flags


def _run(command: Sequence[str], folder: Path, timeout: int) -> tuple[int | None, str]:
    """Return the exit code (``None`` if the compiler was stopped) and its output.

    It gets a session of its own: it compiles in a child, which would outlive it.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,  # segments leave their parts where they are
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=timeout + GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]
    except BaseException:  # Ctrl-C
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode, text


def _judge(expected: Check, folder: Path, code: int | None, text: str, segments: int) -> list[Report]:
    """Return the reports of a successful compilation.

    Raises:
        KerasCnnError: It did not.
    """
    path = expected.path
    if code is None:
        raise KerasCnnError(
            f"{PROGRAM} hung on {path} and was stopped {GRACE} s after its time limit (--timeout)."
        )
    number = -code if code < 0 else code - 128  # what Debian installs is a shell script, which adds 128
    if number in set(signal.Signals):
        raise KerasCnnError(f"{PROGRAM} crashed on {path} ({signal.Signals(number).name}).")
    try:
        if code:
            raise failure(text, path)
        reports = read_reports(text)
        if len(reports) != segments:
            raise KerasCnnError(
                f"{PROGRAM} says it succeeded on {path}, but names {len(reports)} files, not {segments}."
            )
        return [_judge_one(path, folder, report) for report in reports]
    except TargetError as error:
        if expected.on_target:
            raise TargetError(f"{error} kerascnn check predicted that it would compile.") from error
        raise


def _judge_one(path: Path, folder: Path, report: Report) -> Report:
    """Return the report on one valid output, with the operator table from its log."""
    output = folder / Path(report.output).name
    report = replace(report, output=output.name)
    log = output.with_suffix(".log")
    if log.is_file():
        report = replace(report, rows=read_rows(log.read_text(encoding="utf-8", errors="replace")))
    if not report.on_target:
        left = ", ".join(f"{row.count} {row.name} ({row.status})" for row in report.rows)
        raise TargetError(f"{PROGRAM} maps no operator of {path}: {left or 'no reason given'}.")
    size = output.stat().st_size if output.is_file() else 0
    if size <= STUB:
        left = f"a stub of {size} bytes" if size else "no file"
        raise KerasCnnError(f"{PROGRAM} says it succeeded on {path}, but left {left}.")
    if not _runs_on_edgetpu(output):
        raise KerasCnnError(f"{PROGRAM} says it succeeded on {path}, but its file is not for the Edge TPU.")
    return report


def _runs_on_edgetpu(output: Path) -> bool:
    try:
        return is_compiled(read_graph(output), ACCELERATOR)
    except KerasCnnError:
        return False


def _keep(source: Path, compiled: Path, folder: Path, report: Report) -> CompiledFile:
    target = folder / compiled.name
    with whole_file(target) as aside:
        aside.write_bytes(with_metadata_of(compiled.read_bytes(), source))
    log = compiled.with_suffix(".log")
    if log.is_file():
        write_text(folder / log.name, log.read_text(encoding="utf-8", errors="replace"))
    return CompiledFile(target, target.stat().st_size, report)


def _disagreements(expected: Check, reports: Sequence[Report]) -> tuple[Disagreement, ...]:
    if expected.refusal:
        return (Disagreement("file", "compiles it", f"expects a refusal: {expected.refusal}"),)
    found = list(_about_operators(expected, reports))
    streamed = reports[0].streamed_bytes
    if expected.cost and len(reports) == 1 and streamed is not None:  # each segment has a chip of its own
        done, thought = (
            "streams some" if size else "streams none" for size in (streamed, expected.cost.streamed_bytes)
        )
        if done != thought:
            found.append(Disagreement("parameters", done, thought))
    return tuple(found)


def _about_operators(expected: Check, reports: Sequence[Report]) -> Iterator[Disagreement]:
    """Yield each kind of operator of which the compiler maps a different number."""
    rows = [row for report in reports for row in report.rows]
    total, mapped, sure, possible = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        total[row.name] += row.count
        mapped[row.name] += row.count if row.mapped else 0
    for operator in expected.operators:
        sure[operator.name] += operator.side == expected.target
        possible[operator.name] += operator.side in (expected.target, UNKNOWN)
    for name in total:
        if not sure[name] <= mapped[name] <= possible[name]:
            why = sorted({row.status for row in rows if row.name == name and not row.mapped})
            done = f"maps {mapped[name]} of {total[name]}" + (f" ({'; '.join(why)})" if why else "")
            yield Disagreement(name, done, f"maps {sure[name]}")

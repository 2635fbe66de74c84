"""Processor time of each command against a bare Python that imports only what the command must have.

python benchmarks/startup.py [--rounds 7] [--json FILE]

User and system time of the process and its children, the least of all rounds: waiting does not count, and a
busy machine only adds. ``allowed`` is what the command may take beyond its reference.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from contenders.measured import show

KERASCNN = (sys.executable, "-m", "kerascnn")
INT8 = "runs/digits/tflite/static_wi8_ai8.tflite"
CLICK = ("click",)
LITERT = (*CLICK, "ai_edge_litert.interpreter", "numpy", "PIL.Image")


class Case(NamedTuple):
    """A command, what it cannot do without, and the seconds that it may take beyond loading that."""

    command: str
    needs: tuple[str, ...]
    allowed: float


CASES = [
    *[
        Case(command, CLICK, 0.15)
        for command in (
            "--help",
            "--version",
            "train --help",
            "conv 227x227x3 --filters 96 --kernel 11 --stride 4",
        )
    ],
    *[
        Case(command, (), 0.5)
        for command in (
            "summary nope",
            "train nope",
            "train lenet --data nowhere",
            "train lenet --epochs 0",
            "evaluate runs/none",
            "predict runs/digits none.png",
            "quantize runs/none",
            "compare lenet --heads fc",
            "compare lenet --fail-if x",
            "visualize runs/none",
            "surgery runs/none",
            "bundle runs/none",
        )
    ],
    *[
        Case(command, (), 0.6)
        for command in ("runs", f"inspect {INT8}", f"check {INT8}", "verify bundle", "doctor")
    ],
    *[
        Case(command, LITERT, 0.5)
        for command in (f"predict {INT8} digit.png", f"evaluate {INT8}", f"benchmark {INT8} --runs 1")
    ],
    Case("bundle runs/digits --out out", LITERT, 0.5),
    Case("summary lenet", CLICK, 2.5),
    Case("summary alexnet --explain", CLICK, 2.5),
]


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Run a command; return the user and system time of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def first_word(folder: Path) -> float:
    """Return the seconds until ``train`` says that a framework is loading."""
    command = [*KERASCNN, "train", "lenet", "--epochs", "1", "--name", "told", "--overwrite"]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert b"loading" in process.stderr.readline()
        passed = time.perf_counter() - started
        process.kill()
    return passed


def prepare(folder: Path) -> None:
    """Make what the commands are given: a quantized run, its bundle, an image."""
    from PIL import Image

    for words in (
        "train lenet --epochs 1 --name digits",
        "quantize runs/digits",
        "bundle runs/digits --out bundle",
    ):
        subprocess.run([*KERASCNN, *words.split()], cwd=folder, capture_output=True, check=True)
    Image.new("L", (28, 28)).save(folder / "digit.png")


def row(case: Case, folder: Path, rounds: int) -> dict[str, object]:
    """Measure a command and its reference in turns."""
    bare = [sys.executable, "-c", f"import {', '.join(case.needs)}" if case.needs else "pass"]
    reference = taken = float("inf")
    for _ in range(rounds):
        shutil.rmtree(folder / "out", ignore_errors=True)
        reference = min(reference, cpu_seconds(bare, folder))
        taken = min(taken, cpu_seconds([*KERASCNN, *case.command.split()], folder))
    return {
        "": case.command.replace(INT8, "FILE.tflite"),
        "reference, s": reference,
        "command, s": taken,
        "beyond, s": taken - reference,
        "allowed, s": case.allowed,
        "within": "yes" if taken - reference <= case.allowed else "NO",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        table = [row(case, folder, options.rounds) for case in CASES]
        word = min(first_word(folder) for _ in range(options.rounds))
    note = f"train says that TensorFlow is loading after {word:.2f} s on the clock (allowed 0.3)."
    show(f"Start-up, processor time, least of {options.rounds} processes", table, options.json, [note])


if __name__ == "__main__":
    main()

"""What a refused command must look like: one clear line, the right exit code, nothing written."""

import json
import re
from pathlib import Path

from commands import Answer

FAILED, USAGE = 1, 2


PROGRESS = re.compile(r"[a-z0-9, :]+: \d+/\d+|loading (TensorFlow|JAX)$|\d+ classes: |Note: ")


def refused(answer: Answer, code: int, *words: str) -> None:
    """Assert one line on stderr (behind progress) with all the words, an empty stdout, the exit code."""
    assert answer.code == code, answer
    assert answer.out == "" or json.loads(answer.out)["exit_code"] == code  # with --json
    *before, last = answer.err.splitlines()
    assert all(PROGRESS.match(line) or "Downloading data" in line for line in before), answer.err
    assert last.startswith("Error: ")
    for word in words:
        assert word in last


def nothing_written(folder: Path) -> bool:
    return not any(path.name != "runs" for name in ("runs", "studies") for path in (folder / name).rglob("*"))

"""Contenders in turns, each measurement in a process of its own.

Two frameworks' thread pools in one process get in each other's way, and so do their shares of a card.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def apart(script: str, *arguments: object) -> str:
    """Return what a script prints in a process of its own.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, script, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{Path(script).name} {' '.join(map(str, arguments))}: {ended.stderr[-2000:]}")
    return ended.stdout.strip()


def in_turns(
    script: str, contenders: Iterable[str], rounds: int, *arguments: object
) -> dict[str, list[float]]:
    """Return the number that ``script --only CONTENDER`` prints, for each contender once a round."""
    names = list(contenders)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for number in range(1, rounds + 1):
        for name in names:
            measured[name].append(float(apart(script, *arguments, "--only", name)))
            print(f"round {number}: {name}: {measured[name][-1]:,.4g}", file=sys.stderr)
    return measured

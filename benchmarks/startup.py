"""How long ``kerascnn --help`` takes, against starting Python and against importing TensorFlow.

python benchmarks/startup.py [--rounds 10] [--json FILE]
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from contenders.measured import show

COMMANDS = {
    "kerascnn --help": [sys.executable, "-m", "kerascnn", "--help"],
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import tensorflow'": [sys.executable, "-c", "import tensorflow"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = {name: [] for name in COMMANDS}
    for _ in range(options.rounds):
        for name, command in COMMANDS.items():
            measured[name].append(seconds(command))
    rows = [
        {"": name, "seconds, median": statistics.median(times), "slowest": max(times)}
        for name, times in measured.items()
    ]
    show(f"Start-up, {options.rounds} processes each in turns", rows, options.json)


if __name__ == "__main__":
    main()

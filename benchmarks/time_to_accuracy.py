"""Time from process start to 99.0 % MNIST test accuracy, against Keras' and PyTorch's own examples.

kerascnn: the whole command, start to exit, by the recipe ``fast``, whose number of epochs is fixed. A seed
that ends below 99.0 % has not reached it and is shown so. The others: start to the end of the first epoch at
99.0 %, of at most 30. The seeds are none of those the recipe was chosen with; the contenders run in turns.

    python benchmarks/time_to_accuracy.py --data-dir DIR [--seeds 5] [--first-seed 11] [--json FILE]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from contenders.measured import judged, show

HERE = Path(__file__).parent
GOAL = 0.99
KERASCNN = "kerascnn train lenet --recipe fast"
EXAMPLES = {"Keras example": "keras_example.py", "PyTorch example": "pytorch_example.py"}
BAR, AIM = 8, 12  # times as fast as each example


class Attempt(NamedTuple):
    """One training: its time, how many epochs it had, and its test accuracy at the end."""

    seconds: float
    epochs: int
    accuracy: float

    @property
    def reached(self) -> bool:
        """Whether it ended at the goal."""
        return self.accuracy >= GOAL


def kerascnn(data_dir: Path, seed: int) -> Attempt:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "kerascnn", "train", "lenet", "--data", "mnist", "--recipe", "fast"]
        options = ["--data-dir", data_dir, "--seed", seed, "--runs-dir", folder, "--json"]
        started = time.perf_counter()
        ended = subprocess.run([*command, *map(str, options)], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
    if ended.returncode:
        raise SystemExit(f"{KERASCNN}: {ended.stderr[-2000:]}")
    result = json.loads(ended.stdout)
    return Attempt(seconds, result["epochs"], result["test"]["accuracy"])


def example(script: str, data_dir: Path, seed: int) -> Attempt:
    started = time.perf_counter()
    command = [sys.executable, HERE / "contenders" / script, data_dir, str(seed)]
    attempt = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            epoch, accuracy = line.split()
            attempt = Attempt(time.perf_counter() - started, int(epoch), float(accuracy))
            if attempt.reached:
                process.kill()
                break
    if attempt is None:
        raise SystemExit(f"{script} ended without an epoch")
    return attempt


def row(name: str, attempts: list[Attempt], ours: float) -> dict:
    median = statistics.median(attempt.seconds for attempt in attempts)
    return {
        "": name,
        "seconds, median": median,
        "each": [attempt.seconds for attempt in attempts],
        "epochs": [attempt.epochs for attempt in attempts],
        "accuracy": [attempt.accuracy for attempt in attempts],
        "reached": f"{sum(attempt.reached for attempt in attempts)} of {len(attempts)}",
        "times kerascnn": median / ours,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=11)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data_dir = options.data_dir.resolve()
    measured: dict[str, list[Attempt]] = {name: [] for name in (KERASCNN, *EXAMPLES)}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name, attempts in measured.items():
            attempts.append(
                example(EXAMPLES[name], data_dir, seed) if name in EXAMPLES else kerascnn(data_dir, seed)
            )
            print(f"seed {seed}: {name}: {attempts[-1]}", file=sys.stderr)
    ours = statistics.median(attempt.seconds for attempt in measured[KERASCNN])
    rows = [row(name, attempts, ours) for name, attempts in measured.items()]
    reached = sum(attempt.reached for attempt in measured[KERASCNN])
    notes = [
        judged("kerascnn's seeds that reached 99.0 %", reached, options.seeds),
        *(
            judged(f"Time of the {each['']} over kerascnn's", each["times kerascnn"], BAR, AIM)
            for each in rows[1:]
        ),
    ]
    seeds = f"seeds {options.first_seed} to {options.first_seed + options.seeds - 1}"
    show(f"Process start to 99.0 % MNIST test accuracy, {seeds}", rows, options.json, notes=notes)


if __name__ == "__main__":
    main()

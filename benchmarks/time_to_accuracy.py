"""Time from process start to 99.0 % MNIST test accuracy, against Keras' and PyTorch's own examples.

kerascnn: the whole command, start to exit, with the fewest epochs that end at 99.0 % or more (each number of
epochs is a training of its own). The others: start to the end of the first epoch at 99.0 %.

    python benchmarks/time_to_accuracy.py --data-dir DIR [--seeds 3] [--json FILE]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contenders.measured import show

HERE = Path(__file__).parent
GOAL = 0.99


def kerascnn_seconds(data_dir: Path, seed: int) -> tuple[float, int, float]:
    """Return seconds, epochs and accuracy of the shortest training that reaches the goal."""
    for epochs in range(2, 11):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "kerascnn", "train", "lenet", "--data", "mnist", "--json"]
            options = ["--data-dir", data_dir, "--epochs", epochs, "--seed", seed, "--runs-dir", folder]
            started = time.perf_counter()
            ended = subprocess.run([*command, *map(str, options)], capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - started
        accuracy = json.loads(ended.stdout)["test"]["accuracy"]
        if accuracy >= GOAL:
            return seconds, epochs, accuracy
    raise SystemExit("kerascnn did not reach the goal in 10 epochs")


def example_seconds(script: str, data_dir: Path, seed: int) -> tuple[float, int, float]:
    """Return seconds, epochs and accuracy of an example at the end of its first epoch at the goal."""
    started = time.perf_counter()
    command = [sys.executable, HERE / "contenders" / script, data_dir, str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            epoch, accuracy = line.split()
            seconds = time.perf_counter() - started
            if float(accuracy) >= GOAL:
                process.kill()
                return seconds, int(epoch), float(accuracy)
    raise SystemExit(f"{script} did not reach the goal in 30 epochs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    contenders = {
        "kerascnn train lenet": kerascnn_seconds,
        "Keras example": lambda *given: example_seconds("keras_example.py", *given),
        "PyTorch example": lambda *given: example_seconds("pytorch_example.py", *given),
    }
    measured = {name: [] for name in contenders}
    for seed in range(1, options.seeds + 1):
        for name, measure in contenders.items():
            measured[name].append(measure(options.data_dir.resolve(), seed))
            print(f"seed {seed}: {name}: {measured[name][-1]}", file=sys.stderr)
    ours = statistics.median(seconds for seconds, _, _ in measured["kerascnn train lenet"])
    rows = []
    for name, runs in measured.items():
        seconds, epochs, accuracies = zip(*runs, strict=True)
        rows.append(
            {
                "": name,
                "seconds, median": statistics.median(seconds),
                "each": seconds,
                "epochs": epochs,
                "accuracy": accuracies,
                "times kerascnn": statistics.median(seconds) / ours,
            }
        )
    show("Process start to 99.0 % MNIST test accuracy", rows, options.json)


if __name__ == "__main__":
    main()

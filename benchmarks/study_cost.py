"""What a study costs against the same trainings and quantizations as commands of their own.

A study loads libraries and data once and measures of each file its accuracy alone; at its end it measures
latency and writes the report. Both sides train the same networks with the same seeds and epochs.

    python benchmarks/study_cost.py --data-dir DIR [--heads fc,conv1x1] [--seeds 5] [--epochs N] [--jobs 1]
        [--json FILE]

Without ``--epochs`` every head trains as long as the longest of their recipes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contenders.measured import show

from kerascnn.studies.grid.plan import plan

MOST, AIM = 0.75, 0.60  # of the time of the commands apart


def seconds(*arguments: object, folder: str) -> float:
    """Return how long a command takes.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "kerascnn", *map(str, arguments)]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr[-2000:])
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--heads", default="fc,conv1x1")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = ["--data", "mnist", "--data-dir", options.data_dir.resolve()]
    heads = options.heads.split(",")
    epochs = options.epochs or plan("lenet", heads, 1, data="mnist").configs[0].epochs
    with tempfile.TemporaryDirectory() as folder:
        study = seconds(
            *("compare", "lenet", *data, "--heads", options.heads, "--seeds", options.seeds),
            *("--epochs", epochs, "--jobs", options.jobs, "--out", "study"),
            folder=folder,
        )
        print(f"study: {study:,.1f} s", file=sys.stderr)
        rows = [{"": "kerascnn compare", "commands": 1, "seconds": study}]
        for seed in range(1, options.seeds + 1):
            for head in heads:
                name = f"{head}-{seed}"
                network = ["--head", head, "--seed", seed, "--epochs", epochs, "--name", name]
                apart = seconds("train", "lenet", *data, *network, folder=folder)
                apart += seconds("quantize", f"runs/{name}", folder=folder)
                print(f"{name}: {apart:,.1f} s", file=sys.stderr)
                rows.append({"": f"train and quantize {name}", "commands": 2, "seconds": apart})
    total = sum(float(row["seconds"]) for row in rows[1:])
    share = study / total
    verdicts = [
        f"{mark} {limit:.0%}: {'met' if share <= limit else 'missed'}"
        for mark, limit in (("bar", MOST), ("aim", AIM))
    ]
    note = f"The study takes {share:.1%} of the {total:,.0f} s of the commands apart ({', '.join(verdicts)})."
    show(f"LeNet-5 on MNIST, {epochs} epochs, jobs: {options.jobs}", rows, options.json, [note])


if __name__ == "__main__":
    main()

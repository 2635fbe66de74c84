"""What ``train --live`` costs: images per second of LeNet-5 with its page, without a viewer and with one.

One training changes from epoch to epoch between three ways: watched by nobody, served without a viewer, and
served with a viewer that asks as the page does, twice a second, in a process of its own. Each epoch is
compared with the one beside it, so that a machine with other work delays all of them alike. The time of the
processors, all threads together, is the steadier figure there: a training uses them fully.

    python benchmarks/live.py --data-dir DIR [--rounds 7] [--images 60000] [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from contenders.arrays import read_mnist
from contenders.measured import judged, show

BATCH = 128
WAYS = ("without --live", "no viewer", "one viewer")
LEAST = {"no viewer": 0.99, "one viewer": 0.95}
#: Asks as the page does, until it is ended.
VIEWER = """
import json, sys, time, urllib.request
address, seen = sys.argv[1], 0
while True:
    with urllib.request.urlopen(f"{address.replace('/?', '/state?')}&seen={seen}") as answer:
        seen = json.load(answer)["number"]
    time.sleep(0.5)
"""


class Changing:
    """An observer that forwards to another one, which may be exchanged between two epochs."""

    def __init__(self) -> None:
        from kerascnn.training.loop.observer import NOBODY
        from kerascnn.workflows.live.session import Session

        self._session, self._nobody = Session(), NOBODY
        self._now, self._ways = self._nobody, ExitStack()
        self._began = self.spent = 0.0  # seconds of the processors in this epoch

    def begin(self, training) -> None:
        """Take what is watched."""
        self._session.begin(training)

    def report(self, figures) -> None:
        """Hand on the figures."""
        if figures.step == 0:
            self._began = time.process_time()
        self._now.report(figures)
        self.spent = time.process_time() - self._began

    def order(self):
        """Return what the other one wants."""
        return self._now.order()

    def end(self, run) -> None:
        """Ignore the run."""

    def change(self, way: str) -> None:
        """Serve the page or not, and open a viewer or not."""
        from kerascnn.workflows.live.server import served

        self._ways.close()
        self._now = self._nobody if way == WAYS[0] else self._session
        if self._now is self._session:
            address = self._ways.enter_context(served(self._session, None))
            if way == WAYS[2]:
                viewer = subprocess.Popen([sys.executable, "-c", VIEWER, address], stderr=subprocess.DEVNULL)
                self._ways.callback(viewer.wait)
                self._ways.callback(viewer.kill)


def seconds(options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds of the epochs of each way, and those of the processors."""
    from kerascnn.data.dataset import Dataset, Split
    from kerascnn.foundation.progress import silent
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.loop.fit import fit
    from kerascnn.training.prepare import prepare, settled
    from kerascnn.training.records.checkpoint import Checkpoints

    images, labels, _, _ = read_mnist(options.data_dir)
    images = np.pad(images[: options.images], ((0, 0), (2, 2), (2, 2)))[..., np.newaxis]
    labels = labels[: options.images].astype(np.int32)
    few = Split(images[:BATCH], labels[:BATCH])
    data = Dataset("mnist", tuple("0123456789"), Split(images, labels), few, few)
    epochs = len(WAYS) * (options.rounds + 1)
    config = settled(TrainingConfig(model="lenet", data="mnist", batch_size=BATCH, epochs=epochs), data)
    prepared, observer = prepare(config, data), Changing()

    spent: list[float] = []

    def next_way(done) -> None:
        spent.append(observer.spent)
        observer.change(WAYS[len(done.epochs) % len(WAYS)])
        print(f"epoch {len(done.epochs)}/{epochs}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder))
        done = fit(
            *(prepared.trained, prepared.data, config, checkpoints),
            progress=silent,
            jit=False,
            epoch_ended=next_way,
            observer=observer,
        )
    observer.change(WAYS[0])
    rows = [(row["seconds"], each) for row, each in zip(done.epochs, spent, strict=True)]
    warm = rows[len(WAYS) :]  # the first of each warms up
    return {way: warm[number :: len(WAYS)] for number, way in enumerate(WAYS)}


def shares(measured: dict[str, list[tuple[float, float]]], way: str, figure: int) -> list[float]:
    """Return the epochs' speed as shares of that of the epochs beside them that nobody watched."""
    pairs = zip(measured[WAYS[0]], measured[way], strict=True)
    return [usual[figure] / each[figure] for usual, each in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=60_000, help="training images of an epoch")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = seconds(options)
    ratios = {way: statistics.median(shares(measured, way, 0)) for way in WAYS}
    rows = [
        {
            "": way,
            "images/s, median": options.images / statistics.median(each for each, _ in measured[way]),
            "share of those without --live": ratios[way],
            "each": [round(share, 3) for share in shares(measured, way, 0)],
            "by processor time": statistics.median(shares(measured, way, 1)),
        }
        for way in WAYS
    ]
    notes = [judged(f"images/s with {way}", ratios[way], LEAST[way]) for way in LEAST]
    show(f"Training LeNet-5 live, batch {BATCH}", rows, options.json, notes=notes)


if __name__ == "__main__":
    main()

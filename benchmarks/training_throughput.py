"""Training speed of LeNet-5, batch 128: kerascnn, a bare ``model.fit``, PyTorch eager and compiled.

All get the same arrays in whole batches. kerascnn trains by its default recipe in float32, and in a line of
its own in mixed bfloat16, which no bar is about. PyTorch is favoured: its pixels are standardised beforehand
and it counts no right answers.

Each contender trains an epoch to warm up (PyTorch compiles in it) and then some, in a process of its own, the
contenders in turns. Validation is not counted. Choose the processors with ``taskset -c 0,1``.

    python benchmarks/training_throughput.py --data-dir DIR [--rounds 3] [--epochs 5] [--images 60000]
        [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from contenders.arrays import read_mnist
from contenders.measured import judged, show
from contenders.turns import in_turns

BATCH = 128
MEAN, DEVIATION = 25.0, 79.0  # of the pixels, about; the speed does not depend on them
LEAST = {"PyTorch eager": 1.25, "PyTorch compiled": 1.6}  # times as fast as these kerascnn is to be


def kerascnn_rate(images: np.ndarray, labels: np.ndarray, epochs: int, precision: str = "float32") -> float:
    from contenders.kerascnn_training import rate

    from kerascnn.data.dataset import Dataset, Split

    few = Split(images[:BATCH], labels[:BATCH])  # the others do not validate: their time is not counted
    data = Dataset("mnist", tuple("0123456789"), Split(images, labels), few, few)
    return rate(data, epochs, data="mnist", batch_size=BATCH, precision=precision)


def bare_fit_rate(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    import keras

    from kerascnn.models.network import build

    model = build("lenet5", pixel_mean=MEAN, pixel_std=DEVIATION)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return epochs * len(labels) / (time.perf_counter() - started)


def pytorch_rate(images: np.ndarray, labels: np.ndarray, epochs: int, compiled: bool = False) -> float:
    import torch
    from contenders.lenet5_pytorch import lenet5
    from contenders.pytorch_training import rate

    pixels = (images.astype(np.float32) - MEAN) / DEVIATION
    return rate(pixels, labels, lenet5(), torch.optim.Adam, batch=BATCH, epochs=epochs, compiled=compiled)


CONTENDERS: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {
    "kerascnn": kerascnn_rate,
    "kerascnn, mixed_bfloat16": lambda *given: kerascnn_rate(*given, precision="mixed_bfloat16"),
    "bare model.fit": bare_fit_rate,
    "PyTorch eager": pytorch_rate,
    "PyTorch compiled": lambda *given: pytorch_rate(*given, compiled=True),
}


def alone(options: argparse.Namespace) -> float:
    """Return images per second of one contender, measured in this process."""
    images, labels, _, _ = read_mnist(options.data_dir)
    count = min(options.images, len(images)) // BATCH * BATCH
    images = np.pad(images[:count], ((0, 0), (2, 2), (2, 2)))[..., np.newaxis]
    return CONTENDERS[options.only](images, labels[:count].astype(np.int32), options.epochs)


def compare(options: argparse.Namespace) -> None:
    given = ["--data-dir", options.data_dir, "--epochs", options.epochs, "--images", options.images]
    measured = in_turns(__file__, CONTENDERS, options.rounds, *given)
    medians = {name: statistics.median(rates) for name, rates in measured.items()}
    rows = [
        {
            "": name,
            "images/s, median": medians[name],
            "each": [round(rate) for rate in rates],
            "kerascnn is times as fast": medians["kerascnn"] / medians[name],
        }
        for name, rates in measured.items()
    ]
    verdicts = [
        judged(f"kerascnn in float32 against {name}", medians["kerascnn"] / medians[name], least)
        for name, least in LEAST.items()
    ]
    show(
        f"Training LeNet-5, batch {BATCH}, {options.epochs} epochs a round",
        rows,
        options.json,
        notes=verdicts,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5, help="counted ones; one more warms up")
    parser.add_argument("--images", type=int, default=60_000, help="training images of an epoch")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(alone(options))
    else:
        compare(options)


if __name__ == "__main__":
    main()

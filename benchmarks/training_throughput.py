"""Training speed of LeNet-5, batch 128: kerascnn, a bare ``model.fit`` and PyTorch eager on the same arrays.

Each contender trains an epoch to warm up and then some, in a process of its own (two frameworks' thread pools
in one process get in each other's way), the contenders in turns.

    python benchmarks/training_throughput.py --data-dir DIR [--rounds 3] [--epochs 2] [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from contenders.arrays import read_mnist
from contenders.measured import show

from kerascnn.data.dataset import Dataset, Split
from kerascnn.models.family import build
from kerascnn.progress import silent
from kerascnn.training.config import TrainingConfig
from kerascnn.training.fitting import fit

BATCH = 128


def kerascnn_rate(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    few = Split(images[:BATCH], labels[:BATCH])  # the others do not validate: their time is not counted
    dataset = Dataset("mnist", tuple("0123456789"), Split(images, labels), few, few)
    config = TrainingConfig(data="mnist", batch_size=BATCH, epochs=epochs + 1).resolved()
    model = build("lenet5", pixel_mean=25.0, pixel_std=79.0)
    done = fit(model, dataset, config, progress=silent, epoch_ended=lambda _: None)
    return epochs * len(labels) / sum(epoch["seconds"] for epoch in done.epochs[1:])


def bare_fit_rate(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    model = build("lenet5", pixel_mean=25.0, pixel_std=79.0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return epochs * len(labels) / (time.perf_counter() - started)


def pytorch_rate(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    import torch
    from torch import nn

    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    optimizer, loss = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
    pixels = torch.from_numpy((images.transpose(0, 3, 1, 2).astype(np.float32) - 25) / 79)
    targets = torch.from_numpy(labels).long()
    started = 0.0
    for epoch in range(epochs + 1):
        if epoch == 1:
            started = time.perf_counter()
        for batch in torch.randperm(len(targets)).split(BATCH):
            optimizer.zero_grad()
            loss(model(pixels[batch]), targets[batch]).backward()
            optimizer.step()
    return epochs * len(labels) / (time.perf_counter() - started)


CONTENDERS: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {
    "kerascnn": kerascnn_rate,
    "bare model.fit": bare_fit_rate,
    "PyTorch eager": pytorch_rate,
}


def rate(name: str, data_dir: Path, epochs: int) -> float:
    """Return images per second of one contender, measured in this process."""
    images, labels, _, _ = read_mnist(data_dir)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., np.newaxis]
    return CONTENDERS[name](images, labels.astype(np.int32), epochs)


def rate_apart(name: str, data_dir: Path, epochs: int) -> float:
    """Return images per second of one contender, measured in a process of its own."""
    command = [sys.executable, __file__, "--data-dir", data_dir, "--epochs", str(epochs), "--only", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(rate(options.only, options.data_dir, options.epochs))
        return
    measured: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name in CONTENDERS:
            measured[name].append(rate_apart(name, options.data_dir, options.epochs))
    ours = statistics.median(measured["kerascnn"])
    rows = [
        {
            "": name,
            "images/s, median": statistics.median(rates),
            "each": [round(rate) for rate in rates],
            "kerascnn is times as fast": ours / statistics.median(rates),
        }
        for name, rates in measured.items()
    ]
    show(f"Training LeNet-5, batch {BATCH}, {options.epochs} epochs a round", rows, options.json)


if __name__ == "__main__":
    main()

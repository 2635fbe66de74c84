"""The input pipeline alone against the training it feeds: it must not be the slower one.

MNIST: batches of indices from kerascnn's feed, and the images gathered (and moved, with augmentation) from
the table in memory, without a network behind them; against the training of LeNet-5, batch 128, which does the
same inside its compiled step. Photos: batches from files, cropped and flipped, every file decoded or all
pictures kept decoded; against the training of AlexNet, ``nin`` head, 227×227, batch 32.

Both rates are of the epochs after a first one. Each is measured in a process of its own, in turns.

    python benchmarks/input_pipeline.py [--data-dir DIR] [--photos DIR] [--epochs 2] [--rounds 3] [--images N]
        [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contenders.measured import judged, show
from contenders.turns import in_turns

from kerascnn.data.dataset import Dataset
from kerascnn.data.sources.registry import load

MNIST = {"model": "lenet", "data": "mnist"}
PHOTOS = {"model": "alexnet", "head": "nin"}  # and their folder as ``data``
FEEDS: dict[str, dict[str, Any]] = {
    "MNIST": MNIST | {"augment": False},
    "MNIST, moved": MNIST | {"augment": True},
    "photos, each decoded": PHOTOS | {"cache_mb": 0},
    "photos, kept decoded": PHOTOS,
}
ALONE, TRAINING = "alone", "training"
LEAST = 1  # times as fast as the training


def data_and_settings(name: str, options: argparse.Namespace) -> tuple[Dataset, dict[str, Any]]:
    settings = dict(FEEDS[name])
    data_dir = options.data_dir
    if settings["model"] == "alexnet":
        settings["data"], data_dir = str(options.photos), None
    data = load(settings["data"], data_dir)
    return replace(
        data, train=first(data.train, options.images), validation=first(data.validation, 32)
    ), settings


def first(split: Any, count: int | None) -> Any:
    """Return evenly spread images of a split, all without a count."""
    return split if count is None else split.take(np.linspace(0, len(split) - 1, count).astype(int))


def training_rate(data: Dataset, settings: dict[str, Any], epochs: int) -> float:
    from contenders.kerascnn_training import rate

    return rate(data, epochs, **settings)


def alone_rate(data: Dataset, settings: dict[str, Any], epochs: int) -> float:
    """Return images per second of the feed that the training has, until the images stand ready."""
    from kerascnn.data.image_files import FileSplit
    from kerascnn.training.backend.distribution import ALONE
    from kerascnn.training.backend.machine import configure
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.input.from_files import StreamFeed
    from kerascnn.training.input.in_memory import TableFeed
    from kerascnn.training.prepare import prepare, settled

    config = settled(TrainingConfig(**settings), data)
    configure(config.threads, deterministic=False)
    prepared = prepare(config, data)
    if isinstance(prepared.data.train, FileSplit):
        feed: Any = StreamFeed(prepared.trained, prepared.data, config, ALONE)
        use: Callable[[Any], object] = exhaust
    else:
        feed = TableFeed(prepared.trained, prepared.data, config, ALONE)
        use = partial(images_only(feed).predict, verbose=0)
    for epoch in range(1, epochs + 2):
        if epoch == 2:
            started = time.perf_counter()
        use(feed.training(epoch))
    return epochs * len(data.train) / (time.perf_counter() - started)


def exhaust(batches: Any) -> None:
    for _ in batches:
        pass


def images_only(feed: Any) -> Any:
    """Return what takes the feed's batches and makes the images; it gives back one number of each."""
    import keras

    last = "moved" if len(feed.model.inputs) > 1 else "image_table"
    images = feed.model.get_layer(last).output
    model = keras.Model(feed.model.inputs, keras.ops.max(images, axis=(1, 2, 3)))
    model.compile(steps_per_execution=feed.steps_per_call)
    return model


RATES = {ALONE: alone_rate, TRAINING: training_rate}


def compare(options: argparse.Namespace) -> None:
    given = ["--epochs", options.epochs]
    for option in ("data_dir", "photos", "images"):
        if getattr(options, option) is not None:
            given += [f"--{option.replace('_', '-')}", getattr(options, option)]
    there = {"lenet": options.data_dir, "alexnet": options.photos}
    names = [name for name, settings in FEEDS.items() if there[settings["model"]]]
    contenders = [f"{name}: {rate}" for name in names for rate in RATES]
    measured = in_turns(__file__, contenders, options.rounds, *given)
    rows = []
    for name in names:
        alone, training = (measured[f"{name}: {rate}"] for rate in RATES)
        rows.append(
            {
                "": name,
                "pipeline alone, images/s, median": statistics.median(alone),
                "each": [round(rate, 1) for rate in alone],
                "training, images/s, median": statistics.median(training),
                "each of them": [round(rate, 1) for rate in training],
                "pipeline is times as fast": statistics.median(alone) / statistics.median(training),
            }
        )
    notes = [
        judged(f"{row['']}, pipeline over training", row["pipeline is times as fast"], LEAST) for row in rows
    ]
    show(f"Input pipelines, {options.epochs} epochs a round", rows, options.json, notes=notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="a folder with MNIST's four files")
    parser.add_argument("--photos", type=Path, help="a folder of class folders of photos")
    parser.add_argument("--epochs", type=int, default=2, help="counted ones; one more warms up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, help="training images of an epoch  [default: all]")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, _, rate = options.only.rpartition(": ")
        print(RATES[rate](*data_and_settings(name, options), options.epochs))
    elif options.data_dir or options.photos:
        compare(options)
    else:
        parser.error("name --data-dir, --photos or both")


if __name__ == "__main__":
    main()

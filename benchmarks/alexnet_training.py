"""Training speed of AlexNet, batch 32: kerascnn from files, bare Keras and PyTorch from memory.

One network in all of them: one tower, batch normalization, 227×227×3, Adam with decoupled weight decay.
Before anything is timed, PyTorch's gets the weights of Keras' and must return the same logits.

Only kerascnn reads files, crops and flips. Its pictures stay decoded from the first epoch on, as far as they
fit in 2 GiB; a row of its own has every file decoded anew in each epoch, another has mixed bfloat16, which no
bar is about. The others get arrays in memory, which favours them. PyTorch is favoured most: its pixels are
standardised beforehand, it counts no right answers, its optimizer is the fused one, and of eager and compiled
in two memory formats each the fastest counts.

Each contender trains an epoch to warm up (PyTorch compiles in it) and then some, in a process of its own, the
contenders in turns. Validation is not counted. Keep the machine idle otherwise: threads that wait for each
other at every layer, as PyTorch's do, lose most beside other work. Choose the processors with
``taskset -c 0,1``.

    python benchmarks/alexnet_training.py --data DIR [--head nin] [--images 640] [--epochs 5] [--rounds 3]
        [--json FILE]

DIR is a folder of class folders of photos, as ``kerascnn train alexnet --data DIR`` takes it.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contenders.measured import judged, show
from contenders.turns import apart, in_turns

from kerascnn.data.dataset import Dataset
from kerascnn.data.sources.folder import load_folder
from kerascnn.foundation.errors import KerasCnnError

BATCH, SIDE = 32, 227
MEAN, DEVIATION = 120.0, 70.0  # of the pixels; about those of photos, the speed does not depend on them
LEARNING_RATE, WEIGHT_DECAY, BETA_2 = 5e-4, 0.05, 0.99
HEADS = ("nin", "conv1x1", "fc")
LEAST = 1.1  # times as fast as the fastest PyTorch kerascnn is to be
TOLERANCE = 1e-3  # of the largest logit; float32 sums in another order


def photos(folder: Path, wanted: int) -> Dataset:
    """Return evenly spread training pictures in whole batches, one batch to validate; none is decoded yet."""
    dataset = load_folder(folder)
    rule = dataset.preprocessing(SIDE, 3)
    count = min(wanted, len(dataset.train)) // BATCH * BATCH
    if not count:
        raise KerasCnnError(f"{folder} has fewer than {BATCH} training images, or --images is below {BATCH}.")
    chosen = np.linspace(0, len(dataset.train) - 1, count).astype(int)
    train = dataset.train.take(chosen).prepared(rule)
    # the others do not validate: its time is not counted
    few = dataset.validation.take(np.arange(min(BATCH, len(dataset.validation)))).prepared(rule)
    return replace(dataset, train=train, validation=few, test=few)


def keras_network(head: str, classes: int) -> Any:
    from kerascnn.models.network import build

    return build("alexnet", head=head, classes=classes, pixel_mean=MEAN, pixel_std=DEVIATION)


def kerascnn_rate(data: Dataset, head: str, epochs: int, **settings: Any) -> float:
    """Files through kerascnn's own feed and epochs."""
    from contenders.kerascnn_training import rate

    fixed = {"variant": "one_tower", "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    fixed |= {"head": head, "batch_size": BATCH, "augment": True}
    return rate(data, epochs, model="alexnet", **fixed | settings)


def bare_fit_rate(data: Dataset, head: str, epochs: int) -> float:
    """Arrays in memory through ``model.fit``."""
    model, images, labels = compiled_network(data, head)
    model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return epochs * len(labels) / (time.perf_counter() - started)


def bare_step_rate(data: Dataset, head: str, epochs: int) -> float:
    """Arrays in memory through ``model.train_on_batch``: the compiled step without any pipeline."""
    model, images, labels = compiled_network(data, head)
    order = np.random.default_rng(1)
    for epoch in range(epochs + 1):
        if epoch == 1:
            started = time.perf_counter()
        for numbers in order.permutation(len(labels)).reshape(-1, BATCH):
            model.train_on_batch(images[numbers], labels[numbers])
    return epochs * len(labels) / (time.perf_counter() - started)


def compiled_network(data: Dataset, head: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the network as anyone compiles it, and the pictures in memory."""
    import keras

    model = keras_network(head, len(data.classes))
    model.compile(
        keras.optimizers.AdamW(LEARNING_RATE, WEIGHT_DECAY, beta_2=BETA_2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model, data.train.images[:], data.train.labels


def pytorch_rate(data: Dataset, head: str, epochs: int, *, compiled: bool, channels_last: bool) -> float:
    """Standardised arrays in memory through PyTorch."""
    import torch
    from contenders.alexnet_pytorch import alexnet
    from contenders.pytorch_training import rate

    adam = partial(
        torch.optim.AdamW, lr=LEARNING_RATE, betas=(0.9, BETA_2), weight_decay=WEIGHT_DECAY, fused=True
    )
    return rate(
        (data.train.images[:].astype(np.float32) - MEAN) / DEVIATION,
        data.train.labels,
        alexnet(head, len(data.classes)),
        adam,
        batch=BATCH,
        epochs=epochs,
        compiled=compiled,
        channels_last=channels_last,
    )


PYTORCH: dict[str, Callable[[Dataset, str, int], float]] = {
    "PyTorch eager": partial(pytorch_rate, compiled=False, channels_last=False),
    "PyTorch eager, channels_last": partial(pytorch_rate, compiled=False, channels_last=True),
    "PyTorch compiled": partial(pytorch_rate, compiled=True, channels_last=False),
    "PyTorch compiled, channels_last": partial(pytorch_rate, compiled=True, channels_last=True),
}
CONTENDERS: dict[str, Callable[[Dataset, str, int], float]] = {
    "kerascnn": kerascnn_rate,
    "kerascnn, mixed_bfloat16": partial(kerascnn_rate, precision="mixed_bfloat16"),
    "kerascnn, files decoded anew": partial(kerascnn_rate, cache_mb=0),
    "bare model.fit": bare_fit_rate,
    "bare train_on_batch": bare_step_rate,
    **PYTORCH,
}


def same_network(data: Dataset, head: str, epochs: int) -> str:
    """Return in one sentence that both frameworks hold the same network.

    Raises:
        SystemExit: They do not.
    """
    import torch
    from contenders.alexnet_pytorch import VOLUME, alexnet
    from contenders.keras_weights import take_weights

    from kerascnn.analysis.profiling.profile import profile

    theirs, ours = alexnet(head, len(data.classes)).eval(), keras_network(head, len(data.classes))
    draw = np.random.default_rng(1)  # no weight keeps its first value: zeros and ones would hide a mistake
    ours.set_weights([array + draw.uniform(0, 0.02, array.shape) for array in ours.get_weights()])
    take_weights(theirs, ours.get_weights(), VOLUME)
    images = data.validation.images[:8]
    pixels = torch.from_numpy((images.astype(np.float32) - MEAN) / DEVIATION).permute(0, 3, 1, 2)
    before = ours.predict_on_batch(images)
    difference = np.abs(before - theirs(pixels).detach().numpy()).max() / np.abs(before).max()
    measured = profile(ours)
    counts = measured.parameters, measured.parameters_fixed
    their_counts = count(theirs.parameters()), count(part for part in theirs.buffers() if part.ndim)
    if counts != their_counts or not difference < TOLERANCE:
        raise SystemExit(f"The networks differ: {counts} and {their_counts} parameters, {difference:.2g}.")
    return (
        f"Keras and PyTorch: {counts[0]:,} trained and {counts[1]:,} counted parameters each; with the same "
        f"weights their logits differ by at most {difference:.1g} of the largest."
    )


def count(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


def alone(options: argparse.Namespace) -> str | float:
    """Answer in this process."""
    data = photos(options.data, options.images)
    return {**CONTENDERS, "network": same_network}[options.only](data, options.head, options.epochs)


def compare(options: argparse.Namespace) -> None:
    given = ["--data", options.data, "--head", options.head]
    given += ["--images", options.images, "--epochs", options.epochs]
    sentence = apart(__file__, *given, "--only", "network")
    print(sentence, file=sys.stderr)
    measured = in_turns(__file__, CONTENDERS, options.rounds, *given)
    medians = {name: statistics.median(rates) for name, rates in measured.items()}
    rows = [
        {
            "": name,
            "images/s, median": medians[name],
            "each": [round(rate, 2) for rate in rates],
            "kerascnn is times as fast": medians["kerascnn"] / medians[name],
        }
        for name, rates in measured.items()
    ]
    fastest = max(PYTORCH, key=lambda name: medians[name])
    verdict = judged(
        f"kerascnn in float32 against the fastest, {fastest}", medians["kerascnn"] / medians[fastest], LEAST
    )
    title = (
        f"Training AlexNet, {options.head} head, batch {BATCH}, {SIDE}×{SIDE}, {options.images:,} photos, "
        f"counted epochs a round: {options.epochs}"
    )
    show(title, rows, options.json, notes=[sentence, verdict])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of class folders of photos")
    parser.add_argument("--head", choices=HEADS, default="nin")
    parser.add_argument("--images", type=int, default=640, help="training images of an epoch")
    parser.add_argument("--epochs", type=int, default=5, help="counted ones; one more warms up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=[*CONTENDERS, "network"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        options.images = len(photos(options.data, options.images).train)
    except (KerasCnnError, OSError) as error:
        parser.error(str(error))
    if options.only:
        print(alone(options))
    else:
        compare(options)


if __name__ == "__main__":
    main()

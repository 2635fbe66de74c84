"""LeNet-5 and AlexNet in bfloat16 on a GPU: images a second, share of the card's peak, time to 99 % on MNIST.

It needs JAX, Keras, NumPy and Pillow and nothing else: neither TensorFlow nor kerascnn. Copy this file and
the folder ``contenders``. The networks are kerascnn's, built from Keras' layers alone; their numbers of
parameters are checked. Keras on JAX trains them in two ways: by ``fit`` from arrays in memory, each step
started from Python, as kerascnn does, and with an epoch's steps in one compiled call, the images on the card.
Where PyTorch is installed, the same networks train there under autocast, compiled in its default mode and
with CUDA graphs ("reduce-overhead"), the images on the card, memory with the depth last, fused Adam.

Operations are 2 × multiply-adds of convolutions and dense layers × 3 (forward, and twice as much backward).
With a folder of MNIST's files, two epochs by kerascnn's recipe ``fast`` follow, in one compiled call: the
whole process, start to exit.

    python benchmarks/gpu_training.py [--mnist DIR] [--seconds 3] [--seeds 5] [--smoke] [--json FILE]

``--smoke`` tries it with a few images, also without a GPU.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"

import argparse
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contenders.turns import apart

#: Dense operations a second in bfloat16 (T4: float16), from NVIDIA's data sheets, by a part of the name.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12}
BATCHES = {"lenet5": (128, 4096), "alexnet": (128, 512)}
IMAGES = {"lenet5": 61_440, "alexnet": 8_192}  # a multiple of every batch
SMOKE_BATCHES, SMOKE_IMAGES = {"lenet5": (32,), "alexnet": (2,)}, {"lenet5": 128, "alexnet": 4}
PASSES = 3  # one forward, two of the same size backward
GOAL = 0.99
EPOCHS, BATCH, RATE, DECAY, SMOOTHING, WARM_UP = 2, 128, 0.01, 0.05, 0.05, 0.1  # the recipe ``fast``
TRAINED_ON = 55_000  # of the 60,000, as many as kerascnn trains on
FIRST_SEED = 11


def measured_for(seconds: float, call: Callable[[], object], images: int) -> float:
    """Return images per second of calls that train on so many images each, after one that is not counted."""
    call()
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        call()
        count += 1
    return count * images / (time.perf_counter() - started)


def noise(name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels and labels: the speed does not depend on what they show."""
    shape, classes = ((32, 32, 1), 10) if name == "lenet5" else ((227, 227, 3), 1000)
    draw = np.random.default_rng(1)
    images = np.frombuffer(draw.bytes(count * int(np.prod(shape))), np.uint8).reshape(count, *shape)
    return images, draw.integers(0, classes, count).astype(np.int32)


def fit_rate(name: str, batch: int, images: np.ndarray, labels: np.ndarray, seconds: float) -> float:
    import keras
    from contenders.keras_networks import network

    keras.config.set_dtype_policy("mixed_bfloat16")
    model = network(name)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fit = partial(model.fit, images, labels, batch_size=batch, epochs=1, verbose=0)
    return measured_for(seconds, fit, len(images))


def one_call_rate(name: str, batch: int, images: np.ndarray, labels: np.ndarray, seconds: float) -> float:
    import jax
    import keras
    from contenders.jax_training import first_state, steps_in_one_call
    from contenders.keras_networks import network

    keras.config.set_dtype_policy("mixed_bfloat16")
    model, optimizer = network(name), keras.optimizers.Adam()
    run = steps_in_one_call(model, optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    state = first_state(model, optimizer)
    there, draw = jax.device_put((images, labels)), np.random.default_rng(1)

    def call() -> None:
        nonlocal state
        numbers = draw.permutation(len(images)).astype(np.int32).reshape(-1, batch)
        state, losses = run(state, *there, numbers)
        losses.block_until_ready()

    return measured_for(seconds, call, len(images))


def pytorch_rate(
    name: str, batch: int, images: np.ndarray, labels: np.ndarray, seconds: float, mode: str
) -> float:
    import torch
    from contenders.alexnet_pytorch import alexnet
    from contenders.lenet5_pytorch import lenet5

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = lenet5() if name == "lenet5" else alexnet("fc", 1000)
    network = network.to(device, memory_format=torch.channels_last).train()
    optimizer, loss = torch.optim.Adam(network.parameters(), fused=True), torch.nn.CrossEntropyLoss()
    pixels = torch.from_numpy(images.copy()).to(device)
    targets = torch.from_numpy(labels).to(device).long()

    @partial(torch.compile, mode=mode)
    def measured(pixels: Any, targets: Any) -> Any:
        with torch.autocast(device, torch.bfloat16):
            logits = network(pixels.permute(0, 3, 1, 2).float() / 255)
        return loss(logits.float(), targets)

    def call() -> None:
        for numbers in torch.randperm(len(targets), device=device).split(batch):
            optimizer.zero_grad()
            measured(pixels[numbers], targets[numbers]).backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return measured_for(seconds, call, len(images))


CONTENDERS: dict[str, Callable[..., float]] = {
    "Keras on JAX, fit": fit_rate,
    "Keras on JAX, steps in one call": one_call_rate,
    "PyTorch compiled": partial(pytorch_rate, mode="default"),
    "PyTorch compiled, CUDA graphs": partial(pytorch_rate, mode="reduce-overhead"),
}


def rates(contender: str, smoke: bool, seconds: float) -> dict[str, dict[int, float]]:
    """Return images per second of each network and batch size."""
    sizes, counts = (SMOKE_BATCHES, SMOKE_IMAGES) if smoke else (BATCHES, IMAGES)
    return {
        name: {
            batch: CONTENDERS[contender](name, batch, *noise(name, counts[name]), seconds)
            for batch in batches
        }
        for name, batches in sizes.items()
    }


def card() -> dict[str, Any]:
    """Return the device's name, versions, and the operations of one trained image of each network."""
    import jax
    import keras
    from contenders.keras_networks import multiply_adds, network

    operations = {name: 2 * PASSES * multiply_adds(network(name)) for name in BATCHES}
    versions = {"jax": jax.__version__, "keras": keras.__version__}
    return {"device": jax.devices()[0].device_kind, "versions": versions, "operations": operations}


def read_mnist(folder: Path) -> list[np.ndarray]:
    """Return training images (n, 32, 32, 1), their labels, test images and their labels."""
    arrays = []
    for split in ("train", "t10k"):
        for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
            with gzip.open(folder / f"{split}-{kind}-ubyte.gz") as stream:
                values = np.frombuffer(stream.read(), np.uint8, offset=header)
            if header == 16:
                arrays.append(np.pad(values.reshape(-1, 28, 28, 1), ((0, 0), (2, 2), (2, 2), (0, 0))))
            else:
                arrays.append(values.astype(np.int32))
    return arrays


def mnist(folder: Path, seed: int, smoke: bool) -> dict[str, float]:
    """Train LeNet-5 by the recipe ``fast`` and return the test accuracy and the seconds of the training."""
    import keras
    from contenders.jax_training import first_state, steps_in_one_call
    from contenders.keras_networks import network
    from keras import ops

    images, labels, test_images, test_labels = read_mnist(folder)
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(seed)
    model, draw = network("lenet5"), np.random.default_rng(seed)
    count = (10 * BATCH if smoke else min(TRAINED_ON, len(labels))) // BATCH * BATCH
    steps = count // BATCH * EPOCHS
    warm_up = max(round(steps * WARM_UP), 1)

    class Linear(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            step = ops.cast(step, "float32")
            return RATE * ops.minimum((step + 1) / (warm_up + 1), 1 - (step - warm_up) / (steps - warm_up))

    optimizer = keras.optimizers.Adam(Linear(), beta_2=0.99, weight_decay=DECAY)
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTHING)
    run = steps_in_one_call(
        model,
        optimizer,
        lambda labels, logits: smoothed(ops.one_hot(labels, 10), ops.cast(logits, "float32")),
    )
    started = time.perf_counter()
    orders = [draw.permutation(len(labels))[:count].reshape(-1, BATCH) for _ in range(EPOCHS)]
    state, losses = run(
        first_state(model, optimizer), images, labels, np.concatenate(orders).astype(np.int32)
    )
    losses.block_until_ready()
    seconds = time.perf_counter() - started
    for variables, values in (
        (model.trainable_variables, state[0]),
        (model.non_trainable_variables, state[1]),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    answers = model.predict(test_images, batch_size=1_000, verbose=0).argmax(axis=1)
    return {"accuracy": float((answers == test_labels).mean()), "training seconds": seconds}


def throughput_rows(smoke: bool, seconds: float, about: dict[str, Any]) -> list[dict[str, Any]]:
    peak = next((peak for part, peak in PEAKS.items() if part in about["device"]), None)
    rows = []
    for contender in CONTENDERS:
        if contender.startswith("PyTorch") and not find_spec("torch"):
            continue
        flags = ["--seconds", seconds, *(["--smoke"] if smoke else [])]
        measured = json.loads(apart(__file__, *flags, "--only", contender).splitlines()[-1])
        for name, by_batch in measured.items():
            for batch, rate in by_batch.items():
                share = about["operations"][name] * rate / peak if peak else None
                row = {
                    "network": name,
                    "batch": int(batch),
                    "": contender,
                    "images/s": rate,
                    "of peak": share,
                }
                rows.append(row)
                print(row, file=sys.stderr)
    return sorted(rows, key=lambda row: (list(BATCHES).index(row["network"]), row["batch"]))


def mnist_sentence(folder: Path, seeds: int, smoke: bool) -> str:
    ended = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        started = time.perf_counter()
        given = ["--mnist", folder, "--seed", seed, *(["--smoke"] if smoke else [])]
        result = json.loads(apart(__file__, *given).splitlines()[-1])
        ended.append(result | {"seconds": time.perf_counter() - started})
        print(f"seed {seed}: {ended[-1]}", file=sys.stderr)
    reached = sum(result["accuracy"] >= GOAL for result in ended)
    whole, training = (
        statistics.median(result[part] for result in ended) for part in ("seconds", "training seconds")
    )
    each = ", ".join(f"{result['accuracy']:.2%}" for result in ended)
    return (
        f"MNIST, LeNet-5, {EPOCHS} epochs: {reached} of {seeds} seeds reached {GOAL:.0%} ({each}); process "
        f"start to exit {whole:.1f} s (median), of which the training {training:.1f} s, compiling included."
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as aligned columns."""
    texts = [
        list(rows[0]),
        *(
            [row["network"], str(row["batch"]), row[""], f"{row['images/s']:,.0f}", share(row)]
            for row in rows
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in texts)


def share(row: dict[str, Any]) -> str:
    return "–" if row["of peak"] is None else f"{row['of peak']:.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="a folder with MNIST's four files")
    parser.add_argument("--seconds", type=float, default=3, help="measured for each network and batch")
    parser.add_argument("--seeds", type=int, default=5, help="trainings on MNIST")
    parser.add_argument("--smoke", action="store_true", help="a few images, to try it")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=[*CONTENDERS, "card"], help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only == "card":
        print(json.dumps(card()))
    elif options.only:
        print(json.dumps(rates(options.only, options.smoke, options.seconds)))
    elif options.seed is not None:
        print(json.dumps(mnist(options.mnist, options.seed, options.smoke)))
    else:
        about = json.loads(apart(__file__, "--only", "card").splitlines()[-1])
        rows = throughput_rows(options.smoke, options.seconds, about)
        notes = (
            [mnist_sentence(options.mnist.resolve(), options.seeds, options.smoke)] if options.mnist else []
        )
        versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
        print(f"Training in bfloat16 on {about['device']}; {versions}\n\n{table(rows)}")
        print(*notes, sep="\n")
        if options.json:
            options.json.write_text(json.dumps(about | {"rows": rows, "notes": notes}, indent=2) + "\n")


if __name__ == "__main__":
    main()

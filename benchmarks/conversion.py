"""Peak memory and time of the int8 conversion of AlexNet: kerascnn against TensorFlow's bare converter.

Both get the same untrained network (227×227×3, fc head, ten classes: the largest there is here) and the same
calibration images from memory, fix the batch to one and put a softmax behind it. Each runs in a process of
its own, in turns; the peak is that of the whole process.

    python benchmarks/conversion.py [--head fc] [--samples 100] [--rounds 3] [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contenders.measured import judged, show
from contenders.turns import apart

MOST = 1.1  # times the bare converter's


def kerascnn(model: Any, images: np.ndarray) -> bytes:
    from kerascnn.tflite.quantization.convert import convert
    from kerascnn.tflite.quantization.schemes import schemes

    return convert(model, schemes["static_wi8_ai8"], images)


def bare_converter(model: Any, images: np.ndarray) -> bytes:
    import keras
    import tensorflow as tf

    pixels = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(
        keras.Model(pixels, keras.layers.Softmax()(model(pixels)))
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


CONTENDERS: dict[str, Callable[[Any, np.ndarray], bytes]] = {
    "kerascnn": kerascnn,
    "bare converter": bare_converter,
}


def alone(options: argparse.Namespace) -> dict[str, float]:
    """Return peak memory in MiB and seconds of one conversion in this process."""
    import keras

    from kerascnn.models.network import build

    keras.utils.set_random_seed(1)
    model = build("alexnet", head=options.head, classes=10, pixel_mean=120.0, pixel_std=60.0)
    images = np.random.default_rng(1).integers(0, 256, (options.samples, 227, 227, 3), np.uint8)
    started = time.perf_counter()
    content = CONTENDERS[options.only](model, images)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return {"peak MiB": peak, "seconds": seconds, "bytes": len(content)}


def compare(options: argparse.Namespace) -> None:
    given = ["--head", options.head, "--samples", options.samples]
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name, found in measured.items():
            found.append(json.loads(apart(__file__, *given, "--only", name).splitlines()[-1]))
            print(name, found[-1], file=sys.stderr)
    rows = [
        {"": name} | {what: statistics.median(one[what] for one in found) for what in found[0]}
        for name, found in measured.items()
    ]
    ours, bare = rows
    notes = [
        judged(f"{what}: bare converter's share of kerascnn's", bare[what] / ours[what], 1 / MOST)
        for what in ("peak MiB", "seconds")
    ]
    title = f"int8 conversion of AlexNet, {options.head} head, {options.samples} calibration images"
    show(title, rows, options.json, notes=notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--head", default="fc")
    parser.add_argument("--samples", type=int, default=100, help="calibration images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(alone(options)))
    else:
        compare(options)


if __name__ == "__main__":
    main()

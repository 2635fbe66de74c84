"""The integer program against LiteRT's reference kernels: every tensor of every image, bit for bit.

Each file gets the same inputs on both sides: MNIST's test images where it takes 28×28 or 32×32 grey values,
photos where it takes three channels, random bytes otherwise or where neither folder is given.

    python benchmarks/integer_program.py FILE… [--mnist DIR] [--photos DIR] [--inputs 10000] [--json FILE]

Untrained AlexNets to compare with, calibrated on photos:

    python benchmarks/integer_program.py --make-alexnets FOLDER --photos DIR
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from contenders.measured import show
from PIL import Image, ImageOps

from kerascnn.data.formats.idx import read_idx
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.host import HostProgram
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors

ALEXNETS = [("one_tower", head) for head in ("fc", "conv1x1", "nin")] + [
    ("small_stem", "conv1x1"),
    ("two_towers", "conv1x1"),
]


def photos(folder: Path, height: int, width: int) -> Iterator[np.ndarray]:
    for path in sorted(folder.rglob("*.jpg")):
        with Image.open(path) as picture:
            yield np.asarray(ImageOps.fit(picture.convert("RGB"), (width, height)))


def digits(folder: Path, side: int) -> Iterator[np.ndarray]:
    margin = (side - 28) // 2
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz", 3)
    yield from np.pad(images, ((0, 0), (margin, margin), (margin, margin)))[..., np.newaxis]


def inputs(shape: tuple[int, ...], options: argparse.Namespace) -> tuple[str, Iterator[np.ndarray]]:
    """Return what goes into a network that takes this shape, and what it is called."""
    if len(shape) == 4 and shape[3] == 3 and options.photos:
        return "photos", photos(options.photos, shape[1], shape[2])
    if shape in ((1, 28, 28, 1), (1, 32, 32, 1)) and options.mnist:
        return "MNIST", digits(options.mnist, shape[1])
    draw = np.random.default_rng(1)
    return "random", (draw.integers(0, 256, shape[1:], np.uint8) for _ in count())


def compared(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    program = integer_program(path)
    ours = HostProgram(program)
    oracle = IntermediateTensors(path, read_graph(path).subgraphs[0], reference=True)
    (number,) = program.inputs
    tensor = program.tensors[number]
    kind, images = inputs(tensor.shape, options)
    images_seen = values = different = 0
    seconds = [0.0, 0.0]
    for image in islice(images, options.inputs):
        images_seen += 1
        as_drawn = image[np.newaxis].view(tensor.type.lower())
        stored = as_drawn if kind == "random" else oracle.encoded(image)
        for place, side in enumerate((ours, oracle)):
            started = time.process_time()
            side.run({number: stored})
            seconds[place] += time.process_time() - started
        for step in program.steps:
            one, other = ours.stored(step.output), oracle.stored(step.output)
            values += one.size
            different += int((one != other).sum())
    return {
        "": path.stem if path.parent.name != "tflite" else path.parents[1].name,
        "steps": len(program.steps),
        "inputs": f"{images_seen:,} {kind}",
        "values compared": f"{values:,}",
        "different": different,
        "kernels ms": 1000 * seconds[0] / images_seen,
        "reference ms": 1000 * seconds[1] / images_seen,
    }


def make_alexnets(folder: Path, source: Path) -> None:
    import keras

    from kerascnn.models.network import build
    from kerascnn.tflite.quantization.convert import convert
    from kerascnn.tflite.quantization.schemes import schemes

    folder.mkdir(parents=True, exist_ok=True)
    for variant, head in ALEXNETS:
        keras.utils.set_random_seed(1)
        mean = 0.0 if variant == "small_stem" else 120.0  # its first convolution pads
        model = build("alexnet", variant=variant, head=head, classes=10, pixel_mean=mean, pixel_std=60.0)
        height, width = model.input_shape[1:3]
        images = np.stack(list(islice(photos(source, height, width), 8)))
        path = folder / f"{variant}-{head}.tflite"
        path.write_bytes(convert(model, schemes["static_wi8_ai8"], images))
        print(path, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST")
    parser.add_argument("--photos", type=Path, help="folder of photos")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--make-alexnets", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.make_alexnets:
        make_alexnets(options.make_alexnets, options.photos)
    rows = [compared(path, options) for path in options.files]
    if rows:
        show("Integer program against LiteRT's reference kernels", rows, options.json)


if __name__ == "__main__":
    main()

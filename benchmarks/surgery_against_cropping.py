"""Scores at every position of a larger image: one pass of the rewritten network against a pass a crop.

A network with the fc head takes one image size. Rewritten by surgery it takes a larger image and answers at
every position in one pass. The other way to the same scores is to cut out the window at every position, one
forward pass each, or all windows as one batch, which spares the cost of a call but not the arithmetic.

LeNet-5 pads nowhere: its map and its crops give the same numbers, and this is checked. AlexNet
(``small_stem``) pads: a crop sees zeros beyond its border where the map sees the picture, so the scores
differ by nature. There the difference is printed to show that, no equality is claimed, only costs compare.

All ways run in one process, in turns. The weights are random unless a run is given; they change no cost.

    python benchmarks/surgery_against_cropping.py [--run RUN] [--image-size 96] [--rounds 7] [--json FILE]

RUN is a trained LeNet-5 with the fc head; ``--image-size`` is that of the image it is shown.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from contenders.measured import show

from kerascnn.analysis.evaluation.evaluation import keras_scores
from kerascnn.analysis.interpretability.class_activation import resized_to_map
from kerascnn.analysis.profiling.profile import profile
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.models.family import Variant, family
from kerascnn.models.geometry import check_image_size
from kerascnn.models.keras_file import load_model
from kerascnn.models.network import build
from kerascnn.training.run import Run
from kerascnn.workflows.surgery import as_convolutions

ALEXNET_IMAGE = 64  # twice the 32 it is built for: 25 positions
TOLERANCE = 1e-4  # of the largest score; float32 sums in another order
ONE_PASS = "one pass"


@dataclass(frozen=True)
class Subject:
    """A network with the fc head, and the image it is shown.

    Attributes:
        model: For crops: a ``keras.Model`` of one image size.
        whole: The same network after surgery, from the larger image to the map of scores.
        image: uint8, shape (1, side, side, channels).
        step: Pixels between neighbouring positions.
        padded: Whether a convolution pads, so that crops differ from the map at their borders.
    """

    name: str
    model: Any
    whole: Any
    image: np.ndarray
    step: int
    padded: bool

    @classmethod
    def of(cls, name: str, model: Any, variant: Variant, side: int) -> "Subject":
        """Rewrite a network for an image of the given side.

        Raises:
            UsageError: The size does not fit, or is smaller than the network's own.
        """
        check_image_size(variant.windows, side)
        _, own, _, channels = model.input_shape
        if side < own:
            raise UsageError(f"image_size={side} is smaller than the network's {own}.")
        return cls(
            name=name,
            model=model,
            whole=resized_to_map(as_convolutions(model), side, side),
            image=np.random.default_rng(1).integers(0, 256, (1, side, side, channels), np.uint8),
            step=math.prod(window.stride for window in variant.windows),
            padded=any(window.padding for window in variant.windows),
        )

    @property
    def map_side(self) -> int:
        """Positions a side."""
        return int(self.whole.output_shape[1])

    def crops(self) -> np.ndarray:
        """Cut out the window of every position, row by row: uint8 (positions, side, side, channels)."""
        side = self.model.input_shape[1]
        starts = [position * self.step for position in range(self.map_side)]
        return np.stack(
            [self.image[0, top : top + side, left : left + side] for top in starts for left in starts]
        )


def one_pass(subject: Subject) -> np.ndarray:
    return subject.whole.predict_on_batch(subject.image)[0]


def pass_a_crop(subject: Subject) -> np.ndarray:
    return as_map([subject.model.predict_on_batch(crop[np.newaxis])[0] for crop in subject.crops()])


def batches_of_crops(subject: Subject) -> np.ndarray:
    return as_map(keras_scores(subject.model, subject.crops()))


def as_map(scores: Any) -> np.ndarray:
    """Return scores of all positions as (rows, columns, classes)."""
    side = math.isqrt(len(scores))
    return np.reshape(scores, (side, side, -1))


WAYS: dict[str, Callable[[Subject], np.ndarray]] = {
    ONE_PASS: one_pass,
    "a pass a crop": pass_a_crop,
    "all crops in batches": batches_of_crops,
}


def lenet5(run: Path | None, side: int) -> Subject:
    """Return LeNet-5 with random weights, or that of a run.

    Raises:
        KerasCnnError: The run cannot be read, is another network, or the image size does not fit.
    """
    _, variant = family("lenet5").variant("modern")
    if run is None:
        return Subject.of("LeNet-5", build("lenet5"), variant, side)
    model, description = load_model(Run.open(run).require_model())
    if str(description.architecture) != "lenet5 (modern), head fc":
        raise UsageError(f"{run} is not a LeNet-5 (modern) with the fc head.")
    return Subject.of("LeNet-5", model, variant, side)


def alexnet() -> Subject:
    _, variant = family("alexnet").variant("small_stem")
    model = build("alexnet", variant="small_stem", classes=10)
    return Subject.of("AlexNet small_stem", model, variant, ALEXNET_IMAGE)


def rows_of(subject: Subject, rounds: int) -> list[dict]:
    """Compare the ways' scores, then time them in turns; the comparison has warmed them up."""
    scores = {name: way(subject) for name, way in WAYS.items()}
    differences = {name: float(np.abs(each - scores[ONE_PASS]).max()) for name, each in scores.items()}
    largest = float(np.abs(scores[ONE_PASS]).max())
    if not subject.padded and max(differences.values()) > TOLERANCE * largest:
        raise SystemExit(f"{subject.name}: the crops give other scores than the map: {differences}")
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            times[name].append(milliseconds(way, subject))
    medians = {name: statistics.median(each) for name, each in times.items()}
    costs = multiply_adds(subject)
    return [
        {
            "": f"{subject.name}, {subject.image.shape[1]} pixels: {name}",
            "ms, median": medians[name],
            "fastest": min(times[name]),
            "slowest": max(times[name]),
            "times one pass": medians[name] / medians[ONE_PASS],
            "multiply-adds": f"{costs[name]:,}",
            "times those of one pass": costs[name] / costs[ONE_PASS],
            "largest difference": differences[name],
        }
        for name in WAYS
    ]


def milliseconds(way: Callable[[Subject], np.ndarray], subject: Subject) -> float:
    started = time.perf_counter()
    way(subject)
    return (time.perf_counter() - started) * 1000


def multiply_adds(subject: Subject) -> dict[str, int]:
    """Return what each way multiplies for all positions."""
    cropping = (profile(subject.model).multiply_adds or 0) * subject.map_side**2
    return {
        name: (profile(subject.whole).multiply_adds or 0) if name == ONE_PASS else cropping for name in WAYS
    }


def note(subject: Subject) -> str:
    side = subject.map_side
    said = f"{subject.name}: {side}×{side} positions, {subject.step} pixels apart, scores up to "
    said += f"{np.abs(one_pass(subject)).max():.3g}. "
    if not subject.padded:
        return said + "It pads nowhere: crops have the map's scores (checked)."
    return (
        said
        + "It pads: crops see zeros at their borders, their scores are not the map's; only costs compare."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a trained LeNet-5 with the fc head")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    try:
        subjects = [lenet5(options.run, options.image_size), alexnet()]
    except KerasCnnError as error:
        parser.error(str(error))
    rows = []
    for subject in subjects:
        print(f"{subject.name} …", file=sys.stderr)
        rows += rows_of(subject, options.rounds)
    title = f"A score at every position, {options.rounds} rounds in turns"
    show(title, rows, options.json, notes=[note(subject) for subject in subjects])


if __name__ == "__main__":
    main()

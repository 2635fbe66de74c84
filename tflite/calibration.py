"""Which images set the int8 ranges: training images only, chosen by a seed, every one recorded."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Split
from kerascnn.errors import KerasCnnError, UsageError

DEFAULT_SAMPLES = 500


@dataclass(frozen=True)
class Calibration:
    """Images for the converter and the record of what they are.

    Attributes:
        images: uint8, shape (n, height, width, channels); one of them stretched to reach 0 and 255.
        record: The content of ``calibration.json``.
    """

    images: NDArray[np.uint8]
    record: dict[str, Any]


def choose(train: Split, samples: int | None, *, seed: int, classes: tuple[str, ...]) -> Calibration:
    """Choose calibration images from the training split, stratified by class.

    The image of most contrast is stretched to 0…255: otherwise the input scale would depend on how bright
    the brightest image happens to be, and brighter pixels would saturate on the device.

    Args:
        train: Images as they enter the model.
        samples: How many; ``None`` takes 500, or all where there are fewer.
        seed: Of the draw.
        classes: Their names, for the record.

    Raises:
        UsageError: More samples than training images, or less than one.
        KerasCnnError: Every image is of one single colour.
    """
    if samples is None:
        samples = min(DEFAULT_SAMPLES, len(train))
    if not 1 <= samples <= len(train):
        raise UsageError(
            f"calibration_samples must be 1 to {len(train):,}, the number of training images. "
            f"Received: calibration_samples={samples}"
        )
    indices = _stratified(train.labels, samples, seed)
    images = train.images[indices]
    hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    images, stretched = _stretch_one(images)
    fed = hashlib.sha256(images[stretched["position"]].tobytes()).hexdigest()
    counts = np.bincount(train.labels[indices], minlength=len(classes))
    record = {
        "split": "train",
        "seed": seed,
        "n": samples,
        "class_counts": dict(zip(classes, counts.tolist(), strict=True)),
        "stretched": stretched | {"index": int(indices[stretched["position"]]), "sha256_stretched": fed},
        "samples": [
            {"index": int(index), "sha256": content} for index, content in zip(indices, hashes, strict=True)
        ],
    }
    return Calibration(images, record)


def _stratified(labels: NDArray[np.int32], samples: int, seed: int) -> NDArray[np.intp]:
    """Return ascending indices: shuffled, sorted by class, then taken at even distances."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    even = ((np.arange(samples) + 0.5) * len(labels) / samples).astype(np.intp)
    return np.sort(by_class[even])


def _stretch_one(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], dict[str, int]]:
    flat = images.reshape(len(images), -1).astype(np.int16)
    lows, highs = flat.min(axis=1), flat.max(axis=1)
    position = int(np.argmax(highs - lows))
    low, high = int(lows[position]), int(highs[position])
    if low == high:
        raise KerasCnnError("No calibration image has any contrast: int8 ranges cannot be found from them.")
    stretched = images.copy()
    stretched[position] = np.round((images[position].astype(float) - low) * (255 / (high - low)))
    return stretched, {"position": position, "darkest": low, "brightest": high}

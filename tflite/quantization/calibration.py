"""Choose the calibration images that set the int8 ranges: training images only, by a seed, all recorded.

A training image whose content is also in the validation or test split is not taken: ranges found on images
that a file is judged by would flatter it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Split
from kerascnn.data.split import stratified_sample
from kerascnn.foundation.errors import KerasCnnError, UsageError

DEFAULT_SAMPLES = 500
READ_AT_ONCE = 256  # images; a split of files decodes them only now


@dataclass(frozen=True)
class Calibration:
    """Calibration images for the converter, with their record.

    Attributes:
        images: uint8, shape (n, height, width, channels); one of them stretched to reach 0 and 255.
        record: The content of ``calibration.json``.
    """

    images: NDArray[np.uint8]
    record: dict[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """Return n, seed and a hash of the images."""
        contents = "".join(sample["sha256"] for sample in self.record["samples"])
        return {
            "n": self.record["n"],
            "seed": self.record["seed"],
            "sha256": hashlib.sha256(contents.encode()).hexdigest(),
        }

    def halves(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return two disjoint halves of the images, each with one that reaches 0 and 255."""
        first, second = self.images[0::2], self.images[1::2]
        return _stretch_one(first)[0], _stretch_one(second)[0]


def choose(
    train: Split,
    samples: int | None,
    *,
    seed: int,
    classes: tuple[str, ...],
    held_out: Mapping[str, Split] | None = None,
) -> Calibration:
    """Choose calibration images from the training split, stratified by class.

    The image of most contrast is stretched to 0…255: otherwise the input scale would depend on how bright
    the brightest image happens to be, and brighter pixels would saturate on the device.

    Args:
        train: Images as they enter the model.
        samples: How many; ``None`` takes 500, or all where there are fewer.
        seed: Random seed.
        classes: Their names, for the record.
        held_out: Splits by name of which no image may be among them, by content; as they enter the model.

    Raises:
        UsageError: More samples than training images, or less than one.
        KerasCnnError: Every image is of one single colour, or is held out too.
    """
    held_out = held_out or {}
    kept_apart = {name: set(_hashes(split)) for name, split in held_out.items()}
    indices, left_out = _apart(train, samples, seed, set().union(*kept_apart.values()))
    images = train.images[indices]
    hashes = [_hash(image) for image in images]
    images, stretched = _stretch_one(images)
    fed = _hash(images[stretched["position"]])
    counts = np.bincount(train.labels[indices], minlength=len(classes))
    record = {
        "split": "train",
        "seed": seed,
        "n": len(indices),
        "class_counts": dict(zip(classes, counts.tolist(), strict=True)),
        "disjoint_from": {
            name: {"n": len(split), "shared": len(kept_apart[name].intersection(hashes))}
            for name, split in held_out.items()
        },
        "left_out": [
            {
                "index": index,
                "sha256": content,
                "also_in": [n for n, kept in kept_apart.items() if content in kept],
            }
            for index, content in sorted(left_out.items())
        ],
        "stretched": stretched | {"index": int(indices[stretched["position"]]), "sha256_stretched": fed},
        "samples": [
            {"index": int(index), "sha256": content} for index, content in zip(indices, hashes, strict=True)
        ],
    }
    return Calibration(images, record)


def _apart(
    train: Split, samples: int | None, seed: int, forbidden: set[str]
) -> tuple[NDArray[np.intp], dict[int, str]]:
    """Return indices of allowed images, and of the forbidden ones found, with their hashes.

    Only what is drawn is read: a forbidden image is left out and the draw made again without it.
    """
    wanted = min(DEFAULT_SAMPLES, len(train)) if samples is None else samples
    if not 1 <= wanted <= len(train):
        raise UsageError(
            f"calibration_samples must be 1 to {len(train):,}, the number of training images. "
            f"Received: calibration_samples={wanted}"
        )
    left_out: dict[int, str] = {}
    while len(left_out) < len(train):
        allowed = np.setdiff1d(np.arange(len(train)), list(left_out))
        indices = allowed[stratified_sample(train.labels[allowed], min(wanted, len(allowed)), seed)]
        drawn = zip(indices.tolist(), _hashes(train.take(indices)), strict=True)
        met = {index: content for index, content in drawn if content in forbidden}
        if not met:
            return indices, left_out
        left_out |= met
    raise KerasCnnError(
        "Every training image is also in the validation or test split, so none can be used for calibration."
    )


def _hashes(split: Split) -> Iterator[str]:
    for start in range(0, len(split), READ_AT_ONCE):
        yield from map(_hash, split.images[start : start + READ_AT_ONCE])


def _hash(image: NDArray[np.uint8]) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def _stretch_one(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], dict[str, int]]:
    flat = images.reshape(len(images), -1).astype(np.int16)
    lows, highs = flat.min(axis=1), flat.max(axis=1)
    position = int(np.argmax(highs - lows))
    low, high = int(lows[position]), int(highs[position])
    if low == high:
        raise KerasCnnError("The calibration images have no contrast, so int8 ranges cannot be determined.")
    stretched = images.copy()
    stretched[position] = np.round((images[position].astype(float) - low) * (255 / (high - low)))
    return stretched, {"position": position, "darkest": low, "brightest": high}

"""Folders of small photos, one colour a class."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("blue", "green", "red")

#: A training on them that takes seconds.
SMALL = ["--variant", "small_stem", "--image-size", 16, "--head", "nin", "--batch-size", 8]


def paint(folder: Path, n: int, first: int = 0) -> None:
    """Write n photos of different sizes for each class, each with its class's colour and some noise."""
    for channel, name in enumerate(reversed(CLASSES)):
        (folder / name).mkdir(parents=True)
        for number in range(first, first + n):
            draw = np.random.default_rng((channel, number))
            pixels = draw.integers(0, 90, (20 + number % 3, 24, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / name / f"{number:03}.{'jpg' if number % 2 else 'PNG'}")


def paths(split) -> set[Path]:
    """Return the files of a split."""
    return set(split.images.paths)

"""Two classifiers on the test images of each class alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.significance import PairedDifference, paired_difference


@dataclass(frozen=True)
class ClassDifference:
    """Accuracy of b minus that of a on one class.

    Attributes:
        name: Of the class.
        images: The number of its test images.
        difference: On these alone.
    """

    name: str
    images: int
    difference: PairedDifference

    @property
    def images_apart(self) -> float:
        """By how many images it differs: one image of a class of one would be 100 points."""
        return abs(self.difference.points) * self.images

    def to_dict(self) -> dict[str, Any]:
        """Return class, test_images, difference_points, low, high."""
        found = self.difference
        return {
            "class": self.name,
            "test_images": self.images,
            "difference_points": found.points,
            "low": found.low,
            "high": found.high,
        }


def differences_by_class(
    a: NDArray[np.bool_], b: NDArray[np.bool_], labels: NDArray[np.int32], classes: Sequence[str]
) -> tuple[ClassDifference, ...]:
    """Compare two classifiers on each class that has test images.

    Args:
        a: Which test images the first classified correctly, shape (seeds, images); ``b``: the second.
        labels: Of the images.
        classes: Their names.
    """
    return tuple(
        ClassDifference(name, int(mine.sum()), paired_difference(a[:, mine], b[:, mine]))
        for label, name in enumerate(classes)
        if (mine := labels == label).any()
    )

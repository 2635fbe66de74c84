"""Calibration of predicted probabilities: of the answers given with 80 %, are 80 % right?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.metrics import Accuracy

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The predictions whose probability is in one tenth of the range.

    Attributes:
        stated: The mean probability that was given.
        correct: The share that is right.
        n: How many answers, over all seeds.
        interval: The 95 % Wilson interval of ``correct``, for the answers of one seed: seeds do not multiply
            images.
    """

    stated: float
    correct: float
    n: int
    interval: tuple[float, float]


@dataclass(frozen=True)
class Reliability:
    """The bins with predictions, from the lowest to the highest probability."""

    bins: tuple[Bin, ...]

    @classmethod
    def of(cls, probabilities: NDArray[np.float32], labels: NDArray[np.int32]) -> "Reliability":
        """Sort predictions into bins by their probability.

        Args:
            probabilities: Shape (seeds, images, classes).
            labels: Shape (images,).
        """
        stated, correct = probabilities.max(axis=2), probabilities.argmax(axis=2) == labels
        tenth = np.minimum((stated * BINS).astype(int), BINS - 1)
        found = ((stated[tenth == number], correct[tenth == number]) for number in range(BINS))
        seeds = len(probabilities)
        return cls(tuple(_bin(given, right, seeds) for given, right in found if len(given)))

    @property
    def n(self) -> int:
        """Number of predictions."""
        return sum(each.n for each in self.bins)

    @property
    def error(self) -> float:
        """The expected calibration error (Guo et al., 2017), 0 to 1."""
        return sum(each.n * abs(each.correct - each.stated) for each in self.bins) / self.n


def _bin(stated: NDArray[np.float32], correct: NDArray[np.bool_], seeds: int) -> Bin:
    images = max(1, round(len(stated) / seeds))
    share = float(correct.mean())
    return Bin(float(stated.mean()), share, len(stated), Accuracy(round(share * images), images).interval)

"""What a report shows beyond the figures of a study: the runs, what they answered, the test images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Split
from kerascnn.studies.results.predictions import Predictions, Probabilities
from kerascnn.training.run import Run


@dataclass(frozen=True)
class Group:
    """What is compared: one network, trained with some seeds.

    Attributes:
        name: Its head, or of runs that are no grid the run.
        runs: One a seed, in the order of the seeds.
        answers: Of each run to the same test images.
    """

    name: str
    runs: Sequence[Run]
    answers: Sequence[Predictions]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings, in the order of the answers."""
        return tuple(run.record.seed for run in self.runs)

    @property
    def floating(self) -> Probabilities:
        """Of the Keras models, float32 (seeds, images, classes)."""
        return np.stack([one.floating for one in self.answers])

    @property
    def int8(self) -> Probabilities:
        """Of the int8 files, likewise."""
        return np.stack([one.int8 for one in self.answers])

    def confusion(self, labels: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return how often which class was taken for which by the Keras models.

        Args:
            labels: Of the test images, shape (images,).

        Returns:
            Counts of images, the mean over the seeds, shape (classes, classes): rows are the truth.
        """
        shares = self.floating
        counts = np.zeros((shares.shape[2], shares.shape[2]))
        np.add.at(counts, (labels, shares.argmax(axis=2)), 1 / len(shares))
        return counts


@dataclass(frozen=True)
class Evidence:
    """What a study rests on.

    Attributes:
        classes: Their names, in the order of the labels.
        test: The test images as the source has them, and their labels.
        unequal: Where classes differ much, the number of training images of each.
    """

    classes: tuple[str, ...]
    test: Split
    unequal: tuple[int, ...] = ()

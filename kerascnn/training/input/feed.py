"""The interface of the input pipeline: batches for ``fit`` and ``evaluate``."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError


class Feed(Protocol):
    """Batches of a data set for Keras' ``fit`` and ``evaluate``.

    Whatever is drawn for an epoch depends on seed and epoch alone, so that a resumed training sees the same.

    Attributes:
        model: What takes the batches; it shares its weights with the model that is trained.
        steps_per_call: Optimizer steps that run inside one compiled call; between calls Python shows progress
            and takes Ctrl-C.
        failure: Why the batches ended before their time, where they did.
    """

    model: Any
    steps_per_call: int
    failure: KerasCnnError | None

    def training(self, epoch: int) -> Any:
        """Return the training batches of an epoch, counted from 1."""

    def validation(self) -> Any:
        """Return the validation batches."""


def epoch_order(seed: int, epoch: int, images: int) -> NDArray[np.int32]:
    """Return the order of the training images, which depends on seed and epoch only, not on the head."""
    return np.random.default_rng((seed, epoch)).permutation(images).astype(np.int32)


def class_weights(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return one weight per class, inverse to its number of images; their mean over the images is 1.

    Args:
        labels: Labels of the training images, shape (n,), every class at least once.
    """
    counts = np.bincount(labels)
    return (len(labels) / (len(counts) * counts)).astype(np.float32)

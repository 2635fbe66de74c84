"""What a run's model and its int8 file answered to the test images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import file_sha256, whole_file

Probabilities = NDArray[np.float32]
STEP = 1 / 256  # of a probability in an int8 file
AGAIN = "Delete it; the next run creates it again."
INEXACT = 1e-3  # that float32 leaves of a sum of probabilities, and more


@dataclass(frozen=True)
class Predictions:
    """Probabilities of every class for every test image, in their order.

    Attributes:
        floating: Of the Keras model, float32 (n, classes).
        int8: Of the full-int8 file, likewise.
    """

    floating: Probabilities
    int8: Probabilities

    @property
    def agreement(self) -> float:
        """Share of the images to which both give the same class."""
        return float((self.floating.argmax(axis=1) == self.int8.argmax(axis=1)).mean())

    def write(self, path: Path, made_of: Sequence[Path]) -> None:
        """Write both as one ``.npz`` file, whole, with the SHA-256 of the files that answered."""
        with whole_file(path) as aside, aside.open("wb") as file:
            np.savez_compressed(
                file, floating=self.floating, int8=self.int8, sha256=[file_sha256(each) for each in made_of]
            )

    @classmethod
    def read(cls, path: Path, made_of: Sequence[Path], shape: tuple[int, int]) -> "Predictions":
        """Read what :meth:`write` wrote.

        Args:
            path: The file.
            made_of: The files that answered.
            shape: How many test images and classes there are.

        Raises:
            KerasCnnError: It is missing or damaged, holds no probabilities of these images and classes, or
                one of the files was replaced since.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                floating, int8 = np.asarray(stored["floating"]), np.asarray(stored["int8"])
                hashes = stored["sha256"].tolist()
            found, pairs = cls(floating, int8), list(zip(made_of, hashes, strict=True))
        except Exception as error:  # a damaged archive raises whatever the reader of its damaged part meets
            raise KerasCnnError(f"{path} is missing or damaged. {AGAIN}") from error
        if not (
            _are_probabilities(found.floating, shape, 0.0) and _are_probabilities(found.int8, shape, STEP)
        ):
            raise KerasCnnError(
                f"{path} has no probabilities of {shape[1]} classes for {shape[0]:,} test images. {AGAIN}"
            )
        for file, was in pairs:
            if file_sha256(file) != was:
                raise KerasCnnError(f"{path} contains the predictions of a different {file.name}. {AGAIN}")
        return found


def _are_probabilities(found: NDArray[Any], shape: tuple[int, int], step: float) -> bool:
    """Whether an array holds probabilities that sum to 1 for each image, each rounded to a step."""
    if found.dtype != np.float32 or found.shape != shape:
        return False
    inexact = INEXACT + step * shape[1]
    return bool(((found >= 0) & (found <= 1)).all() and (np.abs(found.sum(axis=1) - 1) <= inexact).all())

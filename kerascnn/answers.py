"""What a run's model and its int8 file answered to the test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.errors import KerasCnnError
from kerascnn.files import whole_file

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
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

    def write(self, path: Path) -> None:
        """Write both as one ``.npz`` file, whole."""
        with whole_file(path) as aside, aside.open("wb") as file:
            np.savez_compressed(file, floating=self.floating, int8=self.int8)

    @classmethod
    def read(cls, path: Path, shape: tuple[int, int]) -> "Answers":
        """Read what :meth:`write` wrote.

        Args:
            path: The file.
            shape: Number of test images and classes.

        Raises:
            KerasCnnError: It is missing, damaged, or about other images.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = cls(stored["floating"], stored["int8"])
        except Exception as error:  # a damaged archive raises whatever the reader of its damaged part meets
            raise KerasCnnError(f"{path} is missing or damaged. Remove it: it is made anew.") from error
        if found.floating.shape != shape or found.int8.shape != shape:
            raise KerasCnnError(f"{path} is about other test images. Remove it: it is made anew.")
        return found

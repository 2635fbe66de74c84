"""Input scaling: from pixels of 0 to 255 to the numbers that a model expects."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import UsageError

BRIGHTEST = 255


@dataclass(frozen=True)
class InputScaling:
    """The scaling (pixel − mean) / std, as in TFLite metadata.

    Attributes:
        mean: Mean of all channels or of each; ``std`` likewise.
        known_from: Where this is stated, in words; empty if it is assumed.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    known_from: str = ""

    @classmethod
    def between(cls, low: float, high: float, known_from: str = "") -> "InputScaling":
        """Return the scaling of black to ``low`` and white to ``high``."""
        std = BRIGHTEST / (high - low)
        return cls((-low * std,), (std,), known_from)

    @classmethod
    def parse(cls, text: str) -> "InputScaling":
        """Parse a range such as ``0..1``, ``-1..1`` or ``0..255``.

        Raises:
            UsageError: It is none.
        """
        number = r"\s*([+-]?\d+(?:\.\d*)?)\s*"
        found = re.fullmatch(rf"{number}\.\.{number}", text)
        if not found or float(found[1]) >= float(found[2]):
            raise UsageError(
                f"input range must be two numbers with two dots between, the smaller first: 0..1 or -1..1. "
                f"Received: {text!r}"
            )
        return cls.between(float(found[1]), float(found[2]), "the given input range")

    @property
    def is_raw(self) -> bool:
        """Whether pixels are not scaled."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0}

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number that a pixel can become."""
        ends = self.real(np.array([[0], [BRIGHTEST]], np.uint8))
        return float(ends.min()), float(ends.max())

    def real(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scale pixels to float32 of the same shape, channels last."""
        mean, std = (np.array(numbers, np.float32) for numbers in (self.mean, self.std))
        scaled: NDArray[np.float32] = (pixels.astype(np.float32) - mean) / std
        return scaled


RAW = InputScaling(known_from="kerascnn, whose models take raw pixels")
ASSUMED = InputScaling()

"""Running statistics over images: sums and histograms, without storing the values."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.figures.plots import Spread
from kerascnn.tflite.file_format.graph import Tensor
from kerascnn.tflite.runtime.intermediate_tensors import Values

BARS = 64  # of a histogram over all steps of a type
BEYOND = 16  # further bars on each side, for float values that the type cannot represent
TINY = 1e-30  # for the power of a signal that is nothing but zeros


class Comparison:
    """Running comparison of values with their reference values."""

    def __init__(self) -> None:
        self._expected = self._found = self._product = self._noise = 0.0

    def add(self, expected: Values, found: Values) -> None:
        """Add values and reference values of equal shapes."""
        one, other = (values.ravel().astype(np.float64) for values in (expected, found))
        noise = other - one
        self._expected += float(one @ one)
        self._found += float(other @ other)
        self._product += float(one @ other)
        self._noise += float(noise @ noise)

    @property
    def sqnr(self) -> float | None:
        """Signal-to-quantization-noise ratio in dB; ``None`` if there is no noise."""
        return 10 * math.log10(max(self._expected, TINY) / self._noise) if self._noise else None

    @property
    def cosine(self) -> float:
        """Cosine similarity of both as flat vectors; 1 if both are zero."""
        lengths = math.sqrt(self._expected * self._found)
        return self._product / lengths if lengths else float(self._expected == self._found)


class RangeUsage:
    """How the values of a quantized tensor use the range of its type.

    Args:
        tensor: It must be quantized as a whole, not by channels.
    """

    def __init__(self, tensor: Tensor) -> None:
        assert tensor.quantization is not None
        (self._scale,), (self._zero,) = tensor.quantization.scales, tensor.quantization.zero_points
        limits = np.iinfo(tensor.type.lower())
        self._low, self._high = int(limits.min), int(limits.max)
        self._counts = np.zeros(self._high - self._low + 1, np.int64)
        self._expected = np.zeros(BARS + 2 * BEYOND, np.int64)
        self._saturated = 0

    @property
    def _bar(self) -> int:
        """Number of quantization steps per bar."""
        return len(self._counts) // BARS

    @property
    def _first(self) -> float:
        """Start of the first bar, in quantization steps."""
        return self._low - 0.5 - BEYOND * self._bar

    def add(self, stored: NDArray[Any], alone: Values, trained: Values) -> None:
        """Add the values of one image.

        Args:
            stored: In steps, as the file has them.
            alone: Reference values for the inputs that the operator got.
            trained: Values in the float network.
        """
        at_end = (stored == self._low) | (stored == self._high)
        away = np.abs(alone / self._scale + self._zero - stored) > 1
        self._saturated += int(np.count_nonzero(at_end & away))
        self._counts += np.bincount(stored.ravel().astype(np.int64) - self._low, minlength=len(self._counts))
        bars = (trained.ravel() / self._scale + self._zero - self._first) / self._bar
        whole = np.clip(bars, 0, len(self._expected) - 1).astype(np.int64)
        self._expected += np.bincount(whole, minlength=len(self._expected))

    def shares(self) -> tuple[float, float, float]:
        """Return the shares of saturated values, of occurring steps and of the used range."""
        used = np.flatnonzero(self._counts)
        return (
            self._saturated / int(self._counts.sum()),
            len(used) / len(self._counts),
            int(used[-1] - used[0]) / (len(self._counts) - 1),
        )

    def spread(self) -> Spread:
        """Return the histogram; values beyond its bars are counted in the outermost."""
        borders = self._first + self._bar * np.arange(len(self._expected) + 1)
        found = np.pad(self._counts.reshape(BARS, -1).sum(axis=1), BEYOND)
        return Spread((borders - self._zero) * self._scale, self._expected, found)


def spread_of(expected: Values, found: Values) -> Spread:
    """Return histograms of two arrays over their common range."""
    low, high = (min(expected.min(), found.min()), max(expected.max(), found.max()))
    counts = [np.histogram(values, BARS, (low, high)) for values in (expected, found)]
    return Spread(counts[0][1], counts[0][0], counts[1][0])

"""What a difference between two classifiers on the same test images can and cannot show.

The images recur with every seed, so seeds and images are crossed factors: the bootstrap draws both anew, and
an exact test is made for each seed apart, never on pooled counts.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Outcome = Literal["better", "worse", "equal", "undecided"]

DRAWS = 2_000
MARGIN = 0.2  # points


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of b minus accuracy of a, in percentage points.

    Attributes:
        points: The mean over seeds.
        low: Of the 95 % interval; ``high`` likewise.
        p_values: McNemar's exact test, one for each seed.
        outcome: For b: ``better`` or ``worse`` (0 is outside the interval), ``equal`` (the interval includes
            0 and lies within ±``MARGIN`` points), else ``undecided``.
    """

    points: float
    low: float
    high: float
    p_values: tuple[float, ...]

    @property
    def outcome(self) -> Outcome:
        """What the interval allows to say."""
        if self.low > 0:
            return "better"
        if self.high < 0:
            return "worse"
        return "equal" if self.low >= -MARGIN and self.high <= MARGIN else "undecided"


def paired_difference(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> PairedDifference:
    """Compare two classifiers.

    Args:
        a: Which test images the first classified correctly, shape (seeds, images).
        b: The same for the second, with the same seeds and images.
    """
    difference = b.astype(np.int8) - a.astype(np.int8)
    low, high = np.percentile(_bootstrap(difference), [2.5, 97.5])
    p_values = tuple(_mcnemar(first, second) for first, second in zip(a, b, strict=True))
    return PairedDifference(float(100 * difference.mean()), float(low), float(high), p_values)


def _bootstrap(difference: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return means, in points, of tables drawn with replacement along both seeds and images.

    Two imagined images are added, one that only a and one that only b classifies correctly (after Agresti &
    Min, 2005): where no real image tells a and b apart, the interval must not shrink to nothing.
    """
    imagined = np.tile(np.array([1, -1], np.int8), (len(difference), 1))
    difference = np.hstack([difference, imagined])
    seeds, images = difference.shape
    rng = np.random.default_rng(0)
    sums = np.empty(DRAWS)
    for draw in range(DRAWS):
        drawn_seeds = np.bincount(rng.integers(seeds, size=seeds), minlength=seeds)
        drawn_images = np.bincount(rng.integers(images, size=images), minlength=images)
        sums[draw] = drawn_seeds @ (difference @ drawn_images)
    means: NDArray[np.float64] = 100 * sums / (seeds * images)
    return means


def _mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value that both are right equally often (McNemar, 1947)."""
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)

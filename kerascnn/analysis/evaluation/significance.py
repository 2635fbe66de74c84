"""Paired significance of the difference between two classifiers on the same test images.

The images recur with every seed, so seeds and images are crossed factors: the bootstrap resamples both, and
an exact test is made for each seed apart, never on pooled counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import UsageError

Outcome = Literal["better", "worse", "equal", "undecided"]

DRAWS = 2_000
MARGIN = 0.2  # points
LEVEL = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """The accuracy of b minus that of a in percentage points, with its interval.

    Attributes:
        points: The mean over seeds.
        low: Of the 95 % interval; ``high`` likewise.
        p_values: McNemar's exact test, one for each seed.
        margin: Points within which two accuracies count as equal.
    """

    points: float
    low: float
    high: float
    p_values: tuple[float, ...]
    margin: float = MARGIN

    @property
    def outcome(self) -> Outcome:
        """The verdict on b that the interval supports.

        ``better`` or ``worse`` where 0 is outside of it, ``equal`` where it includes 0 and lies within
        ±margin, else ``undecided``.
        """
        if self.low > 0:
            return "better"
        if self.high < 0:
            return "worse"
        return "equal" if self.low >= -self.margin and self.high <= self.margin else "undecided"


def require_margin(margin: float) -> None:
    """Refuse an invalid equivalence margin.

    Raises:
        UsageError: It is not above 0, or above 100 points.
    """
    if not 0 < margin <= 100:
        raise UsageError(f"margin must be above 0 and at most 100 points. Received: margin={margin:g}")


def paired_difference(
    a: NDArray[np.bool_], b: NDArray[np.bool_], *, margin: float = MARGIN
) -> PairedDifference:
    """Compare two classifiers on the same test images.

    Args:
        a: Which test images the first classified correctly, shape (seeds, images).
        b: The same for the second, with the same seeds and images.
        margin: Points within which two accuracies count as equal.
    """
    difference = b.astype(np.int8) - a.astype(np.int8)
    low, high = _interval(_with_imagined(difference))
    p_values = tuple(_mcnemar(first, second) for first, second in zip(a, b, strict=True))
    return PairedDifference(float(100 * difference.mean()), low, high, p_values, margin)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for several tests (Holm, 1979)."""
    count, corrected, largest = len(p_values), [0.0] * len(p_values), 0.0
    for place, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (count - place) * p_values[index]))
        corrected[index] = largest
    return corrected


def images_for_equality(margin: float) -> int:
    """Return the smallest number of test images with which the outcome can be ``equal``.

    Even classifiers that never disagree leave the two imagined images, whose interval must fit the margin.
    """
    reach = 100 * math.sqrt(2) * NormalDist().inv_cdf((1 + LEVEL) / 2)  # over the number of images, in points
    return math.ceil(reach / margin)


def _with_imagined(difference: NDArray[np.int8]) -> NDArray[np.int8]:
    """Add two images, one that only a and one that only b classifies correctly (after Agresti & Min, 2005).

    Where no real image tells a and b apart, the interval must not shrink to nothing.
    """
    imagined = np.tile(np.array([1, -1], np.int8), (len(difference), 1))
    return np.hstack([difference, imagined])


def _interval(difference: NDArray[np.int8]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean in points, over both seeds and images.

    The draws give its shape. Their spread is not right as it is: few seeds drawn from themselves vary too
    little, and what belongs to neither factor is counted three times (Owen, 2007). So they are stretched to
    the spread of :func:`_half_width`.
    """
    draws = _bootstrap(difference)
    low, high = np.percentile(draws, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    mean, factor = float(difference.mean()), 2 * _half_width(difference) / (high - low)
    ends = np.clip(mean + factor * (np.array([low, high]) - mean), -1, 1)  # no difference is greater
    return 100 * float(ends[0]), 100 * float(ends[1])


def _bootstrap(difference: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the means of tables resampled over both seeds and images.

    Images on which all seeds come out alike are drawn together: their number is multinomial.
    """
    seeds, images = difference.shape
    patterns, counts = np.unique(difference.T, axis=0, return_counts=True)
    rng = np.random.default_rng(0)
    drawn_images = rng.multinomial(images, counts / images, DRAWS)
    drawn_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS)
    sums = ((drawn_images @ patterns) * drawn_seeds).sum(axis=1)
    means: NDArray[np.float64] = sums / (seeds * images)
    return means


def _half_width(difference: NDArray[np.int8]) -> float:
    """Return half the width of the mean's interval, by analysis of variance with two crossed factors.

    Student's t with the degrees of freedom after Satterthwaite (1946). Seeds that differ less than chance
    makes them differ count as much as chance: the interval is never narrower than that of images alone.
    """
    from scipy.stats import t

    seeds, images = difference.shape
    mean = difference.mean()
    of_seeds, of_images = difference.mean(axis=1) - mean, difference.mean(axis=0) - mean
    by_image = seeds * float((of_images**2).sum()) / (images - 1)
    if seeds == 1:
        variance, freedom = by_image / images, float(images - 1)
    else:
        rest = difference - mean - of_seeds[:, np.newaxis] - of_images
        residual = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
        by_seed = max(images * float((of_seeds**2).sum()) / (seeds - 1), residual)
        total = by_seed + by_image - residual
        variance = total / (seeds * images)
        freedom = total**2 / (
            by_seed**2 / (seeds - 1) + by_image**2 / (images - 1) + residual**2 / ((seeds - 1) * (images - 1))
        )
    return float(t.ppf((1 + LEVEL) / 2, max(freedom, 1))) * math.sqrt(variance)


def only_one_right(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the number of images that only a classifies correctly, and that only b does.

    Args:
        a: Of each image whether it is right, shape (images,); ``b`` likewise.
    """
    return int((a & ~b).sum()), int((b & ~a).sum())


def _mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value of equal accuracy (McNemar, 1947)."""
    from scipy.stats import binomtest

    only_a, only_b = only_one_right(a, b)
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)

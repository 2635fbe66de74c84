"""Paired significance of the difference between two classifiers on the same test images.

The images recur with every seed, so seeds and images are crossed factors: the bootstrap resamples both, and
an exact test is made for each seed apart, never on pooled counts.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.outcome import Outcome
from kerascnn.analysis.evaluation.sequential import look_levels
from kerascnn.analysis.evaluation.variance import VarianceComponents
from kerascnn.foundation.errors import UsageError

DRAWS = 2_000
MARGIN = 0.2  # points
LEVEL = 0.95
SHAPE_LEVEL = 0.99  # of the draws at most: further out are too few of them
IMAGINED = 2  # images added to the real ones, see below


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of b minus accuracy of a, in points.

    Several differences that answer one question are a family: Bonferroni's correction holds their intervals
    and p-values together, so that all intervals of the family hold the truth at once with 95 %.

    Attributes:
        points: The mean over seeds.
        low: Of the interval at ``level``; ``high`` likewise.
        p_values: McNemar's exact test, one for each seed, uncorrected.
        seeds: How many; ``images`` likewise.
        discordant: Answers over all seeds where exactly one of the two is right.
        components: Of the variance: luck of the seed, luck of the test images.
        margin: Points within which two accuracies count as equivalent.
        comparisons: How many differences the family has.
        level: Of this interval alone: 95 % are those of the family, over all looks at it.
    """

    points: float
    low: float
    high: float
    p_values: tuple[float, ...]
    seeds: int
    images: int
    discordant: int
    components: VarianceComponents
    margin: float = MARGIN
    comparisons: int = 1
    level: float = LEVEL

    @property
    def outcome(self) -> Outcome:
        """What the interval allows to say of b, the same rule for every difference.

        Within ±margin: ``negligible`` where 0 is outside of the interval (a real difference, smaller than
        the margin), else ``equivalent``. Beyond the margin: ``better`` or ``worse`` where 0 is outside, else
        ``inconclusive``.
        """
        is_real = self.low > 0 or self.high < 0
        if self.low >= -self.margin and self.high <= self.margin:
            return "negligible" if is_real else "equivalent"
        if not is_real:
            return "inconclusive"
        return "better" if self.low > 0 else "worse"

    @property
    def is_decided(self) -> bool:
        """Whether the interval allows to say anything."""
        return self.outcome != "inconclusive"

    @property
    def adjusted(self) -> tuple[float, ...]:
        """The p-values after Bonferroni's correction for the family."""
        return tuple(min(1.0, self.comparisons * each) for each in self.p_values)

    @property
    def seed_share(self) -> float | None:
        """Which share of the variance is luck of the seed; the rest is that of the test images."""
        return self.components.seed_share(self.seeds, self.images)


def require_margin(margin: float) -> None:
    """Refuse an invalid equivalence margin.

    Raises:
        UsageError: It is not above 0, or above 100 points.
    """
    if not 0 < margin <= 100:
        raise UsageError(f"margin must be above 0 and at most 100 points. Received: margin={margin:g}")


def paired_difference(
    a: NDArray[np.bool_],
    b: NDArray[np.bool_],
    *,
    margin: float = MARGIN,
    comparisons: int = 1,
    max_seeds: int | None = None,
) -> PairedDifference:
    """Compare two classifiers on the same test images.

    Args:
        a: Which test images the first classified correctly, shape (seeds, images).
        b: The same for the second, with the same seeds and images.
        margin: Points within which two accuracies count as equivalent.
        comparisons: How many differences are judged together with this one, itself included.
        max_seeds: Of a study that adds seeds until it decides, the most of them; ``None``: this is the only
            look at it.
    """
    difference = b.astype(np.int8) - a.astype(np.int8)
    level = 1 - (1 - LEVEL) / comparisons
    if max_seeds:
        level = look_levels(max_seeds, level)[len(difference)]
    low, high = _interval(_with_imagined(difference), level)
    return PairedDifference(
        points=float(100 * difference.mean()),
        low=low,
        high=high,
        p_values=tuple(_mcnemar(first, second) for first, second in zip(a, b, strict=True)),
        seeds=difference.shape[0],
        images=difference.shape[1],
        discordant=int(np.abs(difference).sum()),
        components=VarianceComponents.of(difference),
        margin=margin,
        comparisons=comparisons,
        level=level,
    )


def images_for_equivalence(margin: float, level: float = LEVEL) -> int:
    """Return how many test images it takes at least before ``equivalent`` can be found.

    Even classifiers that never disagree leave the two imagined images, whose interval must fit the margin.

    Args:
        margin: In points.
        level: Of the interval, as :class:`PairedDifference` has it.
    """
    reach = 100 * math.sqrt(2) * NormalDist().inv_cdf((1 + level) / 2)  # over the number of images, in points
    return math.ceil(reach / margin)


def _with_imagined(difference: NDArray[np.int8]) -> NDArray[np.int8]:
    """Add two images, one that only a and one that only b classifies correctly (after Agresti & Min, 2005).

    Where no real image tells a and b apart, the interval must not shrink to nothing.
    """
    imagined = np.tile(np.array([1, -1], np.int8), (len(difference), 1))
    return np.hstack([difference, imagined])


def _interval(difference: NDArray[np.int8], level: float) -> tuple[float, float]:
    """Return the interval of the mean, in points, from draws along both seeds and images.

    The draws give its shape: how much further it reaches to one side. Their spread is not right as it is:
    few seeds drawn from themselves vary too little, and what belongs to neither factor is counted three
    times (Owen, 2007). So they are stretched to the width of the analysis of variance.
    """
    draws, shape_level = _bootstrap(difference), min(level, SHAPE_LEVEL)
    low, high = np.percentile(draws, [50 * (1 - shape_level), 50 * (1 + shape_level)])
    seeds, images = difference.shape
    width = 2 * VarianceComponents.of(difference).half_width(seeds, images, level)
    mean = float(difference.mean())
    ends = np.clip(mean + width / (high - low) * (np.array([low, high]) - mean), -1, 1)  # none is greater
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


def only_one_right(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the number of images that only a classifies correctly, and that only b does.

    Args:
        a: Of each image whether it is right, shape (images,); ``b`` likewise.
    """
    return int((a & ~b).sum()), int((b & ~a).sum())


def _mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value that both are right equally often (McNemar, 1947)."""
    from scipy.special import bdtr

    only_a, only_b = only_one_right(a, b)
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))

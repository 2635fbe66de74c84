"""How likely more seeds or more test images are to decide between two classifiers."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from kerascnn.analysis.evaluation.significance import IMAGINED, PairedDifference
from kerascnn.analysis.evaluation.variance import VarianceComponents

POWER = 0.8
TINY = 1e-12  # points: of what does not vary
MOST_SEEDS, MOST_IMAGES = 10**5, 10**9  # what takes more is not reached


@dataclass(frozen=True)
class Expected:
    """What a study of so many seeds and images can be expected to find, in points.

    The estimate is taken as normal around the true difference, the interval's width as expected.

    Attributes:
        deviation: Standard deviation of the estimate.
        reach: Half of the interval's width.
    """

    deviation: float
    reach: float

    @classmethod
    def of(cls, components: VarianceComponents, seeds: int, images: int, level: float) -> "Expected":
        """Return what the variance of a difference leads to expect.

        Args:
            components: Of that variance, without the images that the interval adds.
            seeds: Of the study; ``images`` likewise.
            level: Of the interval.
        """
        with_imagined = replace(components, of_images=components.of_images + IMAGINED / images)
        deviation = 100 * math.sqrt(components.variance(seeds, images))
        return cls(max(deviation, TINY), 100 * with_imagined.half_width(seeds, images, level))

    def decided(self, points: float, margin: float) -> float:
        """Return how likely any outcome but ``inconclusive`` is.

        Args:
            points: The true difference.
            margin: Within which two accuracies count as equivalent.
        """
        estimate = NormalDist(points, self.deviation)
        undecided = estimate.cdf(self.reach) - estimate.cdf(-self.reach)
        return 1 - undecided + self._within(estimate, min(margin - self.reach, self.reach))

    def equivalent(self, margin: float) -> float:
        """Return how likely two that are equal are found within the margin."""
        return self._within(NormalDist(0, self.deviation), margin - self.reach)

    def smallest_shown(self, power: float = POWER) -> float:
        """Return the smallest difference whose interval excludes 0 with a probability."""
        return self.reach + NormalDist().inv_cdf(power) * self.deviation

    @staticmethod
    def _within(estimate: NormalDist, reach: float) -> float:
        return estimate.cdf(reach) - estimate.cdf(-reach) if reach > 0 else 0.0


@dataclass(frozen=True)
class Prospect:
    """What would decide an inconclusive difference with a probability, if it is as large as it was seen.

    Attributes:
        power: That probability.
        more_seeds: On the same test images; ``None``: no number of seeds does it.
        more_images: With the same number of seeds; ``None``: no number of test images does it.
    """

    power: float
    more_seeds: int | None
    more_images: int | None

    @classmethod
    def of(cls, found: PairedDifference, power: float = POWER) -> "Prospect | None":
        """Return that of a difference; ``None`` if it is decided, or has one seed, which tells too little."""
        if found.is_decided or found.seeds == 1:
            return None

        def probability(seeds: int, images: int) -> float:
            expected = Expected.of(found.components, seeds, images, found.level)
            return expected.decided(found.points, found.margin)

        seeds = _smallest(lambda count: probability(count, found.images) >= power, found.seeds, MOST_SEEDS)
        images = _smallest(lambda count: probability(found.seeds, count) >= power, found.images, MOST_IMAGES)
        return cls(
            power,
            None if seeds is None else seeds - found.seeds,
            None if images is None else images - found.images,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return power, more_seeds, more_images."""
        return asdict(self)


def _smallest(suffices: Callable[[int], bool], above: int, most: int) -> int | None:
    """Return the smallest count above another one that suffices, if any up to ``most`` does."""
    if not suffices(most):
        return None
    low, high = above, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high

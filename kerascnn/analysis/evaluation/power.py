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


def probability_of_decision(
    components: VarianceComponents, points: float, margin: float, level: float, seeds: int, images: int
) -> float:
    """Return how likely a study of so many seeds and images is to have any outcome but ``inconclusive``.

    The estimate is taken as normal around the true difference, the interval's width as expected.

    Args:
        components: Of the variance of the difference.
        points: The true difference; ``margin`` in points, too.
        level: Of the interval.
        seeds: Of the study; ``images`` likewise.
    """
    deviation = 100 * math.sqrt(components.variance(seeds, images))
    with_imagined = replace(components, of_images=components.of_images + IMAGINED / images)
    reach = 100 * with_imagined.half_width(seeds, images, level)
    estimate = NormalDist(points, max(deviation, TINY))
    undecided = estimate.cdf(reach) - estimate.cdf(-reach)
    if reach <= margin:  # an interval around a small estimate lies within the margin
        within = min(margin - reach, reach)
        undecided -= estimate.cdf(within) - estimate.cdf(-within)
    return 1 - undecided


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
            return probability_of_decision(
                found.components, found.points, found.margin, found.level, seeds, images
            )

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

"""What more seeds and images would show: against simulated studies and closed forms."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from kerascnn.analysis.evaluation.power import Expected, Prospect
from kerascnn.analysis.evaluation.significance import PairedDifference
from kerascnn.analysis.evaluation.variance import VarianceComponents

NORMAL = NormalDist()
#: Between seeds 0.3 points; 4 % of the images differ, half of that with every seed.
REAL = VarianceComponents(0.003**2, 0.02, 0.02)


def found(points: float, seeds: int, images: int, components=REAL) -> PairedDifference:
    """Return an inconclusive difference."""
    return PairedDifference(points, -9, 9, (0.5,) * seeds, seeds, images, 1, components)


def test_one_seed_and_many_images_are_the_textbooks_normal_test():
    alone = VarianceComponents(None, 0.04, 0.0)
    deviation = 100 * 0.2 / math.sqrt(40_000)  # 0.1 points
    expected = Expected.of(alone, 1, 40_000, 0.95)
    assert expected.deviation == pytest.approx(deviation)
    assert expected.smallest_shown() == pytest.approx((1.960 + 0.8416) * deviation, rel=0.001)
    # a difference of 2.8 deviations, far beyond a margin that is smaller than the interval's reach
    assert expected.decided(2.8016 * deviation, margin=0.01) == pytest.approx(0.8, abs=0.001)
    within = 2 * NORMAL.cdf((0.4 - 1.96 * deviation) / deviation) - 1
    assert expected.equivalent(margin=0.4) == pytest.approx(within, abs=0.001)


@pytest.mark.parametrize(("points", "margin"), [(0.8, 0.2), (0.0, 0.75), (0.3, 0.9)])
def test_a_promised_probability_is_that_of_simulated_studies(points, margin):
    rng, seeds, images = np.random.default_rng(0), 8, 5_000
    promised = Expected.of(REAL, seeds, images, 0.95).decided(points, margin)
    decided = 0
    for _ in range(2_000):  # sufficient statistics of the analysis of variance, drawn exactly
        by_seed = images * REAL.of_seeds + REAL.rest
        by_image = seeds * REAL.of_images + REAL.rest
        rest = REAL.rest * rng.chisquare((seeds - 1) * (images - 1)) / ((seeds - 1) * (images - 1))
        seen_seed = by_seed * rng.chisquare(seeds - 1) / (seeds - 1)
        seen_image = by_image * rng.chisquare(images - 1) / (images - 1)
        seen = VarianceComponents(
            max(seen_seed - rest, 0) / images, max(seen_image - rest, 0) / seeds, float(rest)
        )
        estimate = rng.normal(points, 100 * math.sqrt(REAL.variance(seeds, images)))
        reach = 100 * seen.half_width(seeds, images, 0.95)
        decided += abs(estimate) > reach or abs(estimate) + reach <= margin
    assert decided / 2_000 == pytest.approx(promised, abs=0.05)
    assert 0.1 < promised < 0.99


def test_what_would_decide_is_the_smallest_number_that_does():
    inconclusive = found(0.6, 5, 5_000)
    prospect = Prospect.of(inconclusive)

    def probability(seeds: int, images: int) -> float:
        return Expected.of(REAL, seeds, images, 0.95).decided(0.6, 0.2)

    seeds, images = 5 + prospect.more_seeds, 5_000 + prospect.more_images
    assert probability(seeds, 5_000) >= 0.8 > probability(seeds - 1, 5_000)
    assert probability(5, images) >= 0.8 > probability(5, images - 1)


def test_what_no_number_decides_is_none():
    few_images = Prospect.of(found(1.0, 5, 306))
    assert few_images.more_seeds is None
    assert 500 < few_images.more_images < 5_000
    moody = found(0.3, 3, 306, replace(REAL, of_seeds=0.02**2))
    assert Prospect.of(moody) == Prospect(0.8, None, None)
    assert Prospect.of(found(0.3, 1, 306, VarianceComponents(None, 0.04, 0.0))) is None
    assert Prospect.of(replace(found(0.3, 5, 306), low=0.1)) is None  # it is decided

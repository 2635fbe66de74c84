"""Looking often: boundaries against published tables, and against simulated studies."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from kerascnn.analysis.evaluation.sequential import boundaries, look_levels
from kerascnn.analysis.evaluation.variance import VarianceComponents

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_boundaries_of_the_literature():
    # Lan & DeMets (1983), five equal looks, two-sided 5 %: spending after O'Brien & Fleming and after Pocock
    fleming = [4 * norm.sf(norm.isf(0.05 / 4) / math.sqrt(time)) for time in FIVE]
    assert boundaries(FIVE, fleming) == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=1e-3)
    pocock = [0.05 * math.log(1 + (math.e - 1) * time) for time in FIVE]
    assert boundaries(FIVE, pocock) == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=1e-3)


def test_levels_of_looks_hold_together():
    levels = look_levels(10, 0.95)
    assert list(levels) == list(range(2, 11))
    assert list(levels.values()) == sorted(levels.values(), reverse=True)  # less is allowed early
    limits = [norm.isf((1 - level) / 2) for level in levels.values()]
    walks = np.random.default_rng(0).normal(size=(100_000, 10)).cumsum(axis=1)[:, 1:]
    left = (np.abs(walks) > limits * np.sqrt(np.arange(2, 11))).any(axis=1)
    assert left.mean() == pytest.approx(0.6 * 0.05, abs=0.002)  # four deviations of 100,000 walks


def test_a_single_look_spends_all_that_is_spent():
    assert look_levels(2, 0.95) == {2: pytest.approx(1 - 0.6 * 0.05)}


def test_looking_often_at_few_seeds_keeps_the_error():
    """1,000 studies without a difference: up to 10 seeds, 1,000 images, drawn as the sums that are needed."""
    rng, images = np.random.default_rng(0), 1_000
    real, levels, wrong = VarianceComponents(0.04**2, 0.01, 0.09), look_levels(10, 0.95), 0
    for _ in range(1_000):
        by_seed = rng.normal(0, math.sqrt(real.of_seeds + real.rest / images), 10)
        shared = rng.normal(0, math.sqrt(real.of_images / images))
        for seeds, level in levels.items():
            of_seeds = max(by_seed[:seeds].var(ddof=1) - real.rest / images, 0)
            seen = VarianceComponents(of_seeds, real.of_images, real.rest)
            if abs(by_seed[:seeds].mean() + shared) > seen.half_width(seeds, images, level):
                wrong += 1
                break
    assert wrong <= 0.05 * 1_000

"""Confidence levels for intervals recomputed as seeds are added, fixed before the first look."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

FIRST = 2  # seeds at the first look: one tells nothing of others
EXPONENT = 2  # of the share of the seeds: little is spent early, where the spread is hardly known
SPENT = 0.6  # of the error: Student's t of few seeds is exceeded up to 1.4 times as often as it says
FARTHEST = 10.0  # standard deviations
POINTS = 801  # of Simpson's rule, an odd number

Values = NDArray[np.float64]


@cache
def look_levels(most: int, level: float) -> dict[int, float]:
    """Return the level of the interval at each number of seeds from 2 to ``most``.

    Intervals of these levels are repeated confidence intervals (Jennison & Turnbull, 1989): all of them
    hold the truth at once with probability ``level``, so a study may end at whichever look decides it. The
    error is spent as 0.6·α·(seeds / most)² (Lan & DeMets, 1983; the power family of Kim & DeMets, 1987),
    with seeds as the only source of chance. The same test images return at each look, which makes looks more
    alike than that: the intervals are then wider than needed, never narrower. A look that is left out makes
    them wider, too.

    Args:
        most: Seeds at the last look.
        level: Of all looks together.
    """
    from scipy.stats import norm

    looks = range(FIRST, most + 1)
    times = [seeds / most for seeds in looks]
    limits = boundaries(times, [SPENT * (1 - level) * time**EXPONENT for time in times])
    return {seeds: float(1 - 2 * norm.sf(limit)) for seeds, limit in zip(looks, limits, strict=True)}


def boundaries(times: Sequence[float], spent: Sequence[float]) -> list[float]:
    """Return how many standard deviations from 0 a Brownian motion ends at each look.

    By numerical integration from look to look (Armitage, McPherson & Rowe, 1969).

    Args:
        times: Of the looks, increasing, as shares of the last one's.
        spent: The probability of having ended at each of them or before, if there is no drift.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    limits, grid, mass, before = [], np.zeros(1), np.ones(1), 0.0
    for time, error in zip(times, np.diff(spent, prepend=0.0), strict=True):
        deviation = math.sqrt(time - before)

        def excess(
            limit: float,
            grid: Values = grid,
            mass: Values = mass,
            deviation: float = deviation,
            error: float = error,
        ) -> float:
            ended = norm.sf((limit - grid) / deviation) + norm.sf((limit + grid) / deviation)
            return float(mass @ ended) - error

        limit = float(brentq(excess, 0, FARTHEST))
        limits.append(limit / math.sqrt(time))
        points, weights = _simpson(limit)
        mass = weights * (norm.pdf(points[:, np.newaxis], loc=grid, scale=deviation) @ mass)
        grid, before = points, time
    return limits


def _simpson(limit: float) -> tuple[Values, Values]:
    """Return points from −limit to limit and their weights in an integral."""
    points = np.linspace(-limit, limit, POINTS)
    weights = np.full(POINTS, 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    return points, weights * (points[1] - points[0]) / 3

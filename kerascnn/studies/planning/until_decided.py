"""Adds seeds to a study until every pair of heads is decided."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.sequential import FIRST
from kerascnn.analysis.evaluation.significance import MARGIN, paired_difference
from kerascnn.foundation.errors import UsageError
from kerascnn.studies.grid.plan import Plan
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.scope import Stopped

MAX_SEEDS = 10

Make = Callable[[Plan], Sequence[Group]]


@dataclass(frozen=True)
class Limits:
    """Where a study that adds seeds ends at the latest.

    Attributes:
        max_seeds: It sets the levels of all looks, so it stays as it was before the first one.
        max_hours: Of this command; ``None``: any number.
    """

    max_seeds: int = MAX_SEEDS
    max_hours: float | None = None

    @classmethod
    def of(
        cls, until_decided: bool, seeds: int, max_seeds: int | None, max_hours: float | None
    ) -> "Limits | None":
        """Return the limits that were asked for; ``None`` for a study of a number of seeds that is fixed.

        Raises:
            UsageError: A limit makes no sense, or is given without ``until_decided``.
        """
        given = {"max_seeds": max_seeds, "max_hours": max_hours}
        if not until_decided:
            if named := [f"{name}={value}" for name, value in given.items() if value is not None]:
                raise UsageError(f"{', '.join(named)} needs until_decided.")
            return None
        most = MAX_SEEDS if max_seeds is None else max_seeds
        if most < max(FIRST, seeds):
            raise UsageError(
                f"max_seeds must be at least {FIRST}, and seeds or more. "
                f"Received: max_seeds={most}, seeds={seeds}"
            )
        if max_hours is not None and not max_hours > 0:
            raise UsageError(f"max_hours must be above 0. Received: max_hours={max_hours:g}")
        return cls(most, max_hours)


def make_until_decided(
    grid: Plan, begun: int, make: Make, labels: NDArray[np.int32], limits: Limits, margin: float = MARGIN
) -> tuple[Plan, Sequence[Group], Stopped]:
    """Make seed after seed until every pair of heads is decided, in float and in int8, or a limit is reached.

    Args:
        grid: Its seeds are the least.
        begun: How many seeds are made already.
        make: Trains the missing cells of a plan and returns its groups.
        labels: Of the test images.
        limits: Where it ends at the latest.
        margin: Points within which two accuracies count as equivalent.

    Returns:
        The plan that was made, its groups, and why there are no more seeds.
    """
    seeds = min(max(FIRST, begun, len(grid.seeds)), limits.max_seeds)
    began = time.monotonic()
    for count in range(seeds, limits.max_seeds + 1):
        grid = grid.with_seeds(count)
        groups = make(grid)
        if are_decided(groups, labels, margin, limits.max_seeds):
            return grid, groups, "decided"
        hours = (time.monotonic() - began) / 3600
        if limits.max_hours is not None and hours + hours / max(count - begun, 1) > limits.max_hours:
            return grid, groups, "max_hours"
    return grid, groups, "max_seeds"


def are_decided(
    groups: Sequence[Group], labels: NDArray[np.int32], margin: float, max_seeds: int | None
) -> bool:
    """Whether every pair is decided, in float and in int8."""
    pairs = list(combinations(groups, 2))
    return all(
        paired_difference(
            a.argmax(axis=2) == labels,
            b.argmax(axis=2) == labels,
            margin=margin,
            comparisons=len(pairs),
            max_seeds=max_seeds,
        ).is_decided
        for first, second in pairs
        for a, b in ((first.floating, second.floating), (first.int8, second.int8))
    )

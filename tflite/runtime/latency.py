"""Measure the time of one inference: models in turns, so that a busy moment of the machine hits all alike."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.metrics import Latency

BLOCK = 50  # calls of one model in a row
ROUNDS = 20
BUDGET = 2.0  # seconds after which no further round begins
COLD = 3  # calls at a block's start that are not counted: another model has filled the processor's cache


def measure(calls: Sequence[Callable[[], object]]) -> list[Latency]:
    """Time each of ``calls`` alone, 50 to 1,000 times after a warm-up of 50, in rounds over all of them."""
    started = time.perf_counter()
    rounds: list[list[NDArray[np.float64]]] = []
    while len(rounds) <= ROUNDS and (len(rounds) < 2 or time.perf_counter() - started < BUDGET):
        rounds.append([block(call, BLOCK) for call in calls])
    warm = np.array(rounds[1:])  # shape (rounds, calls, block)
    return [Latency.of(warm[:, position].ravel()) for position in range(len(calls))]


def block(call: Callable[[], object], count: int) -> NDArray[np.float64]:
    """Return the seconds of each of ``count`` calls after a warm-up, shape (count,)."""
    return np.array([seconds(call) for _ in range(COLD + count)])[COLD:]


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    before = time.perf_counter()
    call()
    return time.perf_counter() - before

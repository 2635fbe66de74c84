"""How long one inference takes: models in turns, so that a busy moment of the machine hits all alike."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from kerascnn.results import Latency

BLOCK = 50  # calls of one model in a row: the first ones find a cold cache, as the median must not
ROUNDS = 20
BUDGET = 2.0  # seconds after which no further round begins


def measure(calls: Sequence[Callable[[], object]]) -> list[Latency]:
    """Time each of ``calls`` alone, 50 to 1,000 times after a warm-up of 50, in rounds over all of them."""
    started = time.perf_counter()
    rounds: list[list[list[float]]] = []
    while len(rounds) <= ROUNDS and (len(rounds) < 2 or time.perf_counter() - started < BUDGET):
        rounds.append([[_seconds(call) for _ in range(BLOCK)] for call in calls])
    warm = np.array(rounds[1:])  # shape (rounds, calls, block)
    return [Latency.of(warm[:, position].ravel()) for position in range(len(calls))]


def _seconds(call: Callable[[], object]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before

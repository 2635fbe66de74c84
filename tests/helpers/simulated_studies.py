"""Studies whose truth is known: two networks that answer by a model of chance."""

from dataclasses import dataclass

import numpy as np

from kerascnn.analysis.evaluation.significance import PairedDifference, paired_difference

IMAGES = 1_000
GAIN = 0.4  # of the second network's ability
FOR_TRUTH = 4_000  # studies whose mean is taken for the truth


def simulated(
    rng: np.random.Generator, seeds: int, of_seeds: float, gain: float = GAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Answers of two networks: images differ in difficulty, more so for one network; seeds in luck."""
    images = rng.normal(0, 1.5, IMAGES)

    def network(ability: float) -> np.ndarray:
        own = images + rng.normal(0, 1, IMAGES)
        luck = rng.normal(0, of_seeds, (seeds, 1))
        return ability + own + luck + rng.logistic(0, 1, (seeds, IMAGES)) > 0

    return network(4.0), network(4.0 + gain)


def truth(rng: np.random.Generator, seeds: int, of_seeds: float, gain: float = GAIN) -> float:
    """Return the true difference in points, near enough."""
    if not gain:
        return 0.0
    drawn = (simulated(rng, seeds, of_seeds, gain) for _ in range(FOR_TRUTH))
    return float(100 * np.mean([b.mean() - a.mean() for a, b in drawn]))


def covered(rng: np.random.Generator, seeds: int, of_seeds: float, studies: int = 1_000) -> int:
    """Return in how many studies the interval holds the truth."""
    true = truth(rng, seeds, of_seeds)
    found = (paired_difference(*simulated(rng, seeds, of_seeds)) for _ in range(studies))
    return sum(bool(each.low <= true <= each.high) for each in found)


@dataclass(frozen=True)
class Ended:
    """How a simulated study ended: with how many seeds, and whether what it says is decided, and wrong."""

    seeds: int
    decided: bool
    wrong: bool


def ended(found: PairedDifference, true: float) -> Ended:
    """Judge a difference whose truth is known."""
    wrong = {
        "better": true <= 0,
        "worse": true >= 0,
        "equivalent": abs(true) > found.margin,
        "negligible": abs(true) > found.margin or true * found.points <= 0,
        "inconclusive": False,
    }[found.outcome]
    return Ended(found.seeds, found.is_decided, wrong)


def until_decided(a: np.ndarray, b: np.ndarray, true: float, margin: float) -> Ended:
    """Look at a study at each number of seeds from 2 to all of them, until it is decided."""
    for seeds in range(2, len(a) + 1):
        found = paired_difference(a[:seeds], b[:seeds], margin=margin, max_seeds=len(a))
        if found.is_decided:
            break
    return ended(found, true)

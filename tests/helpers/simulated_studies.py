"""Studies whose truth is known: two networks that answer by a model of chance."""

import numpy as np

from kerascnn.analysis.evaluation.significance import paired_difference

IMAGES = 1_000
GAIN = 0.4  # of the second network's ability
FOR_TRUTH = 4_000  # studies whose mean is taken for the truth


def simulated(rng: np.random.Generator, seeds: int, of_seeds: float) -> tuple[np.ndarray, np.ndarray]:
    """Answers of two networks: images differ in difficulty, more so for one network; seeds in luck."""
    images = rng.normal(0, 1.5, IMAGES)

    def network(ability: float) -> np.ndarray:
        own = images + rng.normal(0, 1, IMAGES)
        luck = rng.normal(0, of_seeds, (seeds, 1))
        return ability + own + luck + rng.logistic(0, 1, (seeds, IMAGES)) > 0

    return network(4.0), network(4.0 + GAIN)


def covered(rng: np.random.Generator, seeds: int, of_seeds: float, studies: int = 1_000) -> int:
    """Return in how many studies the interval holds the truth."""
    drawn = (simulated(rng, seeds, of_seeds) for _ in range(FOR_TRUTH))
    true = 100 * np.mean([b.mean() - a.mean() for a, b in drawn])
    found = (paired_difference(*simulated(rng, seeds, of_seeds)) for _ in range(studies))
    return sum(bool(each.low <= true <= each.high) for each in found)

"""Fixed stratified splits: the same images in every process, each class in proportion.

The draw is that of scikit-learn's ``train_test_split(stratify=…)``, by which the splits of this project were
defined; a test holds the two equal. It stands here so that neither another version of that library nor the
seconds it takes to load decide which images test a model.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Split
from kerascnn.foundation.errors import KerasCnnError

AnySplit = TypeVar("AnySplit", bound=Split)

#: Not the run's seed: the split belongs to the source and stays the same for every run.
SPLIT_SEED = 5


def split_off(split: AnySplit, size: int) -> tuple[AnySplit, AnySplit]:
    """Split off ``size`` images, stratified by class; return (rest, part), both in ascending order.

    Raises:
        KerasCnnError: A class has too few images.
    """
    if not can_be_split(split, size):
        classes = len(np.unique(split.labels))
        raise KerasCnnError(
            f"{len(split):,} images of {classes} classes are too few to set {size:,} aside: at least "
            "one of each class must be there, and one remain."
        )
    rest, part = stratified_indices(split.labels, size, SPLIT_SEED)
    return split.take(rest), split.take(part)


def can_be_split(split: Split, size: int) -> bool:
    """Whether part and rest can have an image of each class."""
    counts = np.bincount(split.labels)
    classes = np.count_nonzero(counts)
    return bool(min(size, len(split) - size) >= classes and counts[counts > 0].min() > 1)


def stratified_indices(
    labels: NDArray[np.int32], size: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw ``size`` indices, each class in proportion; return (all others, drawn), both ascending."""
    draw = np.random.RandomState(seed)
    _, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    of_rest = _apportioned(counts, len(labels) - size, draw)
    of_part = _apportioned(counts - of_rest, size, draw)
    rest, part = [], []
    for number, (first, second) in enumerate(zip(of_rest, of_part, strict=True)):
        indices = draw.permutation(np.flatnonzero(members == number))
        rest.append(indices[:first])
        part.append(indices[first : first + second])
    return np.sort(np.concatenate(rest)), np.sort(np.concatenate(part))


def stratified_sample(labels: NDArray[np.int32], size: int, seed: int | None = None) -> NDArray[np.intp]:
    """Return ``size`` ascending indices, evenly spaced in the images sorted by class.

    Args:
        labels: Labels of the images.
        size: How many; at most all.
        seed: Shuffles the images before, ``None``: they stay in their order.
    """
    order = np.arange(len(labels)) if seed is None else np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    even = ((np.arange(size) + 0.5) * len(labels) / size).astype(np.intp)
    return np.sort(by_class[even])


def _apportioned(counts: NDArray[np.intp], seats: int, draw: np.random.RandomState) -> NDArray[np.intp]:
    """Apportion seats to counts by the largest remainder; a tie is decided by lot."""
    shares = counts / counts.sum() * seats
    given = np.floor(shares)
    remainders = shares - given
    left = seats - int(given.sum())
    for remainder in np.unique(remainders)[::-1]:
        if left == 0:
            break
        tied = np.flatnonzero(remainders == remainder)
        given[draw.choice(tied, size=min(len(tied), left), replace=False)] += 1
        left -= min(len(tied), left)
    whole: NDArray[np.intp] = given.astype(np.intp)
    return whole

"""Fixed stratified splits: the same images in every process, every class in its share."""

from typing import TypeVar

import numpy as np

from kerascnn.data.dataset import Split
from kerascnn.errors import KerasCnnError

AnySplit = TypeVar("AnySplit", bound=Split)

#: Not the run's seed: the split belongs to the source and stays the same for every run.
SPLIT_SEED = 5


def split_off(split: AnySplit, size: int) -> tuple[AnySplit, AnySplit]:
    """Return (rest, part) with ``size`` images in the part, stratified by class, both in ascending order.

    Raises:
        KerasCnnError: A class has too few images.
    """
    from sklearn.model_selection import train_test_split

    counts = np.bincount(split.labels)
    classes = np.count_nonzero(counts)
    if size < classes or len(split) - size < classes or counts[counts > 0].min() < 2:
        raise KerasCnnError(
            f"{len(split):,} images of {classes} classes are too few to set {size:,} aside: at least "
            "one of each class must be there, and one remain."
        )
    rest, part = train_test_split(
        np.arange(len(split)), test_size=size, stratify=split.labels, random_state=SPLIT_SEED
    )
    return split.take(np.sort(rest)), split.take(np.sort(part))

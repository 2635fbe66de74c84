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

    try:
        rest, part = train_test_split(
            np.arange(len(split)), test_size=size, stratify=split.labels, random_state=SPLIT_SEED
        )
    except ValueError as error:
        raise KerasCnnError(
            f"{len(split):,} images are too few to set {size:,} aside, stratified by class: {error}"
        ) from error
    return split.take(np.sort(rest)), split.take(np.sort(part))

"""Fixed stratified splits: the same images in every process, every class in its share."""

import numpy as np

from kerascnn.data.dataset import Split
from kerascnn.errors import KerasCnnError

#: Not the run's seed: the split belongs to the source and stays the same for every run.
SPLIT_SEED = 5


def split_off(split: Split, size: int) -> tuple[Split, Split]:
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
    return _take(split, np.sort(rest)), _take(split, np.sort(part))


def _take(split: Split, indices: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Split:
    return Split(split.images[indices], split.labels[indices])

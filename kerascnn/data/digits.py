"""``digits``: 1,797 real handwritten digits, 8×8, that come with scikit-learn and need no network.

The test set of Alpaydin & Kaynak's "Optical Recognition of Handwritten Digits" (UCI, 1998).
"""

from pathlib import Path

import numpy as np

from kerascnn.data.augmentation import DIGITS
from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.sources import sources
from kerascnn.data.split import split_off
from kerascnn.errors import UsageError

VALIDATION, TEST = 180, 360  # 70/10/20 of 1,797


def load_digits(data_dir: Path | None = None) -> Dataset:
    """Return the digits in a fixed 70/10/20 split, values 0 to 16 brought to 0 to 255.

    Raises:
        UsageError: A ``data_dir`` was given; this source has none.
    """
    if data_dir is not None:
        raise UsageError("The digits come with scikit-learn: --data-dir has no meaning for them.")
    from sklearn.datasets import load_digits as bundled

    pixels, labels = bundled(return_X_y=True)
    images = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    rest, test = split_off(Split(images, labels.astype(np.int32)), TEST)
    train, validation = split_off(rest, VALIDATION)
    return Dataset("digits", tuple("0123456789"), train, validation, test, augmentation=DIGITS)


sources.add("digits", load_digits)

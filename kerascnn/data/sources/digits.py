"""``digits``: 1,797 handwritten digits, 8×8, bundled with the package.

The test set of Alpaydin & Kaynak's "Optical Recognition of Handwritten Digits" (UCI Machine Learning
Repository, 1998; licence CC BY 4.0) in MNIST's format, values 0 to 16 as published.
"""

from pathlib import Path

import numpy as np

from kerascnn.data.augmentation import DIGITS
from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.formats.idx import read_idx
from kerascnn.data.sources.loader import Loader
from kerascnn.data.split import split_off
from kerascnn.foundation.errors import UsageError

VALIDATION, TEST = 180, 360  # 70/10/20 of 1,797
_IMAGES, _LABELS = (
    Path(__file__).with_name(f"digits-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1")
)


def load_digits(data_dir: Path | None = None) -> Dataset:
    """Load the digits in a fixed 70/10/20 split, their values scaled from 0..16 to 0..255.

    Raises:
        UsageError: A ``data_dir`` was given; this source has none.
    """
    if data_dir is not None:
        raise UsageError("The digits come with kerascnn: --data-dir has no meaning for them.")
    images = np.round(read_idx(_IMAGES, 3) * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    labels = read_idx(_LABELS, 1).astype(np.int32)
    rest, test = split_off(Split(images, labels), TEST)
    train, validation = split_off(rest, VALIDATION)
    return Dataset("digits", tuple("0123456789"), train, validation, test, augmentation=DIGITS)


SOURCE = Loader(load_digits)

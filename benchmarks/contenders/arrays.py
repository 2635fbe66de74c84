"""MNIST as every contender gets it: from the original files, read by the same few lines."""

from pathlib import Path

import numpy as np

from kerascnn.data.formats.idx import read_idx


def read_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training images (60,000, 28, 28) and labels, test images (10,000, 28, 28) and labels, uint8."""
    return tuple(
        read_idx(folder / f"{split}-{kind}-idx{dimensions}-ubyte.gz", dimensions)
        for split in ("train", "t10k")
        for kind, dimensions in (("images", 3), ("labels", 1))
    )

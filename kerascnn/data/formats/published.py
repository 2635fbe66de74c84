"""Identify data sets in MNIST's format by content, as their files have the same names and sizes."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.formats.idx import idx_header

MNIST, FASHION_MNIST, KMNIST = "MNIST", "Fashion-MNIST", "Kuzushiji-MNIST"
SOURCES = {MNIST: "mnist", FASHION_MNIST: "fashion_mnist"}  # those that are sources here

#: SHA-256 of what MNIST's files hold, in the order of ``FASHION_MD5``; its archives were compressed again.
HELD = {
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db": MNIST,
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": MNIST,
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7": MNIST,
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2": MNIST,
}
#: MD5 of compressed files, as their authors publish them.
FASHION_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
KMNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
    "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
    "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
    "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
}
PACKED = dict.fromkeys(FASHION_MD5.values(), FASHION_MNIST) | dict.fromkeys(KMNIST_MD5.values(), KMNIST)


def published_set(path: Path, values: NDArray[np.uint8]) -> str | None:
    """Return the data set that a file belongs to, ``None`` if unknown.

    Args:
        path: The file.
        values: Its values.
    """
    held = hashlib.sha256(idx_header(values.shape))
    held.update(np.ascontiguousarray(values).data)
    if found := HELD.get(held.hexdigest()):
        return found
    with path.open("rb") as stream:
        return PACKED.get(hashlib.file_digest(stream, _md5).hexdigest())


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)

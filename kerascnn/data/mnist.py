"""``mnist``: 70,000 handwritten digits, 28×28 (LeCun, Cortes, Burges)."""

import contextlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.augmentation import DIGITS
from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.idx import read_idx
from kerascnn.data.sources import sources
from kerascnn.data.split import split_off
from kerascnn.errors import KerasCnnError

VALIDATION_SHARE = 12  # one in twelve of the training file: 5,000 of 60,000
CLASSES = tuple("0123456789")


def load_mnist(data_dir: Path | None = None) -> Dataset:
    """Return MNIST with 55,000 training, 5,000 validation and 10,000 test images.

    Args:
        data_dir: A folder with the four original IDX files, compressed or not; without it Keras' copy in
            ``~/.keras/datasets``, which Keras downloads and checks (11 MB) when it is not there.

    Raises:
        KerasCnnError: A file is missing or damaged, or the download failed.
    """
    train, test = _from_files(data_dir) if data_dir is not None else _from_keras()
    rest, validation = split_off(train, len(train) // VALIDATION_SHARE)
    return Dataset("mnist", CLASSES, rest, validation, test, framed_above=28, augmentation=DIGITS)


def _from_files(data_dir: Path) -> tuple[Split, Split]:
    if not data_dir.is_dir():
        raise KerasCnnError(f"{data_dir} is not a folder: --data-dir must hold the four MNIST files.")
    return _read_split(data_dir, "train"), _read_split(data_dir, "t10k")


def _read_split(data_dir: Path, prefix: str) -> Split:
    images_path = _find(data_dir, f"{prefix}-images", "idx3-ubyte")
    labels_path = _find(data_dir, f"{prefix}-labels", "idx1-ubyte")
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise KerasCnnError(f"{images_path} must hold 28×28 images, it holds {images.shape[1:]}.")
    if len(images) != len(labels):
        raise KerasCnnError(
            f"{images_path} holds {len(images):,} images, {labels_path} {len(labels):,} labels: "
            "they do not belong together."
        )
    return _checked(images_path, labels_path, images, labels)


def _checked(
    images_path: Path, labels_path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> Split:
    if len(labels) == 0:
        raise KerasCnnError(f"{images_path} holds no image.")
    if labels.max() >= len(CLASSES):
        where = int(np.argmax(labels >= len(CLASSES)))
        raise KerasCnnError(f"{labels_path}: labels must be 0 to 9, number {where} is {labels[where]}.")
    return Split(images[..., np.newaxis], labels.astype(np.int32))


def _find(data_dir: Path, stem: str, suffix: str) -> Path:
    names = [f"{stem}{dot}{suffix}{end}" for dot in "-." for end in (".gz", "")]
    for name in names:
        if (data_dir / name).is_file():
            return data_dir / name
    raise KerasCnnError(
        f"{data_dir} has no {names[0]} (or {names[1]}). MNIST's four original files belong there."
    )


def _from_keras() -> tuple[Split, Split]:
    from keras.datasets import mnist

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws its download bar on stdout
            (train_x, train_y), (test_x, test_y) = mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise KerasCnnError(
            f"MNIST could not be downloaded ({reason}). Put the four original files in a folder and "
            "name it with --data-dir, or use --data digits, which needs no network."
        ) from error
    return (
        Split(train_x[..., np.newaxis], train_y.astype(np.int32)),
        Split(test_x[..., np.newaxis], test_y.astype(np.int32)),
    )


sources.add("mnist", load_mnist)

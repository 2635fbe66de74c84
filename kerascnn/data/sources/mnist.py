"""``mnist``: 70,000 handwritten digits, 28×28 (LeCun, Cortes, Burges), and the format of its four files."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.augmentation import DIGITS, Augmentation
from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.formats.download import downloaded
from kerascnn.data.formats.idx import read_idx
from kerascnn.data.formats.published import MNIST as MNIST_NAME
from kerascnn.data.formats.published import SOURCES, published_set
from kerascnn.data.sources.loader import Loader
from kerascnn.data.split import split_off
from kerascnn.foundation.errors import KerasCnnError

VALIDATION_SHARE = 12  # one in twelve of the training file: 5,000 of 60,000

# As Keras publishes it in keras.datasets.mnist.
ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


@dataclass(frozen=True)
class FourFiles:
    """A data set in MNIST's format: files with images and labels of a training and a test set.

    Attributes:
        name: The source's, ``title`` what a person calls it.
        classes: Their names, in the order of the labels.
        augmentation: Augmentations allowed for its images in training.
        download: Returns (train, test) where no folder with the files is named.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    augmentation: Augmentation
    download: Callable[[], tuple[Split, Split]]

    def load(self, data_dir: Path | None = None) -> Dataset:
        """Load the data set; 5,000 of its 60,000 training images are for validation.

        Args:
            data_dir: A folder with the four original IDX files, compressed or not; without it those that
                Keras downloads and checks once.

        Raises:
            KerasCnnError: A file is missing or damaged, or the download failed.
        """
        train, test = self.download() if data_dir is None else self.read(data_dir)
        rest, validation = split_off(train, len(train) // VALIDATION_SHARE)
        change = self.augmentation
        return Dataset(self.name, self.classes, rest, validation, test, framed_above=28, augmentation=change)

    def read(self, data_dir: Path) -> tuple[Split, Split]:
        """Read (train, test) from a folder."""
        if not data_dir.is_dir():
            raise KerasCnnError(
                f"{data_dir} is not a folder: --data-dir must hold the four {self.title} files."
            )
        return self._read_split(data_dir, "train"), self._read_split(data_dir, "t10k")

    def _read_split(self, data_dir: Path, prefix: str) -> Split:
        images_path = self._find(data_dir, f"{prefix}-images", "idx3-ubyte")
        labels_path = self._find(data_dir, f"{prefix}-labels", "idx1-ubyte")
        images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
        for path, values in ((images_path, images), (labels_path, labels)):
            found = published_set(path, values)
            if found and found != self.title:
                use = (
                    f"use --data {SOURCES[found]}"
                    if found in SOURCES
                    else "which is not a source of kerascnn"
                )
                raise KerasCnnError(f"{path} is a file of {found}, not of {self.title}: {use}.")
        return self.checked(images_path, images, labels_path, labels)

    def _find(self, data_dir: Path, stem: str, suffix: str) -> Path:
        names = [f"{stem}{dot}{suffix}{end}" for dot in "-." for end in (".gz", "")]
        wrapped = [f"{name}/{name}" for name in names]  # as one program unpacks them
        for name in [*names, *wrapped]:
            if (data_dir / name).is_file():
                return data_dir / name
        alike = [path for path in sorted(data_dir.iterdir()) if path.is_file() and _begins(path.name, stem)]
        if alike:
            return alike[0]
        archives = sorted(path.name for path in data_dir.glob("*.zip"))
        unpack = f" Unpack {archives[0]} there." if archives else ""
        raise KerasCnnError(
            f"{data_dir} has no {names[0]} (or {names[1]}): {self.title}'s four original files belong there."
            f"{unpack}"
        )

    def is_in(self, folder: Path) -> bool:
        """Whether a folder contains the four files, not known as those of another data set."""
        try:
            for prefix in ("train", "t10k"):
                self._find(folder, f"{prefix}-images", "idx3-ubyte")
                labels = self._find(folder, f"{prefix}-labels", "idx1-ubyte")
            return published_set(labels, read_idx(labels, 1)) in (None, self.title)
        except KerasCnnError:
            return False

    def checked(
        self, images_path: Path, images: NDArray[np.uint8], labels_path: Path, labels: NDArray[np.uint8]
    ) -> Split:
        """Return images, shape (n, 28, 28), and labels as a split.

        Raises:
            KerasCnnError: They have another shape, or do not belong together.
        """
        if images.shape[1:] != (28, 28):
            raise KerasCnnError(f"{images_path} must hold 28×28 images, it holds {images.shape[1:]}.")
        if len(images) != len(labels):
            raise KerasCnnError(
                f"{images_path} holds {len(images):,} images, {labels_path} {len(labels):,} labels: "
                "they do not belong together."
            )
        if len(labels) == 0:
            raise KerasCnnError(f"{images_path} holds no image.")
        highest = len(self.classes) - 1
        if labels.max() > highest:
            where = int(np.argmax(labels > highest))
            raise KerasCnnError(
                f"{labels_path}: labels must be 0 to {highest}, number {where} is {labels[where]}."
            )
        return Split(images[..., np.newaxis], labels.astype(np.int32))


def _begins(name: str, stem: str) -> bool:
    """Whether a file's name begins with the words of a stem, with any separators."""
    return re.sub(r"[\W_]", "", name.casefold()).startswith(stem.replace("-", ""))


def _download() -> tuple[Split, Split]:
    path = downloaded(MNIST.title, ORIGIN, SHA256, name="mnist.npz")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            train, test = (
                MNIST.checked(path, arrays[f"x_{part}"], path, arrays[f"y_{part}"])
                for part in ("train", "test")
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise KerasCnnError(f"{path} cannot be read: {error}. Remove it to download it again.") from error
    return train, test


MNIST = FourFiles("mnist", MNIST_NAME, tuple("0123456789"), DIGITS, _download)
SOURCE = Loader(MNIST.load, MNIST.is_in)

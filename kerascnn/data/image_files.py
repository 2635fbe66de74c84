"""Image files as a split: a picture is read when it is looked at."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Indices, Split
from kerascnn.data.images import read_image
from kerascnn.data.preprocessing import Preprocessing

READERS = 2  # threads; Pillow decodes and resizes outside Python's lock


@dataclass(frozen=True)
class ImageFiles:
    """A sequence of pictures in files.

    Attributes:
        paths: The files.
        preprocessing: How they become arrays of one shape.
    """

    paths: tuple[Path, ...]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: slice | Indices) -> NDArray[np.uint8]:
        """Return uint8 (n, height, width, channels).

        Raises:
            KerasCnnError: A file cannot be decoded.
        """
        paths = self.paths[which] if isinstance(which, slice) else [self.paths[number] for number in which]
        rule = self.preprocessing
        pixels = np.empty((len(paths), rule.height, rule.width, rule.channels), np.uint8)
        with ThreadPoolExecutor(READERS) as readers:
            for position, image in enumerate(readers.map(self._read, paths)):
                pixels[position] = image
        return pixels

    def _read(self, path: Path) -> NDArray[np.uint8]:
        return self.preprocessing.image(read_image(path))


class FileSplit(Split):
    """Images in files and their labels; ``images`` is an :class:`ImageFiles`."""

    images: ImageFiles

    @classmethod
    def of(cls, paths: Sequence[Path], labels: Sequence[int], preprocessing: Preprocessing) -> "FileSplit":
        """Return the split of some files."""
        return cls(ImageFiles(tuple(paths), preprocessing), np.array(labels, np.int32))

    def digest(self) -> str:
        """Return the SHA-256 of the files' content and the labels as hexadecimal text."""
        content = hashlib.sha256()
        for path in self.images.paths:
            content.update(hashlib.sha256(path.read_bytes()).digest())
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()

    def check(self) -> None:
        """Read every file once.

        Raises:
            KerasCnnError: One cannot be decoded.
        """
        with ThreadPoolExecutor(READERS) as readers:
            for _ in readers.map(read_image, self.images.paths):
                pass  # what is decoded is not kept

    def prepared(self, preprocessing: Preprocessing) -> "FileSplit":
        """Return the split with another rule for its pictures; nothing is read yet."""
        return FileSplit(ImageFiles(self.images.paths, preprocessing), self.labels)

    def take(self, indices: Indices) -> "FileSplit":
        """Return the files of the given numbers, in that order."""
        paths = tuple(self.images.paths[number] for number in indices)
        return FileSplit(ImageFiles(paths, self.images.preprocessing), self.labels[indices])

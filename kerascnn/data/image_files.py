"""A split of image files that are read on demand."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Indices, Split
from kerascnn.data.images import Decoded, decode
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnError

READERS = 2  # threads; Pillow decodes and resizes outside Python's lock
AHEAD = 64  # files that wait for a reader or for whoever wants them, however many there are

Found = TypeVar("Found")


@dataclass(frozen=True)
class ImageFile:
    """An image file as it was when its folder was listed.

    Attributes:
        path: The file.
        stamp: Size in bytes and time of change in nanoseconds; ``None`` for a link that leads nowhere.
    """

    path: Path
    stamp: tuple[int, int] | None

    @classmethod
    def of(cls, path: Path) -> "ImageFile":
        """Return the record of a file as it is now."""
        return cls(path, _stamp(path))

    def decoded(self) -> Decoded:
        """Decode the file and return the image and its kind.

        Raises:
            ImageError: It cannot be decoded.
            KerasCnnError: The file has changed or vanished.
        """
        self.require_unchanged()
        return decode(self.path)

    def content(self) -> bytes:
        """Read the file's bytes.

        Raises:
            KerasCnnError: The file has changed or vanished, or cannot be read.
        """
        self.require_unchanged()
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise KerasCnnError(f"{self.path} cannot be read: {error.strerror}.") from error

    def require_unchanged(self) -> None:
        """Refuse a file that has changed since.

        Raises:
            KerasCnnError: It has changed or vanished.
        """
        now = _stamp(self.path)
        if now != self.stamp:
            what = "has vanished" if now is None else "has changed"
            raise KerasCnnError(
                f"{self.path} {what} since its folder was read. Begin again when nothing writes there."
            )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class ImageFiles:
    """A sequence of images in files.

    Attributes:
        files: The files.
        preprocessing: How they become arrays of one shape.
    """

    files: tuple[ImageFile, ...]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, which: slice | Indices) -> NDArray[np.uint8]:
        """Return uint8 (n, height, width, channels).

        Raises:
            KerasCnnError: A file cannot be decoded, or has changed.
        """
        files = self.files[which] if isinstance(which, slice) else [self.files[number] for number in which]
        rule = self.preprocessing
        pixels = np.empty((len(files), rule.height, rule.width, rule.channels), np.uint8)
        for position, image in enumerate(read_each(files, self._read)):
            pixels[position] = image
        return pixels

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Paths of the files."""
        return tuple(file.path for file in self.files)

    def _read(self, file: ImageFile) -> NDArray[np.uint8]:
        return self.preprocessing.image(file.decoded().image)


def read_each(files: Sequence[ImageFile], read: Callable[[ImageFile], Found]) -> Iterator[Found]:
    """Read files in parallel and yield the results in order."""
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(files), AHEAD):
            yield from readers.map(read, files[start : start + AHEAD])


class FileSplit(Split):
    """A split whose ``images`` are :class:`ImageFiles`."""

    images: ImageFiles

    @classmethod
    def of(cls, paths: Sequence[Path], labels: Sequence[int], preprocessing: Preprocessing) -> "FileSplit":
        """Return the split of some image files as they are now."""
        files = tuple(ImageFile.of(path) for path in paths)
        return cls(ImageFiles(files, preprocessing), np.array(labels, np.int32))

    def digest(self) -> str:
        """Return the SHA-256 of the files' content and the labels as hexadecimal text."""
        content = hashlib.sha256()
        for file in self.images.files:
            content.update(hashlib.sha256(file.content()).digest())
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()

    def prepared(self, preprocessing: Preprocessing) -> "FileSplit":
        """Return the split with another preprocessing; nothing is read yet."""
        return FileSplit(ImageFiles(self.images.files, preprocessing), self.labels)

    def take(self, indices: Indices) -> "FileSplit":
        """Return the files with the given indices, in that order."""
        files = tuple(self.images.files[number] for number in indices)
        return FileSplit(ImageFiles(files, self.images.preprocessing), self.labels[indices])

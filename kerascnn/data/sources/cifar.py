"""``cifar10`` and ``cifar100``: 60,000 colour images, 32×32 (Krizhevsky, 2009), in two versions.

Binary: records of one label byte (``cifar100``: a coarse one before it) and 3,072 bytes of pixels, all red
ones first, row by row. Python: the same, pickled; it is the version that Keras downloads and caches. It is
unpickled only from the archive whose SHA-256 is known, and only into arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.augmentation import SMALL_PHOTOS
from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.formats.archive import LARGEST_MEMBER, read_members
from kerascnn.data.formats.download import downloaded
from kerascnn.data.formats.numpy_pickle import read_pickle
from kerascnn.data.sources.loader import Loader
from kerascnn.data.split import split_off
from kerascnn.foundation.errors import KerasCnnError

VALIDATION_SHARE = 10  # one in ten: 5,000 of 50,000
TRAIN_TO_TEST = 5  # 50,000 to 10,000: tells a file that was cut off between two records
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Version:
    """File names of one published version.

    Attributes:
        archive: Its file, ``folder`` the folder in it.
        train: Files of training images, ``test`` that of the test images.
        names: The file with the names of the classes.
    """

    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    names: str

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files that are read."""
        return (*self.train, self.test, self.names)

    def found(self, folder: Path) -> Path | None:
        """Find the archive in a folder, also as ``.tar`` or ``.tgz``."""
        stem = self.archive.removesuffix(".tar.gz")
        paths = (folder / f"{stem}{end}" for end in (".tar.gz", ".tgz", ".tar"))
        return next((path for path in paths if path.is_file()), None)

    def is_in(self, folder: Path) -> bool:
        """Whether a folder contains the archive or the extracted files."""
        places = (folder / self.folder, folder)
        return bool(self.found(folder)) or any(
            all((place / name).is_file() for name in self.files) for place in places
        )

    def members(self, path: Path, sha256: str | None = None) -> dict[str, bytes]:
        """Read every file from the archive."""
        found = read_members(path, [f"{self.folder}/{name}" for name in self.files], sha256=sha256)
        return {name: found[f"{self.folder}/{name}"] for name in self.files}


@dataclass(frozen=True)
class Cifar:
    """CIFAR-10 or CIFAR-100 as a source.

    Attributes:
        name: The source's, ``title`` what a person calls it.
        classes: How many.
        binary: The version of plain bytes; ``labels`` of them stand before each image, the last counts.
        python: The version that Keras downloads; ``sha256`` of its archive as Keras checks it, ``cached`` the
            archive's name in Keras' cache.
        keys: Of the labels and of the classes' names in the pickled dictionaries.
    """

    name: str
    title: str
    classes: int
    binary: Version
    labels: int
    python: Version
    sha256: str
    cached: str
    keys: tuple[str, str]

    def load(self, data_dir: Path | None = None) -> Dataset:
        """Load the data set; 5,000 of its 50,000 training images are for validation.

        Args:
            data_dir: A folder with an archive of either version, or with the binary version's files; without
                it the archive that Keras downloads and checks once (160 MB).

        Raises:
            KerasCnnError: A file is missing, damaged or not the published one, or the download failed.
        """
        classes, train, test = self._read(data_dir)
        if len(train) != TRAIN_TO_TEST * len(test):
            raise KerasCnnError(
                f"{data_dir or self.title} holds {len(train):,} training and {len(test):,} test images, not "
                f"{TRAIN_TO_TEST} to 1 as published: a file is cut off."
            )
        rest, validation = split_off(train, len(train) // VALIDATION_SHARE)
        return Dataset(self.name, classes, rest, validation, test, channels=3, augmentation=SMALL_PHOTOS)

    def is_in(self, folder: Path) -> bool:
        """Whether a folder contains either version, extracted pickles included, which loading refuses."""
        return self.binary.is_in(folder) or self.python.is_in(folder)

    def _read(self, data_dir: Path | None) -> tuple[tuple[str, ...], Split, Split]:
        if data_dir is None:
            origin = f"https://www.cs.toronto.edu/~kriz/{self.python.archive}"
            return self._unpickled(downloaded(self.title, origin, self.sha256, name=self.cached))
        for folder in (data_dir / self.binary.folder, data_dir):
            if (folder / self.binary.test).is_file():
                return self._records(folder, {name: _content(folder / name) for name in self.binary.files})
        if path := self.binary.found(data_dir):
            return self._records(path, self.binary.members(path))
        if path := self.python.found(data_dir):
            return self._unpickled(path)
        archives = sorted(path.name for path in data_dir.glob("*.zip"))
        unpack = f" Unpack {archives[0]} there." if archives else ""
        raise KerasCnnError(
            f"{data_dir} has none of {self.binary.archive}, {self.binary.folder} and {self.python.archive}: "
            "one of them must be there. (Pickles that were extracted are not read: they cannot be verified.)"
            f"{unpack}"
        )

    def _records(self, where: Path, files: dict[str, bytes]) -> tuple[tuple[str, ...], Split, Split]:
        classes = self._names(where / self.binary.names, files[self.binary.names].split(b"\n"))
        parts = {
            name: self._record(where / name, files[name]) for name in (*self.binary.train, self.binary.test)
        }
        return classes, _joined([parts[name] for name in self.binary.train]), parts[self.binary.test]

    def _record(self, path: Path, content: bytes) -> Split:
        size = self.labels + PIXELS
        if not content or len(content) % size:
            raise KerasCnnError(
                f"{path} must hold records of {size:,} bytes, it holds {len(content):,} bytes: it is damaged."
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, size)
        return self._split(path, records[:, self.labels :], records[:, self.labels - 1])

    def _unpickled(self, path: Path) -> tuple[tuple[str, ...], Split, Split]:
        try:
            files = {
                name: read_pickle(content)
                for name, content in self.python.members(path, sha256=self.sha256).items()
            }
            labels, names = self.keys
            classes = self._names(path / self.python.names, files[self.python.names][names])
            parts = {
                name: self._split(path / name, files[name]["data"], files[name][labels])
                for name in (*self.python.train, self.python.test)
            }
        except (KeyError, TypeError, ValueError) as error:
            raise KerasCnnError(f"{path} is not what it was when it was published: {error}.") from error
        return classes, _joined([parts[name] for name in self.python.train]), parts[self.python.test]

    def _names(self, path: Path, lines: Sequence[bytes]) -> tuple[str, ...]:
        names = tuple(line.decode("utf-8", "replace").strip() for line in lines if line.strip())
        if len(names) != self.classes:
            raise KerasCnnError(f"{path} must name {self.classes} classes, it names {len(names)}.")
        return names

    def _split(self, path: Path, pixels: Any, labels: Any) -> Split:
        """Return pixels, uint8 (n, 3,072), and labels (n,) as a split of colour images."""
        images: NDArray[np.uint8] = np.asarray(pixels, np.uint8).reshape(-1, 3, 32, 32)
        numbers = np.asarray(labels, np.int32)
        wrong = (numbers < 0) | (numbers >= self.classes)
        if wrong.any():
            where = int(np.argmax(wrong))
            raise KerasCnnError(
                f"{path}: labels must be 0 to {self.classes - 1}, number {where} is {numbers[where]}."
            )
        return Split(np.ascontiguousarray(images.transpose(0, 2, 3, 1)), numbers)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_MEMBER:
            raise KerasCnnError(f"{path} is larger than any published file.")
        return path.read_bytes()
    except OSError as error:
        raise KerasCnnError(f"{path} cannot be read: {error.strerror}.") from error


def _joined(parts: Sequence[Split]) -> Split:
    return Split(
        np.concatenate([part.images[:] for part in parts]), np.concatenate([part.labels for part in parts])
    )


BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
CIFAR10 = Cifar(
    name="cifar10",
    title="CIFAR-10",
    classes=10,
    binary=Version(
        "cifar-10-binary.tar.gz",
        "cifar-10-batches-bin",
        tuple(f"{name}.bin" for name in BATCHES),
        "test_batch.bin",
        "batches.meta.txt",
    ),
    labels=1,
    python=Version("cifar-10-python.tar.gz", "cifar-10-batches-py", BATCHES, "test_batch", "batches.meta"),
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    cached="cifar-10-batches-py-target_archive",
    keys=("labels", "label_names"),
)
CIFAR100 = Cifar(
    name="cifar100",
    title="CIFAR-100",
    classes=100,
    binary=Version(
        "cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), "test.bin", "fine_label_names.txt"
    ),
    labels=2,
    python=Version("cifar-100-python.tar.gz", "cifar-100-python", ("train",), "test", "meta"),
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    cached="cifar-100-python-target_archive",
    keys=("fine_labels", "fine_label_names"),
)
SOURCE_10 = Loader(CIFAR10.load, CIFAR10.is_in)
SOURCE_100 = Loader(CIFAR100.load, CIFAR100.is_in)

"""A data set: three disjoint splits of labelled images."""

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.augmentation import UNCHANGED, Augmentation
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnWarning

UNEQUAL = 2  # times as many training images in the largest class as in the smallest

Indices = NDArray[np.integer[Any]]


class Images(Protocol):
    """Images indexed by slices or arrays: an array in memory, or files read on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: slice | Indices) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Split:
    """Images in memory and their labels.

    Attributes:
        images: uint8, shape (n, height, width, channels), values 0 to 255.
        labels: int32, shape (n,), values 0 to classes − 1.
    """

    images: Images
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Return the SHA-256 of shape, pixels and labels as hexadecimal text."""
        images = self.images[:]
        content = hashlib.sha256(repr(images.shape).encode())
        content.update(np.ascontiguousarray(images).data)
        content.update(np.ascontiguousarray(self.labels, dtype=np.int32).data)
        return content.hexdigest()

    def prepared(self, preprocessing: Preprocessing) -> Self:
        """Return the split with every image brought to the model's input."""
        return type(self)(preprocessing.batch(self.images[:]), self.labels)

    def take(self, indices: Indices) -> Self:
        """Return the images with the given indices, in that order."""
        return type(self)(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class BadFile:
    """A file that is not an image, and the reason, phrased to follow the file's name."""

    path: Path
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return path and reason."""
        return {"path": str(self.path), "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


@dataclass(frozen=True)
class Dataset:
    """A data set: three splits of images in the source's original size.

    Attributes:
        classes: Their names, in the order of the labels.
        channels: Channels of its images: 1 for grey, 3 for colour.
        framed_above: Side in pixels of images that a larger model's input frames with a black margin.
        fit: Whether images of another shape than the input are padded or cropped, see ``Preprocessing``.
        augmentation: Augmentations allowed for its images in training.
        left_out: Image files below the source's folder that are in no split, since they are damaged.
        passed_over: Other files and folders there that are in no split.
        notes: Assumptions and omissions in reading the folder, one sentence each.
    """

    source: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    channels: int = 1
    framed_above: int | None = None
    fit: Literal["pad", "crop"] = "pad"
    augmentation: Augmentation = UNCHANGED
    left_out: tuple[BadFile, ...] = ()
    passed_over: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def preprocessing(self, side: int, channels: int | None = None) -> Preprocessing:
        """Return the preprocessing from this source's images to a square input.

        Args:
            side: Side of the input in pixels.
            channels: 1 or 3; ``None``: the source's own.
        """
        framed = self.framed_above is not None and side > self.framed_above
        return Preprocessing.model_validate(
            {
                "height": side,
                "width": side,
                "channels": channels or self.channels,
                "margin": side // 16 if framed else 0,  # 28 in 32, as in LeCun et al., 1998
                "fit": self.fit,
            }
        )

    def tell(self) -> None:
        """Report assumptions and omissions of the reading as notes."""
        for note in self.notes:
            warnings.warn(note, KerasCnnWarning, stacklevel=3)

    def splits(self) -> dict[str, Split]:
        """The splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def training_counts(self) -> tuple[int, ...]:
        """Number of training images of each class."""
        return tuple(np.bincount(self.train.labels, minlength=len(self.classes)).tolist())

    @property
    def is_unequal(self) -> bool:
        """Whether the classes are so unequal that one accuracy hides the small ones."""
        counts = self.training_counts
        return max(counts) > UNEQUAL * min(counts)

    def counts(self) -> dict[str, int]:
        """Return the number of images of each split."""
        return {name: len(split) for name, split in self.splits().items()}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each split, class names included."""
        classes = json.dumps(self.classes)
        return {
            name: hashlib.sha256(f"{classes}{split.digest()}".encode()).hexdigest()
            for name, split in self.splits().items()
        }

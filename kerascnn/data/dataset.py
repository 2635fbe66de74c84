"""A data set in memory: three disjoint splits of labelled images."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.preprocessing import Preprocessing


@dataclass(frozen=True)
class Split:
    """Images and labels.

    Attributes:
        images: uint8, shape (n, height, width, channels), values 0 to 255.
        labels: int32, shape (n,), values 0 to classes − 1.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Return the SHA-256 of shape, pixels and labels as hexadecimal text."""
        content = hashlib.sha256(repr(self.images.shape).encode())
        content.update(np.ascontiguousarray(self.images).data)
        content.update(np.ascontiguousarray(self.labels, dtype=np.int32).data)
        return content.hexdigest()

    def prepared(self, preprocessing: Preprocessing) -> "Split":
        """Return the split with every image brought to the model's input."""
        return Split(preprocessing.batch(self.images), self.labels)


@dataclass(frozen=True)
class Dataset:
    """A source's three splits, as pictures of the source's own size.

    Attributes:
        classes: Their names, in the order of the labels.
        zero_pad: Whether pictures smaller than a model's input are framed with zeros instead of enlarged.
    """

    source: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    zero_pad: bool = False

    def preprocessing(self, height: int, width: int) -> Preprocessing:
        """Return the rule that brings this source's pictures to (height, width) in their own channels."""
        side, _, channels = self.train.images.shape[1:]
        margin = max((height - side) // 2, 0) if self.zero_pad else 0
        return Preprocessing.model_validate(
            {"height": height, "width": width, "channels": channels, "margin": margin}
        )

    def counts(self) -> dict[str, int]:
        """Return the number of images of each split."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each split."""
        return {
            "train": self.train.digest(),
            "validation": self.validation.digest(),
            "test": self.test.digest(),
        }

"""Augmentation: how training images are shifted, rotated, scaled, cropped and mirrored."""

import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnWarning

Part = Literal["flip", "shift", "crop", "rotate", "zoom"]
#: Of an augmentation, by their names: which field is each, and what is done to images, in words.
PARTS: dict[Part, tuple[str, str]] = {
    "flip": ("mirrored", "mirrored"),
    "shift": ("shift", "moved"),
    "crop": ("crop", "cropped"),
    "rotate": ("rotation", "turned"),
    "zoom": ("zoom", "scaled"),
}
UNMOVED = (1, 0, 0, 0, 1, 0, 0, 0)


@dataclass(frozen=True)
class Augmentation:
    """The limits of random changes, drawn uniformly for each image and epoch.

    Attributes:
        rotation: Degrees to either side.
        zoom: Larger or smaller by this share.
        shift: Share of the side, in both directions.
        mirrored: Whether every other image is turned left to right.
        crop: Smallest share of the shorter side that is cut from an image, at a random place.
    """

    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    mirrored: bool = False
    crop: float = 1.0

    def part(self, chosen: bool | Collection[Part]) -> "Augmentation":
        """Return the augmentation with the requested parts only.

        Args:
            chosen: All, nothing, or these parts; one that is missing here gets its usual size.
        """
        if chosen is True:
            return self
        wanted = [PARTS[name][0] for name in chosen or ()]
        return Augmentation(**{name: getattr(self if self._has(name) else USUAL, name) for name in wanted})

    @property
    def words(self) -> list[str]:
        """The augmentation in words."""
        return [word for name, word in PARTS.values() if self._has(name)]

    @property
    def moves(self) -> "Augmentation":
        """The augmentation without cropping and mirroring."""
        return replace(self, crop=UNCHANGED.crop, mirrored=UNCHANGED.mirrored)

    def tell(self) -> None:
        """Report the augmentation as a note."""
        *words, last = self.words or [""]
        if last:
            done = f"{', '.join(words)} and {last}" if words else last
            warnings.warn(
                f"Training images are {done} at random. --augment chooses what is done, for instance "
                "--augment shift; --no-augment leaves them as they are.",
                KerasCnnWarning,
                stacklevel=3,
            )

    def _has(self, name: str) -> bool:
        return bool(getattr(self, name) != getattr(UNCHANGED, name))

    def transforms(self, draw: np.random.Generator, count: int, side: int) -> NDArray[np.float32]:
        """Draw a random affine map about the centre for each image.

        Args:
            draw: Random generator.
            count: Number of images.
            side: Side of the square images in pixels.

        Returns:
            float32 (count, 8), as ``keras.ops.image.affine_transform`` takes them: from a place of the new
            image to the place in the old one that it shows.
        """
        middle = (side - 1) / 2
        angle = np.radians(self.rotation) * draw.uniform(-1, 1, count)
        scale = 1 / (1 + self.zoom * draw.uniform(-1, 1, count))
        shift = self.shift * side * draw.uniform(-1, 1, (2, count))
        mirror = np.where(draw.random(count) < 0.5, -1, 1) if self.mirrored else 1
        if self.crop < 1:
            share = draw.uniform(self.crop, 1, count)
            scale, shift = scale * share, shift + middle * (1 - share) * draw.uniform(-1, 1, (2, count))
        right, down = np.array([np.cos(angle) * mirror, np.sin(angle)]) * scale
        across, along = np.array([-np.sin(angle) * mirror, np.cos(angle)]) * scale
        zero = np.zeros(count)
        columns = [
            *(right, across, middle * (1 - right - across) + shift[0]),
            *(down, along, middle * (1 - down - along) + shift[1]),
            *(zero, zero),
        ]
        return np.stack(columns, axis=1).astype(np.float32)


UNCHANGED = Augmentation()
DIGITS = Augmentation(rotation=10, zoom=0.1, shift=0.06)
SMALL_PHOTOS = Augmentation(mirrored=True, shift=0.125)  # 4 of 32 pixels, as is usual for CIFAR
PHOTOS = Augmentation(mirrored=True, crop=0.9)
USUAL = Augmentation(rotation=10, zoom=0.1, shift=0.06, mirrored=True, crop=0.9)

"""How training pictures may be moved, turned and mirrored without becoming another class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNMOVED = (1, 0, 0, 0, 1, 0, 0, 0)


@dataclass(frozen=True)
class Augmentation:
    """The largest changes; each picture's own are drawn evenly between them, anew in every epoch.

    Attributes:
        rotation: Degrees to either side.
        zoom: Larger or smaller by this share.
        shift: Share of the side, in both directions.
        mirrored: Whether every other picture is turned left to right.
        crop: Smallest share of the shorter side that is cut from a photo, at a random place.
    """

    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    mirrored: bool = False
    crop: float = 1.0

    def transforms(self, draw: np.random.Generator, count: int, side: int) -> NDArray[np.float32]:
        """Draw an affine map for each of some pictures, about their middle.

        Args:
            draw: Where chance comes from.
            count: Number of pictures.
            side: Of the square pictures in pixels.

        Returns:
            float32 (count, 8), as ``keras.ops.image.affine_transform`` takes them: from a place of the new
            picture to the place in the old one that it shows.
        """
        angle = np.radians(self.rotation) * draw.uniform(-1, 1, count)
        scale = 1 / (1 + self.zoom * draw.uniform(-1, 1, count))
        shift = self.shift * side * draw.uniform(-1, 1, (2, count))
        mirror = np.where(draw.random(count) < 0.5, -1, 1) if self.mirrored else 1
        right, down = np.array([np.cos(angle) * mirror, np.sin(angle)]) * scale
        across, along = np.array([-np.sin(angle) * mirror, np.cos(angle)]) * scale
        middle = (side - 1) / 2
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

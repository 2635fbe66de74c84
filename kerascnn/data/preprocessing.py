"""Preprocessing from an image to a model's input, stored in every model file."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from kerascnn.data.pixels import on_canvas, resized
from kerascnn.foundation.settings import Settings


class Preprocessing(Settings):
    """Scaling of an image with its aspect ratio kept, to pixels of 0 to 255.

    Attributes:
        fit: ``pad`` brings the whole image into the middle of a black canvas; ``crop`` fills the canvas
            with the middle of the image.
        height: Side of the canvas in pixels; ``width`` likewise.
        channels: 1 for grey, 3 for colour.
        margin: Pixels on each side that stay black (2 for MNIST: 28×28 in 32×32, as LeCun et al., 1998).
        resample: Pillow's filter for scaling.
    """

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    channels: Literal[1, 3]
    margin: int = Field(default=0, ge=0)
    fit: Literal["pad", "crop"] = "pad"
    resample: Literal["bilinear"] = "bilinear"

    def image(self, image: Image.Image) -> NDArray[np.uint8]:
        """Preprocess one image to uint8, shape (height, width, channels)."""
        return on_canvas(
            image,
            height=self.height,
            width=self.width,
            channels=self.channels,
            margin=self.margin,
            fit=self.fit,
        )

    def crop(self, image: Image.Image, box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
        """Preprocess a part of an image, scaled to the canvas.

        Args:
            image: The image.
            box: (left, top, right, bottom) in pixels of the image, of the canvas's shape.
        """
        mode = "L" if self.channels == 1 else "RGB"
        part = resized(image.convert(mode), (self.width, self.height), box)
        return np.asarray(part, dtype=np.uint8).reshape(self.height, self.width, self.channels)

    def batch(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Preprocess images of one size, uint8 (n, h, w, c), to uint8 (n, height, width, channels)."""
        room = self.height - 2 * self.margin, self.width - 2 * self.margin, self.channels
        if images.shape[1:] == room:  # nothing to scale: frame all at once
            frame = (self.margin, self.margin)
            return np.pad(images, ((0, 0), frame, frame, (0, 0)))
        squeezed = images[..., 0] if images.shape[-1] == 1 else images
        return np.stack([self.image(Image.fromarray(image)) for image in squeezed])

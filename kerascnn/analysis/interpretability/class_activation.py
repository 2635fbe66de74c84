"""Class activation maps: the scores of a convolutional head before averaging, on images of any size.

For a head that averages (Lin et al., 2013) it is the class activation map (Zhou et al., 2016).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.foundation.errors import UsageError
from kerascnn.models.description import ModelDescription
from kerascnn.models.family import Variant
from kerascnn.models.geometry import map_side, next_fitting
from kerascnn.models.heads import is_head_layer

CLASS_MAP = "class_map"  # the layer whose output it is
MAP_SIDE = 5  # cells a side at least: a smaller map is enlarged with its image
LONGEST = 4  # times the shorter side, beyond which a long image is cropped


@dataclass(frozen=True)
class ClassMap:
    """The image that entered a network and the class scores at every position.

    Attributes:
        pixels: uint8, shape (height, width, channels): the image as it entered.
        scores: float32, shape (rows, columns, classes): logits, their mean over the map is the answer.
        step: Pixels between neighbouring places.
    """

    pixels: NDArray[np.uint8]
    scores: NDArray[np.float32]
    step: int

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The part of the image that the map covers: (left, right, bottom, top) in pixels."""
        (height, width), (rows, columns) = self.pixels.shape[:2], self.scores.shape[:2]
        left, top = (width - columns * self.step) / 2, (height - rows * self.step) / 2
        return left, width - left, height - top, top


def class_map(model: Any, description: ModelDescription, image: Image.Image) -> ClassMap:
    """Compute the map over a whole image, see :func:`class_maps`."""
    return class_maps(model, description, [image])[0]


def class_maps(model: Any, description: ModelDescription, images: Sequence[Image.Image]) -> list[ClassMap]:
    """Compute the maps over whole images, their aspects kept.

    The shorter side is that of the training images, or larger where the map would have less than 5 cells.

    Raises:
        UsageError: The model has no such map.
    """
    require_class_map(model, description)
    variant = description.architecture.facts()
    step = math.prod(window.stride for window in variant.windows)
    networks: dict[tuple[int, ...], Any] = {}  # one for each size
    found = []
    for image in images:
        pixels = _entering(image, model, description)
        if pixels.shape not in networks:
            networks[pixels.shape] = resized_to_map(model, *pixels.shape[:2])
        scores = networks[pixels.shape].predict_on_batch(pixels[np.newaxis])[0]
        found.append(ClassMap(pixels, scores, step))
    return found


def _entering(image: Image.Image, model: Any, description: ModelDescription) -> NDArray[np.uint8]:
    """Return an image scaled for the network, shape (height, width, channels)."""
    variant = description.architecture.facts()
    rule = description.preprocessing
    short = _side_of_a_map(variant, model, rule.height)
    stretch = min(max(image.size) / min(image.size), LONGEST)
    long = next_fitting(variant.windows, round(short * stretch)) or short
    height, width = (short, long) if image.height < image.width else (long, short)
    margin = round(rule.margin * short / rule.height)
    rule = rule.model_copy(update={"height": height, "width": width, "margin": margin})
    return rule.image(image)


def require_class_map(model: Any, description: ModelDescription) -> None:
    """Refuse a model without a map of class scores.

    Raises:
        UsageError: Its head is dense layers, or it is not one of this project's.
    """
    names = {layer.name for layer in model.layers}
    if not description.is_foreign and CLASS_MAP in names:
        return
    if "flatten" in names:
        way_out = "Run kerascnn surgery RUN, then use RUN-conv."
    else:
        way_out = "conv1x1 and nin are such heads."
    raise UsageError(f"Heatmaps need a convolutional head. {way_out}")


def resized_to_map(model: Any, height: int, width: int) -> Any:
    """Return the network for another image size, up to the map of class scores (rows, columns, classes)."""
    import keras

    pixels = keras.Input((height, width, model.input_shape[-1]), name="pixels")
    resized = keras.models.clone_model(model, input_tensors=pixels)
    resized.set_weights(model.get_weights())
    return keras.Model(resized.input, resized.get_layer(CLASS_MAP).output)


def _side_of_a_map(variant: Variant, model: Any, side: int) -> int:
    """Return the smallest image side, at least the given one, whose map has enough cells."""
    head = [layer for layer in model.layers if is_head_layer(layer.name) and hasattr(layer, "kernel_size")]
    lost = sum(layer.kernel_size[0] - 1 for layer in head)
    while map_side(variant.windows, side) - lost < MAP_SIDE:
        larger = next_fitting(variant.windows, side + 1)
        if larger is None:
            break
        side = larger
    return side

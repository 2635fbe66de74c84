"""The in-memory input pipeline: images stay uint8 in one tensor, a batch is a list of indices.

Only the indices travel through Keras' data adapter; the images are gathered and cast inside the compiled
step. On two cores this keeps up with LeNet-5, where feeding float images does not.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray


class ImageTable(layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Looks images up by their index.

    Args:
        images: uint8, shape (n, height, width, channels).
    """

    def __init__(self, images: NDArray[np.uint8]) -> None:
        super().__init__(trainable=False, name="image_table")
        self.images = ops.convert_to_tensor(images)

    def call(self, indices: Any) -> Any:
        """Return images as float32 (batch, height, width, channels) for int32 indices (batch,)."""
        return ops.cast(ops.take(self.images, indices, axis=0), "float32")


def with_image_table(model: Any, images: NDArray[np.uint8]) -> Any:
    """Return a model from image indices to the outputs of ``model``, sharing its weights."""
    indices = keras.Input((), dtype="int32", name="indices")
    return keras.Model(indices, model(ImageTable(images)(indices)))

"""The in-memory input pipeline: images stay uint8 in one tensor, a batch is a list of indices.

Only the indices travel through Keras' data adapter; the images are gathered and cast inside the compiled
step. On two cores this keeps up with LeNet-5, where feeding float images does not.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from kerascnn.data.dataset import Dataset
from kerascnn.errors import KerasCnnError
from kerascnn.evaluation import images_at_once
from kerascnn.training.backend import batches
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.feed import epoch_order


class ImageTable(layers.Layer):
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


class TableFeed:
    """Batches of image numbers; the validation images stand behind the training images in the table."""

    steps_per_call = 32
    failure: KerasCnnError | None = None  # nothing is read while it trains

    def __init__(self, model: Any, data: Dataset, config: ResolvedConfig) -> None:
        table = np.concatenate([data.train.images[:], data.validation.images[:]])
        indices = keras.Input((), dtype="int32", name="indices")
        self.model = keras.Model(indices, model(ImageTable(table)(indices)))
        self._data, self._config = data, config
        self._at_once = images_at_once(table.shape[1:])

    def training(self, epoch: int) -> Any:
        """Return the training batches of an epoch, counted from 1."""
        order = epoch_order(self._config.seed, epoch, len(self._data.train))
        return batches(order, self._data.train.labels[order], self._config.batch_size)

    def validation(self) -> Any:
        """Return the validation batches."""
        numbers = np.arange(len(self._data.validation), dtype=np.int32) + len(self._data.train)
        return batches(numbers, self._data.validation.labels, self._at_once)

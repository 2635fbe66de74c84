"""The in-memory input pipeline: images stay uint8 in one tensor, a batch is a list of indices.

Only the indices travel through Keras' data adapter, with eight numbers an image where it is moved; the images
are gathered, moved and cast inside the compiled step. On two cores this keeps up with LeNet-5, where feeding
float images does not.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import images_at_once
from kerascnn.data.augmentation import UNMOVED
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.training.backend.distribution import Team
from kerascnn.training.backend.pipelines import batches
from kerascnn.training.backend.sharding import divided
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.input.feed import class_weights, epoch_order

MOVES = 1  # the stream of chance beside that of the order, which has (seed, epoch) for itself


class ImageTable(layers.Layer):
    """Looks images up by their index.

    Args:
        images: uint8, shape (n, height, width, channels).
    """

    def __init__(self, images: NDArray[np.uint8]) -> None:
        super().__init__(trainable=False, name="image_table", dtype="float32")
        self.images = ops.convert_to_tensor(images)

    def call(self, indices: Any) -> Any:
        """Return images as float32 (batch, height, width, channels) for int32 indices (batch,)."""
        return divided(ops.cast(ops.take(self.images, indices, axis=0), "float32"))


class Moved(layers.Layer):
    """Apply one affine map per image: shift, rotate, scale, flip, with black borders."""

    def __init__(self) -> None:
        super().__init__(trainable=False, name="moved", dtype="float32")

    def call(self, images: Any, transforms: Any) -> Any:
        """Return images like the given ones, (batch, height, width, channels), for transforms (batch, 8)."""
        return ops.image.affine_transform(images, transforms, data_format="channels_last")


class TableFeed:
    """Batches of image indices; the validation images follow the training images in the table."""

    steps_per_call = 32
    failure: KerasCnnError | None = None  # nothing is read while it trains

    def __init__(self, model: Any, data: Dataset, config: ResolvedConfig, team: Team) -> None:
        self._data, self._config = data, config
        self._change, self._moves = data.augmentation.part(config.augment), bool(config.augment)
        table = np.concatenate([data.train.images[:], data.validation.images[:]])
        inputs = [keras.Input((), dtype="int32", name="indices")]
        images = ImageTable(table)(inputs[0])
        if self._moves:
            inputs.append(keras.Input((8,), name="transforms"))
            images = Moved()(images, inputs[1])
        self.model = keras.Model(inputs, model(images))
        self._side, self._at_once = table.shape[1], images_at_once(table.shape[1:])

    def training(self, epoch: int) -> Any:
        """Return the training batches of an epoch, counted from 1."""
        labels = self._data.train.labels
        order = epoch_order(self._config.seed, epoch, len(labels))
        draw = np.random.default_rng((self._config.seed, epoch, MOVES))
        moves = self._change.transforms(draw, len(order), self._side) if self._moves else None
        weights = (class_weights(labels)[labels[order]],) if self._config.class_weights else ()
        return batches((_inputs(order, moves), labels[order], *weights), self._config.batch_size)

    def validation(self) -> Any:
        """Return the validation batches."""
        labels = self._data.validation.labels
        numbers = np.arange(len(labels), dtype=np.int32) + len(self._data.train)
        moves = np.tile(UNMOVED, (len(labels), 1)).astype(np.float32) if self._moves else None
        return batches((_inputs(numbers, moves), labels), self._at_once)


def _inputs(numbers: NDArray[np.int32], moves: NDArray[np.float32] | None) -> Any:
    return (numbers,) if moves is None else (numbers, moves)

"""Distribute a batch over devices: indices are replicated, images are sharded.

Every process knows the order of an epoch, so indices and labels cost nothing to repeat; the images, and
with them all of a step's work, are divided by rows. XLA computes as if there were one device: the mean of the
loss, the statistics of batch normalization and the masks of dropout are those of the whole batch. A batch
that does not divide evenly is padded inside the compiled step, so none is cut.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers

IMAGE_RANK = 4  # the rank of a batch of images


class BatchParallel(keras.distribution.DataParallel):
    """Data parallelism that shards images and replicates indices."""

    def get_data_layout(self, data_shape: tuple[int, ...]) -> Any:
        """Return the layout of an input; Keras asks once for all batches of an epoch."""
        if len(data_shape) < IMAGE_RANK:
            return keras.distribution.TensorLayout((None,) * len(data_shape), self.device_mesh)
        return super().get_data_layout(data_shape)


def divided(images: Any) -> Any:
    """Return images sharded by rows over the devices; without a distribution unchanged."""
    distribution = keras.distribution.distribution()
    if distribution is None or images.shape[0] is None:
        return images
    return keras.distribution.distribute_tensor(images, distribution.get_data_layout(images.shape))


class Joined(layers.Layer):
    """Remove the rows with which ``Team.part`` padded a batch.

    The numbers must be the first of the model's inputs: Keras weights a batch's loss by the rows of that one.
    """

    def __init__(self) -> None:
        super().__init__(trainable=False, name="joined")

    def call(self, images: Any, numbers: Any) -> Any:
        """Return the first n rows of images (m, ...) for indices (n,)."""
        return divided(images[: numbers.shape[0]])


@contextmanager
def alone() -> Iterator[None]:
    """Run a block in one process alone, for example to save a model.

    Under a distribution each new Keras variable, also the few that saving makes, is an exchange that all
    processes must take part in, and one alone would wait for ever. Assigning to a variable that was made
    under it stays such an exchange here, too: load or build the model again.
    """
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)

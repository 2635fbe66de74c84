"""What training needs of TensorFlow itself; the only file below ``tflite/`` that imports it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def batches(indices: NDArray[np.int32], labels: NDArray[np.int32], batch_size: int) -> Any:
    """Return image indices and labels in the given order as batches for Keras' ``fit`` and ``evaluate``.

    Given arrays, Keras builds a pipeline with tf.data's autotuner. When such a pipeline ends, it can wait for
    the autotuner's next look, up to as long as the epoch took (TensorFlow 2.21: epochs of 2.6 s that randomly
    took 5.11 s, both cores idle). A list of integers needs no tuning.

    Args:
        indices: Shape (n,).
        labels: Shape (n,).
        batch_size: The last batch may be smaller.
    """
    import tensorflow as tf

    return _untuned(tf.data.Dataset.from_tensor_slices((indices, labels)).batch(batch_size))


def streamed(produce: Callable[[], Iterator[Any]], shape: tuple[int, int, int], count: int) -> Any:
    """Return batches that a generator produces while the step before is computed.

    Args:
        produce: Called once; yields images, uint8 (n, *shape), and labels, int32 (n,).
        shape: (height, width, channels).
        count: How many batches there are.
    """
    import tensorflow as tf

    images, labels = tf.TensorSpec((None, *shape), tf.uint8), tf.TensorSpec((None,), tf.int32)
    produced = tf.data.Dataset.from_generator(produce, output_signature=(images, labels))
    return _untuned(produced.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2))


def _untuned(dataset: Any) -> Any:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)

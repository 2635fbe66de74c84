"""Batches for Keras' ``fit`` and ``evaluate`` from TensorFlow's pipelines, for any backend."""

from collections.abc import Callable, Iterator
from typing import Any


def batches(rows: Any, batch_size: int) -> Any:
    """Return rows in the given order as batches.

    Given arrays, Keras builds a pipeline with tf.data's autotuner. When such a pipeline ends, it can wait for
    the autotuner's next look, up to as long as the epoch took (TensorFlow 2.21: epochs of 2.6 s that randomly
    took 5.11 s, both cores idle). A list of numbers needs no tuning.

    Args:
        rows: A tuple, also of tuples, of arrays of the same length.
        batch_size: The last batch may be smaller.
    """
    import tensorflow as tf

    return _untuned(tf.data.Dataset.from_tensor_slices(rows).batch(batch_size))


def streamed(produce: Callable[[], Iterator[Any]], example: tuple[Any, ...], count: int) -> Any:
    """Return batches from a generator that runs ahead by one step.

    Args:
        produce: Called once; yields tuples of arrays like the example's.
        example: A batch, for the types of its arrays and their shapes behind the first axis.
        count: How many batches there are.
    """
    import tensorflow as tf

    kinds = tf.nest.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), example)
    produced = tf.data.Dataset.from_generator(produce, output_signature=kinds)
    return _untuned(produced.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2))


def _untuned(dataset: Any) -> Any:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)

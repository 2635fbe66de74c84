"""From a Keras model of logits to the bytes of a ``.tflite`` file that returns probabilities."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.errors import KerasCnnError, first_line
from kerascnn.tflite.schemes import Scheme


def convert(
    model: Any,
    scheme: Scheme,
    images: NDArray[np.uint8] | None = None,
    *,
    ends: str | None = None,
    signature: bool = True,
) -> bytes:
    """Convert with a static batch of 1 and a softmax at the end.

    Args:
        model: From raw pixels to logits.
        scheme: How to quantize.
        images: Calibration images, uint8 (n, height, width, channels), where the scheme needs them.
        ends: Type of input and output; ``None``: the scheme's usual one.
        signature: Whether the file has a signature, by which other programs call it. What is only compared here
            does without: the same network, in a third of the time, because it does not go over a SavedModel.

    Raises:
        KerasCnnError: TensorFlow's converter refused.
    """
    import tensorflow as tf

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        assert images is not None
        for image in images:
            yield [image[np.newaxis].astype(np.float32)]

    converter = (_converter if signature else _converter_of_the_graph)(_one_image(model))
    scheme.set_up(converter)
    converter.inference_input_type = converter.inference_output_type = getattr(tf, ends or scheme.ends[0])
    if scheme.calibrated:
        converter.representative_dataset = samples
    try:
        with _silence():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises many kinds of its own
        raise KerasCnnError(f"TensorFlow's converter refused {model.name}: {first_line(error)}") from error
    return content


def _converter(model: Any) -> Any:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model)


def _converter_of_the_graph(model: Any) -> Any:
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        return _converter(model)
    pixels = tf.TensorSpec(model.input_shape, name="pixels")
    graph = tf.function(partial(model, training=False), input_signature=[pixels]).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([graph], graph)  # with a model it would save one


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Keras from printing what it exports, and TensorFlow from asking for statistics it does not use."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        yield


def _one_image(model: Any) -> Any:
    """Return the model for exactly one image: a dynamic batch would leave SHAPE operators in the file."""
    import keras

    pixels = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    shares = keras.layers.Softmax(name="probabilities")(model(pixels))
    return keras.Model(
        pixels, shares, name="classifier"
    )  # tensors are named after it: the same in every file

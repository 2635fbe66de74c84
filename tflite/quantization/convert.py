"""Convert a Keras model of logits to a ``.tflite`` file that returns probabilities."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.foundation.native_stderr import silent_natives
from kerascnn.tflite.metadata.named_buffer import with_signature
from kerascnn.tflite.quantization.schemes import Scheme

PIXELS, SIGNATURE = "pixels", "serving_default"


def convert(
    model: Any,
    scheme: Scheme,
    images: NDArray[np.uint8] | None = None,
    *,
    io: str | None = None,
) -> bytes:
    """Convert with a static batch of 1 and a softmax at the end.

    Args:
        model: From raw pixels to logits.
        scheme: How to quantize.
        images: Calibration images, uint8 (n, height, width, channels), where the scheme needs them.
        io: Type of input and output; ``None``: the scheme's usual one.

    Raises:
        KerasCnnError: TensorFlow's converter refused.
    """
    import tensorflow as tf

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        assert images is not None
        for image in images:
            yield [image[np.newaxis].astype(np.float32)]

    converter = _converter(_one_image(model))
    scheme.set_up(converter)
    converter.inference_input_type = converter.inference_output_type = getattr(tf, io or scheme.io[0])
    if scheme.calibrated:
        converter.representative_dataset = samples
    try:
        with _silence():
            content = _signed(converter.convert())
    except Exception as error:  # the converter raises many kinds of its own
        raise KerasCnnError(f"TensorFlow's converter refused {model.name}: {first_line(error)}") from error
    return content


def _converter(model: Any) -> Any:
    """Return TensorFlow's converter for the graph of a model.

    Going over a SavedModel, as it does with a Keras model, takes three times as long, to the same network.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        return tf.lite.TFLiteConverter.from_keras_model(model)
    pixels = tf.TensorSpec(model.input_shape, name=PIXELS)
    graph = tf.function(partial(model, training=False), input_signature=[pixels]).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([graph], graph)  # with a model it would save one


def _signed(content: bytes) -> bytes:
    """Return a file with the signature that a conversion from a SavedModel would have."""
    model = schema.Model.GetRootAs(content)
    if model.SignatureDefsLength():
        return content
    graph = model.Subgraphs(0)
    return with_signature(content, SIGNATURE, {PIXELS: graph.Inputs(0)}, {"output_0": graph.Outputs(0)})


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Keras from printing what it exports, and TensorFlow from asking for statistics it does not use."""
    with redirect_stdout(StringIO()), warnings.catch_warnings(), silent_natives():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        yield


def _one_image(model: Any) -> Any:
    """Return the model with a batch of exactly 1: a dynamic batch would leave SHAPE operators in the file."""
    import keras

    pixels = keras.Input(batch_shape=(1, *model.input_shape[1:]), name=PIXELS)
    shares = keras.layers.Softmax(name="probabilities")(model(pixels))
    return keras.Model(
        pixels, shares, name="classifier"
    )  # tensors are named after it: the same in every file

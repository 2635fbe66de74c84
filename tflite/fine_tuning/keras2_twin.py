"""Build the network with tf_keras and convert it to an int8 file."""

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from kerascnn.tflite.fine_tuning.plain_network import PlainNetwork

PREFIX = "quant_"  # before the names of tensorflow-model-optimization's wrappers
AT_ONCE = 16  # images whose values in every layer are held


def twin(network: PlainNetwork) -> Any:
    """Build the network from standardised pixels to probabilities, with its weights."""
    tf_keras.backend.set_image_data_format("channels_last")  # whatever the user's keras.json says
    tf_keras.backend.set_floatx("float32")
    pixels = tf_keras.Input(network.shape, name="pixels")
    values = {0: pixels}
    for layer in network.layers:
        made = getattr(tf_keras.layers, layer.kind)(name=layer.name, **layer.settings)
        read = [values[number] for number in layer.reads]
        values[layer.writes] = made(read if len(read) > 1 else read[0])
        made.set_weights(layer.weights)
    logits = values[network.layers[-1].writes]
    return tf_keras.Model(pixels, tf_keras.layers.Softmax(name="probabilities")(logits))


def to_logits(model: Any) -> Any:
    """Return the model without its softmax, for the loss; the weights are shared."""
    return tf_keras.Model(model.input, model.layers[-1].input)


def start_ranges(aware: Any, floating: Any, images: NDArray[np.float32]) -> None:
    """Initialise the ranges of activations from some images.

    tensorflow-model-optimization starts all at ±6 and forgets a thousandth a step: a short training would
    end with what is left of the six.

    Args:
        aware: The network with int8 in the loop.
        floating: The network without.
        images: Standardised, shape (n, height, width, channels).
    """
    layers = floating.layers
    low = {layer.name: np.inf for layer in layers}
    high = {layer.name: -np.inf for layer in layers}
    outputs = tf_keras.Model(floating.input, [layer.output for layer in layers])
    for start in range(0, len(images), AT_ONCE):
        found_in_all = outputs.predict_on_batch(images[start : start + AT_ONCE])
        for layer, found in zip(layers, found_in_all, strict=True):
            low[layer.name] = min(low[layer.name], found.min())
            high[layer.name] = max(high[layer.name], found.max())
    for wrapper in aware.layers:
        name = wrapper.name.removeprefix(PREFIX)
        for variable in wrapper.weights:
            end = variable.name.rpartition("_")[2]
            if name in low and "kernel" not in variable.name and end in ("min:0", "max:0"):
                variable.assign(low[name] if end == "min:0" else high[name])


def take_raw_pixels(aware: Any, network: PlainNetwork) -> None:
    """Fold the rescaling into the first layers, so that the network takes raw pixels.

    Weights keep their own scale in training, since Adam's steps do not shrink with them.
    """
    for wrapper in aware.layers:
        if wrapper.name.removeprefix(PREFIX) in network.folding:
            named = {variable.name.rpartition("/")[2]: variable for variable in wrapper.weights}
            kernel, bias = named["kernel:0"], named["bias:0"]
            axes = list(range(len(kernel.shape) - 1))
            bias.assign_add(network.offset * tf.reduce_sum(kernel, axes))
            for scaled in (kernel, named["kernel_min:0"], named["kernel_max:0"]):
                scaled.assign(scaled * network.scale)
    pixels = aware.layers[1]
    for variable in pixels.weights:
        for end, byte in (("min:0", 0), ("max:0", 255)):
            if variable.name.endswith(end):
                variable.assign(byte)


def int8_file(aware: Any, io: str) -> bytes:
    """Convert a network that takes raw pixels, for one image at a time.

    Args:
        aware: The network with int8 in the loop.
        io: Type of input and output: ``int8``, ``uint8`` or ``float32``.
    """
    pixels = tf_keras.Input(batch_shape=(1, *aware.input_shape[1:]), name="pixels")
    converter = tf.lite.TFLiteConverter.from_keras_model(tf_keras.Model(pixels, aware(pixels)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
    content: bytes = converter.convert()
    return content

"""Input scaling and output of a Keras model of another program, inferred from its layers."""

import math
from typing import Any

import numpy as np

from kerascnn.models.description import Output
from kerascnn.models.input_scaling import ASSUMED, InputScaling
from kerascnn.models.layer_graph import layer_calls

BRIGHT = 50  # a layer that divides by more, or subtracts a mean of more, is made for pixels of 0 to 255
_SCORES: dict[str, Output] = {"softmax": "probabilities", "sigmoid": "sigmoid", "linear": "logits"}


def scores_of(model: Any) -> Output:
    """Return the kind of output, by the activation of the last layer."""
    import keras

    passing = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Dropout)
    *_, last = (call.layer for call in layer_calls(model) if not isinstance(call.layer, passing))
    if isinstance(last, keras.layers.Softmax):
        return "probabilities"
    activation = getattr(last, "activation", None)
    return _SCORES.get(getattr(activation, "__name__", ""), "unknown")


def scaling_of(model: Any) -> InputScaling:
    """Return the input scaling, by the first layer: one that rescales pixels expects 0 to 255."""
    import keras

    passing = (
        keras.layers.InputLayer,
        keras.layers.Reshape,
        keras.layers.Resizing,
        keras.layers.CenterCrop,
        keras.layers.ZeroPadding2D,
    )
    layers = (call.layer for call in layer_calls(model))
    first = next((layer for layer in layers if not isinstance(layer, passing) and not _augments(layer)), None)
    if isinstance(first, keras.layers.Rescaling) and _largest(first.scale) < 1 / BRIGHT:
        return InputScaling(known_from="its Rescaling layer")
    if isinstance(first, keras.layers.Normalization) and _is_of_pixels(first):
        return InputScaling(known_from="its Normalization layer")
    return ASSUMED


def _augments(layer: Any) -> bool:
    """Whether a layer changes images in training only."""
    return type(layer).__name__.startswith("Random")


def _is_of_pixels(layer: Any) -> bool:
    largest = _largest(layer.mean), math.sqrt(_largest(layer.variance))
    return BRIGHT < max(largest) < math.inf


def _largest(values: Any) -> float:
    """Return the largest size of some numbers; infinity where a damaged file holds something else."""
    try:
        return float(np.nan_to_num(np.abs(np.asarray(values, np.float64)), nan=math.inf).max())
    except (TypeError, ValueError):
        return math.inf

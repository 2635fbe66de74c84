"""The networks of ``kerascnn.models`` from Keras' layers alone, for a machine that has only Keras and JAX."""

import math
from typing import Any

import keras
from keras import layers

#: Filters, side, stride, padding of each of AlexNet's convolutions, and whether 3×3 pooling follows.
ALEXNET = (
    (96, 11, 4, "valid", True),
    (256, 5, 1, "same", True),
    (384, 3, 1, "same", False),
    (384, 3, 1, "same", False),
    (256, 3, 1, "same", True),
)
TRAINED = {"lenet5": 61_706, "alexnet": 62_381_096}  # parameters of kerascnn's networks
MEAN, DEVIATION = (
    {"lenet5": 25.0, "alexnet": 120.0},
    {"lenet5": 79.0, "alexnet": 70.0},
)  # of the pixels, about


def network(name: str) -> keras.Model:
    """Return ``lenet5`` (modern, 10 classes) or ``alexnet`` (one tower, batch norm, 1,000), both with fc.

    Both go from raw pixels, (32, 32, 1) or (227, 227, 3), to logits.
    """
    pixels = keras.Input((32, 32, 1) if name == "lenet5" else (227, 227, 3))
    maps = layers.Rescaling(1 / DEVIATION[name], -MEAN[name] / DEVIATION[name])(pixels)
    model = keras.Model(pixels, (_lenet5 if name == "lenet5" else _alexnet)(maps), name=name)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert trained == TRAINED[name], f"{name} has {trained:,} parameters, kerascnn's has {TRAINED[name]:,}"
    return model


def _lenet5(maps: Any) -> Any:
    for filters in (6, 16):
        maps = layers.MaxPooling2D(2)(layers.Conv2D(filters, 5, activation="relu")(maps))
    hidden = layers.Flatten()(maps)
    for width in (120, 84):
        hidden = layers.Dense(width, activation="relu")(hidden)
    return layers.Dense(10)(hidden)


def _alexnet(maps: Any) -> Any:
    for filters, side, stride, padding, pooled in ALEXNET:
        maps = layers.Conv2D(filters, side, stride, padding)(maps)
        maps = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(maps))
        maps = layers.MaxPooling2D(3, 2)(maps) if pooled else maps
    hidden = layers.Flatten()(maps)
    for width in (4096, 4096):
        hidden = layers.Dropout(0.5)(layers.Dense(width, activation="relu")(hidden))
    return layers.Dense(1000)(hidden)


def multiply_adds(model: keras.Model) -> int:
    """Return the multiply-adds of one image's forward pass: those of convolutions and dense layers."""
    return sum(
        math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, layers.Conv2D | layers.Dense)
    )

"""Heads: the layers after the last feature map.

All heads take features of shape (height, width, depth) and return logits of shape (classes,).

========  ==================================================================================
fc        flatten, then dense layers (LeCun et al., 1998; Krizhevsky et al., 2012)
conv1x1   the same widths as 1×1 convolutions on the map, averaged over the map at the end
nin       one 1×1 convolution to the classes, averaged (Lin, Chen, Yan: "Network in Network", 2013)
========  ==================================================================================

``conv1x1`` is another network than ``fc``, not a rewriting of it: a dense layer over a flattened 5×5×16 map
equals a 5×5 convolution, not a 1×1 one.

Builders import Keras when they are called, so that a mistyped name is refused at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kerascnn.foundation.registry import Registry

#: (features, hidden units, classes, dropout) -> logits; Keras tensors have no public type.
Build = Callable[[Any, Sequence[int], int, float], Any]

#: How the names of a head's layers begin; no layer of a backbone is called so.
_STEMS = ("flatten", "fc", "conv1x1_", "dropout", "class_map", "logits")


@dataclass(frozen=True)
class Head:
    """A head's builder, and whether the widths of its hidden layers can be chosen."""

    build: Build
    has_units: bool


heads: Registry[Head] = Registry("head", "kerascnn.heads", of=Head)


def is_head_layer(name: str) -> bool:
    """Whether a layer's name is that of a head's layer, not of the backbone's."""
    return name.startswith(_STEMS)


def fc(features: Any, units: Sequence[int], classes: int, dropout: float = 0.0) -> Any:
    """Build a head of dense layers: one with ReLU and dropout for each of ``units``, then the classes."""
    from keras import layers

    hidden = layers.Flatten(name="flatten")(features)
    for number, width in enumerate(units, start=1):
        hidden = layers.Dense(width, activation="relu", name=f"fc{number}")(hidden)
        hidden = _dropped(hidden, dropout, number)
    return layers.Dense(classes, name="logits")(hidden)


def conv1x1(features: Any, units: Sequence[int], classes: int, dropout: float = 0.0) -> Any:
    """Build a head of 1×1 convolutions: one for each of ``units``, one to the classes, then the mean."""
    from keras import layers

    hidden = features
    for number, width in enumerate(units, start=1):
        hidden = layers.Conv2D(width, 1, activation="relu", name=f"conv1x1_{number}")(hidden)
        hidden = _dropped(hidden, dropout, number)
    return _averaged_class_map(hidden, classes)


def nin(features: Any, units: Sequence[int], classes: int, dropout: float = 0.0) -> Any:
    """Build a head of one 1×1 convolution to the classes and the mean of its map, without ``units``."""
    return _averaged_class_map(_dropped(features, dropout, 1), classes)


def fc_as_convolutions(features: Any, units: Sequence[int], classes: int, dropout: float = 0.0) -> Any:
    """Build the ``fc`` head as convolutions: the first over the whole map, the others 1×1.

    The layers have the names and, reshaped, the weights of ``fc``. On a larger map the network answers at
    every position; ``class_map`` holds these answers and their mean comes out.
    """
    from keras import layers

    hidden, kernel = features, tuple(features.shape[1:3])
    for number, width in enumerate(units, start=1):
        hidden = layers.Conv2D(width, kernel, activation="relu", name=f"fc{number}")(hidden)
        hidden, kernel = _dropped(hidden, dropout, number), (1, 1)
    return _averaged_class_map(hidden, classes, kernel)


def _dropped(hidden: Any, dropout: float, number: int) -> Any:
    from keras import layers

    return layers.Dropout(dropout, name=f"dropout{number}")(hidden) if dropout else hidden


def _averaged_class_map(hidden: Any, classes: int, kernel: tuple[int, int] = (1, 1)) -> Any:
    from keras import layers

    scores = layers.Conv2D(classes, kernel, name="class_map")(hidden)
    return layers.GlobalAveragePooling2D(name="logits")(scores)


heads.add("fc", Head(fc, has_units=True))
heads.add("conv1x1", Head(conv1x1, has_units=True), aliases=("1x1",))
heads.add("nin", Head(nin, has_units=False))

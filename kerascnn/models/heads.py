"""What stands after the last feature map: the choice this project is about.

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
from typing import Any

from kerascnn.registry import Registry

#: (features, hidden units, classes) -> logits; Keras tensors have no public type.
Head = Callable[[Any, Sequence[int], int], Any]

heads: Registry[Head] = Registry("head")


def fc(features: Any, units: Sequence[int], classes: int) -> Any:
    """Flatten the map; one dense layer with ReLU for each of ``units``, then the classes."""
    from keras import layers

    hidden = layers.Flatten(name="flatten")(features)
    for number, width in enumerate(units, start=1):
        hidden = layers.Dense(width, activation="relu", name=f"fc{number}")(hidden)
    return layers.Dense(classes, name="logits")(hidden)


def conv1x1(features: Any, units: Sequence[int], classes: int) -> Any:
    """One 1×1 convolution with ReLU for each of ``units``, one to the classes, then the mean of the map."""
    from keras import layers

    hidden = features
    for number, width in enumerate(units, start=1):
        hidden = layers.Conv2D(width, 1, activation="relu", name=f"conv1x1_{number}")(hidden)
    scores = layers.Conv2D(classes, 1, name="class_map")(hidden)
    return layers.GlobalAveragePooling2D(name="logits")(scores)


def nin(features: Any, units: Sequence[int], classes: int) -> Any:
    """One 1×1 convolution to the classes, then the mean of the map; ``units`` are not used."""
    from keras import layers

    scores = layers.Conv2D(classes, 1, name="class_map")(features)
    return layers.GlobalAveragePooling2D(name="logits")(scores)


heads.add("fc", fc)
heads.add("conv1x1", conv1x1, aliases=("1x1",))
heads.add("nin", nin)

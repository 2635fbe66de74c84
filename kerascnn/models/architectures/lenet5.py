"""LeNet-5 (LeCun, Bottou, Bengio, Haffner, 1998) and its variants.

LeCun, Bottou, Bengio, Haffner: "Gradient-Based Learning Applied to Document Recognition", 1998.
"""

from typing import TYPE_CHECKING, Any

from kerascnn.models.family import Family, Variant
from kerascnn.models.geometry import Window
from kerascnn.models.heads import heads

if TYPE_CHECKING:
    from kerascnn.models.network import Network

UNITS = (120, 84)
_BACKBONE = (Window("conv1", 5), Window("pool1", 2, 2), Window("conv2", 5), Window("pool2", 2, 2))

#: Which maps of S2 each map of C3 sees (table I of the paper).
C3_TABLE = (
    *[[(first + step) % 6 for step in range(3)] for first in range(6)],
    *[[(first + step) % 6 for step in range(4)] for first in range(6)],
    [0, 1, 3, 4],
    [1, 2, 4, 5],
    [0, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
)

#: One note has lost its brackets.
_LECTURE = "a note writes (32−5/1)+1 for the side; all of N − F is divided: (32 − 5)/1 + 1 = 28"

MODERN = Variant(
    note="The usual modern form, 61,706 parameters with fc at 32×32×1. It differs from the paper: ReLU for "
    "scaled tanh, plain max pooling for trainable subsampling, a full second convolution, logits for the "
    "Euclidean RBF output. Elsewhere LeNet-5 also names 44,426 parameters (28×28, no padding) and "
    "62,006 (32×32 RGB).",
    windows=_BACKBONE,
    image_size=32,
    channels=1,
    classes=10,
    units=UNITS,
    lecture={"conv1": _LECTURE},
)
PAPER = Variant(
    note="The network of 1998: scaled tanh, trainable subsampling, the partial connection table of C3, F6, "
    "Euclidean RBF output with fixed codes, drawn in the manner of the paper's figure. 60,000 trainable "
    "parameters, 340,908 connections. Trained here with softmax cross-entropy over minus the distances.",
    windows=(Window("C1", 5), Window("S2", 2, 2), Window("C3", 5), Window("S4", 2, 2), Window("C5", 5)),
    image_size=32,
    channels=1,
    classes=10,
    units=(),
    heads=("fc",),
    why_heads="the published network ends in its own C5, F6 and RBF layers.",
    fixed={"image_size": 32, "channels": 1, "classes": 10},
    pixels=(20.0, 200.0),  # background −0.1, ink 1.175
    lecture={"C1": _LECTURE},
)


def lenet5(
    head: str = "fc",
    *,
    variant: str = "modern",
    pixel_mean: float = 0.0,
    pixel_std: float = 255.0,
    **network: Any,
) -> Any:
    """Build a variant of LeNet-5.

    ``modern`` differs from the paper: ReLU for the scaled tanh, plain 2×2 max pooling for trainable
    subsampling, every map of the second convolution sees all six of the first, logits for the Euclidean RBF
    output. 61,706 trainable parameters with ``fc``, 15,626 with ``conv1x1``, 2,742 with ``nin`` (one channel,
    ten classes). ``paper`` is the network of 1998, 60,000 trainable parameters; its scores are minus the
    distances to the classes' codes.

    Args:
        head: ``fc``, ``conv1x1`` or ``nin``; ``paper`` takes ``fc`` only.
        variant: ``modern`` or ``paper``.
        pixel_mean: The first layer maps raw pixels (0 to 255) to (pixel − pixel_mean) / pixel_std; ``paper``
            has its own.
        pixel_std: See ``pixel_mean``.
        **network: ``head_units`` (120, 84), ``image_size`` 32 (a multiple of 4 from 16), ``channels`` 1,
            ``classes`` 10.

    Returns:
        A ``keras.Model`` from raw pixels, shape (image_size, image_size, channels), to logits (classes,).

    Raises:
        UsageError: The image size does not fit, or the variant or head is unknown.

    >>> lenet5().count_params()
    61706
    """
    from kerascnn.models.network import build

    return build("lenet5", variant=variant, head=head, pixel_mean=pixel_mean, pixel_std=pixel_std, **network)


def _build(network: "Network", pixel_mean: float, pixel_std: float) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input((network.image_size, network.image_size, network.channels), name="pixels")
    # The offset is folded into the int8 input scale because the first convolution is unpadded.
    maps = layers.Rescaling(1 / pixel_std, -pixel_mean / pixel_std, name="rescaling")(pixels)
    layout = _paper if network.variant == "paper" else _modern
    return keras.Model(pixels, layout(maps, network), name="lenet5")


def _modern(maps: Any, network: "Network") -> Any:
    from keras import layers

    maps = layers.Conv2D(6, 5, activation="relu", name="conv1")(maps)
    maps = layers.MaxPooling2D(2, name="pool1")(maps)
    maps = layers.Conv2D(16, 5, activation="relu", name="conv2")(maps)
    maps = layers.MaxPooling2D(2, name="pool2")(maps)
    return heads[network.head].build(maps, network.head_units or (), network.classes or 0, 0.0)


def _paper(maps: Any, network: "Network") -> Any:
    from keras import layers

    from kerascnn.models.layers.lenet1998 import (
        EuclideanRBF,
        ScaledTanh,
        TableConvolution,
        TrainableSubsampling,
        uniform,
    )

    maps = layers.Conv2D(6, 5, kernel_initializer=uniform(5 * 5), name="C1")(maps)
    maps = TrainableSubsampling(name="S2")(ScaledTanh(name="C1_tanh")(maps))
    maps = TableConvolution(C3_TABLE, 5, name="C3")(ScaledTanh(name="S2_tanh")(maps))
    maps = TrainableSubsampling(name="S4")(ScaledTanh(name="C3_tanh")(maps))
    maps = layers.Conv2D(120, 5, kernel_initializer=uniform(5 * 5 * 16), name="C5")(
        ScaledTanh(name="S4_tanh")(maps)
    )
    values = layers.Flatten(name="C5_values")(ScaledTanh(name="C5_tanh")(maps))
    values = layers.Dense(84, kernel_initializer=uniform(120), name="F6")(values)
    return EuclideanRBF(name="RBF")(ScaledTanh(name="F6_tanh")(values))


LENET5 = Family("lenet5", "LeNet-5", variants={"modern": MODERN, "paper": PAPER}, build=_build)

"""LeNet-5.

LeCun, Bottou, Bengio, Haffner: "Gradient-Based Learning Applied to Document Recognition", 1998.
"""

from typing import Any

from kerascnn.arithmetic import output_side
from kerascnn.errors import UsageError
from kerascnn.models.family import Family, families
from kerascnn.models.heads import heads

UNITS = (120, 84)


def lenet5(
    head: str = "fc",
    *,
    variant: str = "modern",
    image_size: int = 32,
    channels: int = 1,
    classes: int = 10,
    pixel_mean: float = 0.0,
    pixel_std: float = 255.0,
) -> Any:
    """Build LeNet-5 in its usual modern form.

    Differs from the paper: ReLU for the scaled tanh, plain 2×2 max pooling for trainable subsampling, every
    map of the second convolution sees all six of the first, logits for the Euclidean RBF output. 61,706
    trainable parameters with ``fc``, 15,626 with ``conv1x1``, 2,742 with ``nin`` (one channel, ten classes).

    Args:
        head: ``fc``, ``conv1x1`` or ``nin``.
        variant: ``modern``.
        image_size: Side of the square input in pixels: a multiple of 4 from 16.
        channels: Of the input.
        classes: Number of logits.
        pixel_mean: The first layer maps raw pixels (0 to 255) to (pixel − pixel_mean) / pixel_std.
        pixel_std: See ``pixel_mean``.

    Returns:
        A ``keras.Model`` from raw pixels, shape (image_size, image_size, channels), to logits (classes,).

    Raises:
        UsageError: The image size does not fit, or the variant or head is unknown.

    >>> lenet5().count_params()
    61706
    """
    import keras
    from keras import layers

    families["lenet5"].check_variant(variant)
    _check_size(image_size)
    pixels = keras.Input((image_size, image_size, channels), name="pixels")
    # The offset melts into the int8 input scale because conv1 is unpadded.
    maps = layers.Rescaling(1 / pixel_std, -pixel_mean / pixel_std, name="rescaling")(pixels)
    maps = layers.Conv2D(6, 5, activation="relu", name="conv1")(maps)
    maps = layers.MaxPooling2D(2, name="pool1")(maps)
    maps = layers.Conv2D(16, 5, activation="relu", name="conv2")(maps)
    maps = layers.MaxPooling2D(2, name="pool2")(maps)
    return keras.Model(pixels, heads[head](maps, UNITS, classes), name="lenet5")


def _check_size(image_size: int) -> None:
    side = image_size
    try:
        for kernel, stride in ((5, 1), (2, 2), (5, 1), (2, 2)):
            side = output_side(side, kernel, stride)
    except ValueError as error:
        raise UsageError(
            f"image_size must be a multiple of 4 from 16. Received: image_size={image_size}, {error}"
        ) from error


families.add(
    "lenet5",
    Family("lenet5", "LeNet-5", variants=("modern",), build=lenet5, image_size=32, channels=1, classes=10),
    aliases=("lenet",),
)

"""The arithmetic of convolutional networks, as CS231n lecture 5 teaches it.

Exact integers, one formula a function. Sides, filters, strides and paddings are in pixels, depths in
channels; a multiply-add is one multiplication and one addition (2 FLOPs).
"""


def output_side(side: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return the output side of a convolution or pooling: (N + 2P − F) / S + 1.

    Raises:
        ValueError: The filter does not fit a whole number of times.

    >>> output_side(32, kernel=5)
    28
    >>> output_side(227, kernel=11, stride=4)
    55
    >>> output_side(7, kernel=3, stride=3)
    Traceback (most recent call last):
    ValueError: (7 + 2·0 − 3)/3 + 1 = 2.33 is not a whole number of at least 1
    """
    steps, rest = divmod(side + 2 * padding - kernel, stride)
    if rest or steps < 0:
        exact = (side + 2 * padding - kernel) / stride + 1
        formula = f"({side} + 2·{padding} − {kernel})/{stride} + 1"
        raise ValueError(f"{formula} = {exact:.4g} is not a whole number of at least 1")
    return steps + 1


def multiply_adds(products: int, outputs: int) -> int:
    """Return the multiply-adds of a layer: products of one output × number of outputs (biases not counted).

    A convolution multiplies F·F·D numbers for each output, a fully connected layer all its inputs.

    >>> multiply_adds(11 * 11 * 3, outputs=55 * 55 * 96)
    105415200
    """
    return products * outputs


def connections(inputs: int, outputs: int, bias: bool = True) -> int:
    """Return the connections of a layer: (inputs of one output + its bias) × outputs.

    >>> connections(5 * 5, outputs=6 * 28 * 28)
    122304
    """
    return (inputs + bias) * outputs


def receptive_field(field: int, step: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """Return (field, step) after a layer, in input pixels: (R + (F − 1)·J, J·S).

    ``field`` is the side one value sees before the layer, ``step`` the distance between neighbours' centres.

    >>> receptive_field(1, 1, kernel=5)
    (5, 1)
    >>> receptive_field(5, 1, kernel=2, stride=2)
    (6, 2)
    """
    return field + (kernel - 1) * step, step * stride

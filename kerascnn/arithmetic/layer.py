"""The arithmetic of convolutional networks, as lecture 5 of CS231n teaches it.

Exact integers, one formula a function, nothing imported. Sides, filters, strides and paddings are in pixels,
depths in channels; a multiply-add is one multiplication and one addition (2 FLOPs).

N: side of the input, D: its depth, F: side of a filter, K: number of filters, S: stride, P: padding.
"""


def padded_side(side: int, padding: int) -> int:
    """Return the side, in pixels, with the zeros on both ends: N + 2P.

    >>> padded_side(7, padding=1), padded_side(7, padding=2)
    (9, 11)
    """
    return side + 2 * padding


def output_formula(side: int, kernel: int, stride: int = 1, padding: int = 0) -> str:
    """Return (N + 2P − F)/S + 1 with the numbers filled in.

    All of N + 2P − F is divided: a note that writes (32−5/1)+1 has lost the brackets.

    >>> output_formula(32, kernel=5)
    '(32 + 2·0 − 5)/1 + 1'
    """
    return f"({side} + 2·{padding} − {kernel})/{stride} + 1"


def output_side(side: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return the output side of a convolution or pooling, in pixels: (N + 2P − F)/S + 1.

    Raises:
        ValueError: The filter does not fit a whole number of times.

    >>> output_side(32, kernel=5)
    28
    >>> output_side(227, kernel=11, stride=4)
    55
    >>> output_side(7, kernel=3, stride=3)
    Traceback (most recent call last):
    ValueError: (7 + 2·0 − 3)/3 + 1 = 2.33 is not a whole number
    """
    if not fits(side, kernel, stride, padding):
        formula = output_formula(side, kernel, stride, padding)
        exact = exact_output_side(side, kernel, stride, padding)
        whole = (padded_side(side, padding) - kernel) % stride == 0
        raise ValueError(f"{formula} = {exact} is {'less than 1' if whole else 'not a whole number'}")
    return (padded_side(side, padding) - kernel) // stride + 1


def exact_output_side(side: int, kernel: int, stride: int = 1, padding: int = 0) -> str:
    """Return (N + 2P − F)/S + 1 as a number, with the digits that show whether it is whole.

    >>> exact_output_side(224, kernel=11, stride=4), exact_output_side(227, kernel=11, stride=4)
    ('54.25', '55')
    """
    reach = padded_side(side, padding) - kernel
    digits = len(str(stride)) + 1  # so many never round a fraction of the stride to a whole number
    return f"{reach / stride + 1:.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")


def fits(side: int, kernel: int, stride: int = 1, padding: int = 0) -> bool:
    """Return whether the last window ends where the padded row ends: N + 2P − F is 0, S, 2S, …

    >>> fits(227, kernel=11, stride=4), fits(224, kernel=11, stride=4)
    (True, False)
    """
    reach = padded_side(side, padding) - kernel
    return reach >= 0 and reach % stride == 0


def nearest_fits(side: int, kernel: int, stride: int = 1, padding: int = 0) -> tuple[int | None, int]:
    """Return the nearest input sides that fit this one layer, in pixels: (at most N, at least N).

    They are F − 2P, F − 2P + S, F − 2P + 2S, …; the first is ``None`` where N is below them all.

    >>> nearest_fits(224, kernel=11, stride=4)
    (223, 227)
    >>> nearest_fits(4, kernel=5)
    (None, 5)
    >>> nearest_fits(7, kernel=3, stride=2)
    (7, 7)
    """
    reach = padded_side(side, padding) - kernel
    if reach < 0:
        return None, side - reach
    below = side - reach % stride
    return (below if below > 0 else None), side + -reach % stride


def fitting_padding(side: int, kernel: int, stride: int = 1) -> int | None:
    """Return the smallest padding that makes the filter fit, in pixels: S divides N + 2P − F.

    ``None``: there is no such padding, because N + 2P − F is odd whatever P is and S is even.

    >>> fitting_padding(7, kernel=3, stride=3)
    1
    >>> fitting_padding(224, kernel=11, stride=4) is None  # 213 + 2P is odd
    True
    """
    missing = kernel - side  # 2P must be this, or this and a multiple of S
    if missing % 2 and stride % 2 == 0:
        return None
    padding = (missing + missing % 2 * stride) // 2
    period = stride if stride % 2 else stride // 2
    return padding if padding >= 0 else padding % period


def fitting_stride(side: int, kernel: int, stride: int, padding: int = 0) -> int | None:
    """Return the largest stride of at most S with which the filter fits, in pixels: a divisor of N + 2P − F.

    ``None``: the filter is larger than the padded side.

    >>> fitting_stride(224, kernel=11, stride=4)  # 213 = 71·3
    3
    """
    return next((step for step in range(stride, 0, -1) if fits(side, kernel, step, padding)), None)


def same_padding(kernel: int) -> int:
    """Return the padding that keeps the size at stride 1, in pixels: (F − 1)/2.

    Raises:
        ValueError: The filter is even, so the two sides would need different paddings.

    >>> same_padding(3), same_padding(5)
    (1, 2)
    >>> output_side(7, kernel=3, padding=same_padding(3))
    7
    """
    if kernel % 2 == 0:
        raise ValueError(
            f"({kernel} − 1)/2 = {(kernel - 1) / 2} is not a whole number: an even filter has no middle"
        )
    return (kernel - 1) // 2


def filter_products(kernel: int, depth: int) -> int:
    """Return the multiplications of one output value, F·F·D: a filter is as deep as its input.

    >>> filter_products(5, depth=3)
    75
    """
    return kernel * kernel * depth


def convolution_parameters(kernel: int, depth: int, filters: int, bias: bool = True) -> int:
    """Return the parameters of a convolution: (F·F·D + 1)·K, without biases F·F·D·K.

    All values of a map share one filter and one bias, so the size of the input does not matter.

    >>> convolution_parameters(5, depth=3, filters=10)
    760
    >>> convolution_parameters(11, depth=3, filters=96)
    34944
    >>> convolution_parameters(11, depth=3, filters=96, bias=False)
    34848
    """
    return (filter_products(kernel, depth) + bias) * filters


def dense_parameters(inputs: int, outputs: int, bias: bool = True) -> int:
    """Return the parameters of a fully connected layer: (inputs + 1)·outputs, without biases inputs·outputs.

    >>> dense_parameters(32 * 32 * 3, outputs=10), dense_parameters(32 * 32 * 3, outputs=10, bias=False)
    (30730, 30720)
    """
    return (inputs + bias) * outputs


def unshared_parameters(kernel: int, depth: int, outputs: int, bias: bool = True) -> int:
    """Return the parameters if every output value had a filter of its own: outputs·(F·F·D + 1).

    As many as there are connections. For AlexNet's first layer a note writes 105,415,600; its product
    290,400·363 is 105,415,200, the number of multiply-adds.

    >>> unshared_parameters(11, depth=3, outputs=55 * 55 * 96)
    105705600
    """
    return connections(filter_products(kernel, depth), outputs, bias)


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


def activation_bytes(volume: int, bytes_each: int = 4) -> int:
    """Return the memory of a layer's output for one image, in bytes: H·W·K · bytes of one value (float32: 4).

    >>> activation_bytes(55 * 55 * 96)
    1161600
    """
    return volume * bytes_each

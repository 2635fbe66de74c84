"""The operators that move a window over an image: convolutions and pools."""

from kerascnn.tflite.program.fixed_point import Factor, factor
from kerascnn.tflite.program.operands import Operands, Values, Weights
from kerascnn.tflite.program.program import Call

LONGEST = 2**15 - 1  # of a stride, a dilation, or a filter with its dilation
LARGEST = 2**23  # values in a window of a pool


def convolution(of: Operands) -> Call:
    """Return ``CONV_2D``, also in groups; raises as ``Operands`` does."""
    of.require_counts(2, 3)
    given = of.input()
    of.require_sides(given, 4)
    weights = of.weights(1, 0, 4)
    filters, height, width, channels = weights.shape
    groups, left = divmod(given.shape[3], channels)
    if left or not groups or filters % groups:
        raise of.damaged(f"has weights of shape {weights.shape} for {given.shape[3]} channels")
    return _convolution(of, "CONVOLUTION", given, weights, groups, window=height * width * channels)


def depthwise(of: Operands) -> Call:
    """Return ``DEPTHWISE_CONV_2D``; raises as ``Operands`` does."""
    of.require_counts(2, 3)
    given = of.input()
    of.require_sides(given, 4)
    weights = of.weights(1, 3, 4)
    if weights.shape[0] != 1 or weights.shape[3] % given.shape[3]:
        raise of.damaged(f"has weights of shape {weights.shape} for {given.shape[3]} channels")
    return _convolution(of, "DEPTHWISE", given, weights, given.shape[3])


def max_pool(of: Operands) -> Call:
    """Return ``MAX_POOL_2D``; raises as ``Operands`` does."""
    return _pool(of, "MAX_POOL")


def average_pool(of: Operands) -> Call:
    """Return ``AVERAGE_POOL_2D``; raises as ``Operands`` does."""
    return _pool(of, "AVERAGE_POOL")


def _convolution(
    of: Operands, kernel: str, given: Values, weights: Weights, groups: int, window: int = 0
) -> Call:
    numbers, sides = _window(of, given, (weights.shape[1], weights.shape[2]), dilated=True)
    output = of.output((given.shape[0], *sides, len(weights.scales)))
    operands, tables, factors = of.products(given, weights, output)
    tables |= zip(Factor._fields, zip(*map(factor, factors), strict=True), strict=True)
    numbers |= {
        "groups": groups,
        "input_shape": given.shape,
        "output_shape": output.shape,
        "input_zero": given.zero_point,
        "output_zero": output.zero_point,
        **of.activation(output),
    }
    return Call(kernel, operands, numbers, tables, window)


def _pool(of: Operands, kernel: str) -> Call:
    of.require_counts(1, 1)
    given = of.input()
    of.require_sides(given, 4)
    taps = of.option("filter_height", 1, LONGEST), of.option("filter_width", 1, LONGEST)
    if taps[0] * taps[1] > LARGEST:
        raise of.unsupported(
            f"has a window of {taps[0]} × {taps[1]}; at most {LARGEST:,} values are supported"
        )
    window, sides = _window(of, given, taps)
    output = of.output((given.shape[0], *sides, given.shape[3]))
    numbers = {**window, "input_shape": given.shape, "output_shape": output.shape, **of.activation(output)}
    return Call(kernel, {"input": given.index, "output": output.index}, numbers)


def _window(
    of: Operands, given: Values, taps: tuple[int, int], *, dilated: bool = False
) -> tuple[dict[str, int | tuple[int, ...]], tuple[int, int]]:
    """Return a window's numbers, and the height and width of the output (``tflite/kernels/padding.h``)."""
    padding = of.operator.options.get("padding")
    if padding not in ("SAME", "VALID"):
        raise of.unsupported(f"has the padding {padding}; supported are SAME and VALID")
    strides = of.option("stride_h", 1, LONGEST), of.option("stride_w", 1, LONGEST)
    factors = "dilation_h_factor", "dilation_w_factor"
    dilation = tuple(of.option(name, 1, LONGEST) if dilated else 1 for name in factors)
    sides, pads = [], []
    for side, tap, stride, factor_ in zip(given.shape[1:3], taps, strides, dilation, strict=True):
        reach = (tap - 1) * factor_ + 1
        if reach > LONGEST:
            raise of.unsupported(f"has a filter of {reach:,}; at most {LONGEST:,} is supported")
        out = -(-side // stride) if padding == "SAME" else (side + stride - reach) // stride
        if out < 1:
            raise of.damaged(f"has a filter of {reach} for an image of {side}")
        sides.append(out)
        pads.append(max((out - 1) * stride + reach - side, 0) // 2)
    window: dict[str, int | tuple[int, ...]] = {"filter": taps, "stride": strides, "pad": tuple(pads)}
    if dilated:
        window["dilation"] = dilation
    return window, (sides[0], sides[1])

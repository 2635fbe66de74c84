"""The cost of one call of a layer: one function for each way of computing, which ``kinds`` gives to its rows.

Multiply-adds count products of weights with inputs; biases, comparisons, averages and normalization (which
folds into the convolution before it) are not counted.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.receptive_field import InputWindow, zeros_around
from kerascnn.models.layer_graph import LayerCall, Shape, is_built_in

INT32 = 4  # bytes of a bias in an int8 file
POINT = InputWindow()  # sees the value at its own place
#: Layers whose weights absorb the batch normalization right behind them.
FOLDING = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense")


@dataclass(frozen=True)
class LayerCost:
    """Computation and memory of one call of a layer; ``None`` is not known.

    Attributes:
        taps: What one output value multiplies or gathers, as factors: (11, 11, 3) for 11·11·3 products; of a
            separable convolution filter and depth multiplier, (3, 3, 2).
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side.
        bias: Whether a bias is added to each output value.
        int8_weight_bytes: Bytes of the weights in an int8 file: one each, biases four.
        sees: The window for the receptive field.
    """

    taps: Shape = ()
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    bias: bool = False
    multiply_adds: int | None = 0
    connections: int | None = 0
    int8_weight_bytes: int | None = 0
    sees: InputWindow | None = POINT


UNKNOWN = LayerCost(multiply_adds=None, connections=None, int8_weight_bytes=None, sees=None)


def convolution(call: LayerCall) -> LayerCost:
    """Measure filters that each see all maps of their group."""
    return _filtered(call, call.input_shape[-1] // call.layer.groups)


def depthwise_convolution(call: LayerCall) -> LayerCost:
    """Measure filters that each see one map."""
    return _filtered(call, 1)


def _filtered(call: LayerCall, maps: int) -> LayerCost:
    """Measure filters that each see ``maps`` maps."""
    layer, after = call.layer, call.output_shape
    taps = (*layer.kernel_size, maps)
    kernel, stride, padding, sees = _window(call, layer.kernel_size)
    # A converter gives every convolution a bias, of zeros if need be.
    stored = math.prod(taps) * after[-1] + INT32 * after[-1]
    cost = _weighted(layer, taps, after, stored)
    return replace(cost, kernel=kernel, stride=stride, padding=padding, sees=sees)


def dense(call: LayerCall) -> LayerCost:
    """Measure units that each see the whole last axis."""
    layer, before, after = call.layer, call.input_shape, call.output_shape
    stored = before[-1] * after[-1] + INT32 * after[-1] * layer.use_bias
    return _weighted(layer, before[-1:], after, stored)


def _weighted(layer: Any, taps: Shape, after: Shape, stored: int) -> LayerCost:
    """Measure outputs that multiply ``taps`` each; a layer that holds other weights too is unknown."""
    inputs = math.prod(taps)
    if layer.count_params() != arithmetic.dense_parameters(inputs, after[-1], layer.use_bias):
        return UNKNOWN
    if None in after:
        return LayerCost(
            taps, bias=layer.use_bias, multiply_adds=None, connections=None, int8_weight_bytes=stored
        )
    products, links = _counts(inputs, math.prod(after), layer.use_bias)
    return LayerCost(
        taps, bias=layer.use_bias, multiply_adds=products, connections=links, int8_weight_bytes=stored
    )


def separable_convolution(call: LayerCall) -> LayerCost:
    """Measure two convolutions: each map filtered alone, then 1×1 filters across all of them."""
    layer, before, after = call.layer, call.input_shape, call.output_shape
    between = before[-1] * layer.depth_multiplier
    products = math.prod(layer.kernel_size)
    kernel, stride, padding, sees = _window(call, layer.kernel_size)
    stored = products * between + INT32 * between + between * after[-1] + INT32 * after[-1]
    taps = (*layer.kernel_size, layer.depth_multiplier)
    cost = LayerCost(taps, kernel, stride, padding, layer.use_bias, None, None, stored, sees)
    if None in after:
        return cost
    places = math.prod(after[:-1])
    depthwise = _counts(products, places * between, bias=False)
    pointwise = _counts(between, places * after[-1], bias=layer.use_bias)
    return replace(cost, multiply_adds=depthwise[0] + pointwise[0], connections=depthwise[1] + pointwise[1])


def _counts(inputs: int, outputs: int, bias: bool) -> tuple[int, int]:
    """Return multiply-adds and connections."""
    return arithmetic.multiply_adds(inputs, outputs), arithmetic.connections(inputs, outputs, bias=bias)


def batch_normalization(call: LayerCall) -> LayerCost:
    """Measure a normalization that an int8 file folds into the layer right before it."""
    if not _is_last(call.layer.axis, call.output_shape):
        return LayerCost(int8_weight_bytes=None)
    return LayerCost(int8_weight_bytes=_bytes_folded(call.behind, call.output_shape[-1]))


def _bytes_folded(behind: Any, maps: int) -> int | None:
    """Return the bytes that a folded normalization adds: the biases of a layer that has none."""
    kind = type(behind).__name__
    if kind not in FOLDING or not is_built_in(behind) or behind.activation.__name__ != "linear":
        return None
    return 0 if behind.use_bias or kind != "Dense" else INT32 * maps


def pooling(call: LayerCall) -> LayerCost:
    """Measure the mean or the largest value of each window."""
    layer, after = call.layer, call.output_shape
    kernel, stride, padding, sees = _window(call, layer.pool_size)
    cost = LayerCost(layer.pool_size, kernel, stride, padding, connections=None, sees=sees)
    if None in after:
        return cost
    links = arithmetic.connections(math.prod(layer.pool_size), math.prod(after), bias=False)
    return replace(cost, connections=links)


def global_pooling(call: LayerCall) -> LayerCost:
    """Measure the mean or the largest value of each whole map."""
    before = call.input_shape
    if None in before:
        return LayerCost(connections=None, sees=None)
    return LayerCost(before[:2], connections=math.prod(before), sees=_whole_map(before))


def flatten(call: LayerCall) -> LayerCost:
    """Measure values put in a row, behind which each unit sees all of them."""
    return LayerCost(sees=_whole_map(call.input_shape))


def _whole_map(before: Shape) -> InputWindow | None:
    """Return the window that covers a square map."""
    square = len(before) == 3 and before[0] == before[1] is not None
    return InputWindow(before[0]) if square else POINT if len(before) == 1 else None


def trainable_subsampling(call: LayerCall) -> LayerCost:
    """Measure sums of 2×2 with one coefficient and one bias for each map."""
    layer, after = call.layer, call.output_shape
    outputs = math.prod(after)
    links = arithmetic.connections(math.prod(layer.pool_size), outputs)
    return LayerCost(
        (2, 2), 2, 2, 0, True, outputs, links, int8_weight_bytes=2 * after[-1], sees=InputWindow(2, 2)
    )


def table_convolution(call: LayerCall) -> LayerCost:
    """Measure filters that see some of the maps; an int8 file holds the whole kernel, zeros included."""
    layer, before, after = call.layer, call.input_shape, call.output_shape
    kernel, places = layer.kernel_size[0], math.prod(after[:2])
    products = kernel * kernel * layer.links
    return LayerCost(
        (kernel, kernel),
        kernel,
        1,
        0,
        bias=True,
        multiply_adds=products * places,
        connections=(products + after[-1]) * places,
        int8_weight_bytes=kernel * kernel * before[-1] * after[-1] + INT32 * after[-1],
        sees=InputWindow(kernel),
    )


def distances(call: LayerCall) -> LayerCost:
    """Measure squared distances to fixed codes."""
    before, after = call.input_shape, call.output_shape
    links = arithmetic.connections(before[-1], after[-1], bias=False)
    return LayerCost(before, multiply_adds=links, connections=links, int8_weight_bytes=links)


def elementwise(call: LayerCall) -> LayerCost:
    """Measure an element-wise function; if it has weights, its cost is unknown."""
    return UNKNOWN if getattr(call.layer, "weights", None) else LayerCost()


def fixed_scaling(call: LayerCall) -> LayerCost:
    """Measure values scaled by numbers that an int8 file may hold or fold into others."""
    return LayerCost(int8_weight_bytes=None)


def normalization(call: LayerCall) -> LayerCost:
    """Measure values scaled by statistics of the whole image, which an int8 file may hold or fold."""
    return LayerCost(int8_weight_bytes=None, sees=None)


def rearrangement(call: LayerCall) -> LayerCost:
    """Measure values that change places."""
    return LayerCost(sees=None)


def concatenation(call: LayerCall) -> LayerCost:
    """Measure streams joined along one axis."""
    return LayerCost(sees=POINT if _is_last(call.layer.axis, call.output_shape) else None)


def padding(call: LayerCall) -> LayerCost:
    """Measure zeros added around the maps."""
    (top, _), (left, _) = call.layer.padding
    return LayerCost(sees=InputWindow(before=top) if top == left else None)


def cropping(call: LayerCall) -> LayerCost:
    """Measure rows and columns cut off."""
    (top, _), (left, _) = call.layer.cropping
    return LayerCost(sees=InputWindow(before=-top) if top == left else None)


def unknown(call: LayerCall) -> LayerCost:
    """Return an unknown cost, for a kind whose weights follow no formula here."""
    return UNKNOWN


def _is_last(axis: int, shape: Shape) -> bool:
    """Return whether an axis, counted with the batch, is the depth."""
    return axis in (-1, len(shape))


def _window(
    call: LayerCall, kernels: tuple[int, int]
) -> tuple[int | None, int | None, int | None, InputWindow | None]:
    """Return side, stride, padding and window, ``None`` where one number is not enough."""
    layer = call.layer
    dilation = getattr(layer, "dilation_rate", (1, 1))
    if any(len(set(pair)) > 1 for pair in (kernels, layer.strides, dilation)):
        return None, None, None, None
    kernel, stride = int(kernels[0]), int(layer.strides[0])
    reach = (kernel - 1) * dilation[0] + 1
    pairs = zip(call.input_shape[:2], call.output_shape[:2], strict=True)
    zeros = {zeros_around(layer.padding, reach, stride, side, found) for side, found in pairs}
    both = zeros.pop() if len(zeros) == 1 else None
    sees = InputWindow(reach, stride, both[0]) if both else None
    if reach > kernel:
        return None, None, None, sees
    return kernel, stride, both[0] if both and both[0] == both[1] else None, sees

"""What one layer computes and stores, by its kind.

Multiply-adds count products of weights with inputs; biases, comparisons, averages and normalization (which
folds into the convolution before it) are not counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from keras import layers

from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.receptive_field import Window, zeros_around
from kerascnn.models.layers import (
    EuclideanRBF,
    LocalResponseNormalization,
    ScaledTanh,
    TableConvolution,
    TrainableSubsampling,
)

Shape = tuple[int, ...]
INT32 = 4  # bytes of a bias in an int8 file
POINT = Window()  # sees the value at its own place


@dataclass(frozen=True)
class Cost:
    """What is known of a layer; ``None`` is not known.

    Attributes:
        taps: What one output value multiplies or gathers, as factors: (11, 11, 3) for 11·11·3 products; of a
            separable convolution filter and depth multiplier, (3, 3, 2).
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side.
        bias: Whether a bias is added to each output value.
        int8_weight_bytes: Of the weights in an int8 file: one byte each, biases four.
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
    sees: Window | None = POINT


UNKNOWN = Cost(multiply_adds=None, connections=None, int8_weight_bytes=None, sees=None)


def cost_of(layer: Any, before: Shape, after: Shape, behind: Any = None) -> Cost:
    """Measure a layer between two volumes without the batch, (height, width, depth) or (units,).

    A side that is ``None`` is flexible; what depends on it is not known.

    Args:
        layer: A Keras layer or operation.
        before: What comes in.
        after: What goes out.
        behind: The layer whose values go here and nowhere else.
    """
    if getattr(layer, "data_format", None) == "channels_first":
        return UNKNOWN
    if not isinstance(layer, layers.Layer):
        return _OPERATIONS.get(type(layer).__name__, UNKNOWN)
    if type(layer) is layers.BatchNormalization:
        return Cost(int8_weight_bytes=_folded(behind, after) if _is_last(layer.axis, after) else None)
    for kinds, measure in _MEASURES:
        if type(layer) in kinds:
            return measure(layer, before, after)
    return UNKNOWN


def _convolution(layer: Any, before: Shape, after: Shape) -> Cost:
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    taps = (*layer.kernel_size, 1 if depthwise else before[-1] // layer.groups)
    kernel, stride, padding, sees = _window(layer, layer.kernel_size, before, after)
    # A converter gives every convolution a bias, of zeros if need be.
    stored = math.prod(taps) * after[-1] + INT32 * after[-1]
    cost = _weighted(layer, taps, after, stored)
    return replace(cost, kernel=kernel, stride=stride, padding=padding, sees=sees)


def _dense(layer: Any, before: Shape, after: Shape) -> Cost:
    stored = before[-1] * after[-1] + INT32 * after[-1] * layer.use_bias
    return _weighted(layer, before[-1:], after, stored)


def _weighted(layer: Any, taps: Shape, after: Shape, stored: int) -> Cost:
    """Measure outputs that multiply ``taps`` each; a layer that holds other weights too is unknown."""
    inputs = math.prod(taps)
    if layer.count_params() != arithmetic.dense_parameters(inputs, after[-1], layer.use_bias):
        return UNKNOWN
    if None in after:
        return Cost(taps, bias=layer.use_bias, multiply_adds=None, connections=None, int8_weight_bytes=stored)
    products, links = _counts(inputs, math.prod(after), layer.use_bias)
    return Cost(
        taps, bias=layer.use_bias, multiply_adds=products, connections=links, int8_weight_bytes=stored
    )


def _separable(layer: Any, before: Shape, after: Shape) -> Cost:
    """Each map filtered alone, then 1×1 filters across all of them: two convolutions."""
    between = before[-1] * layer.depth_multiplier
    products = math.prod(layer.kernel_size)
    kernel, stride, padding, sees = _window(layer, layer.kernel_size, before, after)
    stored = products * between + INT32 * between + between * after[-1] + INT32 * after[-1]
    taps = (*layer.kernel_size, layer.depth_multiplier)
    cost = Cost(taps, kernel, stride, padding, layer.use_bias, None, None, stored, sees)
    if None in after:
        return cost
    places = math.prod(after[:-1])
    depthwise = _counts(products, places * between, bias=False)
    pointwise = _counts(between, places * after[-1], bias=layer.use_bias)
    return replace(cost, multiply_adds=depthwise[0] + pointwise[0], connections=depthwise[1] + pointwise[1])


def _counts(inputs: int, outputs: int, bias: bool) -> tuple[int, int]:
    """Return multiply-adds and connections."""
    return arithmetic.multiply_adds(inputs, outputs), arithmetic.connections(inputs, outputs, bias=bias)


def _folded(behind: Any, after: Shape) -> int | None:
    """Return what batch normalization adds to an int8 file: it melts into the layer right before it."""
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
    if type(behind) not in kinds or behind.activation.__name__ != "linear":
        return None
    return 0 if behind.use_bias or type(behind) is not layers.Dense else INT32 * after[-1]


def _pooling(layer: Any, before: Shape, after: Shape) -> Cost:
    kernel, stride, padding, sees = _window(layer, layer.pool_size, before, after)
    cost = Cost(layer.pool_size, kernel, stride, padding, connections=None, sees=sees)
    if None in after:
        return cost
    links = arithmetic.connections(math.prod(layer.pool_size), math.prod(after), bias=False)
    return replace(cost, connections=links)


def _whole_map(layer: Any, before: Shape, after: Shape) -> Cost:
    square = len(before) == 3 and before[0] == before[1] is not None
    sees = Window(before[0]) if square else POINT if len(before) == 1 else None
    if isinstance(layer, layers.Flatten):
        return Cost(sees=sees)
    if None in before:
        return Cost(connections=None, sees=None)
    return Cost(before[:2], connections=math.prod(before), sees=sees)


def _subsampling(layer: Any, before: Shape, after: Shape) -> Cost:
    """Sum of 2×2, one coefficient and one bias a map."""
    outputs = math.prod(after)
    links = arithmetic.connections(math.prod(layer.pool_size), outputs)
    return Cost((2, 2), 2, 2, 0, True, outputs, links, int8_weight_bytes=2 * after[-1], sees=Window(2, 2))


def _table(layer: Any, before: Shape, after: Shape) -> Cost:
    """A file holds the whole kernel, zeros included."""
    kernel, places = layer.kernel_size[0], math.prod(after[:2])
    products = kernel * kernel * layer.links
    return Cost(
        (kernel, kernel),
        kernel,
        1,
        0,
        bias=True,
        multiply_adds=products * places,
        connections=(products + after[-1]) * places,
        int8_weight_bytes=kernel * kernel * before[-1] * after[-1] + INT32 * after[-1],
        sees=Window(kernel),
    )


def _distances(layer: Any, before: Shape, after: Shape) -> Cost:
    links = arithmetic.connections(before[-1], after[-1], bias=False)
    return Cost(before, multiply_adds=links, connections=links, int8_weight_bytes=links)


def _free(layer: Any, before: Shape, after: Shape) -> Cost:
    return UNKNOWN if layer.weights else Cost()


def _normalized(layer: Any, before: Shape, after: Shape) -> Cost:
    """Values scaled by numbers that an int8 file may hold or melt into others."""
    return Cost(int8_weight_bytes=None, sees=POINT if isinstance(layer, layers.Normalization) else None)


def _moved(layer: Any, before: Shape, after: Shape) -> Cost:
    """Values that change places."""
    return Cost(sees=None)


def _joined(layer: Any, before: Shape, after: Shape) -> Cost:
    return Cost(sees=POINT if _is_last(layer.axis, after) else None)


def _is_last(axis: int, shape: Shape) -> bool:
    """Return whether an axis, counted with the batch, is the depth."""
    return axis in (-1, len(shape))


def _bordered(layer: Any, before: Shape, after: Shape) -> Cost:
    """Zeros added around, or pixels cut off."""
    (top, _), (left, _) = (
        layer.padding if isinstance(layer, layers.ZeroPadding2D) else [(-a, -b) for a, b in layer.cropping]
    )
    return Cost(sees=Window(before=top) if top == left else None)


def _window(
    layer: Any, kernels: tuple[int, int], before: Shape, after: Shape
) -> tuple[int | None, int | None, int | None, Window | None]:
    """Return side, step, padding and what is seen; nothing where one number cannot say it."""
    dilation = getattr(layer, "dilation_rate", (1, 1))
    if any(len(set(pair)) > 1 for pair in (kernels, layer.strides, dilation)):
        return None, None, None, None
    kernel, stride = int(kernels[0]), int(layer.strides[0])
    reach = (kernel - 1) * dilation[0] + 1
    pairs = zip(before[:2], after[:2], strict=True)
    zeros = {zeros_around(layer.padding, reach, stride, side, found) for side, found in pairs}
    both = zeros.pop() if len(zeros) == 1 else None
    sees = Window(reach, stride, both[0]) if both else None
    if reach > kernel:
        return None, None, None, sees
    return kernel, stride, both[0] if both and both[0] == both[1] else None, sees


_Measure = Callable[[Any, Shape, Shape], Cost]
_MEASURES: tuple[tuple[tuple[type, ...], _Measure], ...] = (
    ((layers.Conv2D, layers.DepthwiseConv2D), _convolution),
    ((layers.SeparableConv2D,), _separable),
    ((layers.Dense,), _dense),
    ((layers.MaxPooling2D, layers.AveragePooling2D), _pooling),
    ((layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D), _whole_map),
    ((TrainableSubsampling,), _subsampling),
    ((TableConvolution,), _table),
    ((EuclideanRBF,), _distances),
    ((layers.Normalization, layers.LayerNormalization, layers.GroupNormalization), _normalized),
    ((layers.Reshape, layers.Permute, layers.UpSampling2D), _moved),
    ((layers.Concatenate,), _joined),
    ((layers.ZeroPadding2D, layers.Cropping2D), _bordered),
    (
        (
            *(layers.InputLayer, layers.Rescaling, LocalResponseNormalization, layers.Identity),
            *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax, ScaledTanh),
            *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise),
            *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum),
        ),
        _free,
    ),
)
#: Of ``keras.ops``, by name because their classes have no public one.
_VALUE_BY_VALUE = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Relu", "Relu6", "Sigmoid", "Silu")
_OPERATIONS = dict.fromkeys(_VALUE_BY_VALUE, Cost()) | {"Reshape": Cost(sees=None)}

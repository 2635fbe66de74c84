"""What one layer computes and stores, by its kind.

Multiply-adds count products of weights with inputs; biases, comparisons, averages and normalization (which
folds into the convolution before it) are not counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import layers

from kerascnn import arithmetic
from kerascnn.layers import (
    EuclideanRBF,
    LocalResponseNormalization,
    ScaledTanh,
    TableConvolution,
    TrainableSubsampling,
)

Shape = tuple[int, ...]
INT32 = 4  # bytes of a bias in an int8 file


@dataclass(frozen=True)
class Cost:
    """What is known of a layer; ``None`` is not known.

    Attributes:
        taps: What one output value multiplies or gathers, as factors: (11, 11, 3) for 11·11·3 products.
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side.
        int8_weight_bytes: Of the weights in an int8 file: one byte each, biases four.
        sees: (side, step) of the window for the receptive field.
    """

    taps: Shape = ()
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    multiply_adds: int | None = 0
    connections: int | None = 0
    int8_weight_bytes: int | None = 0
    sees: tuple[int, int] | None = (1, 1)


UNKNOWN = Cost(multiply_adds=None, connections=None, int8_weight_bytes=None, sees=None)


def cost_of(layer: Any, before: Shape, after: Shape) -> Cost:
    """Measure a layer between two volumes without the batch, (height, width, depth) or (units,)."""
    for kinds, measure in _MEASURES:
        if type(layer) in kinds and None not in (*before, *after):
            return measure(layer, before, after)
    return UNKNOWN


def _convolution(layer: Any, before: Shape, after: Shape) -> Cost:
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    taps = (*layer.kernel_size, 1 if depthwise else before[-1] // layer.groups)
    kernel, stride, padding, sees = _window(layer, layer.kernel_size, before, after)
    return Cost(
        taps=taps,
        kernel=kernel,
        stride=stride,
        padding=padding,
        multiply_adds=arithmetic.multiply_adds(math.prod(taps), math.prod(after)),
        connections=arithmetic.connections(math.prod(taps), math.prod(after), bias=layer.use_bias),
        int8_weight_bytes=math.prod(taps) * after[-1] + INT32 * after[-1],
        sees=sees,
    )


def _dense(layer: Any, before: Shape, after: Shape) -> Cost:
    inputs, outputs = before[-1], math.prod(after)
    return Cost(
        taps=(inputs,),
        multiply_adds=arithmetic.multiply_adds(inputs, outputs),
        connections=arithmetic.connections(inputs, outputs, bias=layer.use_bias),
        int8_weight_bytes=inputs * after[-1] + INT32 * after[-1],
    )


def _pooling(layer: Any, before: Shape, after: Shape) -> Cost:
    kernel, stride, padding, sees = _window(layer, layer.pool_size, before, after)
    links = arithmetic.connections(math.prod(layer.pool_size), math.prod(after), bias=False)
    return Cost(layer.pool_size, kernel, stride, padding, connections=links, sees=sees)


def _whole_map(layer: Any, before: Shape, after: Shape) -> Cost:
    sees = (before[0], 1) if len(before) == 3 and before[0] == before[1] else None
    if isinstance(layer, layers.Flatten):
        return Cost(sees=sees if len(before) > 1 else (1, 1))
    return Cost(before[:2], connections=math.prod(before), sees=sees)


def _subsampling(layer: Any, before: Shape, after: Shape) -> Cost:
    """Sum of 2×2, one coefficient and one bias a map."""
    outputs = math.prod(after)
    links = arithmetic.connections(math.prod(layer.pool_size), outputs)
    return Cost((2, 2), 2, 2, 0, outputs, links, int8_weight_bytes=2 * after[-1], sees=(2, 2))


def _table(layer: Any, before: Shape, after: Shape) -> Cost:
    """A file holds the whole kernel, zeros included."""
    kernel, places = layer.kernel_size[0], math.prod(after[:2])
    products = kernel * kernel * layer.links
    return Cost(
        (kernel, kernel),
        kernel,
        1,
        0,
        multiply_adds=products * places,
        connections=(products + after[-1]) * places,
        int8_weight_bytes=kernel * kernel * before[-1] * after[-1] + INT32 * after[-1],
        sees=(kernel, 1),
    )


def _distances(layer: Any, before: Shape, after: Shape) -> Cost:
    links = arithmetic.connections(before[-1], after[-1], bias=False)
    return Cost(before, multiply_adds=links, connections=links, int8_weight_bytes=links)


def _free(layer: Any, before: Shape, after: Shape) -> Cost:
    return Cost()


def _window(
    layer: Any, kernels: tuple[int, int], before: Shape, after: Shape
) -> tuple[int | None, int | None, int | None, tuple[int, int] | None]:
    """Return side, step, padding and what is seen; nothing where one number cannot say it."""
    dilated = getattr(layer, "dilation_rate", (1, 1)) != (1, 1)
    if dilated or len(set(kernels)) > 1 or len(set(layer.strides)) > 1:
        return None, None, None, None
    kernel, stride = int(kernels[0]), int(layer.strides[0])
    # "same" pads what is missing, half of it (rounded down) on the first side
    padding = max((after[0] - 1) * stride + kernel - before[0], 0) // 2 if layer.padding == "same" else 0
    return kernel, stride, padding, (kernel, stride)


_Measure = Callable[[Any, Shape, Shape], Cost]
_MEASURES: tuple[tuple[tuple[type, ...], _Measure], ...] = (
    ((layers.Conv2D, layers.DepthwiseConv2D), _convolution),
    ((layers.Dense,), _dense),
    ((layers.MaxPooling2D, layers.AveragePooling2D), _pooling),
    ((layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D), _whole_map),
    ((TrainableSubsampling,), _subsampling),
    ((TableConvolution,), _table),
    ((EuclideanRBF,), _distances),
    (
        (
            layers.InputLayer,
            layers.Rescaling,
            layers.BatchNormalization,
            LocalResponseNormalization,
            layers.Activation,
            layers.ReLU,
            layers.LeakyReLU,
            layers.ELU,
            layers.Softmax,
            ScaledTanh,
            layers.Dropout,
            layers.SpatialDropout2D,
            layers.Add,
            layers.Concatenate,
            layers.Maximum,
            layers.ZeroPadding2D,
            layers.Cropping2D,
        ),
        _free,
    ),
)

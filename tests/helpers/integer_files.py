"""Random small int8 files, one operator each, with every option that the integer program supports."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from small_tflite import Operator, Tensor, constant, options, tflite

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


def random_file(name, seed):
    """Return the bytes of a file with this operator."""
    draw = np.random.default_rng((seed, *name.encode()))
    return tflite(*MADE[name](draw))


def _values(draw, shape, kind="INT8", scale=None, zero=None):
    low, high = (-128, 128) if kind == "INT8" else (0, 256)
    zero = int(draw.integers(low, high)) if zero is None else zero
    return Tensor(tuple(map(int, shape)), kind, scale=scale or _scale(draw), zero=zero)


def _scale(draw):
    """Return a scale; round ones lead to exact halves, where kernels differ first."""
    return float(draw.choice([0.1, 0.25, 0.3, 0.5])) if draw.integers(2) else float(10 ** draw.uniform(-2, 0))


def _weights(draw, shape, dimension):
    """Return weights, with one scale a channel or one for all, and their biases, or none."""
    channels = shape[dimension]
    scales = [_scale(draw) / 50 for _ in range(channels if draw.integers(2) else 1)]
    stored = draw.integers(-127, 128, shape)
    weights = Tensor(shape, data=stored, scale=scales, dimension=dimension if len(scales) > 1 else 0)
    return weights, Tensor((channels,), "INT32", draw.integers(-3000, 3000, channels), scale=None)


def _fitting(given, weights, draw, taps):
    """Return the scale of an output that its values fill, more or less."""
    typical = given.scale * float(np.mean(weights.scale)) * 70 * 90 * np.sqrt(taps)
    return float(typical / 100 * draw.choice([0.5, 1, 2]))


def _fused(draw):
    return int(draw.integers(0, 4))  # NONE, RELU, RELU_N1_TO_1, RELU6


def _out(side, reach, stride, padding):
    return -(-side // stride) if padding == SAME else (side + stride - reach) // stride


def _window(draw, image, most):
    """Return a filter, strides, dilations, a padding and the sides of the output."""
    padding = [SAME, VALID][draw.integers(2)]
    taps, strides, dilations, sides = [], [], [], []
    for side in image:
        tap = int(draw.integers(1, min(side, 4) + 1))
        longest = min(most, (side - 1) // (tap - 1)) if tap > 1 else most
        dilation = int(draw.integers(1, longest + 1))
        stride = int(draw.integers(1, 4))
        taps.append(tap)
        dilations.append(dilation)
        strides.append(stride)
        sides.append(_out(side, (tap - 1) * dilation + 1, stride, padding))
    return taps, strides, dilations, padding, sides


def _convolution(draw, name):
    batch, *image = (int(side) for side in draw.integers((1, 3, 3), (3, 10, 10)))
    taps, strides, dilations, padding, sides = _window(draw, image, 2)
    many = {"strideH": strides[0], "strideW": strides[1], "padding": padding}
    many |= {"dilationHFactor": dilations[0], "dilationWFactor": dilations[1]}
    many["fusedActivationFunction"] = _fused(draw)
    if name == "CONV_2D":
        groups, inside, filters = (int(count) for count in draw.integers((1, 1, 1), (3, 12, 6)))
        shape, dimension, depth = (groups * filters, *taps, inside), 0, groups * inside
        chosen, count = options("Conv2D", **many), taps[0] * taps[1] * inside
    else:
        depth, multiplier = (int(count) for count in draw.integers((1, 1), (9, 3)))
        shape, dimension = (1, *taps, depth * multiplier), 3
        chosen = options("DepthwiseConv2D", depthMultiplier=multiplier, **many)
        count = taps[0] * taps[1]
    given = _values(draw, (batch, *image, depth))
    weights, bias = _weights(draw, shape, dimension)
    scale = _fitting(given, weights, draw, count)
    output = _values(draw, (batch, *sides, shape[dimension]), scale=scale)
    return [Operator(name, [given, weights, bias], [output], 5, chosen)]


def _dense(draw):
    depth, units, rows = (int(count) for count in draw.integers((1, 1, 1), (90, 20, 4)))
    given = _values(draw, (rows, depth))
    weights, bias = _weights(draw, (units, depth), 0)
    scale = _fitting(given, weights, draw, depth)
    if len(weights.scale) == 1:  # LiteRT compares the scale of such a bias
        bias.scale = given.scale * weights.scale[0]
    keeps = bool(draw.integers(2)) and rows > 1
    if keeps:
        given.shape = (1, rows, depth)
    output = _values(draw, (1, rows, units) if keeps else (rows, units), scale=scale)
    chosen = options("FullyConnected", fusedActivationFunction=_fused(draw), keepNumDims=keeps)
    inputs = [given, weights, bias if draw.integers(4) else None]
    return [Operator("FULLY_CONNECTED", inputs, [output], 4, chosen)]


def _pool(draw, name):
    batch, height, width, depth = (int(side) for side in draw.integers((1, 3, 3, 1), (3, 10, 10, 9)))
    taps, strides, _, padding, sides = _window(draw, (height, width), 1)
    given = _values(draw, (batch, height, width, depth))
    output = _values(draw, (batch, *sides, depth), scale=given.scale, zero=given.zero)
    many = {"strideH": strides[0], "strideW": strides[1], "filterHeight": taps[0], "filterWidth": taps[1]}
    chosen = options("Pool2D", padding=padding, fusedActivationFunction=_fused(draw), **many)
    return [Operator(name, [given], [output], 2, chosen)]


def _mean(draw):
    shape = tuple(int(side) for side in draw.integers(1, 9, draw.integers(2, 5)))
    axes = sorted(draw.choice(len(shape), draw.integers(1, len(shape)), replace=False).tolist())
    keeps = bool(draw.integers(2))
    given = _values(draw, shape)
    kept = [1 if axis in axes else side for axis, side in enumerate(shape) if keeps or axis not in axes]
    output = _values(draw, kept, scale=given.scale * float(draw.uniform(0.3, 1.5)))
    signed = constant(*(axis - len(shape) if draw.integers(2) else axis for axis in axes))
    return [Operator("MEAN", [given, signed], [output], 2, options("Reducer", keepDims=keeps))]


def _add(draw):
    shape = tuple(int(side) for side in draw.integers(1, 7, draw.integers(1, 5)))
    other = tuple(1 if draw.integers(4) == 0 else side for side in shape)[draw.integers(2) :]
    first, second = _values(draw, shape), _values(draw, other)
    if draw.integers(4) == 0:
        second.data = draw.integers(-128, 128, other)
    output = _values(draw, shape, scale=float(draw.uniform(0.5, 2.0)) * (first.scale + second.scale))
    pair = [first, second] if draw.integers(2) else [second, first]
    return [Operator("ADD", pair, [output], 2, options("Add", fusedActivationFunction=_fused(draw)))]


def _softmax(draw):
    shape = tuple(int(side) for side in draw.integers((1, 2), (4, 200)))
    given = _values(draw, shape, scale=float(10 ** draw.uniform(-3, 0.5)))
    output = _values(draw, shape, scale=1 / 256, zero=-128)
    return [Operator("SOFTMAX", [given], [output], 2, options("Softmax", beta=float(draw.choice([1, 0.7]))))]


def _quantize(draw):
    kinds = draw.choice(["INT8", "UINT8"], 2).tolist()
    shape = (1, *(int(side) for side in draw.integers(1, 9, 3)))
    given = _values(draw, shape, kinds[0])
    usual = draw.integers(2) and kinds[0] != kinds[1]
    zero = given.zero + (-128 if kinds[0] == "UINT8" else 128) if usual else None
    scale = given.scale * (1 if usual else float(2 ** draw.uniform(-3, 3)))
    return [Operator("QUANTIZE", [given], [_values(draw, shape, kinds[1], scale, zero)], 2)]


def _pad(draw):
    shape = tuple(int(side) for side in draw.integers(1, 6, draw.integers(1, 5)))
    added = draw.integers(0, 3, (len(shape), 2))
    given = _values(draw, shape)
    padded = np.array(shape) + added.sum(1)
    output = _values(draw, padded, scale=given.scale, zero=given.zero)
    paddings = Tensor(added.shape, "INT32", added, scale=None)
    return [Operator("PAD", [given, paddings], [output], 2, options("Pad"))]


def _concatenation(draw):
    sides = int(draw.integers(1, 5))
    axis = int(draw.integers(sides))
    shape = [int(side) for side in draw.integers(1, 5, sides)]
    given = []
    for _ in range(draw.integers(1, 4)):
        shape[axis] = int(draw.integers(1, 5))
        given.append(_values(draw, shape, scale=0.5, zero=3))
    shape[axis] = sum(one.shape[axis] for one in given)
    chosen = options("Concatenation", axis=axis - sides if draw.integers(2) else axis)
    return [Operator("CONCATENATION", given, [_values(draw, shape, scale=0.5, zero=3)], 2, chosen)]


def _space_to_depth(draw):
    block, batch, height, width, depth = (int(n) for n in draw.integers((1,) * 5, (4, 3, 4, 4, 5)))
    given = _values(draw, (batch, height * block, width * block, depth))
    output = _values(draw, (batch, height, width, depth * block**2), scale=given.scale, zero=given.zero)
    return [Operator("SPACE_TO_DEPTH", [given], [output], 2, options("SpaceToDepth", blockSize=block))]


def _reshape(draw):
    shape = tuple(int(side) for side in draw.integers(1, 6, draw.integers(1, 5)))
    given = _values(draw, shape)
    output = _values(draw, (1, int(np.prod(shape))), scale=given.scale, zero=given.zero)
    return [Operator("RESHAPE", [given, constant(*output.shape)], [output], 1, options("Reshape"))]


MADE = {
    "ADD": _add,
    "AVERAGE_POOL_2D": lambda draw: _pool(draw, "AVERAGE_POOL_2D"),
    "CONCATENATION": _concatenation,
    "CONV_2D": lambda draw: _convolution(draw, "CONV_2D"),
    "DEPTHWISE_CONV_2D": lambda draw: _convolution(draw, "DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": lambda draw: _pool(draw, "MAX_POOL_2D"),
    "MEAN": _mean,
    "PAD": _pad,
    "QUANTIZE": _quantize,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _space_to_depth,
}

"""The operators of a file as calls of kernels: which there are, and the numbers of each."""

import math
from collections.abc import Callable

import numpy as np

from kerascnn.tflite.program.fixed_point import ExactFactor, exact_factor, factor, mean_factor, softmax_factor
from kerascnn.tflite.program.operands import LIMITS, Operands, Values, farthest
from kerascnn.tflite.program.program import Call
from kerascnn.tflite.program.windows import average_pool, convolution, depthwise, max_pool

EIGHT_BITS = tuple(LIMITS)
MOST_CLASSES = 4095  # whose exponentials a softmax can add
ADD_BITS = 20  # by which ADD makes both inputs finer
PROBABILITY = 1 / 256  # LiteRT's scale of a softmax's output, whose zero point is −128


def calls(of: Operands) -> tuple[Call, ...]:
    """Return the calls for an operator.

    Raises:
        KerasCnnError: The file is damaged.
        TargetError: The operator is not supported, or not with these types and options.
    """
    name = of.operator.name
    if of.operator.custom or name not in OPERATORS:
        raise of.unsupported(f"is not supported; supported are {', '.join(OPERATORS)}")
    made = OPERATORS[name](of)
    return made if isinstance(made, tuple) else (made,)


def _fully_connected(of: Operands) -> Call:
    of.require_counts(2, 3)
    if (form := of.operator.options.get("weights_format", "DEFAULT")) != "DEFAULT":
        raise of.unsupported(f"has weights in the format {form}; supported is DEFAULT")
    given = of.input()
    weights = of.weights(1, 0, 2)
    units, depth = weights.shape
    if given.size % depth:
        raise of.damaged(f"has {depth} weights a unit for an input of shape {given.shape}")
    rows = given.size // depth
    keeps = of.operator.options.get("keep_num_dims") and given.shape
    output = of.output((*given.shape[:-1], units) if keeps else (rows, units))
    if output.size != rows * units:
        raise of.damaged(f"has an output of shape {output.shape} for {rows} rows of {units}")
    operands, tables, factors = of.products(given, weights, output)
    tables |= zip(ExactFactor._fields, zip(*map(exact_factor, factors), strict=True), strict=True)
    numbers = {"rows": rows, "depth": depth, "units": units, **_zeros(given, output), **of.activation(output)}
    return Call("FULLY_CONNECTED", operands, numbers, tables, window=depth)


def _mean(of: Operands) -> Call:
    of.require_counts(2, 2)
    given = of.input()
    shape, sides = of.four_sides(given), len(given.shape)
    axes = {int(axis) + (sides if axis < 0 else 0) for axis in of.whole_numbers(1).reshape(-1)}
    if not axes <= set(range(sides)):
        raise of.damaged(f"takes the mean along dimensions {sorted(axes)} of {sides}")
    kept = tuple(side for axis, side in enumerate(given.shape) if axis not in axes)
    ones = tuple(1 if axis in axes else side for axis, side in enumerate(given.shape))
    output = of.output(ones if of.operator.options.get("keep_dims") else kept)
    reduced = tuple(int(axis - (4 - sides) in axes) for axis in range(4))
    count = math.prod(side for side, out in zip(shape, reduced, strict=True) if out)
    scaling = mean_factor(given.scale / output.scale, count)
    of.require_reach(count * 255 * 2 ** max(scaling.shift, 0))
    numbers: dict[str, int | tuple[int, ...]] = {"input_shape": shape, "reduced": reduced, "count": count}
    return Call("MEAN", _in_and_out(given, output), {**numbers, **scaling._asdict(), **_zeros(given, output)})


def _add(of: Operands) -> Call:
    of.require_counts(2, 2)
    first, second = of.input(0), of.input(1)
    try:
        output = of.output(np.broadcast_shapes(first.shape, second.shape))
    except ValueError as error:
        raise of.damaged(f"adds the shapes {first.shape} and {second.shape}") from error
    twice = 2 * max(first.scale, second.scale)
    scaling = factor(twice / (2**ADD_BITS * output.scale))
    if scaling.shift > 0:
        raise of.unsupported(f"has an output with a scale of {output.scale:g}, which is too small")
    numbers: dict[str, int | tuple[int, ...]] = {"output_shape": of.four_sides(output)}
    for name, given in (("first", first), ("second", second)):
        numbers[f"{name}_strides"] = _strides(of.four_sides(given))
        numbers[f"{name}_multiplier"], numbers[f"{name}_shift"] = factor(given.scale / twice)
        numbers[f"{name}_zero"] = given.zero_point
    numbers |= {f"output_{name}": number for name, number in scaling._asdict().items()}
    numbers |= {"output_zero": output.zero_point, **of.activation(output)}
    return Call("ADD", {"first": first.index, "second": second.index, "output": output.index}, numbers)


def _softmax(of: Operands) -> Call:
    of.require_counts(1, 1)
    given = of.input()
    output = of.output(given.shape)
    if not given.shape or given.shape[-1] > MOST_CLASSES:
        raise of.unsupported(
            f"has an input of shape {given.shape}; at most {MOST_CLASSES} classes are supported"
        )
    if output.zero_point != LIMITS["INT8"][0] or abs(output.scale / PROBABILITY - 1) > 0.001:
        raise of.unsupported("has an output that is not quantized with scale 1/256 and zero point −128")
    try:
        scaling, lowest = softmax_factor(float(of.operator.options.get("beta", 0)), given.scale)
    except ValueError as error:
        raise of.unsupported(str(error)) from error
    depth = given.shape[-1]
    numbers = {"rows": given.size // depth, "depth": depth, "lowest_difference": lowest}
    return Call("SOFTMAX", _in_and_out(given, output), {**numbers, **scaling._asdict()})


def _quantize(of: Operands) -> Call:
    of.require_counts(1, 1)
    given = of.input(0, EIGHT_BITS)
    output = of.output(given.shape, EIGHT_BITS)
    scaling = factor(given.scale / output.scale)
    of.require_reach(farthest(given) * 2 ** max(scaling.shift, 0))
    unsigned = {
        "input_unsigned": int(given.type == "UINT8"),
        "output_unsigned": int(output.type == "UINT8"),
    }
    numbers = {"count": given.size, **scaling._asdict(), **_zeros(given, output), **unsigned}
    return Call("QUANTIZE", _in_and_out(given, output), numbers)


def _pad(of: Operands) -> Call:
    of.require_counts(2, 2)
    given = of.input()
    shape, sides = of.four_sides(given), len(given.shape)
    paddings = of.whole_numbers(1)
    if paddings.shape != (sides, 2) or (paddings < 0).any():
        raise of.damaged(f"has the paddings {paddings.tolist()} for an input of shape {given.shape}")
    added = [(int(before), int(after)) for before, after in paddings]
    output = of.output(
        tuple(before + side + after for side, (before, after) in zip(given.shape, added, strict=True))
    )
    before = (0,) * (4 - sides) + tuple(before for before, _ in added)
    numbers = {"input_shape": shape, "output_shape": of.four_sides(output), "before": before}
    return Call("PAD", _in_and_out(given, output), {**numbers, "value": output.zero_point})


def _space_to_depth(of: Operands) -> Call:
    of.require_counts(1, 1)
    given = of.input(0, EIGHT_BITS)
    of.require_sides(given, 4)
    batch, height, width, channels = given.shape
    block = of.option("block_size", 1, min(height, width))
    if height % block or width % block:
        raise of.damaged(f"cuts an image of {height} × {width} into blocks of {block}")
    output = of.output((batch, height // block, width // block, channels * block**2), (given.type,))
    return Call("SPACE_TO_DEPTH", _in_and_out(given, output), {"input_shape": given.shape, "block": block})


def _reshape(of: Operands) -> Call:
    of.require_counts(1, 2)
    given = of.input(0, EIGHT_BITS)
    output = of.values(of.graph.subgraphs[0].tensors[of.operator.outputs[0]], (given.type,))
    if output.size != given.size:
        raise of.damaged(f"makes the shape {output.shape} of {given.shape}")
    return _copy(given, output, 1, given.size, 0)


def _concatenation(of: Operands) -> tuple[Call, ...]:
    of.require_counts(1, 2**16)
    given = [of.input(number) for number in range(len(of.operator.inputs))]
    sides = len(given[0].shape)
    axis = of.option("axis", -sides, sides - 1) % sides if sides else -1
    others = {(len(one.shape), *one.shape[:axis], *one.shape[axis + 1 :]) for one in given}
    if axis < 0 or len(others) > 1:
        raise of.damaged(f"joins the shapes {', '.join(str(one.shape) for one in given[:4])}")
    before, behind = given[0].shape[:axis], given[0].shape[axis + 1 :]
    output = of.output((*before, sum(one.shape[axis] for one in given), *behind))
    if of.operator.activation != "NONE":
        raise of.unsupported(f"has the activation {of.operator.activation}; supported is NONE")
    if any((one.scale, one.zero_point) != (output.scale, output.zero_point) for one in given):
        raise of.unsupported("has inputs that are quantized in another way than its output")
    made, start = [], 0
    for one in given:
        made.append(_copy(one, output, math.prod(before), one.shape[axis] * math.prod(behind), start))
        start += one.shape[axis] * math.prod(behind)
    return tuple(made)


def _copy(given: Values, output: Values, rows: int, length: int, start: int) -> Call:
    numbers = {
        "rows": rows,
        "input_row": length,
        "output_row": output.size // rows,
        "output_start": start,
    }
    return Call("COPY", _in_and_out(given, output), numbers)


def _in_and_out(given: Values, output: Values) -> dict[str, int]:
    return {"input": given.index, "output": output.index}


def _zeros(given: Values, output: Values) -> dict[str, int]:
    return {"input_zero": given.zero_point, "output_zero": output.zero_point}


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(0 if side == 1 else math.prod(shape[axis + 1 :]) for axis, side in enumerate(shape))


#: What is supported, by name.
OPERATORS: dict[str, Callable[[Operands], Call | tuple[Call, ...]]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": max_pool,
    "MEAN": _mean,
    "PAD": _pad,
    "QUANTIZE": _quantize,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _space_to_depth,
}

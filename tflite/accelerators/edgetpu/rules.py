"""Which operators the Edge TPU compiler maps: the table ``rules.toml``, with its limits as functions.

A limit looks at one operator and returns why it does not map, or nothing. Nobody publishes the compiler; the
table says of each rule whether it is documented, seen or inferred.
"""

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.tflite.file_format.graph import Operator, Tensor

LONGEST_SOFTMAX = 16_384  # numbers; 16,000 are documented, these are seen in compiled models
LARGEST_RESHAPE = 19 * 19 * 3 * 91  # numbers; seen in compiled models, no limit is documented
LARGEST_TRANSPOSE = 24 * 24 * 144  # numbers; seen in compiled models, no limit is documented
TRANSPOSE_ON_CPU = 20 * 20 * 256  # numbers; the fewest that were seen to stay on the CPU
GROWTH_ON_CPU = 513 / 33  # times as high or wide; the least that was seen to stay on the CPU

EIGHT_BIT = ("INT8", "UINT8")
PARAMETERS = (*EIGHT_BIT, "INT32", "INT64")  # biases, axes, sizes


@dataclass(frozen=True)
class Rule:
    """One row of the table; see the head of ``rules.toml``.

    Attributes:
        limits: Functions of this module, those of every operator first: what breaks one stays on the CPU.
        doubts: Likewise: of what breaks one it is not known.
    """

    name: str
    maps: bool
    version: int | None
    runtime: int | None
    limits: "tuple[Limit, ...]"
    doubts: "tuple[Limit, ...]"
    cure: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class OperatorUse:
    """One operator of a file with its tensors.

    Attributes:
        inputs: Those that are there, without a state that the operator keeps for itself.
        values: Returns the numbers of a constant tensor, flat.
    """

    operator: Operator
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    values: Callable[[Tensor], NDArray[Any]]

    @property
    def computed(self) -> tuple[Tensor, ...]:
        """Inputs that are computed at run time."""
        return tuple(tensor for tensor in self.inputs if not tensor.constant)


Limit = Callable[[OperatorUse], str]


@cache
def table() -> dict[str, Any]:
    """Return ``rules.toml``."""
    return tomllib.loads(
        files("kerascnn.tflite.accelerators.edgetpu").joinpath("rules.toml").read_text(encoding="utf-8")
    )


@cache
def rules() -> dict[str, Rule]:
    """Return the rules by the names of their operators."""
    return {row["name"]: _rule(row) for row in table()["operators"]}


def every() -> tuple[Limit, ...]:
    """Return the limits of every operator."""
    return _limits(table()["every"])


def _rule(row: dict[str, Any]) -> Rule:
    return Rule(
        name=row["name"],
        maps=row.get("maps", True),
        version=row.get("version"),
        runtime=row.get("runtime"),
        limits=every() + _limits(row.get("limits", ())),
        doubts=_limits(row.get("doubts", ())),
        cure=row.get("cure", ""),
        source=tuple(row["source"]),
    )


def _limits(names: Sequence[str]) -> tuple[Limit, ...]:
    return tuple(LIMITS[name] for name in names)


def eight_bit(use: OperatorUse) -> str:
    """Values are int8 or uint8; biases, axes and sizes are constants of 32 or 64 bits."""
    for tensor in (*use.inputs, *use.outputs):
        if tensor.type not in (PARAMETERS if tensor.constant else EIGHT_BIT):
            return (
                f"{_named(tensor)} is {tensor.type.lower()}, but the Edge TPU computes only in int8 and uint8"
            )
        if not tensor.constant and tensor.quantization is None:
            return f"{_named(tensor)} has no scale"
    return ""


def three_dimensions(use: OperatorUse) -> str:
    """At most the three innermost sides of a tensor are above 1: no batches."""
    for tensor in (*use.computed, *use.outputs):
        if math.prod(tensor.shape[:-3]) != 1:
            return (
                f"{_named(tensor)} is {_sides(tensor.shape)}, but only the three innermost dimensions may be "
                "above 1; convert with a batch of 1"
            )
    return ""


def constant_parameters(use: OperatorUse) -> str:
    """Whatever is not the operator's one input is constant."""
    if len(use.computed) <= 1:
        return ""
    return f"{_named(use.computed[-1])} is computed at run time; it must be a constant"


def equal_dilation(use: OperatorUse) -> str:
    """The filter is spread equally in both directions; one in which it has a single tap spreads nothing."""
    height, width = (use.operator.options.get(f"dilation_{side}_factor", 1) for side in "hw")
    if height == width or 1 in use.inputs[1].shape[1:3]:
        return ""
    return f"its dilation is {height}×{width}; both must be equal"


def no_activation(use: OperatorUse) -> str:
    """Nothing is fused into it."""
    if use.operator.activation == "NONE":
        return ""
    return f"{use.operator.activation} is fused into it; put the activation before it"


def zero_constant(use: OperatorUse) -> str:
    """A constant that is concatenated is all zero, and there is one other input."""
    constants = [tensor for tensor in use.inputs if tensor.constant]
    if not constants:
        return ""
    if len(use.inputs) > 2:
        return f"with a constant it may have two inputs, but it has {len(use.inputs)}"
    zero = constants[0].quantization.zero_points[0] if constants[0].quantization else 0
    return "" if (use.values(constants[0]) == zero).all() else "its constant input is not all zero"


def default_weights(use: OperatorUse) -> str:
    """Its weights lie in the default order."""
    order = use.operator.options.get("weights_format", "DEFAULT")
    return "" if order == "DEFAULT" else f"its weights have the format {order}"


def one_dimensional_output(use: OperatorUse) -> str:
    """It returns one row of numbers."""
    return _one_row(use.outputs[0], "its output")


def softmax_of_one_row(use: OperatorUse) -> str:
    """It takes one row of at most 16,384 numbers."""
    size = math.prod(use.inputs[0].shape)
    if size > LONGEST_SOFTMAX:
        return f"it takes {size:,} values; the maximum is {LONGEST_SOFTMAX:,}"
    return _one_row(use.inputs[0], "its input")


def not_over_batch(use: OperatorUse) -> str:
    """It does not reduce the batch."""
    return "it reduces the batch" if 0 in _axes(use) else ""


def depth_of_four(use: OperatorUse) -> str:
    """A mean along the channels has a multiple of 4 of them."""
    depth = use.inputs[0].shape[-1]
    last = len(use.inputs[0].shape) - 1
    if last in _axes(use) and depth % 4:
        return f"it averages {depth} channels; the number must be a multiple of 4"
    return ""


def no_batch_padding(use: OperatorUse) -> str:
    """It does not pad the batch."""
    return "it pads the batch" if use.values(use.inputs[1])[:2].any() else ""


def not_along_batch(use: OperatorUse) -> str:
    """It does not pack or split along the batch; into one part, it does nothing."""
    if use.operator.name == "PACK":
        axis, sides = use.operator.options["axis"], len(use.outputs[0].shape)
    else:  # SPLIT: the axis comes first
        axis, sides = int(use.values(use.inputs[0])[0]), len(use.inputs[1].shape)
    along = axis % sides == 0 and (use.operator.name == "PACK" or len(use.outputs) > 1)
    return f"it is a {use.operator.name.lower()} along the batch" if along else ""


def leading_ones(use: OperatorUse) -> str:
    """The sides it removes stand before the first that is above 1: nothing moves in memory."""
    shape = use.inputs[0].shape
    ones = [position for position, side in enumerate(shape) if side == 1]
    removed = [each % len(shape) for each in use.operator.options.get("squeeze_dims") or ones]
    moved = [position for position in removed if math.prod(shape[:position]) != 1]
    if not moved:
        return ""
    return f"it removes side {moved[0] + 1} of {_sides(shape)}, which stands behind one that is above 1"


def plain_slice(use: OperatorUse) -> str:
    """It steps by 1, without an ellipsis or a new axis."""
    if (use.values(use.inputs[3]) != 1).any():
        return "not all its strides are 1"
    masks = [name for name in ("ellipsis", "new_axis") if use.operator.options.get(f"{name}_mask", 0)]
    return f"it has the mask {masks[0]}" if masks else ""


def moderate_reshape(use: OperatorUse) -> str:
    """It reshapes no more numbers than were seen to map."""
    if _count(use) <= LARGEST_RESHAPE:
        return ""
    return f"large reshapes often stay on the CPU; this one has {_count(use):,} values"


def moderate_transpose(use: OperatorUse) -> str:
    """It moves fewer values than the smallest transpose seen to stay on the CPU."""
    return _large_transpose(use, "") if _count(use) >= TRANSPOSE_ON_CPU else ""


def small_transpose(use: OperatorUse) -> str:
    """It moves no more numbers than were seen to map."""
    return _large_transpose(use, "often ") if _count(use) > LARGEST_TRANSPOSE else ""


def moderate_growth(use: OperatorUse) -> str:
    """It makes an image grow less than those that were seen to stay on the CPU."""
    return _large_growth(use, "") if _growth(use) >= GROWTH_ON_CPU else ""


def at_most_doubled(use: OperatorUse) -> str:
    """It makes an image at most twice as high and wide."""
    return _large_growth(use, "often ") if _growth(use) > 2 else ""


def one_dimensional_alpha(use: OperatorUse) -> str:
    """There is one slope a channel."""
    return _one_row(use.inputs[1], "its slope")


LIMITS: dict[str, Limit] = {
    limit.__name__: limit
    for limit in (
        eight_bit,
        three_dimensions,
        constant_parameters,
        equal_dilation,
        no_activation,
        zero_constant,
        default_weights,
        one_dimensional_output,
        softmax_of_one_row,
        not_over_batch,
        depth_of_four,
        no_batch_padding,
        not_along_batch,
        leading_ones,
        plain_slice,
        moderate_reshape,
        moderate_transpose,
        small_transpose,
        moderate_growth,
        at_most_doubled,
        one_dimensional_alpha,
    )
}


def _axes(use: OperatorUse) -> set[int]:
    sides = len(use.inputs[0].shape)
    return {int(axis) % sides for axis in use.values(use.inputs[1])}


def _one_row(tensor: Tensor, what: str) -> str:
    if math.prod(tensor.shape[:-1]) == 1:
        return ""
    return f"{what} is {_sides(tensor.shape)}, but only the innermost dimension may be above 1"


def _count(use: OperatorUse) -> int:
    return math.prod(use.outputs[0].shape)


def _large_transpose(use: OperatorUse, often: str) -> str:
    return f"large transpositions are {often}left on the CPU; this one has {_count(use):,} values"


def _growth(use: OperatorUse) -> float:
    before, after = use.inputs[0].shape[1:3], use.outputs[0].shape[1:3]
    return max(new / old for old, new in zip(before, after, strict=True))


def _large_growth(use: OperatorUse, often: str) -> str:
    before, after = _sides(use.inputs[0].shape[1:3]), _sides(use.outputs[0].shape[1:3])
    return f"images enlarged that much, {before} to {after}, are {often}left on the CPU"


def _sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"


def printable(name: str, longest: int = 60) -> str:
    """Return a name from a file without control characters and shortened, safe for a terminal."""
    shown = "".join(sign if sign.isprintable() else "�" for sign in name[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _named(tensor: Tensor) -> str:
    """Return a tensor's name; the converter joins the names of all layers it fused."""
    return f"tensor {printable(tensor.name.partition(';')[0]) or tensor.index}"


def numbers(tensor: Tensor, data: bytes) -> NDArray[Any]:
    """Return the stored values of a constant integer tensor, flattened."""
    kinds = {"INT8": "i1", "UINT8": "u1", "INT32": "<i4", "INT64": "<i8"}
    return np.frombuffer(data, kinds[tensor.type])

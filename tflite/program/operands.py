"""What an operator of a file reads and writes, checked before a kernel may use it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.tflite.file_format.graph import ModelGraph, Operator, Tensor, constant_data
from kerascnn.tflite.program.fixed_point import activation_range

LIMITS = {"INT8": (-128, 127), "UINT8": (0, 255)}
MOST = 2**31 - 2**10  # what a sum may reach, with room for a zero point
MOST_SIDES = 4
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_CONSTANTS = {"INT8": "i1", "INT32": "<i4", "INT64": "<i8"}


@dataclass(frozen=True)
class Values:
    """A tensor of 8 bits: real value = scale × (stored − zero point)."""

    index: int
    type: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def size(self) -> int:
        """Return the count of its values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Weights:
    """Constant weights of 8 bits: real value = scale of its output channel × stored.

    Attributes:
        magnitudes: Sum of the magnitudes in each output channel.
    """

    index: int
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    magnitudes: NDArray[np.int64]


class Products(NamedTuple):
    """What happens to sums of products; the first two are parts of a call.

    Attributes:
        factors: Of each output channel; 0 where all sums are 0.
    """

    operands: dict[str, int]
    tables: dict[str, tuple[int, ...]]
    factors: list[float]


@dataclass(frozen=True)
class Operands:
    """An operator with its tensors.

    Args:
        graph: The file.
        operator: One of its first subgraph.
    """

    graph: ModelGraph
    operator: Operator

    def __str__(self) -> str:
        return f"{self.graph.path}: operator {self.operator.index}, {self.operator.name},"

    def unsupported(self, reason: str) -> TargetError:
        """Return the refusal of something that a sound file may have."""
        return TargetError(f"{self} {reason}.")

    def damaged(self, reason: str) -> KerasCnnError:
        """Return the refusal of something that no sound file has."""
        return KerasCnnError(f"{self} {reason}: the file is damaged.")

    def require_counts(self, fewest: int, most: int) -> None:
        """Require this many inputs, and one output.

        Raises:
            KerasCnnError: There are others.
        """
        if not fewest <= len(self.operator.inputs) <= most or len(self.operator.outputs) != 1:
            inputs, outputs = len(self.operator.inputs), len(self.operator.outputs)
            raise self.damaged(f"has {inputs} inputs and {outputs} outputs")

    def input(self, number: int = 0, types: Sequence[str] = ("INT8",)) -> Values:
        """Return an input with values of 8 bits.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: It has another type.
        """
        return self.values(self._tensor(number), types)

    def output(self, shape: tuple[int, ...], types: Sequence[str] = ("INT8",)) -> Values:
        """Return the output, which must have this shape.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: It has another type.
        """
        found = self.values(self.graph.subgraphs[0].tensors[self.operator.outputs[0]], types)
        if found.shape != shape:
            raise self.damaged(f"has an output of shape {found.shape} where {shape} is computed")
        return found

    def values(self, tensor: Tensor, types: Sequence[str]) -> Values:
        """Return a tensor as one of 8 bits; raises as above."""
        if tensor.type not in types:
            raise self.unsupported(
                f"has tensor {tensor.index} of type {tensor.type}; only {' or '.join(types)} is supported"
            )
        if any(side < 1 for side in tensor.shape):
            raise self.unsupported(f"has tensor {tensor.index} of shape {tensor.shape}, which must be fixed")
        scaling = tensor.quantization
        if scaling is None or scaling.per_channel or tensor.sparse or tensor.blockwise:
            raise self.unsupported(f"has tensor {tensor.index}, which is not quantized as a whole")
        (scale,), (zero,) = scaling.scales, scaling.zero_points
        lowest, highest = LIMITS[tensor.type]
        if not scale > 0 or not lowest <= zero <= highest:
            raise self.damaged(f"has tensor {tensor.index} with scale {scale:g} and zero point {zero}")
        return Values(tensor.index, tensor.type, tensor.shape, scale, zero)

    def whole_numbers(self, number: int) -> NDArray[Any]:
        """Return an input that is a constant list of axes, sides or paddings.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: It is no constant, or of another type.
        """
        return self._constant(self._tensor(number), ("INT32", "INT64"))

    def weights(self, number: int, dimension: int, sides: int) -> Weights:
        """Return constant weights with one scale for each output channel.

        Args:
            number: The input's.
            dimension: Of the weights that counts output channels.
            sides: How many dimensions they have.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: They are quantized in another way.
        """
        tensor = self._tensor(number)
        stored = self._constant(tensor, ("INT8",))
        if stored.ndim != sides or 0 in stored.shape:
            raise self.damaged(f"has weights of shape {tensor.shape}")
        scaling, channels = tensor.quantization, stored.shape[dimension]
        if scaling is None or any(scaling.zero_points) or min(scaling.scales) < 0:
            raise self.unsupported("has weights that are not quantized symmetrically")
        if scaling.per_channel and (scaling.dimension, len(scaling.scales)) != (dimension, channels):
            raise self.unsupported("has weights whose scales are not those of its output channels")
        others = tuple(axis for axis in range(sides) if axis != dimension)
        return Weights(
            index=tensor.index,
            shape=stored.shape,
            scales=scaling.scales if scaling.per_channel else scaling.scales * channels,
            magnitudes=np.abs(stored.astype(np.int16)).sum(others, dtype=np.int64),
        )

    def products(self, given: Values, weights: Weights, output: Values) -> Products:
        """Return what is added to and multiplied with the sums of each output channel, which have 32 bits.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: A bias is computed or of another type, or the sums have more bits.
        """
        operands = {"input": given.index, "output": output.index, "weights": weights.index}
        tables: dict[str, tuple[int, ...]] = {}
        biases = np.zeros(len(weights.scales), np.int64)
        if len(self.operator.inputs) > 2 and self.operator.inputs[2] >= 0:
            biases = self._constant(self._tensor(2), ("INT32",)).reshape(-1).astype(np.int64)
            operands["bias"] = self.operator.inputs[2]
        else:
            tables["bias"] = tuple(biases.tolist())
        if biases.size != len(weights.scales):
            raise self.damaged(f"has {biases.size} biases for {len(weights.scales)} channels")
        reaches = (weights.magnitudes * farthest(given) + np.abs(biases)).tolist()
        factors = []
        for scale, reach in zip(weights.scales, reaches, strict=True):
            factors.append(given.scale * scale / output.scale if reach else 0.0)
            self.require_reach(max(reach, 2 * reach * factors[-1]))  # a shift comes before the product
        return Products(operands, tables, factors)

    def activation(self, output: Values) -> dict[str, int]:
        """Return the lowest and highest stored value of an output.

        Raises:
            TargetError: The fused activation is another.
        """
        fused = self.operator.activation
        if fused not in ACTIVATIONS:
            raise self.unsupported(f"has the activation {fused}; supported are {', '.join(ACTIVATIONS)}")
        try:
            ends = activation_range(fused, output.scale, output.zero_point, LIMITS[output.type])
        except ValueError as error:
            raise self.unsupported(str(error)) from error
        return dict(zip(("lowest", "highest"), ends, strict=True))

    def require_sides(self, values: Values, sides: int) -> None:
        """Require a tensor with this many dimensions.

        Raises:
            KerasCnnError: It has others.
        """
        if len(values.shape) != sides:
            raise self.damaged(f"takes {sides} dimensions and has a tensor of shape {values.shape}")

    def four_sides(self, values: Values) -> tuple[int, ...]:
        """Return a shape with ones in front, so that it has four sides.

        Raises:
            TargetError: It has more.
        """
        if len(values.shape) > MOST_SIDES:
            raise self.unsupported(
                f"has a tensor of {len(values.shape)} dimensions; at most {MOST_SIDES} are supported"
            )
        return (1,) * (MOST_SIDES - len(values.shape)) + values.shape

    def require_reach(self, reach: float) -> None:
        """Require that a sum that reaches this far has 32 bits.

        Raises:
            TargetError: It has more.
        """
        if reach > MOST:
            raise self.unsupported("has sums that do not fit into 32 bits")

    def option(self, name: str, lowest: int, highest: int) -> int:
        """Return an option that is a whole number.

        Raises:
            TargetError: It is outside of these limits.
        """
        value = int(self.operator.options.get(name, 0))
        if not lowest <= value <= highest:
            raise self.unsupported(f"has {name} = {value}; supported is {lowest} to {highest}")
        return value

    def _tensor(self, number: int) -> Tensor:
        if number >= len(self.operator.inputs) or self.operator.inputs[number] < 0:
            raise self.damaged(f"has no input {number}")
        return self.graph.subgraphs[0].tensors[self.operator.inputs[number]]

    def _constant(self, tensor: Tensor, types: Sequence[str]) -> NDArray[Any]:
        if tensor.type not in types or tensor.sparse or tensor.blockwise:
            kind = "sparse" if tensor.sparse else "quantized in blocks" if tensor.blockwise else tensor.type
            raise self.unsupported(
                f"has tensor {tensor.index}, which is {kind}; only {' or '.join(types)} is supported"
            )
        if not tensor.constant or any(side < 0 for side in tensor.shape):
            raise self.unsupported(f"computes tensor {tensor.index}, which must be a constant")
        return np.frombuffer(constant_data(self.graph, tensor), _CONSTANTS[tensor.type]).reshape(tensor.shape)


def farthest(given: Values) -> int:
    """Return how far a stored value can be from its zero point."""
    return max(abs(limit - given.zero_point) for limit in LIMITS[given.type])

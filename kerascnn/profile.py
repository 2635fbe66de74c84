"""What each layer of a Keras model holds and costs: the layer table.

An unknown kind of layer is listed with its parameters; what cannot be known of it is ``None``, never a guess.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import keras

from kerascnn import arithmetic
from kerascnn.layer_costs import UNKNOWN, Cost, cost_of


@dataclass(frozen=True)
class LayerProfile:
    """One row of the table; what is ``None`` is not known, or the layer has no such thing.

    Attributes:
        input: Volume without the batch, (height, width, depth) or (units,); ``output`` likewise.
        taps: What one output value multiplies or gathers, as factors: (11, 11, 3) for 11·11·3.
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side.
        parameters: Trainable ones, ``parameters_without_bias`` the same less the biases, ``parameters_fixed``
            those that training counts or leaves alone.
        multiply_adds: For one image; biases, comparisons, averages and normalization are not counted.
        connections: (Inputs of one output + its bias) × outputs, as in LeCun et al., 1998.
        receptive_field: Side of the square of input pixels one output value sees, ``step`` the distance in
            pixels between neighbours' squares.
        activation_bytes: Of the output volume in float32.
        int8_weight_bytes: Of the weights in an int8 file: one byte each, biases four.
    """

    name: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    taps: tuple[int, ...] = ()
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    parameters: int = 0
    parameters_without_bias: int = 0
    parameters_fixed: int = 0
    multiply_adds: int | None = 0
    connections: int | None = 0
    receptive_field: int | None = None
    step: int | None = None
    activation_bytes: int | None = 0
    int8_weight_bytes: int | None = 0


@dataclass(frozen=True)
class Profile:
    """The table of a whole model and its totals; a total is ``None`` where a layer's share is unknown."""

    layers: tuple[LayerProfile, ...]

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(row.parameters for row in self.layers)

    @property
    def parameters_fixed(self) -> int:
        """Parameters that training does not change by gradients."""
        return sum(row.parameters_fixed for row in self.layers)

    @property
    def multiply_adds(self) -> int | None:
        """Multiply-adds for one image."""
        return _total([row.multiply_adds for row in self.layers])

    @property
    def connections(self) -> int | None:
        """Connections for one image."""
        return _total([row.connections for row in self.layers])

    @property
    def activation_bytes(self) -> int | None:
        """Memory of all output volumes together in float32, as training keeps them."""
        return _total([row.activation_bytes for row in self.layers])

    @property
    def int8_weight_bytes(self) -> int | None:
        """Weights and biases in an int8 file."""
        return _total([row.int8_weight_bytes for row in self.layers])

    def to_dict(self) -> dict[str, Any]:
        """Return the totals and the rows."""
        return {
            "parameters": self.parameters,
            "parameters_fixed": self.parameters_fixed,
            "multiply_adds": self.multiply_adds,
            "connections": self.connections,
            "activation_bytes": self.activation_bytes,
            "int8_weight_bytes": self.int8_weight_bytes,
            "layers": [asdict(row) for row in self.layers],
        }


def profile(model: Any) -> Profile:
    """Measure a functional or sequential Keras model layer by layer, in the order of computation.

    A layer that is used at several places, has several outputs, or holds a model has unknown costs.

    Args:
        model: A built ``keras.Model``.
    """
    graph = model._functional if isinstance(model, keras.Sequential) else model
    own = {id(node) for level in graph._nodes_by_depth.values() for node in level}
    sight: dict[int, _Sight] = {}
    rows = []
    for operation in graph.operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in own]
        seen = _widest([sight[id(parent)] for node in nodes for parent in node.parent_nodes])
        row, after = _row(operation, nodes, seen)
        sight |= {id(node): after for node in nodes}
        rows.append(row)
    return Profile(tuple(rows))


def count_parameters(weights: Iterable[Any]) -> int:
    """Return how many numbers the given Keras variables hold."""
    return sum(math.prod(weight.shape) for weight in weights)


@dataclass(frozen=True)
class _Sight:
    """Receptive field and step of a tensor in input pixels; ``field`` None: not known."""

    field: int | None = 1
    step: int = 1

    def through(self, cost: Cost) -> "_Sight":
        if self.field is None or cost.sees is None:
            return _Sight(None, self.step)
        return _Sight(*arithmetic.receptive_field(self.field, self.step, *cost.sees))


def _widest(sights: list[_Sight]) -> _Sight:
    """Return what is seen where streams meet; nothing is known of it where one of them does not know."""
    if not sights:
        return _Sight()
    if any(one.field is None for one in sights):
        return _Sight(None)
    return max(sights, key=lambda one: one.field or 0)


def _row(operation: Any, nodes: list[Any], seen: _Sight) -> tuple[LayerProfile, _Sight]:
    before = _shape(nodes[0].input_tensors) or _shape(nodes[0].outputs)
    after = _shape(nodes[0].outputs)
    alone = len(nodes) == 1 and len(nodes[0].outputs) == 1
    cost = cost_of(operation, before, after) if alone else UNKNOWN
    sees = seen.through(cost)
    trainable, fixed = (
        getattr(operation, name, []) for name in ("trainable_weights", "non_trainable_weights")
    )
    row = LayerProfile(
        name=operation.name,
        kind=type(operation).__name__,
        input=before,
        output=after,
        taps=cost.taps,
        kernel=cost.kernel,
        stride=cost.stride,
        padding=cost.padding,
        parameters=count_parameters(trainable),
        parameters_without_bias=count_parameters(weight for weight in trainable if weight.name != "bias"),
        parameters_fixed=count_parameters(fixed),
        multiply_adds=cost.multiply_adds,
        connections=cost.connections,
        receptive_field=sees.field,
        step=sees.step if sees.field else None,
        activation_bytes=None if None in after else arithmetic.activation_bytes(math.prod(after)),
        int8_weight_bytes=cost.int8_weight_bytes,
    )
    return row, sees


def _shape(tensors: list[Any]) -> tuple[int, ...]:
    return tuple(tensors[0].shape[1:]) if tensors else ()


def _total(shares: list[int | None]) -> int | None:
    known = [share for share in shares if share is not None]
    return sum(known) if len(known) == len(shares) else None

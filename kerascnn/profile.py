"""What each layer of a Keras model holds and costs: the layer table.

An unknown kind of layer is listed with its parameters; what cannot be known of it is ``None``, never a guess.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from keras import layers

from kerascnn import arithmetic


@dataclass(frozen=True)
class LayerProfile:
    """One row of the table.

    Attributes:
        output: Output volume without the batch, (height, width, depth) or (units,).
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side.
        parameters: Trainable ones.
        multiply_adds: For one image; biases, comparisons and averages are not counted.
        connections: (Inputs of one output + its bias) × outputs, as in LeCun et al., 1998.
        receptive_field: Side of the square of input pixels one output value sees.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    parameters: int = 0
    multiply_adds: int | None = 0
    connections: int | None = 0
    receptive_field: int | None = None


@dataclass(frozen=True)
class Profile:
    """The table of a whole model and its totals; a total is ``None`` where a layer's share is unknown."""

    layers: tuple[LayerProfile, ...]

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(row.parameters for row in self.layers)

    @property
    def multiply_adds(self) -> int | None:
        """Multiply-adds for one image."""
        return _total([row.multiply_adds for row in self.layers])

    @property
    def connections(self) -> int | None:
        """Connections for one image."""
        return _total([row.connections for row in self.layers])

    def to_dict(self) -> dict[str, Any]:
        """Return the totals and the rows."""
        return {
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "connections": self.connections,
            "layers": [asdict(row) for row in self.layers],
        }


def profile(model: Any) -> Profile:
    """Measure a functional Keras model layer by layer, in the order of computation.

    Args:
        model: A built ``keras.Model`` of layers with one output each.
    """
    sight: dict[str, _Sight] = {}
    rows = []
    for layer in model.layers:
        seen = _inputs_sight(layer, sight)
        row, sight[layer.name] = _row(layer, seen)
        rows.append(row)
    return Profile(tuple(rows))


def count_parameters(weights: Iterable[Any]) -> int:
    """Return how many numbers the given Keras variables hold."""
    return sum(math.prod(weight.shape) for weight in weights)


@dataclass(frozen=True)
class _Sight:
    """Receptive field and step of a tensor in input pixels; ``field`` None: not known."""

    field: int | None
    step: int


def _inputs_sight(layer: Any, sight: dict[str, _Sight]) -> _Sight:
    before = [sight[node.operation.name] for node in _parents(layer) if node.operation.name in sight]
    if not before:
        return _Sight(1, 1)
    fields = [one.field for one in before]
    widest = None if None in fields else max(field for field in fields if field is not None)
    return _Sight(widest, max(one.step for one in before))


def _parents(layer: Any) -> list[Any]:
    return [parent for node in layer._inbound_nodes for parent in node.parent_nodes]


def _row(layer: Any, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    row = LayerProfile(
        name=layer.name,
        kind=type(layer).__name__,
        output=tuple(layer.output.shape[1:]) if hasattr(layer.output, "shape") else (),
        parameters=count_parameters(layer.trainable_weights),
        receptive_field=seen.field,
    )
    shared = len(layer._inbound_nodes) > 1  # its cost depends on every place it is used at
    for kinds, measure in _MEASURES:
        if isinstance(layer, kinds) and not shared:
            return measure(layer, row, seen)
    return replace(row, multiply_adds=None, connections=None, receptive_field=None), _Sight(None, seen.step)


_Measure = Callable[[Any, LayerProfile, _Sight], tuple[LayerProfile, _Sight]]


def _convolution(layer: Any, row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    depth = int(layer.input.shape[-1]) // layer.groups
    products = layer.kernel_size[0] * layer.kernel_size[1] * depth
    outputs = _volume(row.output)
    row = replace(
        row,
        multiply_adds=arithmetic.multiply_adds(products, outputs),
        connections=arithmetic.connections(products, outputs, bias=layer.use_bias),
    )
    if layer.dilation_rate != (1, 1):
        return _unsquare(row, seen)
    return _sliding(layer, row, seen, layer.kernel_size, layer.strides)


def _pooling(layer: Any, row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    window = layer.pool_size[0] * layer.pool_size[1]
    row = replace(row, connections=arithmetic.connections(window, _volume(row.output), bias=False))
    return _sliding(layer, row, seen, layer.pool_size, layer.strides)


def _sliding(
    layer: Any, row: LayerProfile, seen: _Sight, kernels: tuple[int, int], strides: tuple[int, int]
) -> tuple[LayerProfile, _Sight]:
    if len(set(kernels)) > 1 or len(set(strides)) > 1:
        return _unsquare(row, seen)
    kernel, stride = kernels[0], strides[0]
    side_in, side_out = int(layer.input.shape[1]), row.output[0]
    # "same" pads what is missing, half of it (rounded down) on the first side
    padding = max((side_out - 1) * stride + kernel - side_in, 0) // 2 if layer.padding == "same" else 0
    after = _sees(seen, kernel, stride)
    return replace(row, kernel=kernel, stride=stride, padding=padding, receptive_field=after.field), after


def _unsquare(row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    """Leave out what one number cannot say: the filter, and what it sees."""
    return replace(row, receptive_field=None), _Sight(None, seen.step)


def _dense(layer: Any, row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    inputs, outputs = int(layer.input.shape[-1]), _volume(row.output)
    row = replace(
        row,
        multiply_adds=arithmetic.multiply_adds(inputs, outputs),
        connections=arithmetic.connections(inputs, outputs, bias=layer.use_bias),
    )
    return row, seen


def _whole_map(layer: Any, row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    side, area = int(layer.input.shape[1]), _volume(tuple(layer.input.shape[1:-1]))
    after = _sees(seen, side, 1)
    averaging = isinstance(layer, layers.GlobalAveragePooling2D)
    links = arithmetic.connections(area, _volume(row.output), bias=False) if averaging else 0
    return replace(row, connections=links, receptive_field=after.field), after


def _unchanged(layer: Any, row: LayerProfile, seen: _Sight) -> tuple[LayerProfile, _Sight]:
    return row, seen


_MEASURES: tuple[tuple[tuple[type, ...], _Measure], ...] = (
    ((layers.Conv2D,), _convolution),
    ((layers.MaxPooling2D, layers.AveragePooling2D), _pooling),
    ((layers.Dense,), _dense),
    ((layers.Flatten, layers.GlobalAveragePooling2D), _whole_map),
    ((layers.InputLayer, layers.Rescaling, layers.Activation, layers.ReLU, layers.Dropout), _unchanged),
)


def _sees(seen: _Sight, kernel: int, stride: int) -> _Sight:
    field, step = arithmetic.receptive_field(seen.field or 0, seen.step, kernel, stride)
    return _Sight(field if seen.field is not None else None, step)


def _volume(shape: tuple[int, ...]) -> int:
    return math.prod(int(side) for side in shape)


def _total(shares: list[int | None]) -> int | None:
    known = [share for share in shares if share is not None]
    return sum(known) if len(known) == len(shares) else None

"""The layer table of a Keras model: parameters and cost of each layer.

An unknown kind of layer is listed with its parameters; what cannot be known of it is ``None``, never a guess.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kerascnn.analysis.profiling.costs import UNKNOWN
from kerascnn.analysis.profiling.kinds import cost_of
from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.receptive_field import Sight, meet, through
from kerascnn.models.keras_file import count_parameters
from kerascnn.models.layer_graph import LayerCall, layer_calls


@dataclass(frozen=True)
class LayerProfile:
    """One row of the layer table; ``None`` is unknown or does not apply.

    Attributes:
        input: Volume without the batch, (height, width, depth) or (units,), of several the first; ``output``
            likewise. A flexible side is ``None``.
        taps: What one output value multiplies or gathers, as factors: (11, 11, 3) for 11·11·3; of a separable
            convolution filter and depth multiplier.
        kernel: Side of the filter, ``stride`` its step, ``padding`` the pixels added on each side (``None``
            where the two sides differ).
        bias: Whether a bias is added to each output value.
        parameters: Trainable ones, ``parameters_without_bias`` the same less the biases, ``parameters_fixed``
            those that training counts or leaves alone.
        multiply_adds: For one image; biases, comparisons, averages and normalization are not counted.
        connections: (Inputs of one output + its bias) × outputs, as in LeCun et al., 1998.
        receptive_field: Side of the square of input pixels one output value sees, the zeros of paddings
            counted as pixels; ``step`` is the distance in pixels between neighbours' squares.
        activation_bytes: Bytes of the output in float32.
        int8_weight_bytes: Bytes of the weights in an int8 file: one each, biases four.
    """

    name: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    taps: tuple[int, ...] = ()
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    bias: bool = False
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
    """The layer table of a model and its totals; a total is ``None`` if a layer's share is unknown."""

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
        """Memory of all output volumes in float32, as training keeps them."""
        return _total([row.activation_bytes for row in self.layers])

    @property
    def int8_weight_bytes(self) -> int | None:
        """Bytes of weights and biases in an int8 file."""
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

    A layer that is used several times has a row for each call, with its weights in the first; the layers of a
    model inside the model have rows called ``inner/layer``.

    Args:
        model: A built ``keras.Model``.

    Raises:
        KerasCnnError: The model has no graph of layers.
    """
    rows = _Rows()
    for call in layer_calls(model):
        rows.add(call)
    return Profile(tuple(rows.rows))


def sights(model: Any) -> dict[str, Sight | None]:
    """Return the receptive field behind each call of a layer, ``None`` if unknown.

    Raises:
        KerasCnnError: The model has no graph of layers.
    """
    rows = _Rows()
    for call in layer_calls(model):
        rows.add(call)
    return rows.by_name


class _Rows:
    """The rows so far, and the receptive fields and weights that later rows need."""

    def __init__(self) -> None:
        self.rows: list[LayerProfile] = []
        self.by_name: dict[str, Sight | None] = {}
        self._sights: dict[int, Sight | None] = {}  # of tensors with one entry an image, of no others
        self._batch: int | None = None
        self._counted: set[int] = set()  # weights that stand in a row

    def add(self, call: LayerCall) -> None:
        """Add the row of one call of a layer."""
        imagewise = self._is_imagewise(call)
        cost = cost_of(call) if imagewise else UNKNOWN
        sees = through(self._seen(call), cost.sees)
        if imagewise:
            self._sights |= dict.fromkeys(call.writes, sees)
        self.by_name[call.name] = sees
        self.rows.append(
            LayerProfile(
                name=call.name,
                kind=type(call.layer).__name__,
                input=call.input_shape,
                output=call.output_shape,
                taps=cost.taps,
                kernel=cost.kernel,
                stride=cost.stride,
                padding=cost.padding,
                bias=cost.bias,
                multiply_adds=cost.multiply_adds,
                connections=cost.connections,
                receptive_field=sees.field if sees else None,
                step=sees.step if sees else None,
                activation_bytes=_activation_bytes(call.outputs) if imagewise else None,
                **self._weights(call.layer, cost.int8_weight_bytes),
            )
        )

    def _weights(self, layer: Any, int8_bytes: int | None) -> dict[str, Any]:
        """Return the row's numbers on weights, which are counted at the layer's first call only."""
        trainable, fixed = (
            [weight for weight in getattr(layer, name, []) if id(weight) not in self._counted]
            for name in ("trainable_weights", "non_trainable_weights")
        )
        self._counted |= {id(weight) for weight in (*trainable, *fixed)}
        used_before = getattr(layer, "weights", []) and not (trainable or fixed)
        return {
            "parameters": count_parameters(trainable),
            "parameters_without_bias": count_parameters(one for one in trainable if one.name != "bias"),
            "parameters_fixed": count_parameters(fixed),
            "int8_weight_bytes": 0 if used_before else int8_bytes,
        }

    def _is_imagewise(self, call: LayerCall) -> bool:
        """Return whether every output still has one entry per image, as far as shapes tell.

        An operation that is no layer may mix the images or cut them up; of what comes behind, figures for
        one image are not known.
        """
        if not call.inputs:
            self._batch = call.outputs[0].shape[0]
            return True
        kept = all(tensor.shape[:1] == (self._batch,) for tensor in call.outputs)
        if type(call.layer).__name__ == "Reshape":
            kept = kept and _volume(call.inputs) == _volume(call.outputs)
        axis = getattr(call.layer, "axis", None)
        mixed = 0 in axis if isinstance(axis, tuple | list) else axis == 0
        return kept and not mixed and all(source in self._sights for source in call.reads)

    def _seen(self, call: LayerCall) -> Sight | None:
        """Return the receptive field of the input's values; known only if all branches have one size."""
        if not call.inputs:
            return Sight() if len(call.output_shape) == 3 else None
        sizes = {tuple(tensor.shape[1:-1]) for tensor in call.inputs}
        return meet([self._sights.get(source) for source in call.reads]) if len(sizes) == 1 else None


def _volume(tensors: Sequence[Any]) -> int | None:
    """Return the number of values of some tensors for one image, ``None`` if a side is flexible."""
    shapes = [tensor.shape[1:] for tensor in tensors]
    return None if any(None in shape for shape in shapes) else sum(map(math.prod, shapes))


def _activation_bytes(tensors: Sequence[Any]) -> int | None:
    volume = _volume(tensors)
    return None if volume is None else arithmetic.activation_bytes(volume)


def _total(shares: list[int | None]) -> int | None:
    known = [share for share in shares if share is not None]
    return sum(known) if len(known) == len(shares) else None

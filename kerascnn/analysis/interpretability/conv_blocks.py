"""Convolution blocks of a network: each convolution with its maps before and after the nonlinearity."""

from dataclasses import dataclass, replace
from typing import Any

from kerascnn.analysis.profiling.kinds import kind_of
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.heads import is_head_layer
from kerascnn.models.layer_graph import LayerCall, layer_calls

#: Names of activation functions that people spell otherwise than Keras.
_SPELLED = {"relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "elu": "ELU"}


@dataclass(frozen=True)
class ConvBlock:
    """One convolution with its normalization and nonlinearity, as Keras tensors (n, rows, columns, maps).

    Attributes:
        name: Name of the convolution.
        before: Input of the nonlinearity, ``None`` without one.
        after: Output of the block.
        nonlinearity: Name of the nonlinearity, empty without one.
    """

    name: str
    before: Any
    after: Any
    nonlinearity: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Rows, columns, maps)."""
        rows, columns, maps = self.after.shape[1:]
        return rows, columns, maps


def convolutions(model: Any) -> list[LayerCall]:
    """Return the 2-D convolutions in order; those of a model inside the model are left out.

    Raises:
        KerasCnnError: There is none, or the model is no graph of layers.
    """
    found = [call for call in layer_calls(model) if _convolves(call)]
    if not found:
        raise KerasCnnError(
            f"The model {model.name!r} has no convolution: there are no filters and no maps to draw."
        )
    return found


def conv_blocks(model: Any) -> list[ConvBlock]:
    """Return the convolution blocks in the order of computation.

    Raises:
        KerasCnnError: There is none, or the model is no graph of layers.
    """
    found = {call.name: _alone(call) for call in convolutions(model)}
    behind: dict[int, str] = {}
    for call in layer_calls(model):
        if call.name in found:
            behind[call.writes[0]] = call.name
        elif _goes_on(call) and call.reads[0] in behind:
            name = behind[call.writes[0]] = behind[call.reads[0]]
            found[name] = _followed(found[name], call)
    return list(found.values())


def ends_of_backbone(model: Any) -> list[str]:
    """Return the names of the backbone's first and last convolutions.

    There are several first or last ones where the network has several streams.
    """
    found = convolutions(model)
    first = {call.name for call in found if call.reads == found[0].reads}
    behind: dict[int, set[str]] = {}  # the last convolutions on the ways to a tensor
    last: set[str] = set()
    for call in layer_calls(model):
        inherited: set[str] = set().union(*(behind.get(source, set()) for source in call.reads))
        last = {call.name} if _convolves(call) and not is_head_layer(call.name) else inherited
        behind |= dict.fromkeys(call.writes, last)
    return [call.name for call in found if call.name in first | last]


def _convolves(call: LayerCall) -> bool:
    return hasattr(call.layer, "kernel_size") and len(call.outputs[0].shape) == 4 and "/" not in call.name


def _goes_on(call: LayerCall) -> bool:
    """Whether a layer keeps the shape of its input, and so every value at its position."""
    return len(call.reads) == 1 and call.inputs[0].shape == call.outputs[0].shape and "/" not in call.name


def _alone(call: LayerCall) -> ConvBlock:
    """Return the block of a convolution, its own activation separated from it."""
    after, called = call.outputs[0], _nonlinearity(call.layer)
    if not called:
        return ConvBlock(call.name, None, after)
    config = call.layer.get_config() | {"activation": None, "name": f"{call.layer.name}_before"}
    linear = type(call.layer).from_config(config)
    before = linear(call.inputs[0])
    linear.set_weights(call.layer.get_weights())
    return ConvBlock(call.name, before, after, called)


def _followed(block: ConvBlock, call: LayerCall) -> ConvBlock:
    """Extend a block by the next layer; layers behind the nonlinearity are not part of it."""
    if block.nonlinearity:
        return block
    called = _nonlinearity(call.layer)
    before = call.inputs[0] if called else None
    return replace(block, before=before, after=call.outputs[0], nonlinearity=called)


def _nonlinearity(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    if activation is None:
        kind = kind_of(layer)
        return kind.nonlinearity if kind else ""
    name = getattr(activation, "__name__", type(activation).__name__)
    return "" if name == "linear" else _SPELLED.get(name, name)

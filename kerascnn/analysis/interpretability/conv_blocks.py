"""The convolution blocks of a network: each convolution with its maps before and after the nonlinearity."""

from dataclasses import dataclass, replace
from typing import Any

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.heads import is_head_layer
from kerascnn.models.layer_graph import Use, uses

#: Layers and operations that are a nonlinearity, and what people call it.
_NONLINEAR = {
    "ReLU": "ReLU",
    "Relu": "ReLU",
    "Relu6": "ReLU6",
    "LeakyReLU": "leaky ReLU",
    "PReLU": "PReLU",
    "ELU": "ELU",
    "ScaledTanh": "tanh",
    "Sigmoid": "sigmoid",
    "Silu": "SiLU",
}
_SPELLED = {"relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "elu": "ELU"}


@dataclass(frozen=True)
class ConvBlock:
    """One convolution with its normalization and nonlinearity, as Keras tensors (n, rows, columns, maps).

    Attributes:
        name: Of the convolution.
        before: What enters the nonlinearity, ``None`` where none follows.
        after: What comes out.
        nonlinearity: What it is called, empty for none.
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


def convolutions(model: Any) -> list[Use]:
    """Return the convolutions over pictures in their order; those of a model inside the model are left out.

    Raises:
        KerasCnnError: There is none, or the model is no graph of layers.
    """
    found = [use for use in uses(model) if _convolves(use)]
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
    found = {use.name: _alone(use) for use in convolutions(model)}
    behind: dict[int, str] = {}
    for use in uses(model):
        if use.name in found:
            behind[use.writes[0]] = use.name
        elif _goes_on(use) and use.reads[0] in behind:
            name = behind[use.writes[0]] = behind[use.reads[0]]
            found[name] = _followed(found[name], use)
    return list(found.values())


def ends_of_trunk(model: Any) -> list[str]:
    """Return the names of the first and the last convolutions in front of the head.

    There are several first or last ones where the network has several streams.
    """
    found = convolutions(model)
    first = {use.name for use in found if use.reads == found[0].reads}
    behind: dict[int, set[str]] = {}  # the last convolutions on the ways to a tensor
    last: set[str] = set()
    for use in uses(model):
        inherited: set[str] = set().union(*(behind.get(source, set()) for source in use.reads))
        last = {use.name} if _convolves(use) and not is_head_layer(use.name) else inherited
        behind |= dict.fromkeys(use.writes, last)
    return [use.name for use in found if use.name in first | last]


def _convolves(use: Use) -> bool:
    return hasattr(use.layer, "kernel_size") and len(use.outputs[0].shape) == 4 and "/" not in use.name


def _goes_on(use: Use) -> bool:
    """Whether a layer changes values and leaves them in their places."""
    return len(use.reads) == 1 and use.inputs[0].shape == use.outputs[0].shape and "/" not in use.name


def _alone(use: Use) -> ConvBlock:
    """Return the stage of a convolution, its own activation taken off and put on again."""
    after, called = use.outputs[0], _nonlinearity(use.layer)
    if not called:
        return ConvBlock(use.name, None, after)
    config = use.layer.get_config() | {"activation": None, "name": f"{use.layer.name}_before"}
    linear = type(use.layer).from_config(config)
    before = linear(use.inputs[0])
    linear.set_weights(use.layer.get_weights())
    return ConvBlock(use.name, before, after, called)


def _followed(stage: ConvBlock, use: Use) -> ConvBlock:
    """Return a stage with the layer behind it; what stands behind the nonlinearity belongs to no stage."""
    if stage.nonlinearity:
        return stage
    called = _nonlinearity(use.layer)
    before = use.inputs[0] if called else None
    return replace(stage, before=before, after=use.outputs[0], nonlinearity=called)


def _nonlinearity(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    if activation is None:
        return _NONLINEAR.get(type(layer).__name__, "")
    name = getattr(activation, "__name__", type(activation).__name__)
    return "" if name == "linear" else _SPELLED.get(name, name)

"""A network as plain data that can be sent to a process without Keras 3."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import TargetError

if TYPE_CHECKING:
    from kerascnn.models.layer_graph import LayerCall

#: Settings that tensorflow-model-optimization or its twin of the layer cannot have otherwise.
FIXED = {"groups": 1, "dilation_rate": (1, 1), "data_format": "channels_last"}


@dataclass(frozen=True)
class LayerData:
    """One layer. ``reads`` and ``writes`` number the tensors; the network's input is 0."""

    name: str
    kind: str
    settings: dict[str, Any]
    reads: tuple[int, ...]
    writes: int
    weights: list[NDArray[np.float32]]


@dataclass(frozen=True)
class PlainNetwork:
    """Layers and weights of a network from standardised pixels to logits.

    Attributes:
        shape: Shape of one image: (height, width, channels).
        scale: The network takes pixel · scale + offset.
        offset: See ``scale``.
        layers: In the order of computation.
        folding: Names of the layers into which scale and offset melt.
    """

    shape: tuple[int, int, int]
    scale: float
    offset: float
    layers: tuple[LayerData, ...]
    folding: tuple[str, ...]


def plain_network(model: Any, *, for_int8: bool = False) -> PlainNetwork:
    """Describe a Keras model that begins with its ``Rescaling``.

    Args:
        model: From raw pixels to logits.
        for_int8: Whether the rescaling is to melt into the layers that see pixels.

    Raises:
        TargetError: tensorflow-model-optimization cannot train one of its layers.
    """
    from kerascnn.models.layer_graph import (
        layer_calls,
    )  # here: the other process reads this file without Keras 3

    _pixels, rescaling, *others = layer_calls(model)
    if type(rescaling.layer).__name__ != "Rescaling":
        raise _refused(rescaling, "the first layer must be the rescaling of pixels")
    (standardised,) = rescaling.writes
    return PlainNetwork(
        shape=tuple(model.input_shape[1:]),
        scale=float(rescaling.layer.scale),
        offset=float(rescaling.layer.offset),
        layers=tuple(_layers(others, standardised)),
        folding=tuple(_folding(others, standardised, float(rescaling.layer.offset))) if for_int8 else (),
    )


def _layers(calls: "list[LayerCall]", standardised: int) -> list[LayerData]:
    from kerascnn.analysis.profiling.kinds import kind_of

    layers: dict[int, LayerData] = {}  # by what they write
    for call in calls:
        kind, settings = type(call.layer).__name__, call.layer.get_config()
        known = kind_of(call.layer)
        if known is None or known.settings is None:
            raise _refused(call, f"tensorflow-model-optimization does not support {kind}")
        odd = [name for name, usual in FIXED.items() if name in settings and settings[name] != usual]
        if odd:
            raise _refused(call, f"tensorflow-model-optimization does not take its {odd[0]}")
        layer = LayerData(
            name=call.name,
            kind=kind,
            settings={name: settings[name] for name in known.settings},
            reads=tuple(0 if number == standardised else number for number in call.reads),
            writes=call.writes[0],
            weights=call.layer.get_weights(),
        )
        before = layers.get(layer.reads[0]) if kind == "ReLU" and call.behind else None
        if before and before.settings.get("activation") == "linear":
            # tensorflow-model-optimization 0.8 would leave weights right before a ReLU layer in float.
            del layers[before.writes]
            layer = replace(before, settings=before.settings | {"activation": "relu"}, writes=layer.writes)
        layers[layer.writes] = layer
    return list(layers.values())


def _folding(calls: "list[LayerCall]", standardised: int, offset: float) -> Iterator[str]:
    for call in calls:
        if standardised in call.reads:
            padded = offset != 0 and call.layer.get_config().get("padding", "valid") != "valid"
            if padded or not getattr(call.layer, "use_bias", False):
                raise _refused(call, "the rescaling of pixels cannot be folded into it")
            yield call.name


def _refused(call: "LayerCall", reason: str) -> TargetError:
    return TargetError(
        f"layer {call.name} ({type(call.layer).__name__}) cannot be fine-tuned: {reason}. "
        "Quantize with --method ptq, without --prune and --cluster."
    )

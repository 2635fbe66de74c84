"""The kinds of layers, one row each: cost, formulas, name as a nonlinearity, settings for fine-tuning.

A layer of a kind that has no row is listed with its parameters; what else it costs is unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerascnn.analysis.profiling import costs, layer_formulas
from kerascnn.analysis.profiling.costs import UNKNOWN, LayerCost
from kerascnn.models.layer_graph import LayerCall, is_built_in

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.profile import LayerProfile


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes:
        cost: Measures one call of such a layer.
        formulas: Writes the formulas of its row in the layer table.
        nonlinearity: Its name as a nonlinearity, empty where it is none.
        settings: What fine-tuning hands to the layer of the same name in Keras 2; ``None`` where
            tensorflow-model-optimization cannot train such a layer.
    """

    cost: Callable[[LayerCall], LayerCost] = costs.elementwise
    formulas: Callable[["LayerProfile"], layer_formulas.Formulas] = layer_formulas.nothing
    nonlinearity: str = ""
    settings: tuple[str, ...] | None = None


_FILTERS = ("filters", "kernel_size", "strides", "padding", "activation", "use_bias")
_POOLING = ("pool_size", "strides", "padding")

#: By the name of the class.
LAYERS: dict[str, Kind] = {
    "Conv2D": Kind(costs.convolution, layer_formulas.convolution, settings=_FILTERS),
    "DepthwiseConv2D": Kind(costs.depthwise_convolution, layer_formulas.convolution),
    "SeparableConv2D": Kind(costs.separable_convolution, layer_formulas.separable_convolution),
    "TableConvolution": Kind(costs.table_convolution, layer_formulas.table_convolution),
    "Dense": Kind(costs.dense, layer_formulas.dense, settings=("units", "activation", "use_bias")),
    "EuclideanRBF": Kind(costs.distances, layer_formulas.distances),
    "MaxPooling2D": Kind(costs.pooling, layer_formulas.pooling, settings=_POOLING),
    "AveragePooling2D": Kind(costs.pooling, layer_formulas.pooling),
    "TrainableSubsampling": Kind(costs.trainable_subsampling, layer_formulas.trainable_subsampling),
    "GlobalAveragePooling2D": Kind(costs.global_pooling, layer_formulas.global_pooling, settings=()),
    "GlobalMaxPooling2D": Kind(costs.global_pooling, layer_formulas.global_pooling),
    "Flatten": Kind(costs.flatten, layer_formulas.flatten, settings=()),
    "BatchNormalization": Kind(
        costs.batch_normalization, layer_formulas.batch_normalization, settings=("momentum", "epsilon")
    ),
    "LayerNormalization": Kind(costs.normalization),
    "GroupNormalization": Kind(costs.normalization),
    "LocalResponseNormalization": Kind(),
    "Normalization": Kind(costs.fixed_scaling),
    "Rescaling": Kind(),
    "InputLayer": Kind(),
    "Identity": Kind(),
    "Activation": Kind(),
    "ReLU": Kind(nonlinearity="ReLU", settings=()),
    "LeakyReLU": Kind(nonlinearity="leaky ReLU"),
    "PReLU": Kind(costs.unknown, nonlinearity="PReLU"),
    "ELU": Kind(nonlinearity="ELU"),
    "ScaledTanh": Kind(nonlinearity="tanh"),
    "Softmax": Kind(),
    "Dropout": Kind(settings=("rate",)),
    "SpatialDropout2D": Kind(),
    "GaussianNoise": Kind(),
    "Add": Kind(),
    "Subtract": Kind(),
    "Multiply": Kind(),
    "Average": Kind(),
    "Maximum": Kind(),
    "Minimum": Kind(),
    "Concatenate": Kind(costs.concatenation, settings=()),
    "Reshape": Kind(costs.rearrangement),
    "Permute": Kind(costs.rearrangement),
    "UpSampling2D": Kind(costs.rearrangement),
    "ZeroPadding2D": Kind(costs.padding),
    "Cropping2D": Kind(costs.cropping),
}

#: Functions of ``keras.ops``; some have the name of a layer that computes something else (``Average``).
OPERATIONS: dict[str, Kind] = {
    "Add": Kind(),
    "Subtract": Kind(),
    "Multiply": Kind(),
    "Maximum": Kind(),
    "Minimum": Kind(),
    "Relu": Kind(nonlinearity="ReLU"),
    "Relu6": Kind(nonlinearity="ReLU6"),
    "Sigmoid": Kind(nonlinearity="sigmoid"),
    "Silu": Kind(nonlinearity="SiLU"),
    "Reshape": Kind(costs.rearrangement),
}


def kind_of(layer: Any) -> Kind | None:
    """Return the row of a layer or operation, ``None`` for one of another package or without a row."""
    if not is_built_in(layer):
        return None
    is_operation = ".ops." in type(layer).__module__
    return (OPERATIONS if is_operation else LAYERS).get(type(layer).__name__)


def cost_of(call: LayerCall) -> LayerCost:
    """Measure one call of a layer; a flexible side is ``None``, and what depends on it is not known."""
    kind = kind_of(call.layer)
    if kind is None or getattr(call.layer, "data_format", None) == "channels_first":
        return UNKNOWN
    return kind.cost(call)

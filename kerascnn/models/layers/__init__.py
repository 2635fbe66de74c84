"""Layers of the papers that are missing in Keras."""

from kerascnn.models.layers.lenet1998 import EuclideanRBF, ScaledTanh, TableConvolution, TrainableSubsampling
from kerascnn.models.layers.local_response_normalization import LocalResponseNormalization

__all__ = [
    "EuclideanRBF",
    "LocalResponseNormalization",
    "ScaledTanh",
    "TableConvolution",
    "TrainableSubsampling",
]

"""Determine what a ``.tflite`` file of another program takes and returns, as far as it says."""

import math

import numpy as np

from kerascnn.models.description import Output
from kerascnn.models.input_scaling import ASSUMED, BRIGHTEST, InputScaling
from kerascnn.tflite.file_format.graph import ModelGraph, Tensor, constant_data
from kerascnn.tflite.inspection.tensor_words import makers_back
from kerascnn.tflite.metadata.metadata import FileMetadata, TensorMetadata

USUAL = (0, 1), (-1, 1)  # ranges that pixels are brought to
BRIGHT = 50  # a first operator that divides by more is made for pixels of 0 to 255
_SCORES: dict[str, Output] = {
    "SOFTMAX": "probabilities",
    "LOGISTIC": "sigmoid",
    "FULLY_CONNECTED": "logits",
    "CONV_2D": "logits",
}


def scores_of(graph: ModelGraph) -> Output:
    """Return the kind of scores from the last computing operator."""
    subgraph = graph.subgraphs[0]
    return next(
        (_SCORES[name] for name in makers_back(subgraph, subgraph.outputs[0]) if name in _SCORES), "unknown"
    )


def scaling_of(graph: ModelGraph, metadata: FileMetadata | None) -> InputScaling:
    """Return the scaling from pixels to the first input.

    Metadata come first, unless the range of a quantized input contradicts them. A quantized input that holds
    about 0 to 1, or −1 to 1, takes that; one that holds less than half of 0 to 255 takes bytes as they are. A
    first operator that rescales is made for 0 to 255.
    """
    subgraph = graph.subgraphs[0]
    tensor = subgraph.tensors[subgraph.inputs[0]]
    channels = tensor.shape[3] if len(tensor.shape) == 4 else 1
    stated = _stated(metadata.inputs[0], channels) if metadata and metadata.inputs else None
    held = _held(tensor)
    if held is None:
        return stated or _by_first_operator(graph, tensor)
    known = "the quantization of its input"
    bytes_as_they_are = InputScaling.between(*held, known)
    width = held[1] - held[0]
    if stated:
        low, high = stated.ends
        return stated if 0.5 <= width / (high - low) <= 2 else bytes_as_they_are
    if width >= BRIGHTEST / 2:
        return InputScaling(known_from=known)
    usual = (InputScaling.between(low, high, known) for low, high in USUAL if _nearly(held, low, high))
    return next(usual, bytes_as_they_are)


def _nearly(held: tuple[float, float], low: float, high: float) -> bool:
    """Return whether a calibrated range matches this one: it covers at least half of it."""
    slack = (high - low) / 100
    inside = low - slack <= held[0] and held[1] <= high + slack
    return inside and held[1] - held[0] >= (high - low) / 2


def _held(tensor: Tensor) -> tuple[float, float] | None:
    """Return the range of real values an 8-bit tensor spans, ``None`` for any other tensor."""
    scaling = tensor.quantization
    if tensor.type not in ("INT8", "UINT8") or scaling is None or scaling.per_channel:
        return None
    limits, (scale,), (zero,) = np.iinfo(tensor.type.lower()), scaling.scales, scaling.zero_points
    low, high = (scale * (limit - zero) for limit in (limits.min, limits.max))
    return (low, high) if low < high and math.isfinite(high - low) else None


def _stated(image: TensorMetadata, channels: int) -> InputScaling | None:
    """Return the normalization in metadata; ``None`` if there is no valid one."""
    mean, std = (np.array(numbers, np.float64) for numbers in (image.mean, image.std))  # None becomes NaN
    if mean.shape != std.shape or mean.size not in (1, channels):
        return None
    if not (np.isfinite([mean, std]).all() and std.all()):
        return None
    return InputScaling(tuple(mean.tolist()), tuple(std.tolist()), "its metadata")


def _by_first_operator(graph: ModelGraph, tensor: Tensor) -> InputScaling:
    subgraph = graph.subgraphs[0]
    first = next((each for each in subgraph.operators if tensor.index in each.inputs), None)
    if first and first.name in ("MUL", "DIV") and len(first.inputs) == 2:
        (number,) = [each for each in first.inputs if each != tensor.index] or [tensor.index]
        factor = subgraph.tensors[number]
        if factor.constant and factor.type == "FLOAT32" and 0 not in factor.shape:
            values = np.abs(np.frombuffer(constant_data(graph, factor), "<f4"))
            rescales = values.min() > BRIGHT if first.name == "DIV" else 0 < values.max() < 1 / BRIGHT
            if rescales:
                return InputScaling(known_from="its first operator, which rescales")
    return ASSUMED

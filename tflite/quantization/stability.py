"""Whether other calibration images would give a different file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from kerascnn.data.dataset import Images
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.quantization.calibration import Calibration
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import Scheme
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier


@dataclass(frozen=True)
class Stability:
    """Comparison of two files from disjoint halves of the calibration images.

    Attributes:
        samples: Images in each half.
        scales: How many scales of activations were compared.
        largest_scale_difference: Relative difference of a tensor's two scales; 0.1 is a tenth.
        tensor: The tensor with that difference.
        agreement: Share of the validation images on which both give the same class.
        n: Validation images.
    """

    samples: tuple[int, int]
    scales: int
    largest_scale_difference: float
    tensor: str
    agreement: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return all of it."""
        return asdict(self) | {"samples": list(self.samples)}


def stability(
    model: Any, description: ModelDescription, scheme: Scheme, calibration: Calibration, validation: Images
) -> Stability | None:
    """Calibrate on two disjoint halves and compare scales and predictions.

    Args:
        model: From raw pixels to logits.
        description: Of the files.
        scheme: A calibrated one.
        calibration: At least two images; from fewer nothing can be told.
        validation: Images as they enter the model; not the test images, which only judge the finished file.
    """
    if len(calibration.images) < 2:
        return None
    halves = calibration.halves()
    contents = [convert(model, scheme, half) for half in halves]
    pairs = zip(*map(_activation_scales, contents), strict=True)  # one network: the same tensors in one order
    ratios = [(max(first, second) / min(first, second), name) for (name, first), (_, second) in pairs]
    largest, tensor = max(ratios)
    answers = [
        LiteRTClassifier(Path(f"half {number}"), content, description)(validation).argmax(axis=1)
        for number, content in enumerate(contents, start=1)
    ]
    return Stability(
        samples=(len(halves[0]), len(halves[1])),
        scales=len(ratios),
        largest_scale_difference=largest - 1,
        tensor=tensor,
        agreement=float(np.equal(*answers).mean()),
        n=len(validation),
    )


def _activation_scales(content: bytes) -> list[tuple[str, float]]:
    """Return name and scale of each non-constant tensor, in order."""
    model = schema.ModelT.InitFromPackedBuf(content)
    (graph,) = model.subgraphs
    return [
        (tensor.name.decode(), float(tensor.quantization.scale[0]))
        for tensor in graph.tensors
        if model.buffers[tensor.buffer].data is None
        and tensor.quantization is not None
        and tensor.quantization.scale is not None
    ]

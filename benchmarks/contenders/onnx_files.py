"""A PyTorch network as files for ONNX Runtime, in float and in int8, made as its documentation says."""

import warnings
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
    shape_inference,
)

INPUT = "pixels"
#: Types of activations and weights: unsigned with signed is the quickest kind on many x86 processors, signed
#: with signed is what the documentation names first.
KINDS = {"u8s8": (QuantType.QUInt8, QuantType.QInt8), "s8s8": (QuantType.QInt8, QuantType.QInt8)}


class _Images(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self._left = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._left, None)
        return None if image is None else {INPUT: image[np.newaxis]}


def write_onnx_files(network: torch.nn.Module, calibration: np.ndarray, folder: Path) -> None:
    """Write ``float.onnx`` and an int8 file of each kind, per-channel weights, batch 1.

    Args:
        network: In evaluation mode.
        calibration: Standardised images, float32 (n, channels, height, width).
        folder: Where to.
    """
    plain, prepared = folder / "exported.onnx", folder / "float.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.from_numpy(calibration[:1]),), plain, input_names=[INPUT], dynamo=False
        )
    shape_inference.quant_pre_process(plain, prepared)
    for kind, (activations, weights) in KINDS.items():
        quantize_static(
            prepared,
            folder / f"{kind}.onnx",
            _Images(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=activations,
            weight_type=weights,
        )

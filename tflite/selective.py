"""Full int8 except for some layers, which stay in float: AI Edge Quantizer's selective recipe."""

import io
import re
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from kerascnn.layer_graph import uses
from kerascnn.tflite.conversion import convert
from kerascnn.tflite.schemes import schemes


def convert_except(model: Any, layers: Sequence[str], images: NDArray[np.uint8]) -> bytes:
    """Convert to int8 with some layers in float, each stretch of them between a DEQUANTIZE and a QUANTIZE.

    Args:
        model: From raw pixels to logits.
        layers: Names of its layers; what only passes their values on stays in float with them.
        images: Calibration images, uint8 (n, height, width, channels).

    Returns:
        The file; its input and output are int8 as in full int8.
    """
    from ai_edge_quantizer.quantizer import Quantizer

    content = convert(model, schemes["float32"])
    signature, pixels = _entry(content)
    quantizer = Quantizer(bytearray(content))
    quantizer.add_static_config(regex=".*", operation_name="*", activation_num_bits=8, weight_num_bits=8)
    for layer in _and_followers(model, layers):
        # Tensors are called model/layer/operation; Keras counts repeated names on.
        scope = rf"/{re.escape(layer)}(_\d+)?/"
        quantizer.update_quantization_recipe(regex=scope, operation_name="*", algorithm_key="no_quantize")
    samples = [{pixels: image[np.newaxis].astype(np.float32)} for image in images]
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():  # it draws progress and warns of memory
        warnings.simplefilter("ignore")
        ranges = quantizer.calibrate({signature: samples}, num_threads=1)
        quantized = quantizer.quantize(ranges, enable_progress_report=False).quantized_model
    return bytes(quantized)


def _and_followers(model: Any, layers: Sequence[str]) -> set[str]:
    """Return layers and what stands behind them up to the next with a kernel: pools, activations, norms.

    Their values have the same range: in int8 they would bring back the rounding that is to be avoided.
    """
    kept, values = set(layers), set[int]()
    for use in uses(model):
        passes_on = not hasattr(use.layer, "kernel") and values.intersection(use.reads)
        if use.name in layers or passes_on:
            kept.add(use.name)
            values.update(use.writes)
    return kept


def _entry(content: bytes) -> tuple[str, str]:
    """Return the names of a file's only signature and of its only input."""
    ((signature, ends),) = Interpreter(model_content=content).get_signature_list().items()
    return str(signature), str(ends["inputs"][0])

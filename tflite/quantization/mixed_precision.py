"""Mixed precision: full int8 with some layers in float, by AI Edge Quantizer's selective recipes."""

import io
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from kerascnn.foundation.native_stderr import silent_natives
from kerascnn.models.layer_graph import layer_calls
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes


class MixedPrecisionQuantizer:
    """Makes int8 files of one model with layers in float; the ranges are calibrated once.

    Args:
        model: From raw pixels to logits.
        images: Calibration images, uint8 (n, height, width, channels).
    """

    def __init__(self, model: Any, images: NDArray[np.uint8]) -> None:
        self._model, self._float = model, convert(model, schemes["float32"])
        with silent_natives():
            ((signature, ends),) = Interpreter(model_content=self._float).get_signature_list().items()
        samples = [{ends["inputs"][0]: image[np.newaxis].astype(np.float32)} for image in images]
        quantizer = self._quantizer(())
        with _silence():
            self._ranges = _widest(
                quantizer.calibrate({signature: [sample]}, num_threads=1) for sample in samples
            )

    def convert(self, in_float: Collection[str]) -> bytes:
        """Return a file whose input and output are int8.

        Args:
            in_float: Names of layers; what only passes their values on stays in float with them. Each stretch
                of them stands between a DEQUANTIZE and a QUANTIZE.
        """
        with _silence():
            made = self._quantizer(in_float).quantize(self._ranges, enable_progress_report=False)
        return bytes(made.quantized_model)

    def noisiest_first(self, noise: Callable[[bytes], float]) -> Iterator[tuple[tuple[str, ...], bytes]]:
        """Yield one layer in float, then two, up to half of those with a kernel, and the file.

        Each step adds the layer without whose rounding the least noise remains. Their own noise would not do
        as an order: a map of uneven channels costs nothing before, and everything behind it.

        Args:
            noise: How far a file is from the float network.
        """
        layers = [layer.name for layer in self._model.layers if hasattr(layer, "kernel")]
        kept: tuple[str, ...] = ()
        while 2 * (len(kept) + 1) <= len(layers):
            tries = ((*kept, layer) for layer in layers if layer not in kept)
            kept = min(tries, key=lambda in_float: noise(self.convert(in_float)))
            yield kept, self.convert(kept)

    def _quantizer(self, in_float: Collection[str]) -> Any:
        from ai_edge_quantizer.quantizer import Quantizer

        quantizer = Quantizer(bytearray(self._float))
        quantizer.add_static_config(regex=".*", operation_name="*", activation_num_bits=8, weight_num_bits=8)
        for layer in _and_followers(self._model, in_float):
            # Tensors are called model/layer/operation; Keras counts repeated names on.
            scope = rf"/{re.escape(layer)}(_\d+)?/"
            quantizer.update_quantization_recipe(regex=scope, operation_name="*", algorithm_key="no_quantize")
        return quantizer


def _widest(ranges: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Merge the ranges of single images, so that none of them saturates.

    Given all images at once AI Edge Quantizer takes a moving average of their ends, and a brighter image than
    usual saturates.
    """
    joined: dict[str, dict[str, Any]] = {}
    for found in ranges:
        for tensor, ends in found.items():
            known = joined.setdefault(tensor, ends)
            if "min" in ends:
                known |= {
                    "min": np.minimum(known["min"], ends["min"]),
                    "max": np.maximum(known["max"], ends["max"]),
                }
    return joined


def _and_followers(model: Any, layers: Collection[str]) -> set[str]:
    """Return layers and the pooling, activation and norm layers after them, up to the next with a kernel.

    Their values have the same range: in int8 they would bring back the rounding that is to be avoided.
    """
    kept, values = set(layers), set[int]()
    for call in layer_calls(model):
        passes_on = not hasattr(call.layer, "kernel") and values.intersection(call.reads)
        if call.name in layers or passes_on:
            kept.add(call.name)
            values.update(call.writes)
    return kept


@contextmanager
def _silence() -> Iterator[None]:
    """Keep AI Edge Quantizer from drawing its progress and LiteRT from warning of kept tensors."""
    with redirect_stderr(io.StringIO()), warnings.catch_warnings(), silent_natives():
        warnings.simplefilter("ignore")
        yield

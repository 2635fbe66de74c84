"""Inference on ``.tflite`` files, through LiteRT only."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.description import ModelDescription
from kerascnn.errors import KerasCnnError, first_line
from kerascnn.evaluation import as_probabilities

READ_AT_ONCE = 256  # images; a split of files reads them only now


class LiteRTClassifier:
    """A ``.tflite`` image classifier, called with raw pixels, one image at a time as a device does.

    Args:
        path: The file.

    Raises:
        KerasCnnError: It is missing, damaged, or does not classify images.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._interpreter = _open(path)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise KerasCnnError(f"{path} does not classify images: it must have one input and one output.")
        self._input, self._output = inputs[0], outputs[0]
        if self._input["shape"][0] != 1:
            raise KerasCnnError(f"{path} takes {self._input['shape'][0]} images at a time; it must take one.")
        shape, scores = (tuple(int(side) for side in each["shape"][1:]) for each in (*inputs, *outputs))
        self.description = ModelDescription.embedded(path) or ModelDescription.foreign(path, shape, scores)

    def __call__(self, images: Images) -> NDArray[np.float32]:
        """Return probabilities, float32 (n, classes), of images that fit the input, uint8 (n, h, w, c)."""
        scores = np.empty((len(images), self._output["shape"][1]), self._output["dtype"])
        for start in range(0, len(images), READ_AT_ONCE):
            encoded = self.encode(images[start : start + READ_AT_ONCE])
            for position, image in enumerate(encoded, start):
                scores[position] = self.invoke(image[np.newaxis])
        return as_probabilities(_decode(scores, self._output), self.description.output)

    def encode(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return pixels in the input tensor's type and scale."""
        dtype = self._input["dtype"]
        scale, zero_point = self._input["quantization"]
        if not scale:  # a tensor that is not quantized takes the pixels as they are
            return images.astype(dtype)
        steps = np.round(np.arange(256) / scale + zero_point)  # a byte has 256 values: look them up
        limits = np.iinfo(dtype)
        table: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(dtype)
        return table[images]

    def invoke(self, encoded: NDArray[Any]) -> NDArray[Any]:
        """Run the interpreter once on an encoded image, shape (1, h, w, c); return the raw output row."""
        self._interpreter.set_tensor(self._input["index"], encoded)
        self._interpreter.invoke()
        row: NDArray[Any] = self._interpreter.get_tensor(self._output["index"])[0]
        return row


def _open(path: Path) -> Any:
    if not path.is_file():
        raise KerasCnnError(f"{path} does not exist.")
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise KerasCnnError(f"{path} cannot be opened as a TFLite model: {first_line(error)}") from error
    return interpreter


def _decode(scores: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float32]:
    scale, zero_point = details["quantization"]
    if not scale:
        return scores.astype(np.float32)
    decoded: NDArray[np.float32] = (scores.astype(np.float32) - zero_point) * np.float32(scale)
    return decoded

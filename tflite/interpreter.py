"""Inference on ``.tflite`` files, through LiteRT only."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.description import ModelDescription
from kerascnn.errors import KerasCnnError, first_line
from kerascnn.evaluation import as_probabilities
from kerascnn.machine import processors

READ_AT_ONCE = 256  # images; a split of files reads them only now


class LiteRTClassifier:
    """A ``.tflite`` image classifier, called with raw pixels, one image at a time as a device does.

    Args:
        path: The file.
        content: Its bytes, where there is no file (yet); ``path`` is then for messages.
        description: What it says about itself, for bytes that cannot.
        reference: Whether LiteRT's reference kernels compute, not the optimised ones (XNNPACK).
        threads: How many compute: together on one image, or each on images of its own where there are many.
            ``None``: one, or as many as the processor runs at once.

    Raises:
        KerasCnnError: It is missing, damaged, or does not classify images.
    """

    def __init__(
        self,
        path: Path,
        content: bytes | None = None,
        description: ModelDescription | None = None,
        *,
        reference: bool = False,
        threads: int | None = None,
    ) -> None:
        self.path, self._content, self._reference, self._threads = path, content, reference, threads
        self._interpreter = self._open(threads or 1)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise KerasCnnError(f"{path} does not classify images: it must have one input and one output.")
        self._input, self._output = inputs[0], outputs[0]
        if self._input["shape"][0] != 1:
            raise KerasCnnError(f"{path} takes {self._input['shape'][0]} images at a time; it must take one.")
        shape, scores = (tuple(int(side) for side in each["shape"][1:]) for each in (*inputs, *outputs))
        network = ModelDescription.foreign(path, shape, scores)
        if content is None and (own := ModelDescription.embedded(path)):
            description = own.fitting(path, network)
        self.description = description or network
        self.input_shape = shape  # height, width, channels

    def __call__(self, images: Images) -> NDArray[np.float32]:
        """Return probabilities, float32 (n, classes), of images that fit the input, uint8 (n, h, w, c).

        All threads work, each on images of its own with an interpreter of its own.
        """
        scores = np.empty((len(images), self._output["shape"][1]), self._output["dtype"])
        interpreters = self._interpreters(min(self._threads or processors(), len(images)))
        with ThreadPoolExecutor(len(interpreters)) as workers:  # LiteRT computes outside Python's lock
            for start in range(0, len(images), READ_AT_ONCE):
                encoded = self.encode(images[start : start + READ_AT_ONCE])
                rows = scores[start : start + READ_AT_ONCE]
                shares = zip(
                    interpreters,
                    np.array_split(encoded, len(interpreters)),
                    np.array_split(rows, len(interpreters)),
                    strict=True,
                )
                list(workers.map(lambda share: self._classify(*share), shares))
        return as_probabilities(_decode(scores, self._output), self.description.output)

    def _classify(self, interpreter: Any, encoded: NDArray[Any], scores: NDArray[Any]) -> None:
        for position, image in enumerate(encoded):
            scores[position] = self._invoke(interpreter, image[np.newaxis])

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
        return self._invoke(self._interpreter, encoded)

    def _invoke(self, interpreter: Any, encoded: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(self._input["index"], encoded)
        interpreter.invoke()
        row: NDArray[Any] = interpreter.get_tensor(self._output["index"])[0]
        return row

    def _interpreters(self, count: int) -> list[Any]:
        """Return interpreters with one thread each."""
        own = [self._interpreter] if self._threads in (None, 1) else []
        return own + [self._open(1) for _ in range(count - len(own))]

    def _open(self, threads: int) -> Any:
        if self._content is None and not self.path.is_file():
            raise KerasCnnError(f"{self.path} does not exist.")
        kernels = OpResolverType.BUILTIN_REF if self._reference else OpResolverType.BUILTIN
        model = (
            {"model_content": self._content} if self._content is not None else {"model_path": str(self.path)}
        )
        try:
            interpreter = Interpreter(**model, num_threads=threads, experimental_op_resolver_type=kernels)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = first_line(error)
            if "unresolved custom op" in reason:
                reason += " It runs on its device only: name the file that it was compiled from."
            raise KerasCnnError(f"{self.path} cannot be opened as a TFLite model: {reason}") from error
        return interpreter


def _decode(scores: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float32]:
    scale, zero_point = details["quantization"]
    if not scale:
        return scores.astype(np.float32)
    decoded: NDArray[np.float32] = (scores.astype(np.float32) - zero_point) * np.float32(scale)
    return decoded

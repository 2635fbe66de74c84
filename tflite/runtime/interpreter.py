"""Run ``.tflite`` image classifiers with LiteRT."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import as_probabilities, images_at_once
from kerascnn.data.dataset import Images
from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.foundation.machine import processors
from kerascnn.foundation.native_stderr import silent_natives
from kerascnn.models.description import ModelDescription, require_classifier, require_fixed_size
from kerascnn.models.input_scaling import RAW, InputScaling
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.metadata.metadata import read_metadata
from kerascnn.tflite.runtime.foreign import scaling_of, scores_of


class LiteRTClassifier:
    """A ``.tflite`` image classifier, called with raw pixels, one image at a time as a device does.

    Args:
        path: The file.
        content: Its bytes, where there is no file (yet); ``path`` is then for messages.
        description: The description, for content without one.
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
        self._single = [self._interpreter] if threads in (None, 1) else []
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        require_classifier(path, len(inputs), len(outputs))
        self._input, self._output = inputs[0], outputs[0]
        at_once = int(self._input["shape"][0]) if self._input["shape"].size else 0
        if at_once != 1:
            raise KerasCnnError(f"{path} takes {at_once} images at a time, but it must take one.")
        shape, scores = (tuple(int(side) for side in each["shape"][1:]) for each in (*inputs, *outputs))
        self.description, self.scaling = self._described(shape, scores, description)
        rule = self.description.preprocessing
        self.input_shape = rule.height, rule.width, rule.channels

    def _described(
        self, shape: tuple[int, ...], scores: tuple[int, ...], given: ModelDescription | None
    ) -> tuple[ModelDescription, InputScaling]:
        """Return the file's description and the scaling from pixels to its input."""
        if self._content is not None:
            return given or ModelDescription.foreign(self.path, shape, scores), RAW
        if own := ModelDescription.embedded(self.path):
            return own.fitting(self.path, ModelDescription.foreign(self.path, shape, scores)), RAW
        graph, metadata = read_graph(self.path), read_metadata(self.path)
        network = ModelDescription.foreign(self.path, shape, scores, scores_of(graph))
        if metadata and metadata.classes and len(metadata.classes) == len(network.classes):
            network = network.model_copy(update={"classes": metadata.classes})
        return network, scaling_of(graph, metadata)

    def __call__(self, images: Images) -> NDArray[np.float32]:
        """Return probabilities, float32 (n, classes), of images that fit the input, uint8 (n, h, w, c).

        All threads work, each on images of its own with an interpreter of its own.
        """
        scores = np.empty((len(images), math.prod(self._output["shape"][1:])), self._output["dtype"])
        at_once = images_at_once(self.input_shape)  # a split of files reads them only now
        interpreters = self._interpreters(min(self._threads or processors(), len(images)))
        with ThreadPoolExecutor(len(interpreters)) as workers:  # LiteRT computes outside Python's lock
            for start in range(0, len(images), at_once):
                encoded = self.encode(images[start : start + at_once])
                rows = scores[start : start + at_once]
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
        if not scale:  # a tensor that is not quantized takes the numbers as they are
            return (images if self.scaling.is_raw else self.scaling.real(images)).astype(dtype)
        every = np.arange(256, dtype=np.uint8)[:, np.newaxis]  # bytes are few: look them up
        steps = np.round(self.scaling.real(every).astype(np.float64) / scale + zero_point)
        limits = np.iinfo(dtype)
        table: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(dtype)
        return table[:, 0][images] if table.shape[1] == 1 else table[images, np.arange(table.shape[1])]

    def invoke(self, encoded: NDArray[Any]) -> NDArray[Any]:
        """Run the interpreter once on an encoded image, shape (1, h, w, c); return the raw scores."""
        return self._invoke(self._interpreter, encoded)

    def _invoke(self, interpreter: Any, encoded: NDArray[Any]) -> NDArray[Any]:
        interpreter.set_tensor(self._input["index"], encoded.reshape(self._input["shape"]))
        interpreter.invoke()
        row: NDArray[Any] = interpreter.get_tensor(self._output["index"]).reshape(-1)
        return row

    def _interpreters(self, count: int) -> list[Any]:
        """Return interpreters with one thread each, opened when they are first needed."""
        self._single += [self._open(1) for _ in range(count - len(self._single))]
        return self._single[:count]

    def _open(self, threads: int) -> Any:
        if self._content is None and not self.path.is_file():
            raise KerasCnnError(f"{self.path} does not exist.")
        kernels = OpResolverType.BUILTIN_REF if self._reference else OpResolverType.BUILTIN
        model = (
            {"model_content": self._content} if self._content is not None else {"model_path": str(self.path)}
        )
        try:
            with silent_natives():
                interpreter = Interpreter(**model, num_threads=threads, experimental_op_resolver_type=kernels)
                for each in interpreter.get_input_details():
                    sides = (None if side < 0 else int(side) for side in each["shape_signature"][1:])
                    require_fixed_size(self.path, tuple(sides))
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = first_line(error) if str(error) else "it may need more memory than is available."
            if "unresolved custom op" in reason:
                reason += " It runs on its device only: give the file that it was compiled from."
            raise KerasCnnError(f"{self.path} cannot be opened as a TFLite model: {reason}") from error
        return interpreter


def _decode(scores: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float32]:
    scale, zero_point = details["quantization"]
    if not scale:
        return scores.astype(np.float32)
    decoded: NDArray[np.float32] = (scores.astype(np.float32) - zero_point) * np.float32(scale)
    return decoded

"""Time one model in a process that holds nothing else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.data.dataset import Images
from kerascnn.tflite.runtime.latency import block, seconds
from kerascnn.tflite.runtime.memory import forget_peak, peak_bytes

SEED = 0
LIKELY = 5  # calls of which the quickest tells about how long one takes


class Stopwatch:
    """The server in the separate process; ``open`` comes first."""

    def open(self, path: Path, threads: int) -> float:
        """Open a ``.keras`` or ``.tflite`` file; return the seconds this took, without imports.

        Raises:
            KerasCnnError: It is missing, damaged or does not classify images.
        """
        opened = _keras_opener(path, threads) if path.suffix == ".keras" else _lite_opener(path, threads)
        forget_peak()
        self._before = peak_bytes()

        def keep() -> None:
            self._model = opened()

        return seconds(keep)

    def first(self) -> tuple[float, float]:
        """Return the seconds of the first inference and of a later one."""
        self._once = self._model.once(_images(1, self._model.shape))
        return seconds(self._once), min(block(self._once, LIKELY))

    def times(self, count: int) -> NDArray[np.float64]:
        """Return the seconds of each of ``count`` inferences of one image."""
        return block(self._once, count)

    def memory(self) -> int | None:
        """Return the peak memory in bytes since the model was opened."""
        peak = peak_bytes()
        return None if peak is None or self._before is None else peak - self._before

    def rate(self, count: int) -> float:
        """Return the images per second for a batch of ``count``, from pixels to probabilities."""
        images = _images(count, self._model.shape)
        return count / seconds(lambda: self._model.classify(images))


class _Model:
    """A model in both timed forms: one image, and many at once.

    Args:
        shape: Height, width, channels.
        once: Makes a call for one inference from an image, uint8 (1, height, width, channels).
        classify: From images to probabilities.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        once: Callable[[NDArray[np.uint8]], Callable[[], object]],
        classify: Callable[[Images], object],
    ) -> None:
        self.shape, self.once, self.classify = shape, once, classify


def _keras_opener(path: Path, threads: int) -> Callable[[], _Model]:
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever it was trained on: the files came from there
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # threads are compared, and files that run on them
    from kerascnn.models.keras_file import load_model
    from kerascnn.training.backend.machine import configure

    configure(threads, deterministic=False)

    def opened() -> _Model:
        model, description = load_model(path)

        def once(image: NDArray[np.uint8]) -> Callable[[], object]:
            return lambda: model.predict_on_batch(image)

        return _Model(model.input_shape[1:], once, keras_classifier(model, description.output))

    return opened


def _lite_opener(path: Path, threads: int) -> Callable[[], _Model]:
    from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

    def opened() -> _Model:
        lite = LiteRTClassifier(path, threads=threads)

        def once(image: NDArray[np.uint8]) -> Callable[[], object]:
            encoded = lite.encode(image)
            return lambda: lite.invoke(encoded)

        return _Model(lite.input_shape, once, lite)

    return opened


def _images(count: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return noise images: the time of these networks does not depend on the image."""
    return np.random.default_rng(SEED).integers(0, 256, (count, *shape), np.uint8)

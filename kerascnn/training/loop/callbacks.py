"""Keras callbacks for progress, failures, and the average of weights."""

import math
import threading
import time
from dataclasses import replace
from typing import Any

import keras

from kerascnn.foundation.progress import Progress
from kerascnn.training.loop.status import TrainingFigures
from kerascnn.training.records.history import Epoch


class NotFiniteError(ArithmeticError):
    """The loss is infinite or NaN."""


class Told(keras.callbacks.Callback):
    """Reports one epoch's metrics as progress of the whole training; raises on Ctrl-C and a non-finite loss.

    Args:
        progress: Who is told.
        epochs: Epochs of the whole training.
        finished: The rows of those before this one.
        images: Number of training images.
        of: Model, head, data and run in words.
        asked: Set by Ctrl-C.
    """

    def __init__(
        self,
        progress: Progress,
        epochs: int,
        finished: tuple[Epoch, ...],
        images: int,
        of: str,
        asked: threading.Event,
    ) -> None:
        super().__init__()
        self._progress, self._images, self._asked = progress, images, asked
        rate = images / max(finished[-1]["seconds"], 0.001) if finished else None
        self._figures = TrainingFigures(len(finished) + 1, epochs, 0, 0, rate, finished=finished, of=of)
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Report the start of the epoch."""
        self._began = time.perf_counter()
        self._tell(steps=self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report the progress of the epoch.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            NotFiniteError: The mean loss so far is not finite.
        """
        if self._asked.is_set():
            raise KeyboardInterrupt
        if logs and not math.isfinite(logs["loss"]):
            raise NotFiniteError
        steps = self.params["steps"]
        step = min(batch + 1, steps)  # Keras counts whole calls, the last of an epoch may be shorter
        self._figures = replace(
            self._figures,
            step=step,
            images_per_second=self._images * step / steps / (time.perf_counter() - self._began),
            loss=logs["loss"] if logs else None,
            accuracy=logs["accuracy"] if logs else None,
        )
        if step < steps or self._figures.epoch < self._figures.epochs:
            self._tell()  # the very last step is told with its validation

    def validated(self, row: Epoch) -> None:
        """Report the metrics of the whole epoch."""
        self._tell(finished=(*self._figures.finished, row))

    def _tell(self, **known: Any) -> None:
        now = self._figures = replace(self._figures, **known)
        done = (now.epoch - 1) * now.steps + now.step
        self._progress("training", done, now.epochs * now.steps, now)


class BeforeAverage(keras.callbacks.Callback):
    """Keeps the trained weights, because ``fit`` ends by replacing them with their moving average.

    Args:
        averaged: Whether there is such an average.
    """

    def __init__(self, *, averaged: bool) -> None:
        super().__init__()
        self._averaged = averaged
        self._trained: list[tuple[Any, Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Copy the weights."""
        variables = self.model.trainable_weights if self._averaged else []
        self._trained = [(variable, keras.ops.convert_to_numpy(variable)) for variable in variables]

    def copy_average(self) -> None:
        """Copy the average, with which the weights share memory on JAX."""
        for variable, _ in self._trained:
            variable.assign(keras.ops.convert_to_numpy(variable))

    def put_back(self) -> None:
        """Restore the copied weights."""
        for variable, value in self._trained:
            variable.assign(value)

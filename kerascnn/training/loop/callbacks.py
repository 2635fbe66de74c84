"""Keras callbacks for progress, failures, and the average of weights."""

import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.progress import Progress
from kerascnn.training.interventions import Intervention
from kerascnn.training.loop.observer import Observer, Watched
from kerascnn.training.loop.status import TrainingFigures
from kerascnn.training.loop.steering import Steering
from kerascnn.training.loop.stepping import can_walk, current_weights, walk
from kerascnn.training.records.history import Epoch

BETWEEN_ORDERS = 0.02  # seconds, while a training is paused


class NotFiniteError(ArithmeticError):
    """The loss is infinite or NaN."""


class Told(keras.callbacks.Callback):
    """Reports metrics as progress of the whole training, and follows its observer's orders.

    Raises on Ctrl-C and on a loss that is not finite.

    Args:
        progress: Receives the figures.
        observer: Receives the figures, too, and may intervene.
        steering: Takes the changes that it orders.
        epochs: Epochs of the whole training.
        finished: The rows of those before.
        images: Number of training images.
        of: Model, head, data and run in words.
        asked: Set by Ctrl-C.

    Attributes:
        one_by_one: Whether the observer wants single steps.
        call_steps: Steps of the call of compiled steps that have not been reported.
        paused: Seconds without training in this epoch.
    """

    def __init__(
        self,
        progress: Progress,
        observer: Observer,
        steering: Steering,
        epochs: int,
        finished: tuple[Epoch, ...],
        images: int,
        of: str,
        asked: threading.Event,
    ) -> None:
        super().__init__()
        self._progress, self._images, self._asked = progress, images, asked
        self._observer, self._steering = observer, steering
        self.one_by_one, self.call_steps, self.paused = False, 0, 0.0
        self._figures = TrainingFigures(0, epochs, 0, steering.steps, finished=finished, of=of)
        self._began = 0.0

    def show(self, trainer: Any, model: Any, data: Dataset, run: Path) -> None:
        """Show the training to its observer, which may take single steps if the backend can.

        Args:
            trainer: The compiled model.
            model: From raw pixels to logits, with the trainer's weights.
            data: Brought to the trainer's input.
            run: The run's folder.
        """
        if single := can_walk(trainer):
            walk(trainer, self)

        def weights_of_now() -> Any:
            current_weights(trainer)
            return model

        self._observer.begin(
            Watched(
                run=run,
                of=self._figures.of,
                model=weights_of_now,
                data=data,
                learning_rate=lambda: float(current_weights(trainer).optimizer.learning_rate),
                interventions=lambda: self._steering.interventions,
                steps_alone=1 if single else trainer.steps_per_execution,
            )
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Report the start of the epoch."""
        self._began, self.paused = time.perf_counter(), 0.0
        finished = self._figures.finished
        rate = self._images / max(finished[-1]["seconds"], 0.001) if finished else None
        self._tell(epoch=len(finished) + 1, step=0, images_per_second=rate, loss=None, accuracy=None)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Count the steps of the call."""
        self.call_steps = min(self.model.steps_per_execution, self.params["steps"] - batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report the progress of the epoch after a call of compiled steps.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            NotFiniteError: The mean loss so far is not finite.
        """
        if self.call_steps:  # a stop leaves none
            self._report(self.call_steps, logs)

    def stepped(self, logs: dict[str, Any]) -> bool:
        """Report a single step of a call; return whether the next one follows.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            NotFiniteError: The mean loss so far is not finite.
        """
        self.call_steps -= 1
        self._report(1, {name: float(value) for name, value in logs.items()})
        return not self.model.stop_training

    def _report(self, steps: int, logs: dict[str, float] | None) -> None:
        """Report finished steps.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            NotFiniteError: The mean loss so far is not finite.
        """
        if self._asked.is_set():
            raise KeyboardInterrupt
        if logs and not math.isfinite(logs["loss"]):
            raise NotFiniteError
        now, step = self._figures, self._figures.step + steps
        seconds = time.perf_counter() - self._began - self.paused
        self._figures = replace(
            now,
            step=step,
            images_per_second=self._images * step / now.steps / seconds,
            loss=logs["loss"] if logs else None,
            accuracy=logs["accuracy"] if logs else None,
        )
        if step < now.steps or now.epoch < now.epochs:
            self._tell()  # the very last step is told with its validation
            if not self.model.stop_training:
                self._obey()

    def _obey(self) -> None:
        """Make the changes that the observer orders, and wait while it wants to pause.

        Raises:
            KeyboardInterrupt: Ctrl-C while it was paused.
        """
        began = None
        while True:
            order = self._observer.order()
            if order.factor is not None:
                self._change(learning_rate_factor=order.factor)
            if order.stop:
                self._change(stop=True)
                self.model.stop_training = True
            if order.go != "pause" or order.stop:
                break
            began = began or time.perf_counter()
            time.sleep(BETWEEN_ORDERS)
            if self._asked.is_set():
                raise KeyboardInterrupt
        self.one_by_one = order.go == "one step"
        if began:
            self.paused += time.perf_counter() - began

    def _change(self, **change: Any) -> None:
        current_weights(self.model)
        self._steering.add(Intervention(epoch=self._figures.epoch, step=self._figures.step, **change))

    def validated(self, row: Epoch) -> None:
        """Report the metrics of the whole epoch."""
        self._tell(finished=(*self._figures.finished, row))

    def _tell(self, **known: Any) -> None:
        now = self._figures = replace(self._figures, **known)
        done = (now.epoch - 1) * now.steps + now.step
        self._progress("training", done, now.epochs * now.steps, now)
        self._observer.report(now)


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

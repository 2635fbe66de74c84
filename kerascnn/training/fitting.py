"""The training itself: epochs of Adam with warm-up and decay, and what Ctrl-C leaves."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import FileSplit
from kerascnn.errors import KerasCnnError
from kerascnn.progress import Progress
from kerascnn.results import percent
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.feed import Feed
from kerascnn.training.history import Epoch
from kerascnn.training.image_stream import StreamFeed
from kerascnn.training.image_table import TableFeed

WARM_UP = 0.1  # share of all steps


@dataclass
class Fit:
    """How far a training got.

    Attributes:
        epochs: One row an epoch.
        best_epoch: The epoch of the highest validation accuracy, the latest of equals; 0 before the first.
        best_weights: Those of the best epoch.
        interrupted: Whether Ctrl-C ended it.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: list[NDArray[np.float32]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def kept_epoch(self) -> int:
        """Whose weights the model has: the last, where the learning rate came to zero, or the best so far."""
        return self.best_epoch if self.interrupted else len(self.epochs)

    @property
    def best_accuracy(self) -> float:
        """Validation accuracy of the best epoch, 0 before the first."""
        return self.epochs[self.best_epoch - 1]["val_accuracy"] if self.best_epoch else 0.0

    def add(self, epoch: Epoch, model: Any) -> None:
        """Record an epoch and keep the model's weights if it is the best so far."""
        best = epoch["val_accuracy"] >= self.best_accuracy
        self.epochs.append(epoch)
        if best:  # the weights first: Ctrl-C can come between the two
            self.best_weights = model.get_weights()
            self.best_epoch = epoch["epoch"]


def fit(
    model: Any,
    data: Dataset,
    config: ResolvedConfig,
    *,
    progress: Progress,
    epoch_ended: Callable[[list[Epoch]], None],
) -> Fit:
    """Train a model in place.

    A training that ends as planned leaves the last weights: the schedule ends there, and the best of many
    epochs on a small validation split would be luck. An interrupted one leaves the best weights so far.

    Args:
        model: From raw pixels to logits.
        data: Already brought to the model's input.
        config: How to train.
        progress: Told after every call of compiled steps.
        epoch_ended: Called with all epochs so far.

    Raises:
        KerasCnnError: The loss is not finite any more.
    """
    feed: Feed = (StreamFeed if isinstance(data.train, FileSplit) else TableFeed)(model, data, config)
    _compile(feed, len(data.train), config)
    done = Fit()
    try:
        with _ctrl_c_between_calls() as asked:
            for number in range(1, config.epochs + 1):
                told = _Told(progress, number, config.epochs, done, asked)
                done.add(_epoch(feed, number, told), model)
                epoch_ended(done.epochs)
                if asked.is_set():  # it came while the epoch was validated
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        done.interrupted = True
        if done.best_epoch:
            model.set_weights(done.best_weights)
    return done


@contextmanager
def _ctrl_c_between_calls() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event: raised while TensorFlow traces, the interrupt can be swallowed there."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread may set handlers, and only it is interrupted
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _compile(feed: Feed, images: int, config: ResolvedConfig) -> None:
    steps = math.ceil(images / config.batch_size) * config.epochs
    warm_up = max(round(steps * WARM_UP), 1)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / (warm_up + 1),
        warmup_steps=warm_up,
        warmup_target=config.learning_rate,
        decay_steps=max(steps - warm_up, 1),
    )
    feed.model.compile(
        # β2 below Adam's usual 0.999: a training has a few thousand steps, a long memory slows it.
        keras.optimizers.Adam(rate, beta_2=0.99, weight_decay=config.weight_decay or None),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=feed.steps_per_call,
        jit_compile=False,  # XLA is slower than oneDNN on a CPU for these networks
    )


def _epoch(feed: Feed, number: int, told: "_Told") -> Epoch:
    """Train one epoch and validate."""
    trainer, started = feed.model, time.perf_counter()
    try:
        trained = trainer.fit(feed.training(number), shuffle=False, verbose=0, callbacks=[told]).history
        seconds = time.perf_counter() - started
        checked = trainer.evaluate(feed.validation(), verbose=0, return_dict=True)
    except Exception:
        if feed.failure:
            raise feed.failure from None
        raise
    (loss,), (accuracy,) = trained["loss"], trained["accuracy"]
    if not math.isfinite(loss):
        raise KerasCnnError(f"The loss of epoch {number} is not finite. Use a lower learning rate.")
    return Epoch(
        epoch=number,
        loss=loss,
        accuracy=accuracy,
        val_loss=checked["loss"],
        val_accuracy=checked["accuracy"],
        learning_rate=float(trainer.optimizer.learning_rate),
        seconds=round(seconds, 3),
    )


class _Told(keras.callbacks.Callback):
    """Passes Keras' batches on as progress of the whole training, and Ctrl-C to Keras."""

    def __init__(
        self, progress: Progress, epoch: int, epochs: int, done: Fit, asked: threading.Event
    ) -> None:
        super().__init__()
        self._progress, self._epoch, self._epochs, self._done = progress, epoch, epochs, done
        self._asked = asked

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._epoch == 1:
            self._tell(0, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        # Keras counts whole calls, the last of an epoch may be shorter
        self._tell(min(batch + 1, self.params["steps"]), logs)

    def _tell(self, batches: int, logs: dict[str, float] | None) -> None:
        steps = self.params["steps"]
        figures = f"epoch {self._epoch}/{self._epochs}"
        if logs:
            figures += f"  loss {logs['loss']:.4f}"
        if self._done.best_epoch:
            figures += f"  best validation {percent(self._done.best_accuracy)}"
        self._progress("training", (self._epoch - 1) * steps + batches, self._epochs * steps, figures)

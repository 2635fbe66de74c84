"""The training loop: epochs with checkpoints, early stopping and interruption."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import FileSplit
from kerascnn.foundation.progress import Progress
from kerascnn.training.backend.distribution import ALONE, Team
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.input.feed import Feed
from kerascnn.training.input.from_files import StreamFeed
from kerascnn.training.input.in_memory import TableFeed
from kerascnn.training.interventions import Intervention, require_places
from kerascnn.training.loop.callbacks import BeforeAverage, NotFiniteError, Told
from kerascnn.training.loop.observer import NOBODY, Observer
from kerascnn.training.loop.optimization import compile_for
from kerascnn.training.loop.steering import Steering
from kerascnn.training.records.checkpoint import Checkpoint, Checkpoints, state_of
from kerascnn.training.records.history import Epoch


@dataclass
class Fit:
    """The state of a training: history and best weights.

    Attributes:
        epochs: One row an epoch.
        best_epoch: The epoch of the highest validation accuracy, the latest of equals; 0 before the first.
        best_weights: Weights of the best epoch.
        seconds: Seconds spent by earlier processes.
        ended: As planned, for want of patience, by a person who keeps it, by Ctrl-C, or because the loss was
            not finite any more.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: list[NDArray[np.float32]] = field(default_factory=list)
    seconds: float = 0.0
    ended: Literal["planned", "patience", "stopped", "interrupted", "not finite"] = "planned"

    @property
    def kept_epoch(self) -> int:
        """Epoch of the kept weights: the last if the learning rate reached zero, else the best so far."""
        return len(self.epochs) if self.ended == "planned" else self.best_epoch

    @property
    def best_accuracy(self) -> float:
        """Validation accuracy of the best epoch, 0 before the first."""
        return self.epochs[self.best_epoch - 1]["val_accuracy"] if self.best_epoch else 0.0

    def add(self, epoch: Epoch, model: Any) -> None:
        """Record an epoch and keep the model's weights if it is the best so far."""
        best = epoch["val_accuracy"] >= self.best_accuracy
        self.epochs.append(epoch)
        if best:
            self.best_weights, self.best_epoch = model.get_weights(), epoch["epoch"]

    def out_of(self, patience: int) -> bool:
        """Return whether none of the last ``patience`` epochs improved on those before; never for 0."""
        accuracies = [epoch["val_accuracy"] for epoch in self.epochs]
        if not patience or len(accuracies) <= patience:
            return False
        return max(accuracies[-patience:]) <= max(accuracies[:-patience])


def fit(
    model: Any,
    data: Dataset,
    config: ResolvedConfig,
    checkpoints: Checkpoints,
    *,
    progress: Progress,
    jit: bool,
    epoch_ended: Callable[[Fit], None],
    team: Team = ALONE,
    of: str = "",
    observer: Observer = NOBODY,
    intervened: Callable[[tuple[Intervention, ...]], None] = lambda changes: None,
) -> Fit:
    """Train a model in place, from its newest checkpoint if there is one.

    A training that ends as planned leaves the last weights: the schedule ends there, and the best of many
    epochs on a small validation split would be luck. One that ends before leaves the best weights so far.

    Args:
        model: From raw pixels to logits.
        data: Already brought to the model's input.
        config: How to train.
        checkpoints: Folder for a checkpoint after each epoch.
        progress: Called after every call of compiled steps.
        jit: Whether XLA compiles the step.
        epoch_ended: Called once an epoch has its checkpoint.
        team: The processes that train it together.
        of: Model, head, data and run in words, for ``progress``.
        observer: Watches it, and may intervene.
        intervened: Called with all interventions before a new one is made.

    Raises:
        UsageError: An intervention of the settings is not within the training.
        KerasCnnError: An image cannot be read any more, or a checkpoint cannot be written.
    """
    started, steps = time.perf_counter(), math.ceil(len(data.train) / config.batch_size)
    require_places(config.interventions, config.epochs, steps)
    feed: Feed = (StreamFeed if isinstance(data.train, FileSplit) else TableFeed)(model, data, config, team)
    rate = compile_for(feed, len(data.train), config, jit=jit)
    done = _restored(feed.model, checkpoints)
    steering = Steering(rate, steps, config.interventions, intervened)
    if done.epochs:  # a kill may have come between the checkpoint and what follows it
        epoch_ended(done)
    earlier = done.seconds
    try:
        with _ctrl_c_between_calls() as asked:
            told = Told(
                progress, observer, steering, config.epochs, tuple(done.epochs), len(data.train), of, asked
            )
            if observer is not NOBODY:
                told.show(feed.model, model, data, checkpoints.folder.parent)
            while _goes_on(done, config, steering):
                _epoch(feed, config, done, told, steering)
                earlier -= told.paused
                done.seconds = earlier + time.perf_counter() - started
                stored = Checkpoint(
                    state_of(feed.model), done.epochs, done.best_epoch, done.best_weights, done.seconds
                )
                checkpoints.save(stored)
                epoch_ended(done)
                if asked.is_set():  # it came while the epoch was validated
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        done.ended = "interrupted"
    except NotFiniteError:
        done.ended = "not finite"
    if done.ended == "planned":
        feed.model.optimizer.finalize_variable_values(feed.model.trainable_weights)
    elif done.best_epoch:
        feed.model.set_weights(done.best_weights)
    return done


def _goes_on(done: Fit, config: ResolvedConfig, steering: Steering) -> bool:
    """Return whether another epoch follows; note why not."""
    if done.epochs and steering.stop_of(len(done.epochs)):
        done.ended = "stopped"
    elif len(done.epochs) < config.epochs and done.out_of(config.patience):
        done.ended = "patience"
    return done.ended == "planned" and len(done.epochs) < config.epochs


def _restored(trainer: Any, checkpoints: Checkpoints) -> Fit:
    """Restore a compiled model from its newest checkpoint."""
    stored = checkpoints.newest()
    if stored is None:
        return Fit()
    stored.restore(trainer, checkpoints.folder)
    return Fit(stored.epochs, stored.best_epoch, stored.best_weights, stored.seconds)


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


def _epoch(feed: Feed, config: ResolvedConfig, done: Fit, told: Told, steering: Steering) -> None:
    """Train the next epoch, validate it, and record it.

    Raises:
        NotFiniteError: The loss is not finite.
        KeyboardInterrupt: Ctrl-C.
    """
    trainer, number, started = feed.model, len(done.epochs) + 1, time.perf_counter()
    trained = BeforeAverage(averaged=config.ema > 0)
    try:
        batches = feed.training(number)
        if stop := steering.stop_of(number):
            batches = batches.take(stop)
        fitted = trainer.fit(batches, shuffle=False, verbose=0, callbacks=[told, trained])
        seconds = time.perf_counter() - started - told.paused
        trained.copy_average()
        checked = trainer.evaluate(feed.validation(), verbose=0, return_dict=True)
    except Exception:
        if feed.failure:
            raise feed.failure from None
        raise
    (loss,), (accuracy,) = fitted.history["loss"], fitted.history["accuracy"]
    if not math.isfinite(checked["loss"]):
        raise NotFiniteError
    row = Epoch(
        epoch=number,
        loss=loss,
        accuracy=accuracy,
        val_loss=checked["loss"],
        val_accuracy=checked["accuracy"],
        learning_rate=float(trainer.optimizer.learning_rate),
        seconds=round(seconds, 3),
    )
    done.add(row, trainer)
    told.validated(row)
    trained.put_back()

"""Who watches a training, and may pause it, change its learning rate and stop it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from kerascnn.data.dataset import Dataset
from kerascnn.training.interventions import Intervention
from kerascnn.training.loop.status import TrainingFigures
from kerascnn.training.run import Run


@dataclass(frozen=True)
class Watched:
    """A training as its observer sees it, between two steps and from the thread that trains.

    Attributes:
        run: The run's folder.
        of: Model, head, data and run in words.
        model: Returns the network with the weights of now, from raw pixels to logits.
        data: Brought to the model's input.
        learning_rate: Returns that of the next step.
        interventions: Returns all that are known, also those of a repetition that are still to come.
        steps_alone: Steps that one order to take a step takes.
    """

    run: Path
    of: str
    model: Callable[[], Any]
    data: Dataset
    learning_rate: Callable[[], float]
    interventions: Callable[[], tuple[Intervention, ...]]
    steps_alone: int


#: Continue, take one step, or wait.
Go = Literal["on", "one step", "pause"]


@dataclass(frozen=True)
class Order:
    """What the observer wants; nothing by default.

    Attributes:
        go: Whether the training continues.
        factor: New factor of the learning rate.
        stop: Whether the training ends here and keeps its best weights.
    """

    go: Go = "on"
    factor: float | None = None
    stop: bool = False


@runtime_checkable
class Observer(Protocol):
    """Watches a training; every method is called by the thread that trains."""

    def begin(self, training: Watched) -> None:
        """Take what is watched, before the first step."""

    def report(self, figures: TrainingFigures) -> None:
        """Take the latest figures, after each call of compiled steps and each validation."""

    def order(self) -> Order:
        """Return what is wanted now; asked after each such call, and again and again while it is paused."""

    def end(self, run: Run) -> None:
        """Take the run once it is written; a training that fails has none."""


class Nobody:
    """Observes nothing and wants nothing."""

    def begin(self, training: Watched) -> None:
        """Ignore it."""

    def report(self, figures: TrainingFigures) -> None:
        """Ignore them."""

    def order(self) -> Order:
        """Return the order to continue."""
        return _ON

    def end(self, run: Run) -> None:
        """Ignore it."""


_ON = Order()
NOBODY = Nobody()

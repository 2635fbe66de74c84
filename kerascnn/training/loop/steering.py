"""The learning rate that a person changes while a network trains, and the end that they choose."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.training.interventions import MOST, Intervention, with_change
from kerascnn.training.records.checkpoint import FROM_SETTINGS


class SteeredRate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a factor that depends on the step.

    All changes are in a table inside the compiled step, by the step from which they hold. So it does not
    matter whether they were made just before that step or are known from the start, and a repetition computes
    the same bits.

    Args:
        schedule: The learning rate without changes.
    """

    def __init__(self, schedule: Any) -> None:
        super().__init__()
        self.schedule = schedule
        self._places: Any = None
        self._factors: Any = None

    def attach(self, optimizer: Any) -> None:
        """Make the table one of the optimizer's variables, which JAX passes to the compiled step."""
        never = keras.initializers.Constant(np.inf)
        self._places = optimizer.add_variable((MOST,), never, "float32", name=f"{FROM_SETTINGS}_places")
        self._factors = optimizer.add_variable(
            (MOST + 1,), "ones", "float32", name=f"{FROM_SETTINGS}_factors"
        )

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        passed = ops.cast(step, "float32") >= ops.convert_to_tensor(self._places)
        return self.schedule(step) * ops.take(self._factors, ops.sum(ops.cast(passed, "int32")))

    def change(self, factors: dict[int, float]) -> None:
        """Set the factors, each by the step from which it holds, in order."""
        places, table = np.full(MOST, np.inf, np.float32), np.ones(MOST + 1, np.float32)
        places[: len(factors)] = list(factors)
        table[1 : len(factors) + 1] = list(factors.values())
        self._places.assign(places)
        self._factors.assign(table)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"schedule": self.schedule}


class Steering:
    """The interventions of a training: those of its settings, and those that are made while it runs.

    Args:
        rate: Of the compiled model.
        steps: Of an epoch.
        interventions: Of the settings.
        record: Writes all of them into the run.
    """

    def __init__(
        self,
        rate: SteeredRate,
        steps: int,
        interventions: tuple[Intervention, ...],
        record: Callable[[tuple[Intervention, ...]], None],
    ) -> None:
        self.steps, self.interventions = steps, interventions
        self._rate, self._record = rate, record
        self._apply()

    def add(self, change: Intervention) -> None:
        """Record a change, then make it.

        Raises:
            KerasCnnError: It cannot be written; nothing has changed.
        """
        if len(changed := with_change(self.interventions, change)) > MOST:
            return
        self._record(changed)
        self.interventions = changed
        self._apply()

    def stop_of(self, epoch: int) -> int | None:
        """Return the step of an epoch behind which the training ends, ``None`` if it does not."""
        return next((each.step for each in self.interventions if each.stop and each.epoch == epoch), None)

    def _apply(self) -> None:
        self._rate.change(
            {
                (each.epoch - 1) * self.steps + each.step: each.learning_rate_factor
                for each in self.interventions
                if each.learning_rate_factor is not None
            }
        )

"""What a person changed while a network trained; it is stored, so that a repetition changes the same."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.settings import Settings

MOST = 64  # of one training


class Intervention(Settings):
    """One change: another learning rate, or the end of the training.

    Attributes:
        epoch: In which it was made, counted from 1.
        step: The last step of that epoch before it, counted from 1.
        learning_rate_factor: What the learning rate of the schedule is multiplied by from then on.
        stop: Whether the training ends there; the epoch is validated, and the best weights are kept.
    """

    epoch: int = Field(ge=1)
    step: int = Field(ge=1)
    learning_rate_factor: float | None = Field(default=None, gt=0, le=1e6, allow_inf_nan=False)
    stop: bool = False

    @model_validator(mode="after")
    def _is_one_change(self) -> "Intervention":
        if self.stop is (self.learning_rate_factor is not None):
            raise PydanticCustomError("change", "have either learning_rate_factor or stop = true")
        return self

    @property
    def place(self) -> tuple[int, int]:
        """(Epoch, step)."""
        return self.epoch, self.step


def _in_order(changes: tuple[Intervention, ...]) -> tuple[Intervention, ...]:
    keys = [(*change.place, change.stop) for change in changes]
    if sorted(set(keys)) != keys or any(change.stop for change in changes[:-1]):
        raise PydanticCustomError("order", "be in the order of epochs and steps, a stop the last")
    return changes


#: In the order of their places; only the last stops.
Interventions = Annotated[tuple[Intervention, ...], Field(max_length=MOST), AfterValidator(_in_order)]


def with_change(changes: Sequence[Intervention], change: Intervention) -> tuple[Intervention, ...]:
    """Return all changes up to a new one, the new one, and, unless it stops, those behind it."""
    before = [each for each in changes if each.place < change.place]
    same = [each for each in changes if each.place == change.place and each.stop is not change.stop]
    after = [each for each in changes if each.place > change.place]
    if change.stop:
        return (*before, *same, change)
    return (*before, change, *same, *after)


def factor_at(changes: Sequence[Intervention], place: tuple[int, int]) -> float:
    """Return what the learning rate is multiplied by behind a place (epoch, step)."""
    made = [each.learning_rate_factor for each in changes if each.place <= place]
    return next((factor for factor in reversed(made) if factor is not None), 1.0)


def require_places(changes: Sequence[Intervention], epochs: int, steps: int) -> None:
    """Check that changes lie within a training.

    Raises:
        UsageError: One does not.
    """
    for change in changes:
        if change.epoch > epochs or change.step > steps:
            raise UsageError(
                f"interventions must lie within {epochs:,} epochs of {steps:,} steps. "
                f"Received: epoch={change.epoch}, step={change.step}"
            )

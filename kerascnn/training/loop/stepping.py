"""Between two steps: one at a time where a compiled call takes many, and the weights of now."""

from typing import Any, Protocol

import keras


class Walker(Protocol):
    """Decides about single steps.

    Attributes:
        one_by_one: Whether the next call of compiled steps takes them one by one.
        call_steps: Steps of that call that have not been reported.
    """

    one_by_one: bool
    call_steps: int

    def stepped(self, logs: dict[str, Any]) -> bool:
        """Take the metrics after a single step; return whether the next one follows."""


def can_walk(trainer: Any) -> bool:
    """Whether single steps can be taken out of a call: on JAX its state would have to leave it, too."""
    return bool(keras.backend.backend() == "tensorflow" and trainer.steps_per_execution > 1)


def walk(trainer: Any, walker: Walker) -> None:
    """Let a compiled model take the steps of a call one by one where its walker says so.

    Args:
        trainer: Its training function is replaced.
        walker: Is asked before each call and after each single step.
    """
    at_once = trainer.steps_per_execution
    many, single = _train_function(trainer), _train_function(trainer)

    def call(iterator: Any) -> Any:
        if not walker.one_by_one:
            return many(iterator)
        trainer.steps_per_execution = 1  # read when a function is traced
        try:
            for left in reversed(range(walker.call_steps)):
                logs = single(iterator)
                if left and not walker.stepped(logs):
                    walker.call_steps = 0
                    break
        finally:
            trainer.steps_per_execution = at_once
        return logs

    trainer.train_function = call


def current_weights(trainer: Any) -> Any:
    """Return a model whose variables have the values of now: while JAX trains, they are elsewhere."""
    getattr(trainer, "jax_state_sync", lambda: None)()
    return trainer


def _train_function(trainer: Any) -> Any:
    trainer.make_train_function(force=True)
    return trainer.train_function

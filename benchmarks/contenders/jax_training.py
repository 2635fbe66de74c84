"""A Keras model on JAX, many steps in one compiled call.

Keras' own ``fit`` starts every step from Python; a small network leaves a fast card idle meanwhile.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import keras

State = tuple[list, list, list]  # trained variables, others (statistics, seeds), the optimizer's


def first_state(model: keras.Model, optimizer: keras.Optimizer) -> State:
    optimizer.build(model.trainable_variables)
    parts = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    return tuple([variable.value for variable in part] for part in parts)


def steps_in_one_call(
    model: keras.Model, optimizer: keras.Optimizer, loss: Callable[[Any, Any], Any]
) -> Callable[[State, Any, Any, Any], tuple[State, Any]]:
    """Return what trains a state on rows of image numbers, (steps, batch), and gives each step's loss."""

    @partial(jax.jit, donate_argnums=0)
    def run(state: State, images: Any, labels: Any, numbers: Any) -> tuple[State, Any]:
        def step(state: State, chosen: Any) -> tuple[State, Any]:
            trained, others, slots = state

            def measured(trained: list) -> tuple[Any, list]:
                logits, changed = model.stateless_call(trained, others, images[chosen], training=True)
                return loss(labels[chosen], logits), changed

            (value, others), gradients = jax.value_and_grad(measured, has_aux=True)(trained)
            trained, slots = optimizer.stateless_apply(slots, gradients, trained)
            return (trained, others, slots), value

        return jax.lax.scan(step, state, numbers)

    return run

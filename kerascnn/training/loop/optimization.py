"""Optimizer, loss and learning-rate schedule of a training."""

import math
from typing import Any

import keras
from keras import ops

from kerascnn.training.config import ResolvedConfig
from kerascnn.training.input.feed import Feed
from kerascnn.training.loop.steering import SteeredRate

WARM_UP = 0.1  # share of all steps


def compile_for(feed: Feed, images: int, config: ResolvedConfig, *, jit: bool) -> SteeredRate:
    """Compile a feed's model and create all variables of its optimizer.

    Args:
        feed: Whose model is trained.
        images: Number of training images.
        config: How to train.
        jit: Whether XLA compiles the step. On a CPU it is slower than oneDNN for these networks.

    Returns:
        The learning rate, which can be changed between two steps.
    """
    rate = SteeredRate(_rate(config, math.ceil(images / config.batch_size) * config.epochs))
    feed.model.compile(
        _optimizer(config, rate),
        _loss(config.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=feed.steps_per_call,
        jit_compile=jit,
        auto_scale_loss=False,  # Keras looks at the policy of the outermost model, which only feeds
    )
    feed.model.optimizer.build(feed.model.trainable_variables)
    # Metrics make their variables when they are first asked: within a step, TensorFlow would trace it twice.
    feed.model.compute_metrics(None, ops.zeros(1), ops.zeros((1, *feed.model.output_shape[1:])))
    feed.model.reset_metrics()
    return rate


def _optimizer(config: ResolvedConfig, rate: SteeredRate) -> Any:
    general = {
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm or None,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema or 0.99,  # Keras wants one below 1 also where it is not used
    }
    optimizer = _plain_optimizer(config, rate, general)
    rate.attach(optimizer)
    # Without it small gradients vanish in float16 (Micikevicius et al., 2018).
    half = config.precision == "mixed_float16"
    return keras.optimizers.LossScaleOptimizer(optimizer) if half else optimizer


def _plain_optimizer(config: ResolvedConfig, rate: Any, general: dict[str, Any]) -> Any:
    match config.optimizer:
        case "adam":  # β2 below the usual 0.999: a training has a few thousand steps, a long memory slows it
            return keras.optimizers.Adam(rate, beta_2=0.99, **general)
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **general)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, **general)


def _rate(config: ResolvedConfig, steps: int) -> Any:
    """Return the learning-rate schedule; the first step of the warm-up is small, not 0."""
    warm_up = max(round(steps * WARM_UP), 1)
    rest = max(steps - warm_up, 1)
    match config.schedule:
        case "cosine":
            return keras.optimizers.schedules.CosineDecay(
                initial_learning_rate=config.learning_rate / (warm_up + 1),
                warmup_steps=warm_up,
                warmup_target=config.learning_rate,
                decay_steps=rest,
            )
        case "linear":
            return WarmedUp(config.learning_rate, warm_up, rest)
        case "constant":
            return WarmedUp(config.learning_rate, warm_up, None)


class WarmedUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a linear decay to zero or a constant rate.

    Args:
        peak: The highest rate.
        warm_up: Steps until it is reached.
        decay: Steps from there to zero; ``None``: it stays.
    """

    def __init__(self, peak: float, warm_up: int, decay: int | None) -> None:
        super().__init__()
        self.peak, self.warm_up, self.decay = peak, warm_up, decay

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        rising = (step + 1) / (self.warm_up + 1)
        falling = 1 - (step - self.warm_up) / self.decay if self.decay else 1.0
        return self.peak * ops.clip(ops.minimum(rising, falling), 0, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"peak": self.peak, "warm_up": self.warm_up, "decay": self.decay}


def _loss(smoothing: float) -> Any:
    if not smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return SmoothedCrossentropy(smoothing)


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with label smoothing (Szegedy et al., 2016).

    Keras' own smooths one-hot labels only.

    Args:
        smoothing: The share, 0 to 1.
    """

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="smoothed_crossentropy")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss per image, (batch,), for labels (batch,) and logits (batch, classes)."""
        logs = ops.log_softmax(y_pred, axis=-1)
        truth = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), ops.shape(y_pred)[-1])
        truth = (1 - self.smoothing) * truth + self.smoothing / ops.shape(y_pred)[-1]
        return -ops.sum(truth * logs, axis=-1)

"""The record of a fine-tuning."""

from dataclasses import asdict, dataclass
from typing import Any

from kerascnn.tflite.fine_tuning.plan import Stage


@dataclass(frozen=True)
class TrainedEpoch:
    """Mean loss on the training images, accuracy on the validation images after it."""

    loss: float
    val_accuracy: float


@dataclass(frozen=True)
class TrainedStage:
    """One stage; ``learning_rate`` is its first, it falls to 0."""

    stage: Stage
    learning_rate: float
    epochs: tuple[TrainedEpoch, ...]


@dataclass(frozen=True)
class Tuning:
    """The record of all stages of a fine-tuning.

    Attributes:
        twin_difference: Largest difference of a probability between the Keras model and the same network on
            tf_keras before the first step.
        twin_compared: Images on which they were compared.
        stages: In order.
        zeros: Share of the weights of a compressed network that are 0, biases not counted.
        most_values: How many different weights its most varied layer has.
    """

    twin_difference: float
    twin_compared: int
    stages: tuple[TrainedStage, ...]
    zeros: float | None = None
    most_values: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it."""
        return asdict(self)

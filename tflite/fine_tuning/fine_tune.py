"""Fine-tune a model in a separate process: images, steps and results."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import images_at_once, keras_classifier
from kerascnn.data.dataset import Images, Split
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.process import OtherProcess
from kerascnn.foundation.progress import Progress
from kerascnn.tflite.fine_tuning.plain_network import plain_network
from kerascnn.tflite.fine_tuning.plan import AWARE, FineTuningPlan, Stage
from kerascnn.tflite.fine_tuning.record import TrainedEpoch, TrainedStage, Tuning
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.input.feed import class_weights, epoch_order
from kerascnn.training.recipes import recipe_settings

RATE = 0.1  # of Adam's peak learning rate: the weights are to be adapted, not learned again
COMPARED = 50  # validation images on which the network there must answer as the one here
TUNER = "kerascnn.tflite.fine_tuning.tuner:Tuner"  # never imported here: it needs Keras 2
ROUNDING = 1e-5  # of a probability in float32


@dataclass(frozen=True)
class FineTuningData:
    """Images, labels and batch order for fine-tuning.

    Attributes:
        train: The images that it was trained on, as they enter it.
        validation: Likewise; its accuracy is shown after each epoch.
        config: Settings of the training: seed, batch size, learning rate.
    """

    train: Split
    validation: Split
    config: ResolvedConfig


@dataclass(frozen=True)
class CompressedModel:
    """A model that was pruned and clustered.

    Attributes:
        model: The Keras model with its new weights.
        record: How.
    """

    model: Any
    record: Tuning


@dataclass(frozen=True)
class QatResult:
    """A model that was trained with the rounding of int8 in the loop.

    Attributes:
        content: The int8 file.
        probabilities: The answers to the test images as trained, float32 (n, classes).
        record: How.
    """

    content: bytes
    probabilities: NDArray[np.float32]
    record: Tuning


def prune_and_cluster(
    model: Any, plan: FineTuningPlan, data: FineTuningData, progress: Progress
) -> CompressedModel:
    """Prune and cluster a model, which stays as it is.

    Raises:
        TargetError: One of its layers cannot be tuned.
        KerasCnnError: The fine-tuning failed.
    """
    import keras

    with _twin(model, plan, data) as (tune, compared):
        stages = tuple(_trained(tune, stage, plan, data, progress) for stage in plan.compression)
        weights = tune("weights")
    compressed = keras.models.clone_model(model)
    for name, values in weights.items():
        compressed.get_layer(name).set_weights(values)
    return CompressedModel(compressed, Tuning(*compared, stages, *_kept(compressed)))


def train_for_int8(
    model: Any,
    plan: FineTuningPlan,
    data: FineTuningData,
    first: NDArray[np.uint8],
    progress: Progress,
    *,
    io: str,
    test: Images,
) -> QatResult:
    """Train a model with the rounding of int8 in the loop.

    Args:
        model: From raw pixels to logits; it stays as it is.
        plan: What was reached before and must be kept; the number of epochs.
        data: The images.
        first: Training images for the first ranges of int8, uint8 (n, height, width, channels).
        progress: Called after each step.
        io: Type of the file's input and output.
        test: Images for ``probabilities``.

    Raises:
        TargetError: One of its layers cannot be tuned.
        KerasCnnError: The fine-tuning failed.
    """
    with _twin(model, plan, data) as (tune, compared):
        stage = _trained(tune, AWARE, plan, data, progress, first)
        return QatResult(tune("int8_file", io), _answers(tune, test), Tuning(*compared, (stage,)))


@contextmanager
def _twin(
    model: Any, plan: FineTuningPlan, data: FineTuningData
) -> Iterator[tuple[OtherProcess, tuple[float, int]]]:
    """Yield a process with the same network, and the largest difference of its outputs on some images."""
    network = plain_network(model, for_int8=plan.aware)
    some = data.validation.images[:COMPARED]
    expected = keras_classifier(model)(some)
    with OtherProcess(TUNER, "fine-tuning") as tune:
        tune("build", network, plan, data.config.seed)
        difference = float(np.abs(_answers(tune, some) - expected).max())
        if not difference <= ROUNDING:
            raise KerasCnnError(
                f"The same network on tf_keras gives other outputs: probabilities differ by {difference:.2g}."
            )
        yield tune, (difference, len(some))


def _trained(
    tune: OtherProcess,
    stage: Stage,
    plan: FineTuningPlan,
    data: FineTuningData,
    progress: Progress,
    first: NDArray[np.uint8] | None = None,
) -> TrainedStage:
    """Run a stage and return its record."""
    train, config = data.train, data.config
    batch = min(config.batch_size, len(train))
    steps = plan.epochs * math.ceil(len(train) / batch)
    rate = RATE * _adams_peak(config)
    weights = class_weights(train.labels) if config.class_weights else np.ones(0, np.float32)
    progress(stage, 0, steps, "")
    tune("begin", stage, steps, rate, first)
    epochs: list[TrainedEpoch] = []
    done, shown = 0, ""
    for epoch in range(1, plan.epochs + 1):
        order = epoch_order(config.seed, config.epochs + epoch, len(train))
        losses = []
        for start in range(0, len(order), batch):
            numbers = order[start : start + batch]
            labels = train.labels[numbers]
            weighted = weights[labels] if len(weights) else None
            losses.append(tune("step", train.images[numbers], labels, weighted)["loss"])
            if not math.isfinite(losses[-1]):
                raise KerasCnnError(f"{stage}: the loss is no longer finite. Try --method ptq.")
            done += 1
            progress(stage, done, steps, f"epoch {epoch}/{plan.epochs}  loss {losses[-1]:.4f}{shown}")
        answers = _answers(tune, data.validation.images).argmax(axis=1)
        accuracy = float((answers == data.validation.labels).mean())
        shown = f"  validation {100 * accuracy:.2f} %"
        epochs.append(TrainedEpoch(float(np.mean(losses)), accuracy))
    tune("end")
    return TrainedStage(stage, rate, tuple(epochs))


def _adams_peak(config: ResolvedConfig) -> float:
    """Return the peak learning rate of the training, or the recipe's if it was another optimizer's."""
    if config.optimizer == "adam":
        return config.learning_rate
    network, kind = config.architecture, config.source.kind
    usual = recipe_settings(network.model, config.recipe, kind, network.head, network.variant)
    return float(usual["learning_rate"])


def _answers(tune: OtherProcess, images: Images) -> NDArray[np.float32]:
    at_once = images_at_once(images[:1].shape[1:])
    starts = range(0, len(images), at_once)
    return np.concatenate([tune("probabilities", images[start : start + at_once]) for start in starts])


def _kept(model: Any) -> tuple[float, int]:
    """Return the share of zero weights and the largest number of distinct values in a layer."""
    kernels = [layer.get_weights()[0] for layer in model.layers if hasattr(layer, "kernel")]
    zeros, count = (
        sum(figures) for figures in zip(*((np.sum(k == 0), k.size) for k in kernels), strict=True)
    )
    return float(zeros / count), max(len(np.unique(kernel)) for kernel in kernels)

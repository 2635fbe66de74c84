"""Evaluate any classifier on labelled images."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.metrics import Accuracy, Baseline
from kerascnn.data.dataset import Dataset, Images, Split
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.foundation.text.tables import Table
from kerascnn.models.description import Output
from kerascnn.models.input_scaling import RAW, InputScaling

PIXELS_AT_ONCE = 2**23  # values of one batch: 8,192 digits of 32×32, 54 photos of 227×227×3
ROUNDING = 0.05  # ten int8 probabilities, each rounded to 1/256, can miss 1 by 10/512

#: From images, uint8 (n, height, width, channels), to probabilities, float32 (n, classes).
Classifier = Callable[[Images], NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation(Shown):
    """The evaluation of a classifier on one split.

    Attributes:
        model: The evaluated model.
        data: The source.
        accuracy: With its interval.
        confusion: Counts, shape (classes, classes): rows are the truth, columns the answers.
        probabilities: float32, shape (n, classes).
        correct: bool, shape (n,).
        baseline: Accuracy of always predicting the most frequent training class; ``None`` if unknown.
    """

    model: str
    data: str
    classes: tuple[str, ...]
    accuracy: Accuracy
    confusion: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    correct: NDArray[np.bool_]
    baseline: Baseline | None = None

    @property
    def is_below_baseline(self) -> bool:
        """Whether the accuracy is significantly below the baseline: its whole interval is."""
        return self.baseline is not None and self.accuracy.interval[1] < self.baseline.accuracy

    def class_accuracies(self) -> list[Accuracy | None]:
        """Return the accuracy of each class, ``None`` for a class without images."""
        return [
            Accuracy(int(row[label]), int(row.sum())) if row.sum() else None
            for label, row in enumerate(self.confusion)
        ]

    def blocks(self) -> list[Block]:
        """Return the accuracy and the confusion matrix."""
        above = [
            f"{self.model} on the test images of {self.data}",
            f"accuracy {self.accuracy}",
            *([f"baseline {self.baseline}"] if self.baseline else []),
        ]
        rows = [
            [label, *(str(count) if count else "·" for count in counts), str(accuracy or "no test image")]
            for label, counts, accuracy in zip(
                self.classes, self.confusion, self.class_accuracies(), strict=True
            )
        ]
        header = ["", *self.classes, "accuracy of the class"]
        return ["\n".join(above), Table(header, rows, title="rows: true class; columns: predicted class")]

    def to_dict(self) -> dict[str, Any]:
        """Return model, data, accuracy, low, high, n, baseline, confusion, classes."""
        return {
            "model": self.model,
            "data": self.data,
            **self.accuracy.to_dict(),
            "baseline": self.baseline.to_dict() if self.baseline else None,
            "confusion": self.confusion.tolist(),
            "classes": list(self.classes),
        }


def baseline_of(dataset: Dataset) -> Baseline:
    """Return the test accuracy of always answering the most frequent training class."""
    most = int(np.argmax(dataset.training_counts))
    return Baseline(dataset.classes[most], float(np.mean(dataset.test.labels == most)))


def evaluate_classifier(
    classify: Classifier,
    split: Split,
    classes: tuple[str, ...],
    *,
    model: str,
    data: str,
    baseline: Baseline | None = None,
) -> Evaluation:
    """Classify every image of a split and count the right answers.

    Raises:
        KerasCnnError: The classifier has another number of classes than the data.
    """
    probabilities = classify(split.images)
    if probabilities.shape[1] != len(classes):
        raise KerasCnnError(
            f"{model} has {probabilities.shape[1]} classes, {data} has {len(classes)}: they do not fit."
        )
    answers = probabilities.argmax(axis=1)
    correct = answers == split.labels
    return Evaluation(
        model=model,
        data=data,
        classes=classes,
        accuracy=Accuracy(int(correct.sum()), len(split)),
        confusion=_confusion(split.labels, answers, len(classes)),
        probabilities=probabilities,
        correct=correct,
        baseline=baseline,
    )


def _confusion(truth: NDArray[np.int32], answers: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    pairs = np.bincount(truth * classes + answers, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def images_at_once(shape: tuple[int, ...]) -> int:
    """Return the batch size for images of (height, width, channels): at most 500."""
    return max(min(PIXELS_AT_ONCE // math.prod(shape), 500), 1)


def keras_classifier(model: Any, output: Output = "logits", scaling: InputScaling = RAW) -> Classifier:
    """Make a classifier from a Keras model.

    Args:
        model: The ``keras.Model``.
        output: Kind of its scores.
        scaling: How pixels become the numbers that it takes.
    """

    def classify(images: Images) -> NDArray[np.float32]:
        return as_probabilities(keras_scores(model, images, scaling), output)

    return classify


def keras_scores(model: Any, images: Images, scaling: InputScaling = RAW) -> NDArray[np.float32]:
    """Return a Keras model's raw scores, float32 (n, scores)."""
    batch, *shape = model.input_shape
    at_once = batch or images_at_once(tuple(shape))
    scores: list[NDArray[np.float32]] = []
    for start in range(0, len(images), at_once):
        pixels = images[start : start + at_once]
        fed = pixels if scaling.is_raw else scaling.real(pixels)
        answer = model.predict_on_batch(fed.reshape(len(pixels), *shape))
        (values,) = answer.values() if isinstance(answer, dict) else [answer]
        scores.append(np.asarray(values, np.float32).reshape(len(pixels), -1))
    return np.concatenate(scores)


def as_probabilities(scores: NDArray[np.float32], output: Output) -> NDArray[np.float32]:
    """Turn a model's scores, shape (n, classes), into probabilities.

    Scores of an unknown kind are probabilities already if none is negative and every row sums to 1. One
    score alone is that of the second of two classes. Several sigmoids are a probability each: an image can
    be of several classes.

    Raises:
        KerasCnnError: A score is not a finite number.
    """
    if not np.isfinite(scores).all():
        raise KerasCnnError("The model returns values that are not finite numbers.")
    if scores.shape[1] == 1:
        second = scores if _is_share(scores, output) else 1 / (1 + np.exp(-scores.astype(np.float64)))
        return np.hstack([1 - second, second]).astype(np.float32)
    if output == "unknown":
        sums = scores.sum(axis=1)
        is_done = scores.min() >= 0 and bool(np.allclose(sums, 1, atol=ROUNDING))
        output = "probabilities" if is_done else "logits"
    return softmax(scores) if output in ("logits", "logit") else scores


def _is_share(scores: NDArray[np.float32], output: Output) -> bool:
    if output == "unknown":
        return bool((scores >= 0).all() and (scores <= 1).all())
    return output == "sigmoid"


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits, shape (n, classes), into probabilities of the same shape; any finite logits will do."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return shares

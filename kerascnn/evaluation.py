"""How well any classifier does on labelled images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from kerascnn.data.dataset import Split
from kerascnn.errors import KerasCnnError
from kerascnn.results import Accuracy

#: From images, uint8 (n, height, width, channels), to probabilities, float32 (n, classes).
Classifier = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """The outcome on one split.

    Attributes:
        model: What was evaluated.
        data: The source.
        accuracy: With its interval.
        confusion: Counts, shape (classes, classes): rows are the truth, columns the answers.
        probabilities: float32, shape (n, classes).
        correct: bool, shape (n,).
    """

    model: str
    data: str
    classes: tuple[str, ...]
    accuracy: Accuracy
    confusion: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    correct: NDArray[np.bool_]

    def class_accuracies(self) -> list[Accuracy | None]:
        """Return the accuracy on each class's own images, None for a class without any."""
        return [
            Accuracy(int(row[label]), int(row.sum())) if row.sum() else None
            for label, row in enumerate(self.confusion)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return model, data, accuracy, low, high, n, confusion, classes."""
        return {
            "model": self.model,
            "data": self.data,
            **self.accuracy.to_dict(),
            "confusion": self.confusion.tolist(),
            "classes": list(self.classes),
        }


def evaluate_classifier(
    classify: Classifier, split: Split, classes: tuple[str, ...], *, model: str, data: str
) -> Evaluation:
    """Classify every image of a split and count.

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
        confusion=confusion_matrix(split.labels, answers, labels=range(len(classes))),
        probabilities=probabilities,
        correct=correct,
    )


def keras_classifier(model: Any, *, logits: bool = True, batch_size: int = 500) -> Classifier:
    """Make a classifier from a Keras model that takes raw pixels."""
    from keras import ops

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), batch_size)
        scores = np.concatenate(
            [model.predict_on_batch(images[start : start + batch_size]) for start in starts]
        )
        return np.asarray(ops.softmax(scores) if logits else scores, dtype=np.float32)

    return classify

"""The status of a training, as passed to ``progress``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.training.records.history import Epoch


@dataclass(frozen=True)
class TrainingFigures:
    """The latest metrics of a training; one line as text.

    Attributes:
        epoch: The one that runs, counted from 1, of ``epochs``.
        step: Finished optimizer steps of this epoch, of ``steps``.
        images_per_second: Training images of this epoch by its seconds; ``None`` before the first step.
        loss: Mean over this epoch so far; ``None`` before the first step, ``accuracy`` likewise.
        finished: The rows of the epochs that have been validated.
        of: Model, head, data and run in words.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images_per_second: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    finished: tuple[Epoch, ...] = ()
    of: str = ""

    @property
    def best(self) -> Epoch | None:
        """The last epoch with the highest validation accuracy; ``None`` before the first."""
        return max(self.finished, key=lambda row: (row["val_accuracy"], row["epoch"]), default=None)

    def curve(self, measure: str) -> list[float]:
        """Return a column of the history, one value per epoch, with the current epoch's running mean."""
        values = [cast(Mapping[str, float], row)[measure] for row in self.finished]
        running = {"loss": self.loss, "accuracy": self.accuracy}.get(measure)
        return values if running is None or len(values) == self.epoch else [*values, running]

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.4f}")
        if self.best:
            parts.append(f"best validation {percent(self.best['val_accuracy'])}")
        return "  ".join(parts)

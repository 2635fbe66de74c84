"""The context that all files of one quantization share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.evaluation import (
    Classifier,
    Evaluation,
    evaluate_classifier,
    keras_classifier,
)
from kerascnn.data.dataset import Split
from kerascnn.foundation.progress import Progress
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.fine_tuning.fine_tune import FineTuningData
from kerascnn.tflite.fine_tuning.plan import FineTuningPlan
from kerascnn.tflite.quantization.calibration import Calibration, choose
from kerascnn.training.run import Run


@dataclass(frozen=True)
class QuantizationContext:
    """A run's model with its calibration, validation and test images.

    Attributes:
        run: Whose files are made.
        model: Its Keras model.
        description: Of that.
        splits: Images by split, as they enter the model; the test images only judge what is finished.
        fine_tuning: With what the weights can be trained further.
        plan: The requested fine-tuning.
        accuracy_only: Whether, of all that can be known of a file, its accuracy is enough.
        progress: Called with the progress of each stage.
    """

    run: Run
    model: Any
    description: ModelDescription
    splits: Mapping[str, Split]
    fine_tuning: FineTuningData
    plan: FineTuningPlan
    accuracy_only: bool
    progress: Progress

    @property
    def described(self) -> ModelDescription:
        """The description for its files, which return probabilities."""
        return self.description.model_copy(update={"output": "probabilities"})

    def calibration(self, samples: int | None) -> Calibration:
        """Choose images of the training split that are in no other."""
        train, *others = self.splits
        return choose(
            self.splits[train],
            samples,
            seed=self.run.record.seed,
            classes=self.description.classes,
            held_out={name: self.splits[name] for name in others},
        )

    def evaluated(self, classify: Classifier, path: Path) -> Evaluation:
        """Evaluate on the test images; ``path`` is for the record."""
        return evaluate_classifier(
            classify,
            self.splits["test"],
            self.description.classes,
            model=str(path),
            data=str(self.description.source),
        )

    def evaluated_keras(self, model: Any) -> Evaluation:
        """Evaluate the run's model, or one of the same network, on the test images."""
        return self.evaluated(keras_classifier(model, self.description.output), self.run.model_path)

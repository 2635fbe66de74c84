"""The parity ladder: at which step from the Keras model to the device predictions begin to differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.analysis.evaluation.evaluation import Evaluation
from kerascnn.analysis.evaluation.metrics import Accuracy

KERAS = "Keras"
FLOAT_FILE = "float .tflite"
AWARE_TWIN = "trained for int8"
REFERENCE = "reference kernels"
OPTIMISED = "optimised kernels"
WHOLE = "the file"  # where no step before it is taken: how much may tip is not said

#: Least share of answers that are those of the step before. The float file computes the same in another
#: order, and both sets of kernels the same integers; in between lies the quantization, which tips near ties.
#: What other weights answer (pruned, clustered, trained for int8) has no limit.
LEAST_AGREEMENT = {FLOAT_FILE: 0.999, REFERENCE: 0.95, OPTIMISED: 0.99}


@dataclass(frozen=True)
class Step:
    """One step, compared with the one before; the first has nothing before it.

    Attributes:
        name: What computed.
        accuracy: On the test images.
        differing: How many answers are others than before.
        largest: Largest difference of a probability.
        mean: Mean difference of a probability.
        rounding: Largest difference that kernels which round differently explain.
    """

    name: str
    accuracy: Accuracy
    differing: int = 0
    largest: float = 0.0
    mean: float = 0.0
    rounding: float = 0.0

    @classmethod
    def between(cls, name: str, before: Evaluation, after: Evaluation, rounding: float = 0.0) -> "Step":
        """Compare two evaluations of the same images."""
        gaps = np.abs(after.probabilities - before.probabilities)
        differing = before.probabilities.argmax(axis=1) != after.probabilities.argmax(axis=1)
        return cls(
            name, after.accuracy, int(differing.sum()), float(gaps.max()), float(gaps.mean()), rounding
        )

    @property
    def agreement(self) -> float:
        """Share of images with the same prediction as in the step before."""
        return 1 - self.differing / self.accuracy.n

    @property
    def is_rounding(self) -> bool:
        """Whether the kernels' rounding explains all differences."""
        return 0 < self.largest <= self.rounding

    @property
    def breaks(self) -> bool:
        """Whether more predictions change than this step allows; a single one always may."""
        return self.differing > max(1, (1 - LEAST_AGREEMENT.get(self.name, 0)) * self.accuracy.n)

    def to_dict(self) -> dict[str, Any]:
        """Return step, accuracy with interval, agreement, differences, within_rounding and breaks."""
        return {
            "step": self.name,
            **self.accuracy.to_dict(),
            "agreement": self.agreement,
            "largest_difference": self.largest,
            "mean_difference": self.mean,
            "within_rounding": self.is_rounding,
            "breaks": self.breaks,
        }


@dataclass(frozen=True)
class Ladder:
    """All steps in order, from the Keras model to the device's kernels.

    Attributes:
        steps: Each compared with the one before.
        past_reference: Share of answers of the last step that are those of the step before the reference
            kernels; 0 without them.
    """

    steps: tuple[Step, ...]
    past_reference: float = 0.0

    @classmethod
    def of(cls, evaluations: Sequence[tuple[str, Evaluation]], rounding: float = 0.0) -> "Ladder":
        """Compare each evaluation with the one before it.

        Args:
            evaluations: In order, each under its name.
            rounding: Largest difference between reference and optimised kernels that rounding explains.
        """
        (first, start), *others = evaluations
        befores = [evaluation for _, evaluation in evaluations]
        compared = [
            Step.between(name, before, after, rounding if name == OPTIMISED else 0.0)
            for before, (name, after) in zip(befores, others, strict=False)
        ]
        past = 0.0
        if REFERENCE in (names := [name for name, _ in evaluations]):
            before, last = befores[names.index(REFERENCE) - 1], befores[-1]
            past = float(np.equal(*(e.probabilities.argmax(axis=1) for e in (before, last))).mean())
        return cls((Step(first, start.accuracy), *compared), past)

    @property
    def first_break(self) -> str | None:
        """The first step that breaks, None when all hold."""
        return next((step.name for step in self.steps if step.breaks), None)

    @property
    def reference_alone(self) -> bool:
        """Whether only the reference kernels differ."""
        broken = [step.name for step in self.steps if step.breaks]
        return broken == [REFERENCE, OPTIMISED] and self.past_reference >= LEAST_AGREEMENT[REFERENCE]

    def to_dict(self) -> dict[str, Any]:
        """Return the steps, and the first that breaks or null."""
        return {"steps": [step.to_dict() for step in self.steps], "first_break": self.first_break}

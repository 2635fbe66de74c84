"""The ways to make a file of a model, the plainest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.data.dataset import Split
from kerascnn.foundation.errors import TargetError
from kerascnn.foundation.progress import Progress
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.fine_tuning.architecture import architecture_of
from kerascnn.tflite.fine_tuning.fine_tune import Lesson, teach
from kerascnn.tflite.fine_tuning.plan import AWARE, Plan
from kerascnn.tflite.quantization.budget import Budget, Candidate, spend
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.mixed_precision import SelectiveQuantizer
from kerascnn.tflite.quantization.schemes import FULL_INT8, Form, schemes
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

RANKED = 50  # validation images that choose the layers to leave in float


@dataclass(frozen=True)
class Maker:
    """Makes the files of one model.

    Attributes:
        original: The Keras model of the run.
        model: The one that is converted: the same, or pruned and clustered.
        description: Of the files.
        splits: Images by split; the test images judge nothing here.
        lesson: With what it can be fine-tuned.
        progress: Told about that.
    """

    original: Any
    model: Any
    description: ModelDescription
    splits: Mapping[str, Split]
    lesson: Lesson
    progress: Progress

    def make(
        self, form: Form, plan: Plan, images: NDArray[np.uint8] | None, max_drop: float | None
    ) -> tuple[Candidate, Budget | None]:
        """Return a file, and what was tried to keep a budget where there is one.

        Args:
            form: What is asked for.
            plan: What was done to the weights before, and whether they are to be trained for int8.
            images: Calibration images, where the scheme needs them.
            max_drop: Percentage points that full int8 may lose.
        """
        if form.scheme != FULL_INT8:
            return Candidate(form.scheme, self._converted(form, images)), None
        assert images is not None
        if max_drop is None:
            return next(self._full_int8(form, plan, images)), None
        budget = spend(max_drop, self._full_int8(form, plan, images, max_drop), self._drop)
        if not budget.kept and (why := self._untaught):
            budget = replace(budget, untried=why)
        return budget.chosen.candidate, budget

    def _full_int8(
        self, form: Form, plan: Plan, images: NDArray[np.uint8], max_drop: float = 0.0
    ) -> Iterator[Candidate]:
        """Yield it as it is; then, where float is taken and would do, layers in float; then trained."""
        if not plan.aware:
            yield Candidate("full int8", self._converted(form, images))
            if form.takes_float and (not plan.shrinks or self._lost(self._tuned_shares) <= max_drop):
                yield from self._mixed(images)
        if plan.aware or not self._untaught:
            yield self._taught(form, plan, images)

    def _converted(self, form: Form, images: NDArray[np.uint8] | None) -> bytes:
        return convert(self.model, schemes[form.scheme], images, ends=form.ends)

    def _mixed(self, images: NDArray[np.uint8]) -> Iterator[Candidate]:
        selective = SelectiveQuantizer(self.model, images)
        for layers, mixed in selective.noisiest_first(self._noise):
            yield Candidate(f"{', '.join(layers)} in float", mixed, "-mixed", layers)

    def _taught(self, form: Form, plan: Plan, images: NDArray[np.uint8]) -> Candidate:
        plan, test = replace(plan, aware=True), self.splits["test"].images
        taught = teach(self.model, plan, self.lesson, images, self.progress, ends=form.ends, test=test)
        return Candidate(AWARE, taught.content, "-qat", taught=taught)

    @cached_property
    def _untaught(self) -> str:
        """Why it cannot be trained for int8, empty if it can."""
        try:
            architecture_of(self.model, for_int8=True)
        except TargetError as error:
            return str(error)
        return ""

    @property
    def _validation(self) -> Split:
        return self.splits["validation"]

    def _noise(self, content: bytes) -> float:
        """Return the mean difference of a probability from the float network's on some validation images."""
        found = self._lite(content)(self._validation.images[:RANKED])
        return float(np.abs(found - self._tuned_shares[:RANKED]).mean())

    def _drop(self, content: bytes) -> float:
        """Return the percentage points of accuracy on the validation images that a file loses."""
        return self._lost(self._lite(content)(self._validation.images))

    def _lost(self, shares: NDArray[np.float32]) -> float:
        both = self._shares, shares
        before, after = (float((each.argmax(axis=1) == self._validation.labels).mean()) for each in both)
        return 100 * (before - after)

    def _lite(self, content: bytes) -> LiteRTClassifier:
        return LiteRTClassifier(Path("try.tflite"), content, self.description)

    @cached_property
    def _shares(self) -> NDArray[np.float32]:
        return keras_classifier(self.original)(self._validation.images)

    @cached_property
    def _tuned_shares(self) -> NDArray[np.float32]:
        return keras_classifier(self.model)(self._validation.images)

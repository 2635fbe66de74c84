"""The candidates for a file of a model, the simplest first."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.data.dataset import Split
from kerascnn.foundation.errors import TargetError
from kerascnn.tflite.fine_tuning.fine_tune import train_for_int8
from kerascnn.tflite.fine_tuning.plain_network import plain_network
from kerascnn.tflite.fine_tuning.plan import AWARE
from kerascnn.tflite.quantization.budget import Budget, Candidate, first_within
from kerascnn.tflite.quantization.context import QuantizationContext
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.mixed_precision import MixedPrecisionQuantizer
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

RANKED = 50  # validation images that choose the layers to leave in float


@dataclass(frozen=True)
class CandidateBuilder:
    """Builds the files of one model.

    Attributes:
        context: The run's model and its images.
        model: The one that is converted: the same, or pruned and clustered.
    """

    context: QuantizationContext
    model: Any

    def build(
        self, spec: FileSpec, images: NDArray[np.uint8] | None, max_drop: float | None
    ) -> tuple[Candidate, Budget | None]:
        """Return a file and, with a budget, the tries.

        Args:
            spec: The requested file.
            images: Calibration images, where the scheme needs them.
            max_drop: Percentage points that full int8 may lose.
        """
        if not spec.scheme.is_full_int8:
            return Candidate(spec.scheme.name, self._converted(spec, images)), None
        assert images is not None
        if max_drop is None:
            return next(self._full_int8(spec, images)), None
        budget = first_within(max_drop, self._full_int8(spec, images, max_drop), self._drop)
        if not budget.kept and (why := self._untrainable):
            budget = replace(budget, untried=why)
        return budget.chosen.candidate, budget

    def _full_int8(
        self, spec: FileSpec, images: NDArray[np.uint8], max_drop: float = 0.0
    ) -> Iterator[Candidate]:
        """Yield the plain file; then, where allowed, files with layers in float; then fine-tuned ones."""
        plan = self.context.plan
        if not plan.aware:
            yield Candidate("full int8", self._converted(spec, images))
            if spec.allows_float_layers and (
                not plan.compression or self._lost(self._converted_shares) <= max_drop
            ):
                yield from self._mixed(images)
        if plan.aware or not self._untrainable:
            yield self._trained_for_int8(spec, images)

    def _converted(self, spec: FileSpec, images: NDArray[np.uint8] | None) -> bytes:
        return convert(self.model, spec.scheme, images, io=spec.io)

    def _mixed(self, images: NDArray[np.uint8]) -> Iterator[Candidate]:
        mixed = MixedPrecisionQuantizer(self.model, images)
        for layers, content in mixed.noisiest_first(self._noise):
            yield Candidate(f"{', '.join(layers)} in float", content, "-mixed", layers)

    def _trained_for_int8(self, spec: FileSpec, images: NDArray[np.uint8]) -> Candidate:
        context = self.context
        qat = train_for_int8(
            self.model,
            replace(context.plan, aware=True),
            context.fine_tuning,
            images,
            context.progress,
            io=spec.io,
            test=context.splits["test"].images,
        )
        return Candidate(AWARE, qat.content, "-qat", qat=qat)

    @cached_property
    def _untrainable(self) -> str:
        """Why quantization-aware training is not possible; empty if it is."""
        try:
            plain_network(self.model, for_int8=True)
        except TargetError as error:
            return str(error)
        return ""

    @property
    def _validation(self) -> Split:
        return self.context.splits["validation"]

    def _noise(self, content: bytes) -> float:
        """Return the mean absolute difference from the float network's probabilities on validation images."""
        found = self._lite(content)(self._validation.images[:RANKED])
        return float(np.abs(found - self._converted_shares[:RANKED]).mean())

    def _drop(self, content: bytes) -> float:
        """Return a file's loss of validation accuracy in percentage points."""
        return self._lost(self._lite(content)(self._validation.images))

    def _lost(self, shares: NDArray[np.float32]) -> float:
        both = self._shares, shares
        before, after = (float((each.argmax(axis=1) == self._validation.labels).mean()) for each in both)
        return 100 * (before - after)

    def _lite(self, content: bytes) -> LiteRTClassifier:
        return LiteRTClassifier(Path("try.tflite"), content, self.context.described)

    @cached_property
    def _shares(self) -> NDArray[np.float32]:
        return keras_classifier(self.context.model)(self._validation.images)

    @cached_property
    def _converted_shares(self) -> NDArray[np.float32]:
        return keras_classifier(self.model)(self._validation.images)

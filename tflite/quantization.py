"""``quantize``: from a run to ``.tflite`` files, each checked, evaluated and recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Dataset, Split
from kerascnn.description import ModelDescription
from kerascnn.errors import TargetError, UsageError
from kerascnn.evaluation import Classifier, Evaluation, evaluate_classifier, keras_classifier
from kerascnn.files import whole_file, write_json
from kerascnn.model_file import load_model
from kerascnn.progress import Progress, silent
from kerascnn.results import Latency
from kerascnn.run import Run
from kerascnn.tflite import latency
from kerascnn.tflite.budget import Way, spend
from kerascnn.tflite.calibration import Calibration, choose
from kerascnn.tflite.conversion import convert
from kerascnn.tflite.edgetpu.check import check
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.tflite.labels import LABELS, write_labels
from kerascnn.tflite.measured import MeasuredFile, QuantizationResult, QuantizedFile
from kerascnn.tflite.metadata import with_metadata
from kerascnn.tflite.mobile_tasks import mobile_tasks_note
from kerascnn.tflite.model_card import ModelCard
from kerascnn.tflite.parity import FLOAT_FILE, KERAS, OPTIMISED, REFERENCE, Ladder
from kerascnn.tflite.schemes import FULL_INT8, Form, schemes
from kerascnn.tflite.selective import SelectiveQuantizer
from kerascnn.tflite.stability import stability
from kerascnn.tflite.verification import check_convertible, verify_integer
from kerascnn.training.card import write_card
from kerascnn.training.trained_data import load_trained_data

RANKED = 50  # validation images that choose the layers to leave in float


def quantize(
    run: Run | Path | str,
    *,
    scheme: str | Sequence[str] = FULL_INT8,
    target: str = "mobile",
    io: str | None = None,
    calibration_samples: int | None = None,
    max_drop: float | None = None,
    check_stability: bool = True,
    data_dir: Path | str | None = None,
    progress: Progress = silent,
    dataset: Dataset | None = None,
) -> QuantizationResult:
    """Convert a run's model, check each file, and evaluate all on the same test images.

    Args:
        run: The run or its folder; the files and their records go into its ``tflite/``.
        scheme: One or several, see :mod:`kerascnn.tflite.schemes`.
        target: ``mobile`` or ``edgetpu``.
        io: Type of input and output, ``int8``, ``uint8`` or ``float32``; ``None``: the scheme's usual one.
        calibration_samples: ``None`` takes 500 training images, or all where there are fewer.
        max_drop: Percentage points of accuracy that full int8 may lose; see :mod:`kerascnn.tflite.budget` for
            what is tried otherwise.
        check_stability: Whether to convert twice more, from disjoint halves of the calibration images.
        data_dir: Where the source's files are now, if not where they were at training.
        progress: Told about the stages.
        dataset: The source's images, where the caller has loaded them already.

    Raises:
        UsageError: A name is unknown, two settings exclude each other, or there are not so many images.
        TargetError: A converted file is not integer only, static and scaled as raw pixels, or the Edge TPU
            would not run all of it.
        KerasCnnError: The run is incomplete, its data changed, or a file cannot be written.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    forms = _forms([scheme] if isinstance(scheme, str) else scheme, io, target, calibration_samples)
    if max_drop is not None:
        _require_budget(max_drop, forms)
    stages = len(forms) + 2
    progress("quantizing", 0, stages, "loading")
    model, description = load_model(run.require_model())
    for form in forms:
        check_convertible(model, schemes[form.scheme], run.path)
    dataset = dataset or load_trained_data(run, data_dir)
    splits = {name: split.prepared(description.preprocessing) for name, split in dataset.splits().items()}
    subject = _Subject(run, model, description, splits)
    calibration = subject.calibration(calibration_samples) if _calibrated(forms) else None

    progress("quantizing", 1, stages, "evaluating in float")
    in_float = subject.in_float()
    pairs = []
    for number, form in enumerate(forms, start=2):
        progress("quantizing", number, stages, form.scheme)
        pairs.append(
            subject.quantized(form, in_float, calibration, max_drop, check_stability=check_stability)
        )
    (keras_latency, _), *_ = pairs
    original = MeasuredFile(
        run.model_path, "keras", run.model_path.stat().st_size, in_float[0][1], keras_latency
    )
    result = QuantizationResult(run.path, original, tuple(file for _, file in pairs))
    _record(run, result, calibration)
    progress("quantizing", stages, stages, "done")
    return result


def _forms(names: Sequence[str], io: str | None, target: str, samples: int | None) -> list[Form]:
    forms = [Form.of(name, io, target) for name in names]
    if samples is not None and not _calibrated(forms):
        raise UsageError(f"{forms[0].scheme} is not calibrated. Received: calibration_samples={samples}")
    return forms


def _require_budget(max_drop: float, forms: Sequence[Form]) -> None:
    if not 0 <= max_drop <= 100:
        raise UsageError(f"max_drop must be 0 to 100 percentage points. Received: max_drop={max_drop:g}")
    if all(form.scheme != FULL_INT8 for form in forms):
        raise UsageError(f"max_drop is for {FULL_INT8}. Received: scheme={forms[0].scheme}")


def _calibrated(forms: Sequence[Form]) -> bool:
    return any(schemes[form.scheme].calibrated for form in forms)


@dataclass(frozen=True)
class _Subject:
    """A run's model with the images that set its ranges and judge its files."""

    run: Run
    model: Any
    description: ModelDescription
    splits: dict[str, Split]

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

    def in_float(self) -> list[tuple[str, Evaluation]]:
        """Evaluate what comes before any quantization: the Keras model, and it as a float file."""
        content = convert(self.model, schemes["float32"])
        lite = LiteRTClassifier(self.run.tflite_dir / "float32.tflite", content, self._described)
        return [
            (
                KERAS,
                self._evaluated(keras_classifier(self.model, self.description.output), self.run.model_path),
            ),
            (FLOAT_FILE, self._evaluated(lite, lite.path)),
        ]

    def quantized(
        self,
        form: Form,
        before: Sequence[tuple[str, Evaluation]],
        calibration: Calibration | None,
        max_drop: float | None,
        *,
        check_stability: bool,
    ) -> tuple[Latency, QuantizedFile]:
        """Write one file, which gets its name when it is checked and all that is said of it is known.

        Returns:
            The Keras model's latency, taken in turns with the file's, and the file.
        """
        scheme = schemes[form.scheme]
        images = calibration.images if calibration and scheme.calibrated else None
        content = convert(self.model, scheme, images, ends=form.ends)
        budget = None
        if max_drop is not None and form.scheme == FULL_INT8 and images is not None:
            budget = spend(max_drop, self._ways(form, content, images), self._drop_in_validation)
            content = budget.chosen.content
        in_float = budget.chosen.in_float if budget else ()
        self.run.tflite_dir.mkdir(exist_ok=True)
        path = self.run.tflite_dir / f"{form.stem}{'-mixed' if in_float else ''}.tflite"
        with whole_file(path) as aside:
            aside.write_bytes(with_metadata(content, ModelCard.of(self.run, self._described)))
            self._described.embed(aside)
            if scheme.calibrated and not in_float:
                verify_integer(content, path, activations=scheme.activations, ends=form.ends)
            if form.target == "edgetpu" and (problem := check(aside).problem):
                raise TargetError(problem.replace(str(aside), str(path)))
            lite, reference = LiteRTClassifier(aside), LiteRTClassifier(aside, reference=True)
            on_device = [
                (name, self._evaluated(classify, path))
                for name, classify in ((REFERENCE, reference), (OPTIMISED, lite))
            ]
            times = self._latencies(lite)
            stable = None
            if calibration and scheme.calibrated and check_stability and not in_float:
                stable = stability(
                    self.model, self._described, scheme, calibration, self.splits["validation"].images
                )
        file = QuantizedFile(
            path=path,
            scheme=form.scheme,
            bytes=path.stat().st_size,
            evaluation=on_device[-1][1],
            latency=times[1],
            form=form,
            note=mobile_tasks_note(self.description, "uint8") if form.ends == "uint8" else "",
            original=before[0][1],
            ladder=Ladder.of([*before, *on_device]),
            budget=budget,
            stability=stable,
        )
        return times[0], file

    def _ways(self, form: Form, content: bytes, images: NDArray[np.uint8]) -> Iterator[Way]:
        """Yield full int8, then files with more and more layers in float, where the target takes float."""
        yield "full int8", (), content
        if form.target != "mobile" or form.ends != "int8":
            return
        selective = SelectiveQuantizer(self.model, images)
        for layers, mixed in selective.noisiest_first(self._noise_in_validation):
            yield f"{', '.join(layers)} in float", layers, mixed

    def _noise_in_validation(self, content: bytes) -> float:
        """Return the mean difference of a probability from Keras' on some validation images."""
        lite = LiteRTClassifier(Path("try.tflite"), content, self._described)
        found = lite(self.splits["validation"].images[:RANKED])
        return float(np.abs(found - self._validation_shares[:RANKED]).mean())

    def _drop_in_validation(self, content: bytes) -> float:
        """Return the percentage points of accuracy on the validation images that a file loses."""
        lite = LiteRTClassifier(Path("try.tflite"), content, self._described)
        validation = self.splits["validation"]
        both = (self._validation_shares, lite(validation.images))
        before, after = (float((shares.argmax(axis=1) == validation.labels).mean()) for shares in both)
        return 100 * (before - after)

    @cached_property
    def _validation_shares(self) -> NDArray[np.float32]:
        return keras_classifier(self.model, self.description.output)(self.splits["validation"].images)

    @property
    def _described(self) -> ModelDescription:
        return self.description.model_copy(update={"output": "probabilities"})

    def _evaluated(self, classify: Classifier, path: Path) -> Evaluation:
        return evaluate_classifier(
            classify,
            self.splits["test"],
            self.description.classes,
            model=str(path),
            data=self.description.source,
        )

    def _latencies(self, lite: LiteRTClassifier) -> list[Latency]:
        pixels = self.splits["test"].images[:1]
        encoded = lite.encode(pixels)
        return latency.measure([lambda: self.model.predict_on_batch(pixels), lambda: lite.invoke(encoded)])


def _record(run: Run, result: QuantizationResult, calibration: Calibration | None) -> None:
    write_labels(run.tflite_dir / LABELS, result.original.evaluation.classes)
    if calibration:
        write_json(run.tflite_dir / "calibration.json", calibration.record)
    for file in result.files:
        entry = file.to_dict()
        del entry["path"]
        write_json(run.tflite_dir / f"{file.path.stem}.result.json", {"file": file.path.name} | entry)
    write_card(run)

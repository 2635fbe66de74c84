"""``quantize``: from a run to ``.tflite`` files, each checked, evaluated and recorded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.evaluation import (
    Classifier,
    Evaluation,
    evaluate_classifier,
    keras_classifier,
)
from kerascnn.analysis.evaluation.metrics import Latency
from kerascnn.data.dataset import Dataset, Split
from kerascnn.foundation.errors import TargetError, UsageError
from kerascnn.foundation.files import require_writable, whole_file, write_json
from kerascnn.foundation.lock import held
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_file import load_model
from kerascnn.tflite.accelerators.edgetpu.check import check
from kerascnn.tflite.fine_tuning.architecture import architecture_of
from kerascnn.tflite.fine_tuning.fine_tune import Lesson, Shrunk, shrink
from kerascnn.tflite.fine_tuning.plan import Plan
from kerascnn.tflite.metadata.labels import LABELS, write_labels
from kerascnn.tflite.metadata.metadata import with_metadata
from kerascnn.tflite.metadata.mobile_tasks import mobile_tasks_note
from kerascnn.tflite.metadata.model_card import ModelCard
from kerascnn.tflite.quantization.budget import Candidate
from kerascnn.tflite.quantization.calibration import Calibration, choose
from kerascnn.tflite.quantization.candidates import Maker
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.parity import (
    AWARE_TWIN,
    FLOAT_FILE,
    KERAS,
    OPTIMISED,
    REFERENCE,
    WHOLE,
    Ladder,
)
from kerascnn.tflite.quantization.result import MeasuredFile, QuantizationResult, QuantizedFile, zipped_bytes
from kerascnn.tflite.quantization.schemes import FULL_INT8, Form, schemes
from kerascnn.tflite.quantization.stability import stability
from kerascnn.tflite.quantization.verification import check_convertible, verify_integer
from kerascnn.tflite.runtime import latency
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.rounding import largest_difference
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.records.card import write_card
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run


def quantize(
    run: Run | Path | str,
    *,
    scheme: str | Sequence[str] = FULL_INT8,
    target: str = "mobile",
    io: str | None = None,
    method: str = "ptq",
    prune: float | None = None,
    cluster: int | None = None,
    fine_tuning_epochs: int | None = None,
    calibration_samples: int | None = None,
    max_drop: float | None = None,
    check_stability: bool = True,
    accuracy_only: bool = False,
    data_dir: Path | str | None = None,
    progress: Telling = None,
    dataset: Dataset | None = None,
) -> QuantizationResult:
    """Convert a run's model, check each file, and evaluate all on the same test images.

    Args:
        run: The run or its folder; the files and their records go into its ``tflite/``.
        scheme: One or several, see ``kerascnn.tflite.quantization.schemes``.
        target: ``mobile`` or ``edgetpu``.
        io: Type of input and output, ``int8``, ``uint8`` or ``float32``; ``None``: the scheme's usual one.
        method: ``ptq`` quantizes the weights as they are, ``qat`` trains them with int8 in the loop before.
        prune: Share of the weights of each layer that become 0 before, for instance 0.5.
        cluster: How many different weights each layer keeps before, 2 to 256.
        fine_tuning_epochs: Passes over the training images for each of these three; ``None``: 3.
        calibration_samples: ``None`` takes 500 training images, or all where there are fewer.
        max_drop: Percentage points of accuracy that full int8 may lose; ``candidates.py`` says what is tried
            otherwise.
        check_stability: Whether to convert twice more, from disjoint halves of the calibration images.
        accuracy_only: Whether, of all that can be known of a file, its accuracy is enough: no stability, no
            steps between the Keras model and the file, no latency.
        data_dir: Where the source's files are now, if not where they were at training.
        progress: Told about the stages.
        dataset: The source's images, where the caller has loaded them already.

    Raises:
        UsageError: A name is unknown, two settings exclude each other, or there are not so many images.
        TargetError: A layer cannot be fine-tuned; a converted file is not integer only, static and scaled as
            raw pixels; or the Edge TPU would not run all of it.
        KerasCnnError: The run is incomplete or in use, its data changed, or a file cannot be written.
    """
    progress = teller(progress)
    run = run if isinstance(run, Run) else Run.open(run)
    plan = Plan.of(method, prune, cluster, fine_tuning_epochs)
    forms = _forms([scheme] if isinstance(scheme, str) else scheme, io, target)
    _require_consistent(forms, plan, fine_tuning_epochs, calibration_samples, max_drop)
    stages = len(forms) + 2
    progress("quantizing", 0, stages, "loading")
    model, description = load_model(run.require_model())
    for form in forms:
        check_convertible(model, schemes[form.scheme], run.path)
    if plan.tunes:  # what cannot be fine-tuned is refused before the data are read
        architecture_of(model, for_int8=plan.aware)
    dataset = dataset or load_trained_data(run, data_dir)
    splits = {name: split.prepared(description.preprocessing) for name, split in dataset.splits().items()}
    subject = _Subject(run, model, description, splits, plan, accuracy_only, progress)
    calibration = subject.calibration(calibration_samples) if _calibrated(forms) else None

    pairs: list[tuple[Latency | None, QuantizedFile]] = []
    with held(run.path, again=True), _told_what_is_kept(pairs):
        progress("quantizing", 1, stages, "evaluating in float")
        require_writable(run.tflite_dir)
        in_float = subject.in_float()
        for number, form in enumerate(forms, start=2):
            progress("quantizing", number, stages, form.scheme)
            pairs.append(
                subject.quantized(form, in_float, calibration, max_drop, check_stability=check_stability)
            )
            _record(run, pairs[-1][1], calibration)
    (keras_latency, _), *_ = pairs
    size = run.model_path.stat().st_size
    original = MeasuredFile(run.model_path, "keras", size, in_float.steps[0][1], keras_latency)
    result = QuantizationResult(run.path, original, tuple(file for _, file in pairs))
    progress("quantizing", stages, stages, "done")
    return result


def _forms(names: Sequence[str], io: str | None, target: str) -> list[Form]:
    return list(dict.fromkeys(Form.of(name, io, target) for name in names))


def _require_consistent(
    forms: Sequence[Form], plan: Plan, epochs: int | None, samples: int | None, max_drop: float | None
) -> None:
    """Refuse what is asked of a file that does not have it."""
    odd = next((form.scheme for form in forms if form.scheme != FULL_INT8), None)
    if samples is not None and not _calibrated(forms):
        raise UsageError(f"{odd} is not calibrated. Received: calibration_samples={samples}")
    if samples is not None and samples < 1:
        raise UsageError(f"calibration_samples must be at least 1. Received: calibration_samples={samples}")
    if plan.aware and odd:
        raise UsageError(f"method qat is for {FULL_INT8} only. Received: scheme={odd}")
    if max_drop is not None and not 0 <= max_drop <= 100:
        raise UsageError(f"max_drop must be 0 to 100 percentage points. Received: max_drop={max_drop:g}")
    if max_drop is not None and all(form.scheme != FULL_INT8 for form in forms):
        raise UsageError(f"max_drop is for {FULL_INT8}. Received: scheme={odd}")
    if epochs is not None and not plan.tunes and max_drop is None:
        raise UsageError(
            "fine_tuning_epochs are those of prune, cluster, method qat or max_drop. "
            f"Received: fine_tuning_epochs={epochs} without one of them"
        )


def _calibrated(forms: Sequence[Form]) -> bool:
    return any(schemes[form.scheme].calibrated for form in forms)


@dataclass(frozen=True)
class _InFloat:
    """What comes before any quantization.

    Attributes:
        model: The Keras model that is converted.
        shrunk: How it was pruned and clustered, ``None``: it is the run's.
        steps: The first steps of the ladder with their evaluations.
    """

    model: Any
    shrunk: Shrunk | None
    steps: list[tuple[str, Evaluation]]


@dataclass(frozen=True)
class _Subject:
    """A run's model with the images that set its ranges and judge its files."""

    run: Run
    model: Any
    description: ModelDescription
    splits: dict[str, Split]
    plan: Plan
    accuracy_only: bool
    progress: Progress

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

    def in_float(self) -> _InFloat:
        """Evaluate the Keras model, prune and cluster it if asked to, and evaluate that as a float file."""
        steps = [(KERAS, self._evaluated(self._keras(self.model), self.run.model_path))]
        model, shrunk = self.model, None
        if self.plan.shrinks:
            shrunk = shrink(model, self.plan, self._lesson, self.progress)
            model = shrunk.model
            steps.append((self.plan.words, self._evaluated(self._keras(model), self.run.model_path)))
        if not self.accuracy_only:
            content = convert(model, schemes["float32"])
            lite = LiteRTClassifier(self.run.tflite_dir / "float32.tflite", content, self._described)
            steps.append((FLOAT_FILE, self._evaluated(lite, lite.path)))
        return _InFloat(model, shrunk, steps)

    def quantized(
        self,
        form: Form,
        before: _InFloat,
        calibration: Calibration | None,
        max_drop: float | None,
        *,
        check_stability: bool,
    ) -> tuple[Latency | None, QuantizedFile]:
        """Write one file, which gets its name when it is checked and all that is said of it is known.

        Returns:
            The Keras model's latency, taken in turns with the file's, and the file.
        """
        check_stability = check_stability and not self.accuracy_only
        scheme = schemes[form.scheme]
        images = calibration.images if calibration and scheme.calibrated else None
        maker = Maker(self.model, before.model, self._described, self.splits, self._lesson, self.progress)
        chosen, budget = maker.make(form, self.plan, images, max_drop)
        path = self.run.tflite_dir / f"{form.stem}{self.plan.suffix}{chosen.suffix}.tflite"
        with whole_file(path) as aside:
            self._write(chosen, form, aside, path)
            steps = before.steps + self._quantized_steps(chosen, aside, path)
            rounding = 0.0 if self.accuracy_only else largest_difference(aside)
            times = (None, None) if self.accuracy_only else self._latencies(LiteRTClassifier(aside))
            stable = None
            if calibration and scheme.calibrated and check_stability and chosen.is_plain:
                stable = stability(
                    before.model, self._described, scheme, calibration, self.splits["validation"].images
                )
        file = QuantizedFile(
            path=path,
            scheme=form.scheme,
            bytes=path.stat().st_size,
            evaluation=steps[-1][1],
            latency=times[1],
            form=form,
            note=mobile_tasks_note(self.description, "uint8") if form.ends == "uint8" else "",
            zipped=zipped_bytes(path),
            plan=self.plan,
            calibration=calibration.summary if calibration and images is not None else None,
            original=steps[0][1],
            ladder=Ladder.of(steps, rounding),
            budget=budget,
            stability=stable,
            tunings=tuple(tuned.record for tuned in (before.shrunk, chosen.taught) if tuned),
        )
        return times[0], file

    def _write(self, chosen: Candidate, form: Form, aside: Path, path: Path) -> None:
        """Write a file with its metadata and check it; ``path`` is for messages."""
        tuned = [self.plan.words, *(["trained for int8"] if chosen.taught else [])]
        described = self._described.model_copy(update={"tuned": ", ".join(filter(None, tuned))})
        aside.write_bytes(with_metadata(chosen.content, ModelCard.of(self.run, described)))
        described.embed(aside)
        scheme = schemes[form.scheme]
        if scheme.calibrated and not chosen.in_float:
            verify_integer(chosen.content, path, activations=scheme.activations, ends=form.ends)
        if form.target == "edgetpu" and (problem := check(aside).problem):
            raise TargetError(problem.replace(str(aside), str(path)))

    def _quantized_steps(self, chosen: Candidate, aside: Path, path: Path) -> list[tuple[str, Evaluation]]:
        """Evaluate on the test images what was trained for int8, and the file with both sets of kernels."""
        lite = LiteRTClassifier(aside)
        computed: list[tuple[str, Classifier]] = [(WHOLE, lite)]
        if not self.accuracy_only:
            computed = [(REFERENCE, LiteRTClassifier(aside, reference=True)), (OPTIMISED, lite)]
        if chosen.taught:
            answers = chosen.taught.probabilities
            computed.insert(0, (AWARE_TWIN, lambda images: answers))
        return [(name, self._evaluated(classify, path)) for name, classify in computed]

    @property
    def _lesson(self) -> Lesson:
        config = ResolvedConfig.read(self.run.path / "config.toml")
        return Lesson(self.splits["train"], self.splits["validation"], config)

    @property
    def _described(self) -> ModelDescription:
        return self.description.model_copy(update={"output": "probabilities"})

    def _keras(self, model: Any) -> Classifier:
        return keras_classifier(model, self.description.output)

    def _evaluated(self, classify: Classifier, path: Path) -> Evaluation:
        return evaluate_classifier(
            classify,
            self.splits["test"],
            self.description.classes,
            model=str(path),
            data=self.description.source,
        )

    def _latencies(self, lite: LiteRTClassifier) -> tuple[Latency, Latency]:
        pixels = self.splits["test"].images[:1]
        encoded = lite.encode(pixels)
        keras, file = latency.measure(
            [lambda: self.model.predict_on_batch(pixels), lambda: lite.invoke(encoded)]
        )
        return keras, file


@contextmanager
def _told_what_is_kept(pairs: list[tuple[Latency | None, QuantizedFile]]) -> Iterator[None]:
    """Say with Ctrl-C which files are written."""
    try:
        yield
    except KeyboardInterrupt:
        kept = ", ".join(str(file.path) for _, file in pairs)
        raise KeyboardInterrupt(f"kept {kept}" if kept else "") from None


def _record(run: Run, file: QuantizedFile, calibration: Calibration | None) -> None:
    write_labels(run.tflite_dir / LABELS, file.evaluation.classes)
    if calibration:
        write_json(run.tflite_dir / "calibration.json", calibration.record)
    entry = file.to_dict()
    del entry["path"]
    write_json(run.tflite_dir / f"{file.path.stem}.result.json", {"file": file.path.name} | entry)
    write_card(run)

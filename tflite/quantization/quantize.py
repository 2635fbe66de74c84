"""``quantize``: convert a run to ``.tflite`` files; check, evaluate and record each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kerascnn.analysis.evaluation.evaluation import Classifier, Evaluation
from kerascnn.analysis.evaluation.metrics import Latency
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import TargetError, UsageError
from kerascnn.foundation.files import require_writable, whole_file, write_json
from kerascnn.foundation.lock import held
from kerascnn.foundation.progress import Telling, teller
from kerascnn.models.keras_file import load_model
from kerascnn.tflite.fine_tuning.fine_tune import CompressedModel, FineTuningData, prune_and_cluster
from kerascnn.tflite.fine_tuning.plain_network import plain_network
from kerascnn.tflite.fine_tuning.plan import FineTuningPlan
from kerascnn.tflite.metadata.labels import LABELS, write_labels
from kerascnn.tflite.metadata.metadata import with_metadata
from kerascnn.tflite.metadata.mobile_tasks import mobile_tasks_note
from kerascnn.tflite.metadata.model_card import ModelCard
from kerascnn.tflite.quantization.budget import Candidate
from kerascnn.tflite.quantization.calibration import Calibration
from kerascnn.tflite.quantization.candidates import CandidateBuilder
from kerascnn.tflite.quantization.context import QuantizationContext
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.parity import (
    AWARE_TWIN,
    FLOAT_FILE,
    KERAS,
    OPTIMISED,
    REFERENCE,
    WHOLE,
    Ladder,
)
from kerascnn.tflite.quantization.result import FileResult, QuantizationResult, QuantizedFile, zipped_bytes
from kerascnn.tflite.quantization.schemes import FULL_INT8, schemes
from kerascnn.tflite.quantization.stability import stability
from kerascnn.tflite.quantization.targets import PROCESSOR
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
    target: str = PROCESSOR.name,
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
        target: ``mobile``, or an accelerator: ``edgetpu``.
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
        data_dir: New place of the source's files if they were moved after training.
        progress: Called with the progress of each stage.
        dataset: The source's images, where the caller has loaded them already.

    Raises:
        UsageError: A name is unknown, two settings exclude each other, or there are not so many images.
        TargetError: A layer cannot be fine-tuned; a converted file is not integer only, static and scaled as
            raw pixels; or the accelerator would not run all of it.
        KerasCnnError: The run is incomplete or in use, its data changed, or a file cannot be written.
    """
    progress = teller(progress)
    run = Run.of(run)
    plan = FineTuningPlan.of(method, prune, cluster, fine_tuning_epochs)
    specs = _specs([scheme] if isinstance(scheme, str) else scheme, io, target)
    _require_consistent(specs, plan, fine_tuning_epochs, calibration_samples, max_drop)
    _require_records(run, f"tflite/{specs[0].stem}{plan.suffix}.result.json")
    stages = len(specs) + 2
    progress("quantizing", 0, stages, "loading")
    model, description = load_model(run.require_model())
    for spec in specs:
        check_convertible(model, spec.scheme, run.path)
    if plan.tunes:  # what cannot be fine-tuned is refused before the data are read
        plain_network(model, for_int8=plan.aware)
    dataset = dataset or load_trained_data(run, data_dir)
    splits = {name: split.prepared(description.preprocessing) for name, split in dataset.splits().items()}
    config = ResolvedConfig.read(run.path / "config.toml")
    tuned_with = FineTuningData(splits["train"], splits["validation"], config)
    context = QuantizationContext(run, model, description, splits, tuned_with, plan, accuracy_only, progress)
    calibration = context.calibration(calibration_samples) if _calibrated(specs) else None

    pairs: list[tuple[Latency | None, QuantizedFile]] = []
    with held(run.path, again=True), _told_what_is_kept(pairs):
        progress("quantizing", 1, stages, "evaluating in float")
        require_writable(run.tflite_dir)
        in_float = _in_float(context)
        for number, spec in enumerate(specs, start=2):
            progress("quantizing", number, stages, spec.scheme.name)
            pairs.append(
                _quantized(context, spec, in_float, calibration, max_drop, check_stability=check_stability)
            )
            _record(run, pairs[-1][1], calibration)
    (keras_latency, _), *_ = pairs
    size = run.model_path.stat().st_size
    original = FileResult(run.model_path, "keras", size, in_float.steps[0][1], keras_latency)
    result = QuantizationResult(run.path, original, tuple(file for _, file in pairs))
    progress("quantizing", stages, stages, "done")
    return result


def _specs(names: Sequence[str], io: str | None, target: str) -> list[FileSpec]:
    return list(dict.fromkeys(FileSpec.of(name, io, target) for name in names))


def _require_consistent(
    specs: Sequence[FileSpec],
    plan: FineTuningPlan,
    epochs: int | None,
    samples: int | None,
    max_drop: float | None,
) -> None:
    """Refuse options that do not apply to the requested file."""
    odd = next((spec.scheme.name for spec in specs if not spec.scheme.is_full_int8), None)
    if samples is not None and not _calibrated(specs):
        raise UsageError(f"{odd} uses no calibration. Received: calibration_samples={samples}")
    if samples is not None and samples < 1:
        raise UsageError(f"calibration_samples must be at least 1. Received: calibration_samples={samples}")
    if plan.aware and odd:
        raise UsageError(f"method qat requires {FULL_INT8}. Received: scheme={odd}")
    if max_drop is not None and not 0 <= max_drop <= 100:
        raise UsageError(f"max_drop must be 0 to 100 percentage points. Received: max_drop={max_drop:g}")
    if max_drop is not None and not any(spec.scheme.is_full_int8 for spec in specs):
        raise UsageError(f"max_drop requires {FULL_INT8}. Received: scheme={odd}")
    if epochs is not None and not plan.tunes and max_drop is None:
        raise UsageError(
            "fine_tuning_epochs requires prune, cluster, method qat or max_drop. "
            f"Received: fine_tuning_epochs={epochs} without one of them"
        )


def _require_records(run: Run, replaced: str) -> None:
    """Check the run's records before its model is opened, which takes seconds.

    Args:
        run: The run.
        replaced: The result that is written first, before any is read.
    """
    run.require_model()
    run.require_records(*(name for name in run.results if name != replaced))
    ResolvedConfig.read(run.path / "config.toml")


def _calibrated(specs: Sequence[FileSpec]) -> bool:
    return any(spec.scheme.calibrated for spec in specs)


@dataclass(frozen=True)
class _InFloat:
    """The float model and its evaluations, before any quantization.

    Attributes:
        builder: Of the files, with the Keras model that is converted.
        compressed: How that was pruned and clustered, ``None``: it is the run's.
        steps: The first steps of the ladder with their evaluations.
    """

    builder: CandidateBuilder
    compressed: CompressedModel | None
    steps: list[tuple[str, Evaluation]]


def _in_float(context: QuantizationContext) -> _InFloat:
    """Evaluate the Keras model; if requested, prune and cluster it and evaluate the float file."""
    steps = [(KERAS, context.evaluated_keras(context.model))]
    model, compressed = context.model, None
    if context.plan.compression:
        compressed = prune_and_cluster(model, context.plan, context.fine_tuning, context.progress)
        model = compressed.model
        steps.append((context.plan.words, context.evaluated_keras(model)))
    if not context.accuracy_only:
        content = convert(model, schemes["float32"])
        lite = LiteRTClassifier(context.run.tflite_dir / "float32.tflite", content, context.described)
        steps.append((FLOAT_FILE, context.evaluated(lite, lite.path)))
    return _InFloat(CandidateBuilder(context, model), compressed, steps)


def _quantized(
    context: QuantizationContext,
    spec: FileSpec,
    before: _InFloat,
    calibration: Calibration | None,
    max_drop: float | None,
    *,
    check_stability: bool,
) -> tuple[Latency | None, QuantizedFile]:
    """Convert, check and evaluate one file; it gets its final name at the end.

    Returns:
        The Keras model's latency, taken in turns with the file's, and the file.
    """
    measured_whole = not context.accuracy_only
    calibration = calibration if spec.scheme.calibrated else None
    images = calibration.images if calibration else None
    chosen, budget = before.builder.build(spec, images, max_drop)
    path = context.run.tflite_dir / f"{spec.stem}{context.plan.suffix}{chosen.suffix}.tflite"
    with whole_file(path) as aside:
        _write(context, chosen, spec, aside, path)
        steps = before.steps + _quantized_steps(context, chosen, aside, path)
        rounding = largest_difference(aside) if measured_whole else 0.0
        times = _latencies(context, LiteRTClassifier(aside)) if measured_whole else (None, None)
        stable = None
        if calibration and measured_whole and check_stability and chosen.is_plain:
            validation = context.splits["validation"].images
            stable = stability(before.builder.model, context.described, spec.scheme, calibration, validation)
    file = QuantizedFile(
        path=path,
        scheme=spec.scheme.name,
        bytes=path.stat().st_size,
        evaluation=steps[-1][1],
        latency=times[1],
        spec=spec,
        note=mobile_tasks_note(context.description, "uint8") if spec.io == "uint8" else "",
        zipped=zipped_bytes(path),
        plan=context.plan,
        calibration=calibration.summary if calibration else None,
        original=steps[0][1],
        ladder=Ladder.of(steps, rounding),
        budget=budget,
        stability=stable,
        tunings=tuple(tuned.record for tuned in (before.compressed, chosen.qat) if tuned),
    )
    return times[0], file


def _write(context: QuantizationContext, chosen: Candidate, spec: FileSpec, aside: Path, path: Path) -> None:
    """Write a file with its metadata and check it; ``path`` is for messages."""
    tuned = [context.plan.words, *(["trained for int8"] if chosen.qat else [])]
    described = context.described.model_copy(update={"tuned": ", ".join(filter(None, tuned))})
    aside.write_bytes(with_metadata(chosen.content, ModelCard.of(context.run, described)))
    described.embed(aside)
    if spec.scheme.calibrated and not chosen.in_float:
        verify_integer(chosen.content, path, activations=spec.scheme.activations, io=spec.io)
    if problem := spec.target.problem(aside):
        raise TargetError(problem.replace(str(aside), str(path)))


def _quantized_steps(
    context: QuantizationContext, chosen: Candidate, aside: Path, path: Path
) -> list[tuple[str, Evaluation]]:
    """Evaluate the quantization-aware model and the file, with both sets of kernels."""
    lite = LiteRTClassifier(aside)
    computed: list[tuple[str, Classifier]] = [(WHOLE, lite)]
    if not context.accuracy_only:
        computed = [(REFERENCE, LiteRTClassifier(aside, reference=True)), (OPTIMISED, lite)]
    if chosen.qat:
        answers = chosen.qat.probabilities
        computed.insert(0, (AWARE_TWIN, lambda images: answers))
    return [(name, context.evaluated(classify, path)) for name, classify in computed]


def _latencies(context: QuantizationContext, lite: LiteRTClassifier) -> tuple[Latency, Latency]:
    pixels = context.splits["test"].images[:1]
    encoded = lite.encode(pixels)
    keras, file = latency.measure(
        [lambda: context.model.predict_on_batch(pixels), lambda: lite.invoke(encoded)]
    )
    return keras, file


@contextmanager
def _told_what_is_kept(pairs: list[tuple[Latency | None, QuantizedFile]]) -> Iterator[None]:
    """On Ctrl-C, say which files are written."""
    try:
        yield
    except KeyboardInterrupt:
        kept = ", ".join(str(file.path) for _, file in pairs)
        raise KeyboardInterrupt(f"kept {kept}." if kept else "") from None


def _record(run: Run, file: QuantizedFile, calibration: Calibration | None) -> None:
    write_labels(run.tflite_dir / LABELS, file.evaluation.classes)
    if calibration:
        write_json(run.tflite_dir / "calibration.json", calibration.record)
    entry = file.to_dict()
    del entry["path"]
    write_json(run.tflite_dir / f"{file.path.stem}.result.json", {"file": file.path.name} | entry)
    write_card(run)

"""``quantize``: from a run to a ``.tflite`` file, checked, evaluated and recorded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.data.dataset import Dataset, Split
from kerascnn.description import ModelDescription
from kerascnn.errors import UsageError
from kerascnn.evaluation import Evaluation, evaluate_classifier, keras_classifier
from kerascnn.files import whole_file, write_json
from kerascnn.model_file import load_model
from kerascnn.progress import Progress, silent
from kerascnn.results import Latency
from kerascnn.run import Run
from kerascnn.tflite import latency
from kerascnn.tflite.calibration import choose
from kerascnn.tflite.conversion import convert
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.tflite.schemes import schemes
from kerascnn.tflite.verification import check_convertible, verify_full_int8
from kerascnn.training.card import write_card
from kerascnn.training.trained_data import load_trained_data

STAGES = 4


@dataclass(frozen=True)
class MeasuredFile:
    """A model file with what was measured on the test images of its source."""

    path: Path
    scheme: str
    bytes: int
    evaluation: Evaluation
    latency: Latency

    def to_dict(self) -> dict[str, Any]:
        """Return path, scheme, bytes, accuracy with interval and n, and latency in microseconds."""
        return {
            "path": str(self.path),
            "scheme": self.scheme,
            "bytes": self.bytes,
            **self.evaluation.accuracy.to_dict(),
            "latency_us": self.latency.to_dict(),
        }


@dataclass(frozen=True)
class QuantizationResult:
    """The Keras model and the quantized file side by side."""

    run: Path
    original: MeasuredFile
    file: MeasuredFile

    @property
    def drop_points(self) -> float:
        """Percentage points of accuracy the file lost against the Keras model."""
        return 100 * (self.original.evaluation.accuracy.accuracy - self.file.evaluation.accuracy.accuracy)

    @property
    def agreement(self) -> float:
        """Share of the test images on which both give the same class."""
        answers = (each.evaluation.probabilities.argmax(axis=1) for each in (self.original, self.file))
        return float(np.equal(*answers).mean())

    def to_dict(self) -> dict[str, Any]:
        """Return run, float and the list of files."""
        compared = {
            "target": "mobile",
            "drop_points": round(self.drop_points, 4),
            "agreement": self.agreement,
        }
        return {
            "run": str(self.run),
            "float": self.original.to_dict(),
            "files": [self.file.to_dict() | compared],
        }


def quantize(
    run: Run | Path | str,
    *,
    scheme: str = "static_wi8_ai8",
    calibration_samples: int | None = None,
    data_dir: Path | str | None = None,
    progress: Progress = silent,
    dataset: Dataset | None = None,
) -> QuantizationResult:
    """Convert a run's model, check the file, and evaluate both on the same test images.

    Args:
        run: The run or its folder; the file and its records go into its ``tflite/``.
        scheme: See :mod:`kerascnn.tflite.schemes`.
        calibration_samples: ``None`` takes 500 training images, or all where there are fewer.
        data_dir: Where the source's files are now, if not where they were at training.
        progress: Told about the stages.
        dataset: The source's images, where the caller has loaded them already.

    Raises:
        UsageError: The scheme is unknown or not calibrated, or there are not so many training images.
        TargetError: The converted file is not integer only, static and scaled as raw pixels.
        KerasCnnError: The run is incomplete, its data changed, or a file cannot be written.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    scheme = schemes.canonical(scheme)
    if calibration_samples is not None and not schemes[scheme].calibrated:
        raise UsageError(f"{scheme} is not calibrated. Received: calibration_samples={calibration_samples}")
    progress("quantizing", 0, STAGES, "loading")
    model, description = load_model(run.require_model())
    check_convertible(model, schemes[scheme], run.path)
    dataset = dataset or load_trained_data(run, data_dir)
    train, test = (split.prepared(description.preprocessing) for split in (dataset.train, dataset.test))

    progress("quantizing", 1, STAGES, "calibrating and converting")
    calibration = None
    if schemes[scheme].calibrated:
        calibration = choose(train, calibration_samples, seed=run.record.seed, classes=dataset.classes)
    content = convert(model, schemes[scheme], calibration.images if calibration else None)
    result = _write_and_measure(run, scheme, content, (model, description), test, progress)
    if calibration:
        write_json(run.tflite_dir / "calibration.json", calibration.record)
    _record(run, result)
    progress("quantizing", STAGES, STAGES, "done")
    return result


def _write_and_measure(
    run: Run,
    scheme: str,
    content: bytes,
    described_model: tuple[Any, ModelDescription],
    test: Split,
    progress: Progress,
) -> QuantizationResult:
    """Write the file, which gets its name when it is checked and all that is said of it is known."""
    model, description = described_model
    run.tflite_dir.mkdir(exist_ok=True)
    path = run.tflite_dir / f"{scheme}.tflite"
    with whole_file(path) as aside:
        aside.write_bytes(content)
        description.model_copy(update={"output": "probabilities"}).embed(aside)
        if scheme == "static_wi8_ai8":
            verify_full_int8(content, path)
        progress("quantizing", 2, STAGES, "evaluating both")
        lite, keras_model = LiteRTClassifier(aside), keras_classifier(model, description.output)
        evaluations = [
            evaluate_classifier(classify, test, description.classes, model=str(file), data=description.source)
            for classify, file in ((keras_model, run.model_path), (lite, path))
        ]
        progress("quantizing", 3, STAGES, "timing both")
        pixels, encoded = test.images[:1], lite.encode(test.images[:1])
        times = latency.measure([lambda: model.predict_on_batch(pixels), lambda: lite.invoke(encoded)])
    files = [
        MeasuredFile(file, name, file.stat().st_size, evaluation, time)
        for file, name, evaluation, time in zip(
            (run.model_path, path), ("keras", scheme), evaluations, times, strict=True
        )
    ]
    return QuantizationResult(run.path, *files)


def _record(run: Run, result: QuantizationResult) -> None:
    (entry,) = result.to_dict()["files"]
    del entry["path"]
    name = result.file.path.name
    write_json(run.tflite_dir / f"{result.file.scheme}.result.json", {"file": name} | entry)
    write_card(run)

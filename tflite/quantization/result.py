"""Result records of ``quantize``: size, accuracy, latency and agreement of the Keras model and each file."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.analysis.evaluation.evaluation import Evaluation
from kerascnn.analysis.evaluation.metrics import Latency
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.tflite.fine_tuning.plan import FineTuningPlan
from kerascnn.tflite.fine_tuning.record import Tuning
from kerascnn.tflite.quantization.budget import Budget
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.parity import Ladder
from kerascnn.tflite.quantization.schemes import FULL_INT8
from kerascnn.tflite.quantization.stability import Stability
from kerascnn.training.run import Run


def int8_file(run: Run) -> Path:
    """Return the path of a run's full-int8 file."""
    return run.tflite_dir / f"{FULL_INT8}.tflite"


@dataclass(frozen=True)
class FileResult:
    """A model file and its results on the test images; latency only if requested."""

    path: Path
    scheme: str
    bytes: int
    evaluation: Evaluation
    latency: Latency | None

    def to_dict(self) -> dict[str, Any]:
        """Return path, scheme, bytes, accuracy with interval and n, and latency in microseconds."""
        return {
            "path": str(self.path),
            "scheme": self.scheme,
            "bytes": self.bytes,
            **self.evaluation.accuracy.to_dict(),
            "latency_us": self.latency.to_dict() if self.latency else None,
        }


@dataclass(frozen=True)
class QuantizedFile(FileResult):
    """A ``.tflite`` file.

    Attributes:
        spec: The requested file.
        note: A warning for users of such a file, or empty.
        zipped: Bytes of the file in a ZIP archive.
        plan: The requested fine-tuning.
        calibration: Summary of the calibration images; ``None`` without calibration.
        original: The Keras model on the same test images.
        ladder: The steps from there to this file.
        budget: The candidates tried for ``max_drop``; ``None`` without a budget.
        stability: Whether other calibration images would have made another one; ``None``: it was not asked.
        tunings: Records of what was done to the weights before.
    """

    spec: FileSpec
    note: str
    zipped: int
    plan: FineTuningPlan
    calibration: dict[str, Any] | None
    original: Evaluation
    ladder: Ladder
    budget: Budget | None
    stability: Stability | None
    tunings: tuple[Tuning, ...]

    @property
    def drop_points(self) -> float:
        """Percentage points of accuracy lost against the Keras model."""
        return 100 * (self.original.accuracy.accuracy - self.evaluation.accuracy.accuracy)

    @property
    def agreement(self) -> float:
        """Share of the test images with the same prediction as the Keras model."""
        answers = (each.probabilities.argmax(axis=1) for each in (self.original, self.evaluation))
        return float(np.equal(*answers).mean())

    @property
    def break_told(self) -> str:
        """At which step predictions differ more than allowed, in words; empty if at none."""
        step = self.ladder.first_break
        if self.ladder.reference_alone:
            return f"{step} only: these kernels are wrong; the optimised ones agree with the float file"
        return f"{step}: more predictions differ from the step before than allowed" if step else ""

    @property
    def misses(self) -> str:
        """How the file misses the budget, in words; empty if it does not."""
        if self.budget is None or (self.budget.kept and self.drop_points <= self.budget.points):
            return ""
        tried = "; ".join(f"{each.what}: {each.drop_points:.2f}" for each in self.budget.tries)
        return (
            f"{self.path} loses {self.drop_points:.2f} points, more than max_drop={self.budget.points:g}, "
            f"here or on the validation images. Tried: {tried}."
            f"{' Not tried: ' + self.budget.untried if self.budget.untried else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the results, the comparison with the Keras model, and the steps."""
        return super().to_dict() | {
            "target": self.spec.target.name,
            "io": self.spec.io,
            "note": self.note,
            "zipped_bytes": self.zipped,
            **self.plan.to_dict(),
            "calibration": self.calibration,
            "drop_points": round(self.drop_points, 4),
            "agreement": self.agreement,
            "ladder": self.ladder.to_dict(),
            "budget": self.budget.to_dict() if self.budget else None,
            "stability": self.stability.to_dict() if self.stability else None,
            "fine_tuning": [tuning.to_dict() for tuning in self.tunings],
        }


def zipped_bytes(path: Path) -> int:
    """Return the size of a ZIP archive of a file: pruned or clustered weights compress well."""
    with io.BytesIO() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        return packed.tell()


@dataclass(frozen=True)
class QuantizationResult(Shown):
    """Result of ``quantize``: the Keras model and its quantized files."""

    run: Path
    original: FileResult
    files: tuple[QuantizedFile, ...]

    def blocks(self) -> list[Block]:
        """Return the files next to the Keras model, then the steps of each file."""
        from kerascnn.tflite.quantization.result_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return run, float and the list of files."""
        return {
            "run": str(self.run),
            "float": self.original.to_dict(),
            "files": [file.to_dict() for file in self.files],
        }

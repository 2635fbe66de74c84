"""The result of ``quantize`` as text and tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.foundation.text.shown import Block, Facts
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import DASH, counted

if TYPE_CHECKING:
    from kerascnn.tflite.fine_tuning.record import Tuning
    from kerascnn.tflite.quantization.parity import Step
    from kerascnn.tflite.quantization.result import FileResult, QuantizationResult, QuantizedFile


def blocks(result: "QuantizationResult") -> list[Block]:
    """Return the files next to the Keras model, then the steps of each file."""
    keras = result.original
    rows = [["Keras", f"{keras.bytes:,}", "", _latency(keras), "", ""]]
    rows += [
        [
            file.path.stem,
            f"{file.bytes:,}",
            f"{file.zipped:,}",
            _latency(file),
            f"{0.0 - file.drop_points:+.2f}",
            f"{100 * file.agreement:.2f} %",
        ]
        for file in result.files
    ]
    header = ["", "bytes", "zipped", "latency, median", "accuracy, points", "same class"]
    return [Table(header, rows), *(block for file in result.files for block in _steps(file))]


def _latency(file: "FileResult") -> str:
    return f"{file.latency.median:,.1f} µs" if file.latency else DASH


def _judged(step: "Step") -> str:
    return " (breaks)" if step.breaks else " (rounding)" if step.is_rounding else ""


def _steps(file: "QuantizedFile") -> list[Block]:
    first, *others = file.ladder.steps
    rows = [[first.name, str(first.accuracy), "", "", ""]]
    rows += [
        [
            step.name,
            str(step.accuracy),
            f"{100 * step.agreement:.2f} %{_judged(step)}",
            f"{step.largest:.4f}",
            f"{step.mean:.5f}",
        ]
        for step in others
    ]
    header = [file.path.stem, "test accuracy", "same class", "largest difference", "mean"]
    told = {"file": str(file.path)}
    if file.break_told:
        told["breaks at"] = file.break_told
    told |= _tuned(file.tunings, clustered=file.plan.clusters is not None)
    if file.note:
        told["note"] = file.note
    stable = file.stability
    if stable:
        told["calibration"] = (
            f"two disjoint halves ({' and '.join(map(str, stable.samples))} images): scales within "
            f"{100 * stable.largest_scale_difference:.1f} %, {100 * stable.agreement:.2f} % of {stable.n:,} "
            "validation images with equal predictions"
        )
    parts: list[Block] = [Table(header, rows), Facts(told)]
    if file.budget:
        tries = [
            [each.what, f"{0.0 - each.drop_points:+.2f}", f"{each.bytes:,}"] for each in file.budget.tries
        ]
        parts.insert(1, Table(["tried", "validation accuracy, points", "bytes"], tries))
    return parts


def _tuned(tunings: Sequence["Tuning"], *, clustered: bool) -> dict[str, str]:
    """Return the fine-tuning in words, and that it started from the same network."""
    told: dict[str, str] = {}
    for tuning in tunings:
        for stage in tuning.stages:
            epochs = counted(len(stage.epochs), "epoch")
            told[stage.stage] = f"{epochs}, then validation {percent(stage.epochs[-1].val_accuracy)}"
        if tuning.zeros is not None:
            values = f"; no layer has more than {tuning.most_values:,} different ones" if clustered else ""
            told["weights"] = f"{percent(tuning.zeros)} are 0{values}"
    if tunings:
        off = max(tuning.twin_difference for tuning in tunings)
        told["twin"] = (
            f"on tf_keras, probabilities within {off:.1g} before the first step "
            f"({tunings[0].twin_compared} images)"
        )
    return told

"""A run as text: the results of its training, and its row in the list of runs."""

from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from kerascnn.analysis.evaluation.metrics import Accuracy, beside_accuracy, percent
from kerascnn.foundation.text.wording import DASH, counted
from kerascnn.models.architecture import Architecture

HEADER = ("run", "model", "head", "data", "state", "test accuracy", "files", "age")
WORDS = 5  # columns of them


def trained(path: Path, metrics: dict[str, Any]) -> dict[str, str]:
    """Return a trained run's results as text blocks."""
    data, epochs = metrics["data"], metrics["epochs"]
    return {
        "model": str(Architecture.among(metrics)),
        "data": f"{data['source']}: {data['train']:,} training, {data['validation']:,} validation, "
        f"{data['test']:,} test images",
        "test accuracy": str(Accuracy.from_dict(metrics["test"])),
        **beside_accuracy(metrics),
        "parameters": f"{metrics['parameters']:,}",
        "training": f"{metrics['seconds']:.1f} s, {counted(epochs, 'epoch')}{_stopped(metrics)}",
        "run": str(path),
        "next": f"kerascnn quantize {quote(str(path))}",
    }


def _stopped(metrics: dict[str, Any]) -> str:
    return ", stopped and kept" if metrics.get("ended") == "stopped" else ""


def row(known: dict[str, Any], source: str, created: datetime) -> list[str]:
    """Return a run's row in the list of runs."""
    architecture = Architecture.among(known)
    return [
        known["run"],
        architecture.form,
        architecture.head,
        source,
        known["state"],
        percent(known["test"]["accuracy"]) if "test" in known else DASH,
        ", ".join(Path(file).name for file in known["files"]) or DASH,
        _age(created),
    ]


def _age(created: datetime) -> str:
    seconds = int((datetime.now(UTC) - created).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

"""The training history, written after each epoch as ``history.csv``."""

import csv
import io
import math
from pathlib import Path
from typing import TypedDict, cast

from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.foundation.files import write_text
from kerascnn.training.run import Run

HISTORY = "history.csv"


class Epoch(TypedDict):
    """One epoch; training metrics are running averages over it.

    ``seconds`` is the time of training alone, without the validation after it.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


def read_history(run: Run) -> list[Epoch]:
    """Read the epochs of a run; none if it has no history, as after surgery.

    Raises:
        KerasCnnError: It is damaged.
    """
    path = run.path / HISTORY
    if not path.is_file():
        return []
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
        return [_epoch(row, number) for number, row in enumerate(rows, start=1)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise KerasCnnError(f"{path} is damaged: {first_line(error)}") from error


def _epoch(row: dict[str, str], number: int) -> Epoch:
    """Read the row of an epoch.

    Raises:
        ValueError: It is of another epoch, or not all of its figures are numbers.
    """
    figures = {name: float(row[name]) for name in Epoch.__annotations__ if name != "epoch"}
    if int(row["epoch"]) != number or not all(map(math.isfinite, figures.values())):
        raise ValueError(f"row {number} does not contain the metrics of epoch {number}")
    return cast("Epoch", {"epoch": number, **figures})


def write_history(path: Path, history: list[Epoch]) -> None:
    """Write all epochs so far as CSV."""
    text = io.StringIO()
    rows = csv.DictWriter(text, fieldnames=list(Epoch.__annotations__), lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    write_text(path, text.getvalue())

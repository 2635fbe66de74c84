"""What happened in each epoch, on disk after each epoch as ``history.csv``."""

import csv
import io
from pathlib import Path
from typing import TypedDict

from kerascnn.files import write_text


class Epoch(TypedDict):
    """One row: figures of the training images are means over the epoch while the weights still moved.

    ``seconds`` is the time of training alone, without the validation after it.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float


def write_history(path: Path, history: list[Epoch]) -> None:
    """Write all epochs so far as CSV."""
    text = io.StringIO()
    rows = csv.DictWriter(text, fieldnames=list(Epoch.__annotations__), lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    write_text(path, text.getvalue())

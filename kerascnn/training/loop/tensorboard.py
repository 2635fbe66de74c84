"""Write curves and figures of learned features for TensorBoard."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.analysis.interpretability.feature_maps import activation_maps, filters, mistakes
from kerascnn.data.dataset import Dataset
from kerascnn.training.backend.events import event_writer, last_step
from kerascnn.training.records.history import Epoch

FIRST_FIGURES = 4  # the epoch; then after 8, 16, 32 …, for drawing takes as long as many short epochs


class TensorBoard:
    """Writes event files; a resumed training adds to those in the folder.

    Below the folder, ``training`` and ``validation`` use the same names, so that one chart has both curves. A
    step is an epoch.

    Args:
        folder: For the event files.
        finished: Returns the model as it is now, from raw pixels.
        data: Brought to the model's input.

    Raises:
        KerasCnnError: A file cannot be written; so does each method.
    """

    def __init__(self, folder: Path, finished: Callable[[], Any], data: Dataset) -> None:
        self._finished, self._data = finished, data
        self._written, self._drawn = last_step(folder), 0
        self._training, self._validation = (
            event_writer(folder / split) for split in ("training", "validation")
        )

    def epoch(self, epochs: list[Epoch]) -> None:
        """Write the new epochs, and figures after epochs 4, 8, 16 and so on.

        Args:
            epochs: All so far.
        """
        for row in epochs:
            number = row["epoch"]
            if number <= self._written:
                continue
            self._written = number
            figures = {
                "loss": row["loss"],
                "accuracy": row["accuracy"],
                "learning_rate": row["learning_rate"],
            }
            if row["seconds"]:
                figures["images_per_second"] = len(self._data.train) / row["seconds"]
            self._training(number, figures, {})
            self._validation(number, {"loss": row["val_loss"], "accuracy": row["val_accuracy"]}, {})
            if number >= FIRST_FIGURES and number.bit_count() == 1:
                self.figures(number)

    def figures(self, epoch: int) -> None:
        """Draw what the network has learned, unless already drawn.

        Args:
            epoch: Whose weights the model has.
        """
        if epoch == self._drawn:
            return
        self._drawn = epoch
        split, classes = self._data.validation, self._data.classes
        model = self._finished()
        shares = keras_classifier(model)(split.images)
        maps = activation_maps(model, split.images[:1][0], classes[split.labels[0]])
        figures = {f"activations/{name}": figure for name, figure in maps.items()}
        wrong = mistakes(split.images, split.labels, shares, classes)
        if wrong:
            figures["mistakes"] = wrong
        self._training(epoch, {}, _png({"filters": filters(model)}))
        self._validation(epoch, {}, _png(figures))


def _png(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    files = {}
    for name, figure in figures.items():
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=100)
        files[name] = content.getvalue()
    return files

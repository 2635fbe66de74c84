"""One predictor for every kind of model file: a run, a ``.keras`` or a ``.tflite`` file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.evaluation.evaluation import Classifier, keras_classifier
from kerascnn.analysis.interpretability.class_activation import class_map, require_class_map
from kerascnn.data.dataset import Images
from kerascnn.figures.plots import heatmaps, save_figure
from kerascnn.foundation.calls import checked
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError, first_line
from kerascnn.models.description import ModelDescription
from kerascnn.models.foreign_keras import scaling_of
from kerascnn.models.input_scaling import RAW, InputScaling
from kerascnn.models.keras_file import KerasModel, described, load_model, place_of
from kerascnn.models.other_formats import require_model_format
from kerascnn.tflite.metadata.labels import read_labels
from kerascnn.tflite.runtime.isolated import IsolatedClassifier
from kerascnn.training.run import Run

#: A run, a model's file, or a Keras model in memory.
AnyModel = Run | Path | str | KerasModel


@dataclass(frozen=True)
class Predictor:
    """A classifier with the preprocessing that its file carries; as a context manager it ends with its block.

    Attributes:
        path: The model file.
        description: The description in the file.
        classify: From images that fit the input to probabilities.
        scaling: How pixels become the numbers that the model takes.
        model: The ``keras.Model``, ``None`` for a ``.tflite`` file.
    """

    path: Path
    description: ModelDescription
    classify: Classifier
    scaling: InputScaling
    model: Any = None

    @classmethod
    @checked
    def open(
        cls,
        path: AnyModel,
        *,
        input_range: str | None = None,
        labels: Path | str | Sequence[str] | None = None,
    ) -> "Predictor":
        """Open a run folder, a ``.keras`` or a ``.tflite`` file, or take a Keras model in memory.

        Args:
            path: Path of the model, or a Keras model.
            input_range: For a model of another program: what black and white become, ``0..1`` or ``-1..1``;
                ``None``: what the model says, else ``0..255``, with a warning.
            labels: For such a model: its class names, or a file with one a line; ``None``: what its metadata
                say, else numbers from 0.

        Raises:
            UsageError: The range is none, or the file says itself what is given here.
            KerasCnnError: It does not exist, is incomplete, damaged, or is none of these.
        """
        held = path if isinstance(path, KerasModel) else None
        path = place_of(path) if isinstance(path, KerasModel) else model_file_of(path)
        known = not described(held).is_foreign if held else bool(ModelDescription.embedded(path))
        if (input_range is not None or labels is not None) and known:
            raise UsageError(
                f"{path} says itself what it takes and what its classes are called: an input range and "
                "labels are for models of other programs."
            )
        given = InputScaling.parse(input_range) if input_range is not None else None
        names = _class_names(labels)
        if held or path.suffix == ".keras":
            model, own = (held, described(held)) if held else load_model(path)
            said = scaling_of(model) if own.is_foreign else RAW
            description, scaling = _read_as(path, own, said, given, names)
            classify = _naming_file(path, keras_classifier(model, own.output, scaling))
            return cls(path, description, classify, scaling, model)
        lite = IsolatedClassifier(path)
        description, scaling = _read_as(path, lite.description, lite.scaling, given, names)
        lite.read_as(description, scaling)
        return cls(path, description, lite, scaling)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that runs a ``.tflite`` file; a Keras model needs none."""
        if isinstance(self.classify, IsolatedClassifier):
            self.classify.close()

    def require_class_map(self) -> None:
        """Refuse a model without a map of class scores.

        Raises:
            UsageError: Its head is dense layers, or it is a ``.tflite`` file.
        """
        if self.model is None:
            raise UsageError(
                f"{self.path} takes one size of image only: a heatmap needs the run or its .keras file."
            )
        require_class_map(self.model, self.description)

    def draw_heatmap(self, image: Image.Image, likeliest: tuple[tuple[str, float], ...], path: Path) -> None:
        """Draw the map of the likeliest class over an image."""
        found = class_map(self.model, self.description, image)
        label, share = likeliest[0]
        scores = found.scores[..., self.description.classes.index(label)]
        save_figure(heatmaps(found.pixels, found.extent, [(label, share, scores)]), path)


def _class_names(labels: Path | str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return class names, or those of a file."""
    if labels is None or (isinstance(labels, Sequence) and not isinstance(labels, str)):
        return None if labels is None else tuple(labels)
    return read_labels(Path(labels))


def _naming_file(path: Path, classify: Classifier) -> Classifier:
    """Return a classifier whose failures, whatever Keras raises, name the file."""

    def classified(images: Images) -> NDArray[np.float32]:
        try:
            return classify(images)
        except KerasCnnError:
            raise
        except Exception as error:
            raise KerasCnnError(f"{path} cannot be run: {first_line(error)}") from error

    return classified


def _read_as(
    path: Path,
    own: ModelDescription,
    scaling: InputScaling,
    given: InputScaling | None,
    names: tuple[str, ...] | None,
) -> tuple[ModelDescription, InputScaling]:
    """Return what a file says and what a user says of it together."""
    if names and len(names) != len(own.classes):
        surplus = " Is its first line a background class?" if len(names) == len(own.classes) + 1 else ""
        raise UsageError(f"the labels name {len(names):,} classes, {path} has {len(own.classes):,}.{surplus}")
    for note in _notes(path, own, scaling, given):
        warn(note, KerasCnnWarning, stacklevel=4)
    return own.model_copy(update={"classes": names}) if names else own, given or scaling


def _notes(
    path: Path, own: ModelDescription, scaling: InputScaling, given: InputScaling | None
) -> Iterator[str]:
    """Yield what is assumed of a file of another program."""
    if not given and not scaling.known_from:
        yield (
            f"{path} does not say which numbers it takes for black and white: 0 and 255 are assumed. If it "
            "was trained on pixels divided by 255, add --input-range 0..1; on −1 to 1, --input-range -1..1."
        )
    if given and scaling.known_from and not np.allclose(given.ends, scaling.ends, atol=0.1):
        low, high = scaling.ends
        yield (f"{path} takes {low:g} to {high:g}, by {scaling.known_from}; the given range is used instead.")
    if own.output == "logit":
        yield (
            f"{path} has one output without a sigmoid: it is taken as the logit of the second of two classes."
        )


def model_file_of(path: Run | Path | str) -> Path:
    """Return the ``.keras`` or ``.tflite`` file that a path names, or that a run holds, without opening it.

    Raises:
        KerasCnnError: It does not exist, is incomplete, or is none of these.
    """
    path = Path(path)
    if not path.exists():
        raise KerasCnnError(f"{path} does not exist. `kerascnn runs` lists the runs.")
    require_model_format(path)
    return Run.open(path).require_model() if path.is_dir() else path

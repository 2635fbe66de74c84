"""One predictor for every kind of model file: a run, a ``.keras`` or a ``.tflite`` file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.images import read_image
from kerascnn.data.sources import known_sources, load
from kerascnn.description import ModelDescription
from kerascnn.errors import KerasCnnError, UsageError
from kerascnn.evaluation import Classifier, Evaluation, evaluate_classifier, keras_classifier
from kerascnn.model_file import load_model
from kerascnn.run import Run
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.training.config import ResolvedConfig


@dataclass(frozen=True)
class Predictor:
    """A classifier with the preprocessing that its file carries.

    Attributes:
        path: The model file.
        description: What the file says about itself.
        classify: From images that fit the input to probabilities.
    """

    path: Path
    description: ModelDescription
    classify: Classifier

    @classmethod
    def open(cls, path: Run | Path | str) -> "Predictor":
        """Open a run folder, a ``.keras`` or a ``.tflite`` file.

        Raises:
            KerasCnnError: It does not exist, is incomplete, damaged, or is none of these.
        """
        path = Path(path)
        if path.is_dir():
            path = Run.open(path).require_model()
        if not path.exists():
            raise KerasCnnError(f"{path} does not exist. `kerascnn runs` lists the runs.")
        if path.suffix == ".keras":
            model, description = load_model(path)
            return cls(path, description, keras_classifier(model, description.output))
        if path.suffix == ".tflite":
            lite = LiteRTClassifier(path)
            return cls(path, lite.description, lite)
        raise KerasCnnError(f"{path} is neither a run folder nor a .keras or .tflite file.")

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities, float32 (n, classes), of pictures of any one size, uint8 (n, h, w, c)."""
        return self.classify(self.description.preprocessing.batch(images))


@dataclass(frozen=True)
class Prediction:
    """What a model says about one picture: (label, probability) pairs, the likeliest first."""

    image: Path
    classes: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return image and classes."""
        return {
            "image": str(self.image),
            "classes": [{"label": label, "probability": share} for label, share in self.classes],
        }


def predict(
    model: Run | Path | str, images: Sequence[Path | str], *, top_k: int = 3, invert: bool = False
) -> list[Prediction]:
    """Classify image files.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file.
        images: Files of any size, grey or colour.
        top_k: How many classes to name for each, at most all there are.
        invert: Turn dark on light into light on dark, as MNIST's digits are.

    Raises:
        UsageError: ``top_k`` is less than 1, or there is no image.
        KerasCnnError: The model or an image cannot be read.
    """
    if top_k < 1:
        raise UsageError(f"top_k must be at least 1. Received: top_k={top_k}")
    if not images:
        raise UsageError("images must name at least one file. Received: images=[]")
    predictor = Predictor.open(model)
    prepare = predictor.description.preprocessing.image
    prepared = [prepare(read_image(Path(image), invert=invert)) for image in images]
    shares = predictor.classify(np.stack(prepared))
    return [
        Prediction(Path(image), _likeliest(row, predictor.description.classes, top_k))
        for image, row in zip(images, shares, strict=True)
    ]


def _likeliest(
    shares: NDArray[np.float32], classes: tuple[str, ...], top_k: int
) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-shares, kind="stable")[:top_k]
    return tuple((classes[label], float(shares[label])) for label in order)


def evaluate(
    model: Run | Path | str, *, data: str | None = None, data_dir: Path | str | None = None
) -> Evaluation:
    """Evaluate a model on the test images of a source, through the preprocessing that its file carries.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file.
        data: The source; ``None``: the one the model was trained on.
        data_dir: The folder with the source's files; ``None``: where they were when the run was trained that
            the model file lies in.

    Raises:
        UsageError: The model file does not say which source it was trained on, and none is named.
        KerasCnnError: The model or the data cannot be read, or their classes differ in number.
    """
    predictor = Predictor.open(model)
    run = Run.around(Path(model))
    trained = ResolvedConfig.read(run.path / "config.toml") if run else None
    source = data or (trained.data if trained else predictor.description.source)
    if source == "unknown":
        raise UsageError(f"{model} does not say what it was trained on: name a source with --data.")
    if not data and not trained and source not in known_sources():
        raise UsageError(f"{model} was trained on the folder {source!r}: name it with --data.")
    if data_dir is None and trained and trained.data == source:
        data_dir = trained.data_dir
    dataset = load(source, data_dir)
    test = dataset.test.prepared(predictor.description.preprocessing)
    return evaluate_classifier(
        predictor.classify, test, dataset.classes, model=str(Path(model)), data=dataset.source
    )

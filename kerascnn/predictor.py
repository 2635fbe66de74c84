"""One predictor for every kind of model file: a run, a ``.keras`` or a ``.tflite`` file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.class_map import class_map, require_class_map
from kerascnn.data.dataset import Dataset
from kerascnn.data.images import read_image, require_image_file
from kerascnn.data.sources import load, sources
from kerascnn.description import FOLDER, ModelDescription
from kerascnn.errors import KerasCnnError, UsageError
from kerascnn.evaluation import Classifier, Evaluation, baseline_of, evaluate_classifier, keras_classifier
from kerascnn.figures import heatmaps, save_figure
from kerascnn.model_file import load_model
from kerascnn.run import Run
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.training.trained_data import load_trained_data


@dataclass(frozen=True)
class Predictor:
    """A classifier with the preprocessing that its file carries.

    Attributes:
        path: The model file.
        description: What the file says about itself.
        classify: From images that fit the input to probabilities.
        model: The ``keras.Model``, ``None`` for a ``.tflite`` file.
    """

    path: Path
    description: ModelDescription
    classify: Classifier
    model: Any = None

    @classmethod
    def open(cls, path: Run | Path | str) -> "Predictor":
        """Open a run folder, a ``.keras`` or a ``.tflite`` file.

        Raises:
            KerasCnnError: It does not exist, is incomplete, damaged, or is none of these.
        """
        path = model_file_of(path)
        if path.suffix == ".keras":
            model, description = load_model(path)
            return cls(path, description, keras_classifier(model, description.output), model)
        lite = LiteRTClassifier(path)
        return cls(path, lite.description, lite)

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

    def draw_heatmap(
        self, picture: Image.Image, likeliest: tuple[tuple[str, float], ...], path: Path
    ) -> None:
        """Draw the map of the likeliest class over a picture."""
        found = class_map(self.model, self.description, picture)
        label, share = likeliest[0]
        scores = found.scores[..., self.description.classes.index(label)]
        save_figure(heatmaps(found.pixels, found.extent, [(label, share, scores)]), path)


def model_file_of(path: Run | Path | str) -> Path:
    """Return the ``.keras`` or ``.tflite`` file that a path names, or that a run holds, without opening it.

    Raises:
        KerasCnnError: It does not exist, is incomplete, or is none of these.
    """
    path = Path(path)
    if path.is_dir():
        path = Run.open(path).require_model()
    if not path.exists():
        raise KerasCnnError(f"{path} does not exist. `kerascnn runs` lists the runs.")
    if path.suffix not in (".keras", ".tflite"):
        raise KerasCnnError(f"{path} is neither a run folder nor a .keras or .tflite file.")
    return path


@dataclass(frozen=True)
class Prediction:
    """What a model says about one picture.

    Attributes:
        image: The file.
        classes: (label, probability) pairs, the likeliest first.
        heatmap: Where the map of the likeliest class was drawn.
    """

    image: Path
    classes: tuple[tuple[str, float], ...]
    heatmap: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return image and classes, and heatmap where there is one."""
        return {
            "image": str(self.image),
            "classes": [{"label": label, "probability": share} for label, share in self.classes],
            **({"heatmap": str(self.heatmap)} if self.heatmap else {}),
        }


def predict(
    model: Run | Path | str,
    images: Sequence[Path | str],
    *,
    top_k: int = 3,
    invert: bool = False,
    heatmap_dir: Path | str | None = None,
) -> list[Prediction]:
    """Classify image files.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file.
        images: Files of any size, grey or colour.
        top_k: How many classes to name for each, at most all there are.
        invert: Turn dark on light into light on dark, as MNIST's digits are.
        heatmap_dir: A folder for ``<image>-heatmap.png``, the map of the likeliest class over the picture.

    Raises:
        UsageError: ``top_k`` is less than 1, there is no image, or the model has no map of class scores.
        KerasCnnError: The model or an image cannot be read.
    """
    if top_k < 1:
        raise UsageError(f"top_k must be at least 1. Received: top_k={top_k}")
    if not images:
        raise UsageError("images must name at least one file. Received: images=[]")
    model = model_file_of(model)
    for image in images:  # before the model is loaded, which takes seconds
        require_image_file(Path(image))
    predictor = Predictor.open(model)
    if heatmap_dir is not None:
        predictor.require_class_map()
    classes, prepare = predictor.description.classes, predictor.description.preprocessing.image
    pictures = [read_image(Path(image), invert=invert) for image in images]
    shares = predictor.classify(np.stack([prepare(picture) for picture in pictures]))
    named = [_likeliest(row, classes, top_k) for row in shares]
    found = [Prediction(Path(image), likeliest) for image, likeliest in zip(images, named, strict=True)]
    if heatmap_dir is None:
        return found
    paths = _heatmap_paths(images, Path(heatmap_dir))
    for picture, likeliest, path in zip(pictures, named, paths, strict=True):
        predictor.draw_heatmap(picture, likeliest, path)
    return [replace(prediction, heatmap=path) for prediction, path in zip(found, paths, strict=True)]


def _heatmap_paths(images: Sequence[Path | str], folder: Path) -> list[Path]:
    """Return one path an image; images of the same name in several folders are numbered."""
    names: list[str] = []
    for image in images:
        stem = Path(image).stem
        numbered = (f"{stem}-{number}" for number in count(2))
        names.append(stem if stem not in names else next(name for name in numbered if name not in names))
    return [folder / f"{name}-heatmap.png" for name in names]


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
        KerasCnnError: The model or the data cannot be read, or their classes differ.
    """
    file = model_file_of(model)
    # Whatever is wrong with the data is found before the model is loaded, which takes seconds.
    dataset = _named_data(Run.around(Path(model)), data, data_dir)
    predictor = Predictor.open(file)
    described = predictor.description
    if dataset is None:
        dataset = load(_registered_source(predictor), data_dir)
    if described.variant != "unknown" and dataset.classes != described.classes:
        raise KerasCnnError(
            f"{model} knows the classes {', '.join(described.classes)}; {dataset.source} has "
            f"{', '.join(dataset.classes)}: they do not fit."
        )
    test = dataset.test.prepared(described.preprocessing)
    return evaluate_classifier(
        predictor.classify,
        test,
        dataset.classes,
        model=str(Path(model)),
        data=dataset.source,
        baseline=baseline_of(dataset),
    )


def _named_data(run: Run | None, data: str | None, data_dir: Path | str | None) -> Dataset | None:
    """Return the named data or those of the run, ``None`` where only the model file names them."""
    if data is not None and not (run and data in sources and data == run.record.source):
        named = load(data, data_dir)
        named.tell()
        return named
    return load_trained_data(run, data_dir) if run else None


def _registered_source(predictor: Predictor) -> str:
    source = predictor.description.source
    if source == "unknown":
        raise UsageError(f"{predictor.path} does not say what it was trained on: name a source with --data.")
    if source.startswith(FOLDER):
        raise UsageError(f"{predictor.path} was trained on the {source}: name that folder with --data.")
    return source

"""One predictor for every kind of model file: a run, a ``.keras`` or a ``.tflite`` file."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.evaluation.evaluation import (
    Classifier,
    Evaluation,
    baseline_of,
    evaluate_classifier,
    keras_classifier,
)
from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.analysis.interpretability.class_activation import class_map, require_class_map
from kerascnn.data.dataset import Dataset, Images
from kerascnn.data.image_files import READERS
from kerascnn.data.images import read_image, require_image_file
from kerascnn.data.sources.registry import load, sources
from kerascnn.figures.plots import heatmaps, save_figure
from kerascnn.foundation.calls import checked
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError, first_line
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.text.shown import Block, Facts, Shown, ShownList
from kerascnn.models.description import FOLDER, ModelDescription
from kerascnn.models.foreign_keras import scaling_of
from kerascnn.models.input_scaling import RAW, InputScaling
from kerascnn.models.keras_file import KerasModel, described, load_model, place_of
from kerascnn.models.other_formats import require_model_format
from kerascnn.tflite.metadata.labels import read_labels
from kerascnn.tflite.runtime.isolated import IsolatedClassifier
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run

#: A run, a model's file, or a Keras model in memory.
AnyModel = Run | Path | str | KerasModel

READ_AT_ONCE = 64  # pictures; more are read when these are classified


@dataclass(frozen=True)
class Predictor:
    """A classifier with the preprocessing that its file carries; as a context manager it ends with its block.

    Attributes:
        path: The model file.
        description: What the file says about itself.
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
            path: What to open, or the model.
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
        told = InputScaling.parse(input_range) if input_range is not None else None
        names = _class_names(labels)
        if held or path.suffix == ".keras":
            model, own = (held, described(held)) if held else load_model(path)
            said = scaling_of(model) if own.is_foreign else RAW
            description, scaling = _read_as(path, own, said, told, names)
            classify = _told(path, keras_classifier(model, own.output, scaling))
            return cls(path, description, classify, scaling, model)
        lite = IsolatedClassifier(path)
        description, scaling = _read_as(path, lite.description, lite.scaling, told, names)
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

    def draw_heatmap(
        self, picture: Image.Image, likeliest: tuple[tuple[str, float], ...], path: Path
    ) -> None:
        """Draw the map of the likeliest class over a picture."""
        found = class_map(self.model, self.description, picture)
        label, share = likeliest[0]
        scores = found.scores[..., self.description.classes.index(label)]
        save_figure(heatmaps(found.pixels, found.extent, [(label, share, scores)]), path)


def _class_names(labels: Path | str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return class names, or those of a file."""
    if labels is None or (isinstance(labels, Sequence) and not isinstance(labels, str)):
        return None if labels is None else tuple(labels)
    return read_labels(Path(labels))


def _told(path: Path, classify: Classifier) -> Classifier:
    """Return a classifier whose failures, whatever Keras raises, name the file."""

    def told(images: Images) -> NDArray[np.float32]:
        try:
            return classify(images)
        except KerasCnnError:
            raise
        except Exception as error:
            raise KerasCnnError(f"{path} cannot be run: {first_line(error)}") from error

    return told


def _read_as(
    path: Path,
    own: ModelDescription,
    scaling: InputScaling,
    told: InputScaling | None,
    names: tuple[str, ...] | None,
) -> tuple[ModelDescription, InputScaling]:
    """Return what a file says and what a user says of it together."""
    if names and len(names) != len(own.classes):
        surplus = " Is its first line a background class?" if len(names) == len(own.classes) + 1 else ""
        raise UsageError(f"the labels name {len(names):,} classes, {path} has {len(own.classes):,}.{surplus}")
    for note in _notes(path, own, scaling, told):
        warn(note, KerasCnnWarning, stacklevel=4)
    return own.model_copy(update={"classes": names}) if names else own, told or scaling


def _notes(
    path: Path, own: ModelDescription, scaling: InputScaling, told: InputScaling | None
) -> Iterator[str]:
    """Yield what is assumed of a file of another program."""
    if not told and not scaling.known_from:
        yield (
            f"{path} does not say which numbers it takes for black and white: 0 and 255 are assumed. If it "
            "was trained on pixels divided by 255, add --input-range 0..1; on −1 to 1, --input-range -1..1."
        )
    if told and scaling.known_from and not np.allclose(told.ends, scaling.ends, atol=0.1):
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


@dataclass(frozen=True)
class Prediction(Shown):
    """What a model says about one picture.

    Attributes:
        image: The file.
        classes: (label, probability) pairs, the likeliest first.
        heatmap: Where the map of the likeliest class was drawn.
    """

    image: Path
    classes: tuple[tuple[str, float], ...]
    heatmap: Path | None = None

    @property
    def told(self) -> str:
        """The classes in words, and the heatmap where there is one."""
        likeliest = "  ".join(f"{label} {share:.1%}" for label, share in self.classes)
        return likeliest + (f"  heatmap {self.heatmap}" if self.heatmap else "")

    def blocks(self) -> list[Block]:
        """Return the image and its classes."""
        return [Facts([(str(self.image), self.told)])]

    def to_dict(self) -> dict[str, Any]:
        """Return image and classes, and heatmap where there is one."""
        return {
            "image": str(self.image),
            "classes": [{"label": label, "probability": share} for label, share in self.classes],
            **({"heatmap": str(self.heatmap)} if self.heatmap else {}),
        }


class Predictions(ShownList[Prediction]):
    """What a model says about several pictures."""

    def blocks(self) -> list[Block]:
        """Return a line for each image."""
        return [Facts([(str(each.image), each.told) for each in self])]


def predict(
    model: AnyModel,
    images: Path | str | Sequence[Path | str],
    *,
    top_k: int = 3,
    invert: bool = False,
    heatmap_dir: Path | str | None = None,
    overwrite: bool = False,
    input_range: str | None = None,
    labels: Path | str | Sequence[str] | None = None,
) -> Predictions:
    """Classify image files.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file, or a Keras model in memory. It gets pixels of
            0 to 255, as kerascnn's models take them; one of another program what ``input_range`` says.
        images: Files of any size, grey or colour.
        top_k: How many classes to name for each, at most all there are.
        invert: Turn dark on light into light on dark, as MNIST's digits are.
        heatmap_dir: A folder for ``<image>-heatmap.png``, the map of the likeliest class over the picture.
        overwrite: Whether files there may be replaced that this program did not make.
        input_range: Of a model of another program, see :meth:`Predictor.open`; ``labels`` likewise.

    Raises:
        UsageError: ``top_k`` is less than 1, there is no image, or the model has no map of class scores.
        KerasCnnError: The model or an image cannot be read.
    """
    if top_k < 1:
        raise UsageError(f"top_k must be at least 1. Received: top_k={top_k}")
    images = [images] if isinstance(images, Path | str) else images
    if not images:
        raise UsageError("images must name at least one file. Received: images=[]")
    model = model if isinstance(model, KerasModel) else model_file_of(model)
    for image in images:  # before the model is loaded, which takes seconds
        require_image_file(Path(image))
    maps = None if heatmap_dir is None else _heatmap_paths(images, Path(heatmap_dir))
    require_own(maps or [], overwrite=overwrite)
    with Predictor.open(model, input_range=input_range, labels=labels) as predictor:
        if maps:
            predictor.require_class_map()
        return Predictions(_predictions(predictor, list(map(Path, images)), top_k, maps, invert=invert))


def _predictions(
    predictor: Predictor, images: Sequence[Path], top_k: int, maps: Sequence[Path] | None, *, invert: bool
) -> Iterator[Prediction]:
    """Yield what a model says; some pictures at a time are in memory, read by several threads."""
    classes, prepare = predictor.description.classes, predictor.description.preprocessing.image
    read = partial(read_image, invert=invert)
    number = 0
    for pixels in _read_ahead(images, lambda image: prepare(read(image))):
        for row in predictor.classify(pixels):
            image, likeliest = images[number], _likeliest(row, classes, top_k)
            if maps:
                predictor.draw_heatmap(read(image), likeliest, maps[number])
            yield Prediction(image, likeliest, maps[number] if maps else None)
            number += 1


def _read_ahead(
    images: Sequence[Path], read: Callable[[Path], NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield some images at a time, as one array; the next ones are read meanwhile."""
    with ThreadPoolExecutor(READERS) as readers:
        some = [images[start : start + READ_AT_ONCE] for start in range(0, len(images), READ_AT_ONCE)]
        waiting = readers.map(read, some[0])
        for following in [*some[1:], ()]:
            pixels = np.stack(list(waiting))
            waiting = readers.map(read, following)
            yield pixels


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
    model: AnyModel,
    *,
    data: Path | str | None = None,
    data_dir: Path | str | None = None,
    input_range: str | None = None,
    labels: Path | str | Sequence[str] | None = None,
) -> Evaluation:
    """Evaluate a model on the test images of a source, through the preprocessing that its file carries.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file, or a Keras model in memory; what becomes of
            pixels, see :func:`predict`.
        data: The source; ``None``: the one the model was trained on, as far as its file says it.
        data_dir: The folder with the source's files; ``None``: where they were when the run was trained that
            the model file lies in.
        input_range: Of a model of another program, see :meth:`Predictor.open`; ``labels`` likewise. Its
            classes are those of the data by their names, or by their order where the names differ.

    Raises:
        UsageError: The model file does not say which source it was trained on, and none is named.
        KerasCnnError: The model or the data cannot be read, or their classes differ.
    """
    # Whatever is wrong with the file or the data is found before the model is loaded, which takes seconds.
    place = place_of(model) if isinstance(model, KerasModel) else Path(model)
    opened = model if isinstance(model, KerasModel) else model_file_of(place)
    data = None if data is None else str(data)
    dataset = _named_data(None if opened is model else Run.around(place), data, data_dir)
    with Predictor.open(opened, input_range=input_range, labels=labels) as predictor:
        rule = predictor.description.preprocessing
        if dataset is None:
            dataset = load(_registered_source(predictor), data_dir)
        classify = _in_order_of(dataset, predictor)
        test = dataset.test.prepared(rule)
        found = evaluate_classifier(
            classify,
            test,
            dataset.classes,
            model=str(place),
            data=dataset.source,
            baseline=baseline_of(dataset),
        )
    if found.is_below_baseline:
        warn(_doubt(found, is_foreign=predictor.description.is_foreign), KerasCnnWarning, stacklevel=2)
    return found


def _doubt(found: Evaluation, *, is_foreign: bool) -> str:
    """Return what may be wrong with a model that knows less than nothing."""
    assert found.baseline
    why = (
        "its class names may stand in another order, or its pixels be scaled otherwise: --labels FILE and "
        "--input-range A..B say so"
        if is_foreign
        else "its training or quantization failed, or these images are of another kind than those it learned"
    )
    return (
        f"{found.model} gets {percent(found.accuracy.accuracy)}, less than always answering "
        f"{found.baseline.answer} ({percent(found.baseline.accuracy)}): {why}."
    )


def _in_order_of(dataset: Dataset, predictor: Predictor) -> Classifier:
    """Return the classifier with its classes in the order of the data.

    Raises:
        KerasCnnError: Its classes are others.
    """
    own, classify = predictor.description.classes, predictor.classify
    if own == dataset.classes:
        return classify
    if predictor.description.is_foreign and len(own) == len(dataset.classes):
        if set(own) != set(dataset.classes):
            return classify
        order = [own.index(name) for name in dataset.classes]
        return lambda images: classify(images)[:, order]
    raise KerasCnnError(
        f"{predictor.path} has {len(own)} classes ({_some(own)}), {dataset.source} has "
        f"{len(dataset.classes)} ({_some(dataset.classes)}): they do not fit."
    )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


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

"""``predict``: the classes of image files, and a heatmap of the likeliest one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.image_files import READERS
from kerascnn.data.images import read_image, require_image_file
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.text.shown import Block, Facts, Shown, ShownList
from kerascnn.models.keras_file import KerasModel
from kerascnn.workflows.predictor import AnyModel, Predictor, model_file_of

READ_AT_ONCE = 64  # images; more are read when these are classified


@dataclass(frozen=True)
class Prediction(Shown):
    """What a model says about one image.

    Attributes:
        image: The file.
        classes: (label, probability) pairs, the likeliest first.
        heatmap: Path of the class activation map of the top class.
    """

    image: Path
    classes: tuple[tuple[str, float], ...]
    heatmap: Path | None = None

    @property
    def line(self) -> str:
        """The classes in words, and the heatmap where there is one."""
        likeliest = "  ".join(f"{label} {share:.1%}" for label, share in self.classes)
        return likeliest + (f"  heatmap {self.heatmap}" if self.heatmap else "")

    def blocks(self) -> list[Block]:
        """Return the image and its classes."""
        return [Facts([(str(self.image), self.line)])]

    def to_dict(self) -> dict[str, Any]:
        """Return image and classes, and heatmap where there is one."""
        return {
            "image": str(self.image),
            "classes": [{"label": label, "probability": share} for label, share in self.classes],
            **({"heatmap": str(self.heatmap)} if self.heatmap else {}),
        }


class Predictions(ShownList[Prediction]):
    """What a model says about several images."""

    def blocks(self) -> list[Block]:
        """Return a line for each image."""
        return [Facts([(str(each.image), each.line) for each in self])]


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
        heatmap_dir: A folder for ``<image>-heatmap.png``, the map of the likeliest class over the image.
        overwrite: Whether files there may be replaced that this program did not make.
        input_range: For models of other programs, see :meth:`Predictor.open`; ``labels`` likewise.

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
    """Yield what a model says; some images at a time are in memory, read by several threads."""
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

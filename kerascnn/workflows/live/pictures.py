"""What a network looks like while it trains: filters, activation maps, and its answers to test images."""

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import softmax
from kerascnn.analysis.interpretability.conv_blocks import conv_blocks, convolutions
from kerascnn.data.dataset import Dataset

IMAGES, PHOTOS = 24, 8  # test images that are shown
PHOTO = 64  # pixels of a side from which on an image is a photo
MOST_MAPS = 32  # of a convolution
MOST_FILTERS = 96  # squares of weights
FINEST = 32  # cells of a map's side that are sent
LIKELIEST = 3
HIGHEST = 127  # of a byte with a sign
COLOURS = 3


@dataclass(frozen=True)
class Tiles:
    """Squares of numbers, each a byte times one scale.

    Attributes:
        name: Of their layer.
        values: int8, shape (tiles, rows, columns), or (tiles, rows, columns, 3) for colours.
        largest: What 127 stands for.
        of: How many there are, of which these are the first.
        sides: Rows and columns of the layer's own, of which these may be every second or n-th.
    """

    name: str
    values: NDArray[np.int8]
    largest: float
    of: int
    sides: tuple[int, int]

    @classmethod
    def of_numbers(cls, name: str, numbers: NDArray[np.float32], of: int, finest: int = FINEST) -> "Tiles":
        """Return numbers of such a shape on one scale; one that is not finite is 0.

        Args:
            name: Of their layer.
            numbers: Where a side is longer than ``finest``, only every n-th row and column is taken.
            of: How many there are in all.
            finest: Rows and columns that are kept.
        """
        rows, columns = numbers.shape[1:3]
        stride = math.ceil(max(rows, columns) / finest)
        numbers = numbers[:, ::stride, ::stride]
        numbers = np.nan_to_num(numbers, posinf=0, neginf=0)
        largest = float(np.abs(numbers).max(initial=0))
        values = np.round(numbers * (HIGHEST / largest)) if largest else numbers
        return cls(name, values.astype(np.int8), largest, of, (rows, columns))

    def to_dict(self) -> dict[str, Any]:
        """Return name, shape, sides, largest, of and the bytes as base64."""
        return {
            "name": self.name,
            "shape": list(self.values.shape),
            "sides": self.sides,
            "largest": self.largest,
            "of": self.of,
            "values": encoded(self.values),
        }


def encoded(values: NDArray[Any]) -> str:
    """Return an array's bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


@dataclass(frozen=True)
class Pictures:
    """What the network looks like after a step.

    Attributes:
        place: Epoch and step.
        before: Those of the picture before; ``change`` is that of the weights since then.
        filters: Weights of the first convolution.
        chosen: Number of the image that the maps are of.
        maps: For each convolution.
        answers: For each image (class, probability) of the likeliest classes, the likeliest first.
    """

    place: tuple[int, int]
    before: tuple[int, int] | None
    filters: Tiles
    change: Tiles | None
    chosen: int
    maps: list[Tiles]
    answers: list[list[tuple[int, float]]]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "place": self.place,
            "before": self.before,
            "filters": self.filters.to_dict(),
            "change": self.change.to_dict() if self.change else None,
            "chosen": self.chosen,
            "maps": [tiles.to_dict() for tiles in self.maps],
            "answers": self.answers,
        }


class Camera:
    """Takes the pictures of one training.

    Args:
        model: From raw pixels to logits; its weights change while it trains.
        data: Brought to its input; test images are shown, because the network does not learn from them.
    """

    def __init__(self, model: Any, data: Dataset) -> None:
        self._classes = data.classes
        numbers = _spread(data.test.labels, PHOTOS if model.input_shape[1] > PHOTO else IMAGES)
        self.labels = data.test.labels[numbers]
        self.images = np.asarray(data.test.images[numbers])
        found = convolutions(model)
        self._first = [use.layer for use in found if use.reads == found[0].reads]
        self._before: tuple[tuple[int, int], NDArray[np.float32]] | None = None
        blocks = [block for block in conv_blocks(model) if math.prod(block.shape[:2]) > 1]
        self._names = [block.name for block in blocks]
        self._maps = _with_outputs(model, [block.after for block in blocks])

    def facts(self) -> dict[str, Any]:
        """Return the images, their labels and the names of classes."""
        shape = list(self.images.shape[1:])
        return {
            "classes": list(self._classes),
            "shape": shape,
            "images": [
                {"label": int(label), "pixels": encoded(image)}
                for label, image in zip(self.labels, self.images, strict=True)
            ],
        }

    def take(self, place: tuple[int, int], chosen: int) -> Pictures:
        """Return the pictures of now.

        Args:
            place: Epoch and step.
            chosen: The image of which the maps are.
        """
        scores, *maps = self._maps.predict_on_batch(self.images)
        shares = softmax(np.asarray(scores, np.float32))
        order = np.argsort(-shares, axis=1, kind="stable")[:, :LIKELIEST]
        weights = _weights(self._first)
        old = self._before
        if old is None or old[0] != place:
            self._before = place, weights
        name = self._first[0].name
        count = len(weights)
        return Pictures(
            place=place,
            before=old[0] if old else None,
            filters=Tiles.of_numbers(name, weights[:MOST_FILTERS], count),
            change=Tiles.of_numbers(name, (weights - old[1])[:MOST_FILTERS], count) if old else None,
            chosen=chosen,
            maps=[_map(name, each[chosen]) for name, each in zip(self._names, maps, strict=True)],
            answers=[
                [(int(number), round(float(row[number]), 4)) for number in best]
                for row, best in zip(shares, order, strict=True)
            ],
        )


def _with_outputs(model: Any, outputs: list[Any]) -> Any:
    import keras

    return keras.Model(model.input, [model.output, *outputs])


def _spread(labels: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Return numbers of images of as many classes as possible, in the order of their classes' turns."""
    turn = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of_class = labels == label
        turn[of_class] = np.arange(of_class.sum())
    return np.lexsort((labels, turn))[:count]


def _weights(layers: list[Any]) -> NDArray[np.float32]:
    """Return the filters of layers that read the same, as tiles; those over colour are colours."""
    import keras

    kernels = [np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float32) for layer in layers]
    filters = np.concatenate([kernel.transpose(3, 0, 1, 2) for kernel in kernels])
    count, height, width, channels = filters.shape
    if channels == COLOURS:
        return filters
    return filters.transpose(0, 3, 1, 2).reshape(count * channels, height, width)


def _map(name: str, maps: Any) -> Tiles:
    values = np.asarray(maps, np.float32).transpose(2, 0, 1)
    return Tiles.of_numbers(name, values[:MOST_MAPS], len(values))

"""The input pipeline for image files: decoded during training, randomly cropped and flipped."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.evaluation.evaluation import images_at_once
from kerascnn.data.augmentation import UNCHANGED, Augmentation
from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import READERS, FileSplit
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.training.backend.distribution import Team
from kerascnn.training.backend.pipelines import streamed
from kerascnn.training.backend.sharding import Joined
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.input.feed import class_weights, epoch_order

MARGIN = 9 / 8  # an image is kept with a shorter side this much larger than the input, as 256 for 227
PIXEL_BYTES = 4  # Pillow keeps three channels in four bytes

Batch = tuple[Any, ...]  # inputs, labels, and weights where classes have some


class StreamFeed:
    """Batches of images; each crop and flip is drawn from seed, epoch and image.

    A file that cannot be decoded ends the training; the reason stands in ``failure``, because TensorFlow
    wraps what is raised inside its pipeline.
    """

    steps_per_call = 1

    def __init__(self, model: Any, data: Dataset, config: ResolvedConfig, team: Team) -> None:
        assert isinstance(data.train, FileSplit)
        self.model, self._team = (model if team.devices == 1 else _of_parts(model)), team
        self.failure: KerasCnnError | None = None
        self._data, self._train, self._config = data, data.train, config
        self._rule = data.train.images.preprocessing
        self._change = data.augmentation.part(config.augment)
        self._weights = class_weights(self._train.labels) if config.class_weights else None
        self._kept: dict[int, Image.Image] = {}
        self._room, self._lock = config.cache_mb * 2**20, Lock()

    def training(self, epoch: int) -> Any:
        """Return the training batches of an epoch, counted from 1."""
        order = epoch_order(self._config.seed, epoch, len(self._train))
        starts = range(0, len(order), self._config.batch_size)
        wanted = [order[start : start + self._config.batch_size] for start in starts]

        def produce() -> Iterator[Batch]:
            with ThreadPoolExecutor(READERS) as readers:
                for numbers in wanted:
                    mine = self._team.part(numbers)
                    images = np.stack(
                        list(readers.map(lambda number: self._augmented(epoch, int(number)), mine))
                    )
                    labels = self._train.labels[numbers]
                    weights = () if self._weights is None else (self._weights[labels],)
                    yield self._inputs(numbers, images), labels, *weights

        weights = () if self._weights is None else (self._weights,)
        example = self._inputs(order, self._no_image), self._train.labels, *weights
        return streamed(self._reporting(produce), example, len(wanted))

    def validation(self) -> Any:
        """Return the validation batches, cropped in the middle."""
        split, at_once = self._data.validation, images_at_once(self._no_image.shape[1:])
        starts = range(0, len(split), at_once)

        def produce() -> Iterator[Batch]:
            for start in starts:
                numbers = np.arange(start, min(start + at_once, len(split)), dtype=np.int32)
                images = split.images[self._team.part(numbers)]
                yield self._inputs(numbers, images), split.labels[numbers]

        example = self._inputs(split.labels, self._no_image), split.labels
        return streamed(self._reporting(produce), example, len(starts))

    def _inputs(self, numbers: NDArray[np.int32], images: NDArray[np.uint8]) -> Any:
        """Return the model's inputs; the indices give the size of the whole batch."""
        return images if self._team.devices == 1 else (numbers, images)

    @property
    def _no_image(self) -> NDArray[np.uint8]:
        return np.empty((0, self._rule.height, self._rule.width, self._rule.channels), np.uint8)

    def _reporting(self, produce: Callable[[], Iterator[Batch]]) -> Callable[[], Iterator[Batch]]:
        def reporting() -> Iterator[Batch]:
            try:
                yield from produce()
            except KerasCnnError as error:
                self.failure = error
                raise

        return reporting

    def _augmented(self, epoch: int, number: int) -> NDArray[np.uint8]:
        """Return a randomly augmented image, or its unchanged middle."""
        image, change = self._image(number), self._change
        draw = np.random.default_rng((self._config.seed, epoch, number))
        if change.crop < 1:
            side = min(image.size) * draw.uniform(change.crop, 1)
            left, top = (image.width - side) * draw.random(), (image.height - side) * draw.random()
            changed = self._rule.crop(image, (left, top, left + side, top + side))
        else:
            changed = self._rule.image(image)
        if change.mirrored and draw.random() < 0.5:
            changed = changed[:, ::-1]
        return moved(changed, change.moves, draw) if change.moves != UNCHANGED else changed

    def _image(self, number: int) -> Image.Image:
        """Return a training image, reduced to a little more than the input's size."""
        if number in self._kept:
            return self._kept[number]
        image = self._train.images.files[number].decoded().image
        shrink = MARGIN * self._rule.height / min(image.size)
        if shrink < 1:
            size = round(image.width * shrink), round(image.height * shrink)
            image = image.resize(size, Image.Resampling.BILINEAR)
        weight = image.width * image.height * PIXEL_BYTES
        with self._lock:
            if self._room >= weight:
                self._room -= weight
                self._kept[number] = image
        return image


def moved(pixels: NDArray[np.uint8], change: Augmentation, draw: np.random.Generator) -> NDArray[np.uint8]:
    """Return a square image, (side, side, channels), shifted, rotated and scaled, with black borders."""
    side = len(pixels)
    right, across, left, down, along, top = change.transforms(draw, 1, side)[0, :6]
    # Pillow counts from the corner of a pixel, Keras from its middle.
    left, top = left + (1 - right - across) / 2, top + (1 - down - along) / 2
    image = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    map_back = (right, across, left, down, along, top)
    changed = image.transform(image.size, Image.Transform.AFFINE, map_back, Image.Resampling.BILINEAR)
    return np.asarray(changed, np.uint8).reshape(pixels.shape)


def _of_parts(model: Any) -> Any:
    """Return the model for batches of which each process reads a part of the rows."""
    numbers = keras.Input((), dtype="int32", name="numbers")
    images = keras.Input(model.input_shape[1:], dtype="uint8", name="images")
    return keras.Model([numbers, images], model(keras.ops.cast(Joined()(images, numbers), "float32")))

"""Prepare a training: complete settings, a network with initial weights, and data."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.image_files import FileSplit
from kerascnn.foundation.errors import UsageError
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_defaults import set_keras_defaults
from kerascnn.models.keras_file import count_parameters
from kerascnn.models.network import Network, build
from kerascnn.training.backend.sharding import alone
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.transfer import Pretrained

#: About so many training pixels set the first layer: 5,000 digits of 32×32, 99 photos of 227×227.
MEASURED_PIXELS = 5_000 * 32 * 32
MEASURED_FILES = 200  # at most: each is decoded for it


@dataclass(frozen=True)
class Prepared:
    """A network ready for training.

    Attributes:
        trained: The ``keras.Model`` that is trained, in its precision and on all its devices.
        description: The description in the model file.
        data: Splits brought to the model's input.
        build: Builds the same network again.
    """

    trained: Any
    description: ModelDescription
    data: Dataset
    build: Callable[[], Any]

    def finished(self) -> Any:
        """Return a float32 model with the trained weights, to be saved by this process alone."""
        weights = self.trained.get_weights()
        with alone(), _computing_in("float32"):
            model = self.build()
            model.set_weights(weights)
        return model


def settled(config: TrainingConfig, dataset: Dataset) -> ResolvedConfig:
    """Return the complete settings of a training on this data.

    A recipe's batch is at most all training images; the first layer's mean and deviation are those of the
    training images, or of the run whose weights are taken.

    Raises:
        UsageError: A setting makes no sense or does not fit the data, or the run to start from does not.
        KerasCnnError: That run or an image cannot be read.
    """
    images, resolved = len(dataset.train), config.resolved()
    if resolved.batch_size > images and "batch_size" not in resolved.of_recipe:
        raise UsageError(
            f"batch_size must be at most {images:,}, the number of training images. "
            f"Received: batch_size={resolved.batch_size}"
        )
    network = _network_for(resolved, dataset)
    fitted: dict[str, Any] = {"batch_size": min(resolved.batch_size, images)}
    if resolved.pixel_mean is None or resolved.pixel_std is None:
        mean, std = _pixels(resolved, network, dataset)
        fitted |= {"pixel_mean": mean, "pixel_std": std}
        fitted |= resolved.model_dump(include={"pixel_mean", "pixel_std"}, exclude_none=True)
    return resolved.model_copy(update=fitted)


def _network_for(config: ResolvedConfig, dataset: Dataset) -> Network:
    """Return the network for this data.

    Raises:
        UsageError: Other classes are asked for than the data have, or channels that images cannot have.
    """
    classes, channels = config.classes or len(dataset.classes), config.channels or dataset.channels
    if classes != len(dataset.classes):
        raise UsageError(f"{dataset.source} has {len(dataset.classes)} classes. Received: classes={classes}")
    if channels not in (1, 3):
        raise UsageError(f"Images have 1 channel (grey) or 3 (colour). Received: channels={channels}")
    asked = config.model_dump(include={"model", "variant", "norm", "head", "image_size"})
    units = config.head_units or None  # a head without hidden layers has none to choose
    return Network(**asked, head_units=units, channels=channels, classes=classes).complete()


def _pixels(config: ResolvedConfig, network: Network, dataset: Dataset) -> tuple[float, float]:
    """Return the mean and standard deviation of pixels for the first layer."""
    if config.weights:
        return Pretrained.open(config.weights, config.norm).pixels
    train = dataset.train.prepared(dataset.preprocessing(config.image_size, network.channels))
    return _pixel_statistics(train, network)


def prepare(config: ResolvedConfig, dataset: Dataset, *, begun: bool = False) -> Prepared:
    """Build the network, with the same initial weights for the same seed.

    Args:
        config: Complete settings, see :func:`settled`.
        dataset: The data set.
        begun: Whether a checkpoint has the weights, so that no other run's are needed.

    Raises:
        UsageError: The run to start from does not fit.
        KerasCnnError: It cannot be read.
    """
    network = _network_for(config, dataset)
    mean, std = config.pixel_mean or 0.0, config.pixel_std or 1.0
    preprocessing = dataset.preprocessing(config.image_size, network.channels)
    train, validation, test = (
        split.prepared(preprocessing) for split in (dataset.train, dataset.validation, dataset.test)
    )

    def built() -> Any:
        # One seed before the build: the backbone's layers come first, so every head starts from the same one.
        keras.utils.set_random_seed(config.seed)
        return build(**network.model_dump(), pixel_mean=mean, pixel_std=std)

    with _computing_in(config.precision):
        trained = built()
    if config.weights and not begun:
        Pretrained.open(config.weights, config.norm).load_into(trained)
    description = ModelDescription(
        architecture=network.architecture,
        source=config.source,
        preprocessing=preprocessing,
        classes=dataset.classes,
        parameters=count_parameters(trained.trainable_weights),
        parameters_fixed=count_parameters(trained.non_trainable_weights),
    )
    data = replace(dataset, train=train, validation=validation, test=test)
    return Prepared(trained, description, data, built)


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Set a mixed-precision policy for the layers built inside the block."""
    set_keras_defaults()  # the policy of a process that has set none is the user's
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _pixel_statistics(train: Split, network: Network) -> tuple[float, float]:
    """Return mean and standard deviation of the pixels of some hundred evenly spread training images.

    Where the first convolution pads, the mean stays 0: only a pure scale melts into the int8 input there.
    """
    variant = network.architecture.facts()
    images = max(MEASURED_PIXELS // math.prod((network.image_size or 1,) * 2), 1)
    if isinstance(train, FileSplit):
        images = min(images, MEASURED_FILES)
    sample = train.images[:: max(len(train) // images, 1)].astype(np.float32)
    mean = 0.0 if variant.pads_first else float(np.mean(sample, dtype=np.float64))
    return mean, max(float(np.sqrt(np.mean((sample - mean) ** 2, dtype=np.float64))), 1.0)

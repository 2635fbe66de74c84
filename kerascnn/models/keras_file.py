"""Save and open Keras model files with their description, in Keras' safe mode."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from kerascnn.foundation.archives import require_weighed
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import whole_file
from kerascnn.models.description import ModelDescription, require_classifier
from kerascnn.models.foreign_keras import scores_of
from kerascnn.models.keras_defaults import set_keras_defaults
from kerascnn.models.other_formats import require_model_format, why_not_opened

#: What the file of a model said that is in memory: class names and preprocessing are no part of a network.
_said: WeakKeyDictionary[Any, ModelDescription] = WeakKeyDictionary()


@runtime_checkable
class KerasModel(Protocol):
    """The interface of a ``keras.Model`` in memory, without importing Keras."""

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return the layer of a name."""

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for a batch of inputs."""


def save_model(model: Any, description: ModelDescription, path: Path) -> None:
    """Save a Keras model with its description inside.

    Raises:
        KerasCnnError: The file system refused; an earlier file is untouched.
    """
    with whole_file(path) as aside:
        model.save(aside)
        description.embed(aside)


def open_model(path: Path) -> Any:
    """Open any ``.keras`` file.

    Returns:
        The ``keras.Model``.

    Raises:
        KerasCnnError: It is missing, damaged, or wants to run code of its own.
    """
    if not path.is_file():
        raise KerasCnnError(f"{path} does not exist.")
    require_model_format(path)
    require_weighed(path)
    import keras

    set_keras_defaults()
    import kerascnn.models.layers  # noqa: F401  (Keras opens files with the papers' layers only once it knows them)

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged archive raises whatever the reader of its damaged member meets.
    except Exception as error:
        raise KerasCnnError(f"{path} {why_not_opened(path, error)}") from error


def load_model(path: Path) -> tuple[Any, ModelDescription]:
    """Open the ``.keras`` file of an image classifier, kerascnn's or another program's.

    Returns:
        The ``keras.Model``, and its description.

    Raises:
        KerasCnnError: It cannot be opened, or does not classify images.
    """
    model = open_model(path)
    network, own = _describe(model, path), ModelDescription.embedded(path)
    if own:
        _said[model] = own.fitting(path, network)
    return model, _said.get(model, network)


def described(model: Any) -> ModelDescription:
    """Return the description of a model in memory, its file's if it was opened here.

    Raises:
        KerasCnnError: It does not classify images.
    """
    return _said.get(model) or _describe(model, place_of(model))


def place_of(model: Any) -> Path:
    """Return the name of a model in memory, which messages show as its file."""
    return Path(model.name)


def _describe(model: Any, path: Path) -> ModelDescription:
    if not getattr(model, "inputs", None):
        raise KerasCnnError(
            f"{path} holds a model that was never built: call it on one image and save it again."
        )
    require_classifier(path, len(model.inputs), len(model.outputs))
    described = ModelDescription.foreign(
        path, model.inputs[0].shape[1:], model.outputs[0].shape[1:], scores_of(model)
    )
    return described.model_copy(update={"parameters": count_parameters(model.trainable_weights)})


def count_parameters(weights: Iterable[Any]) -> int:
    """Return the number of values in Keras variables."""
    return sum(math.prod(weight.shape) for weight in weights)

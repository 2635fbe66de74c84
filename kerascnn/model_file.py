"""Keras model files: saved whole with their description inside, opened in Keras' safe mode only."""

from pathlib import Path
from typing import Any

from kerascnn.description import ModelDescription
from kerascnn.errors import KerasCnnError, first_line
from kerascnn.files import whole_file
from kerascnn.keras_defaults import set_keras_defaults
from kerascnn.profile import count_parameters


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
    import keras

    set_keras_defaults()
    import kerascnn.layers  # noqa: F401  (Keras opens files with the papers' layers only once it knows them)

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged archive raises whatever the reader of its damaged member meets.
    except Exception as error:
        raise KerasCnnError(f"{path} cannot be opened as a Keras model: {first_line(error)}") from error


def load_model(path: Path) -> tuple[Any, ModelDescription]:
    """Open a ``.keras`` file that classifies images, this project's or another's.

    Returns:
        The ``keras.Model`` from raw pixels, and its description.

    Raises:
        KerasCnnError: It cannot be opened, or does not classify images.
    """
    model = open_model(path)
    network, own = _describe(model, path), ModelDescription.embedded(path)
    return model, own.fitting(path, network) if own else network


def _describe(model: Any, path: Path) -> ModelDescription:
    if not model.built or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise KerasCnnError(f"{path} does not classify images: it must have one input and one output.")
    described = ModelDescription.foreign(path, model.inputs[0].shape[1:], model.outputs[0].shape[1:])
    return described.model_copy(update={"parameters": count_parameters(model.trainable_weights)})

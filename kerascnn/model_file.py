"""Keras model files: saved whole with their description inside, opened in Keras' safe mode only."""

from pathlib import Path
from typing import Any

import keras

from kerascnn.description import ModelDescription
from kerascnn.errors import KerasCnnError
from kerascnn.files import whole_file
from kerascnn.profile import count_parameters


def save_model(model: Any, description: ModelDescription, path: Path) -> None:
    """Save a Keras model with its description inside.

    Raises:
        KerasCnnError: The file system refused; an earlier file is untouched.
    """
    with whole_file(path) as aside:
        model.save(aside)
        description.embed(aside)


def load_model(path: Path) -> tuple[Any, ModelDescription]:
    """Open a ``.keras`` file, this project's or another's.

    Returns:
        The ``keras.Model`` from raw pixels, and its description.

    Raises:
        KerasCnnError: It is missing, damaged, wants to run code of its own, or does not classify images.
    """
    if not path.is_file():
        raise KerasCnnError(f"{path} does not exist.")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # A damaged archive raises whatever the reader of its damaged member meets.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise KerasCnnError(f"{path} cannot be opened as a Keras model: {reason}") from error
    return model, ModelDescription.embedded(path) or _describe(model, path)


def _describe(model: Any, path: Path) -> ModelDescription:
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        raise KerasCnnError(f"{path} does not classify images: it must have one input and one row of scores.")
    described = ModelDescription.foreign(path, tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1])
    ends_in_softmax = isinstance(model.layers[-1], keras.layers.Softmax) or (
        getattr(model.layers[-1], "activation", None) is keras.activations.softmax
    )
    return described.model_copy(
        update={
            "output": "probabilities" if ends_in_softmax else "logits",
            "parameters": count_parameters(model.trainable_weights),
        }
    )

"""Recognize files that are not models kerascnn can open, with a remedy for each."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.models.description import DAMAGED_ARCHIVE

BEGINNING = 256  # bytes that tell formats apart
LONGEST = 2**26  # bytes of a network's configuration

#: How a file begins, and what it then is: sentences without their subject.
_BEGINNINGS = {
    b"version https://git-lfs": "is a Git LFS pointer, not the file itself: run `git lfs pull` where it "
    "comes from.",
    b"<!doctype html": "is a web page, not a model: download the file itself (on GitHub: the raw file).",
    b"<html": "is a web page, not a model: download the file itself (on GitHub: the raw file).",
}
_HDF5 = b"\x89HDF\r\n"

#: What a suffix says of a file whose content says nothing here.
_SUFFIXES = {
    ".onnx": "is an ONNX file: convert it to .tflite, for instance with onnx2tf.",
    ".pt": "is a file of PyTorch: convert it to .tflite, for instance with litert-torch.",
    ".pth": "is a file of PyTorch: convert it to .tflite, for instance with litert-torch.",
    ".pb": "is a TensorFlow graph: convert its folder with tf.lite.TFLiteConverter.from_saved_model.",
}
_NONE = "is neither a run folder nor a .keras or .tflite file."
_WEIGHTS = "holds weights without their network: build the network, load them into it, save it as .keras."
_LEGACY = (
    "is an HDF5 file of older Keras: keras.saving.load_model(FILE) opens it, model.save('NAME.keras') "
    "saves it as kerascnn needs it."
)
_SAVED_MODEL = (
    "is a SavedModel: convert it with tf.lite.TFLiteConverter.from_saved_model, or save the model as .keras."
)


def require_model_format(path: Path) -> None:
    """Refuse a file or folder of another format before any library opens it.

    Raises:
        KerasCnnError: It is; the message says which, and the way out.
    """
    found = _saved_model(path) if path.is_dir() else _other_format(path)
    if found:
        raise KerasCnnError(f"{path} {found}")


def why_not_opened(path: Path, error: Exception) -> str:
    """Return the reason why Keras cannot open a ``.keras`` file, a sentence without its subject.

    Args:
        path: The file.
        error: The exception from Keras.
    """
    return _of_config(path) or f"cannot be opened as a Keras model: {first_line(error)}"


def _saved_model(folder: Path) -> str:
    return _SAVED_MODEL if (folder / "saved_model.pb").is_file() else ""


def _other_format(path: Path) -> str:
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    if not beginning:
        return "is empty."
    if beginning.startswith(_HDF5):
        return _LEGACY if _has_network(path) else _WEIGHTS
    lower = beginning.lower().lstrip()
    known = next((words for start, words in _BEGINNINGS.items() if lower.startswith(start)), "")
    if known or path.suffix in (".keras", ".tflite"):
        return known
    return _SUFFIXES.get(path.suffix, _NONE)


def _has_network(path: Path) -> bool:
    import h5py

    try:
        with h5py.File(path) as file:
            return "model_config" in file.attrs
    except (OSError, RuntimeError):
        return True  # damaged: whether it has a network is unknown


def _of_config(path: Path) -> str:
    """Return the part of a network's configuration that Keras cannot build."""
    import keras

    metadata, config = (_member(path, name) for name in ("metadata.json", "config.json"))
    if config is None:
        return ""
    layers = list(_objects(config))
    if any(layer["class_name"] == "Lambda" for layer in layers):
        return (
            "has a Lambda layer, Python code that kerascnn does not run: put a layer of Keras in its place "
            "(Rescaling, Normalization, …) and save it again."
        )
    known = ("keras", "kerascnn")
    own = next((each for each in layers if str(each.get("module", "keras")).split(".")[0] not in known), None)
    if own:
        return (
            f"has a layer of its own, {own['class_name']}, whose code kerascnn does not have: build it of "
            "Keras' layers and save it again."
        )
    saved_by = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
    if _number(saved_by) > _number(keras.__version__):
        installed = keras.__version__
        return f"was saved by Keras {saved_by}, {installed} is installed: python -m pip install -U keras"
    return ""


def _member(path: Path, name: str) -> Any:
    """Return a JSON member of a ``.keras`` file, ``None`` if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as member:
            return json.loads(member.read(LONGEST))
    except (KeyError, NotImplementedError, RecursionError, *DAMAGED_ARCHIVE):
        return None


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a Keras configuration, at any depth."""
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
            if "class_name" in each:
                yield each
        elif isinstance(each, list):
            waiting += each


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdecimal())

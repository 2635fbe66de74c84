"""TFLite metadata, as MediaPipe Tasks, ML Kit and Android Studio read it in a ``.tflite`` file.

It is a named buffer of the model; the label file that it names lies, uncompressed, in the ZIP archive at the
end of the file, beside ``kerascnn.json``.
"""

import io
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.tflite.metadata import labels, named_buffer, schema
from kerascnn.tflite.metadata.model_card import ModelCard

NAME = "TFLITE_METADATA"
READABLE = 0o644 << 16  # where a ZIP archive keeps the permissions of a file
LARGEST_ARCHIVE = 2**26  # bytes of an archive's files: a small archive can claim any size
IMAGES = {schema.RGB: "RGB image", schema.GRAYSCALE: "grey image"}


@dataclass(frozen=True)
class TensorMetadata:
    """Metadata of one input or output; missing fields are empty.

    Attributes:
        content: ``RGB image``, ``grey image``, or empty for anything else.
        mean: Per channel: a pixel of 0 to 255 goes in as (pixel − mean) / std, in the tensor's own scale.
        std: See ``mean``.
        minimum: Smallest stored value; ``maximum`` likewise.
        files: Names of the files that belong to it.
    """

    name: str
    description: str
    content: str
    mean: tuple[float | None, ...]
    std: tuple[float | None, ...]
    minimum: tuple[float | None, ...]
    maximum: tuple[float | None, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class FileMetadata:
    """Metadata of a file; missing fields are empty.

    Attributes:
        inputs: In the order of the file; ``outputs`` likewise.
        classes: The lines of its label file; ``None`` where it has none.
    """

    name: str
    description: str
    version: str
    author: str
    license: str
    min_parser_version: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    classes: tuple[str, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Return every field under its name."""
        return asdict(self)


def with_metadata(content: bytes, card: ModelCard) -> bytes:
    """Return a converted file with metadata and label file; the bytes of the network do not change.

    ``ModelDescription.embed`` adds to the same archive.

    Args:
        content: The converter's output: one image in, one probability per class out.
        card: The model card.

    Raises:
        KerasCnnError: The file has metadata already.
    """
    packed = schema.write(card.document(content))
    return _added(content, packed, {labels.LABELS: labels.lines(card.description.classes)})


def with_metadata_of(content: bytes, source: Path) -> bytes:
    """Return a compiled file with the metadata and the archive of the file it was compiled from.

    The Edge TPU compiler drops both, but keeps the tensors they speak of.

    Args:
        content: The compiler's output.
        source: The file that was compiled; nothing else is added.

    Raises:
        KerasCnnError: The source is damaged, or the compiled file has metadata already.
    """
    packed = _packed(source)
    try:
        members = _members(source)
    except Exception as error:  # a damaged archive raises whatever its reader meets
        raise KerasCnnError(f"{source}: the archive at its end is damaged: {first_line(error)}.") from error
    return _added(content, packed, members)


def read_metadata(path: Path) -> FileMetadata | None:
    """Return the metadata of any ``.tflite`` file, ``None`` if there is none.

    Raises:
        KerasCnnError: The file is missing, is no ``.tflite`` file, or what it holds is damaged.
    """
    packed = _packed(path)
    if packed is None:
        return None
    try:
        document = schema.read(packed)
        graph = (document.get("subgraph_metadata") or [{}])[0]
        inputs, outputs = (graph.get(f"{side}_tensor_metadata", []) for side in ("input", "output"))
        texts = ("name", "description", "version", "author", "license", "min_parser_version")
        return FileMetadata(
            **{text: document.get(text, "") for text in texts},
            inputs=tuple(map(_tensor, inputs)),
            outputs=tuple(map(_tensor, outputs)),
            classes=_classes(path, outputs),
        )
    except Exception as error:  # damaged bytes raise whatever their reader meets
        raise KerasCnnError(f"{path}: its metadata is damaged: {first_line(error)}.") from error


def _added(content: bytes, packed: bytes | None, members: dict[str, bytes]) -> bytes:
    file = io.BytesIO(named_buffer.attach(content, NAME, packed) if packed else content)
    if members:
        with zipfile.ZipFile(file, "a") as archive:
            for name, data in members.items():
                member = zipfile.ZipInfo(name)  # without a time, not compressed
                member.external_attr = READABLE
                archive.writestr(member, data)
    return file.getvalue()


def _packed(path: Path) -> bytes | None:
    """Return the flatbuffer of a file's metadata."""
    if not path.is_file():
        raise KerasCnnError(f"{path} does not exist.")
    content = path.read_bytes()
    if content[4:8] != named_buffer.IDENTIFIER:
        raise KerasCnnError(f"{path} is not a .tflite file.")
    try:
        return named_buffer.attached(content, NAME)
    except Exception as error:  # damaged bytes raise whatever their reader meets
        raise KerasCnnError(f"{path} is a damaged .tflite file: {first_line(error)}.") from error


def _members(path: Path) -> dict[str, bytes]:
    """Return the files in the archive at the end of a ``.tflite`` file.

    Raises:
        Exception: They are damaged: whatever ``zipfile`` raises.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > LARGEST_ARCHIVE:
            raise KerasCnnError(f"its archive holds more than {LARGEST_ARCHIVE:,} bytes")
        return {member.filename: archive.read(member) for member in archive.infolist()}


def _tensor(document: dict[str, Any]) -> TensorMetadata:
    properties = document.get("content", {}).get("content_properties", {})
    units = [unit.get("options", {}) for unit in document.get("process_units", [])]
    normalization = {
        key: value for unit in units for key, value in unit.get("NormalizationOptions", {}).items()
    }
    stats = document.get("stats", {})
    return TensorMetadata(
        name=document.get("name", ""),
        description=document.get("description", ""),
        content=IMAGES.get(properties.get("ImageProperties", {}).get("color_space"), ""),
        mean=tuple(normalization.get("mean", ())),
        std=tuple(normalization.get("std", ())),
        minimum=tuple(stats.get("min", ())),
        maximum=tuple(stats.get("max", ())),
        files=tuple(file.get("name", "") for file in document.get("associated_files", [])),
    )


def _classes(path: Path, outputs: list[dict[str, Any]]) -> tuple[str, ...] | None:
    """Return the names in the outputs' first existing label file."""
    files = [file for output in outputs for file in output.get("associated_files", [])]
    wanted = [file.get("name") for file in files if file.get("type") == schema.TENSOR_AXIS_LABELS]
    members = _members(path) if wanted else {}
    return next((labels.names(members[name]) for name in wanted if name in members), None)

"""The public schema of TFLite metadata as a table, and its flatbuffer writer and reader.

From ``metadata_schema.fbs`` of tensorflow/tflite-support, version 1.5.0: the tables that a classifier needs.
The order of their fields is the binary format. A document is made of dicts, lists, texts and numbers; of a
union it holds a dict with one table.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import flatbuffers
import numpy as np
from flatbuffers.table import Table

from kerascnn.foundation.errors import KerasCnnError

IDENTIFIER = b"M001"

#: The kind of each field: text, byte, floats, a table, a union, or several of one kind in brackets.
TABLES: dict[str, dict[str, str]] = {
    "ModelMetadata": {
        "name": "text",
        "description": "text",
        "version": "text",
        "subgraph_metadata": "[SubGraphMetadata]",
        "author": "text",
        "license": "text",
        "associated_files": "[AssociatedFile]",
        "min_parser_version": "text",
    },
    "SubGraphMetadata": {
        "name": "text",
        "description": "text",
        "input_tensor_metadata": "[TensorMetadata]",
        "output_tensor_metadata": "[TensorMetadata]",
    },
    "TensorMetadata": {
        "name": "text",
        "description": "text",
        "dimension_names": "[text]",
        "content": "Content",
        "process_units": "[ProcessUnit]",
        "stats": "Stats",
        "associated_files": "[AssociatedFile]",
    },
    "Content": {"content_properties": "ContentProperties"},
    "FeatureProperties": {},
    "ImageProperties": {"color_space": "byte"},
    "ProcessUnit": {"options": "ProcessUnitOptions"},
    "NormalizationOptions": {"mean": "floats", "std": "floats"},
    "Stats": {"max": "floats", "min": "floats"},
    "AssociatedFile": {"name": "text", "description": "text", "type": "byte"},
}

#: Their tables by number; a field of a union takes two places, number and table. Later ones are not read.
UNIONS: dict[str, Sequence[str | None]] = {
    "ContentProperties": (None, "FeatureProperties", "ImageProperties"),
    "ProcessUnitOptions": (None, "NormalizationOptions"),
}

#: Enumerations: ColorSpaceType and AssociatedFileType.
RGB, GRAYSCALE = 1, 2
TENSOR_AXIS_LABELS = 2

LARGEST_DOCUMENT = (
    2**18
)  # bytes of one document: references can name the same bytes again and again without end


def write(document: dict[str, Any]) -> bytes:
    """Return the flatbuffer of a ``ModelMetadata``."""
    builder = flatbuffers.Builder()
    builder.Finish(_write(builder, "ModelMetadata", document), IDENTIFIER)
    return bytes(builder.Output())


def read(content: bytes) -> dict[str, Any]:
    """Return the ``ModelMetadata`` in a flatbuffer; non-finite numbers are ``None``.

    Raises:
        KerasCnnError: It is another format, or larger than metadata ever is.
        Exception: The bytes are damaged: whatever reading behind their end raises.
    """
    if content[4:8] != IDENTIFIER:
        raise KerasCnnError(f"metadata of the unknown format {content[4:8]!r}, not {IDENTIFIER!r}")
    document: dict[str, Any] = _Reader(content).value("ModelMetadata", 0)
    return document


def write_list(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    """Write a vector of references to objects in the builder; return its offset."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _write(builder: flatbuffers.Builder, kind: str, value: Any) -> int:
    if kind == "text":
        return int(builder.CreateString(value))
    if kind == "floats":
        return int(builder.CreateNumpyVector(np.array(value, "<f4")))
    if kind in UNIONS:
        ((kind, value),) = value.items()
    if kind in TABLES:
        return _write_table(builder, kind, value)
    return write_list(builder, [_write(builder, kind[1:-1], each) for each in value])


def _write_table(builder: flatbuffers.Builder, table: str, values: dict[str, Any]) -> int:
    places = [place for place in _places(table) if place[1] in values]
    offsets = {name: _write(builder, kind, values[name]) for _, name, kind in places if kind != "byte"}
    builder.StartObject(1 + max((place for place, _, _ in places), default=-1))
    for place, name, kind in places:
        if kind == "byte":
            builder.PrependByteSlot(place, values[name], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(place, offsets[name], 0)
        if kind in UNIONS:
            (member,) = values[name]
            builder.PrependByteSlot(place - 1, UNIONS[kind].index(member), 0)
    return int(builder.EndObject())


def _places(table: str) -> Iterator[tuple[int, str, str]]:
    """Yield the place, name and kind of each field."""
    place = 0
    for name, kind in TABLES[table].items():
        place += kind in UNIONS
        yield place, name, kind
        place += 1


class _Reader:
    """Reads untrusted bytes within their bounds and within a limit on their number."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = LARGEST_DOCUMENT

    def value(self, kind: str, position: int) -> Any:
        """Return the value at a position of the file, following references."""
        if kind == "byte":
            return self._content[position]
        start = position + self._number(position)
        if kind in TABLES:
            return self._table(kind, start)
        count, first = self._number(start), start + 4
        self._spend(count if kind == "text" else 4 * count)
        if kind == "text":
            (text,) = struct.unpack_from(f"{count}s", self._content, first)
            return text.decode(errors="replace")
        if kind == "floats":
            numbers = struct.unpack_from(f"<{count}f", self._content, first)
            return [number if math.isfinite(number) else None for number in numbers]
        return [self.value(kind[1:-1], first + 4 * number) for number in range(count)]

    def _table(self, table: str, start: int) -> dict[str, Any]:
        places = Table(self._content, start)
        found = {}
        for place, name, kind in _places(table):
            offset = places.Offset(4 + 2 * place)
            if not offset:
                continue
            if kind not in UNIONS:
                found[name] = self.value(kind, start + offset)
                continue
            number = self._content[start + places.Offset(4 + 2 * (place - 1))]
            member = UNIONS[kind][number] if number < len(UNIONS[kind]) else None
            if member:
                found[name] = {member: self.value(member, start + offset)}
        return found

    def _number(self, position: int) -> int:
        (number,) = struct.unpack_from("<I", self._content, position)
        return int(number)

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise KerasCnnError(f"more than {LARGEST_DOCUMENT:,} bytes of metadata")

"""Add a named buffer or a signature to a ``.tflite`` file without changing its network."""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.metadata.schema import write_list

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes: of every buffer in a file
FIELDS = 10  # of the root table
VERSION, BUFFERS, METADATA, SIGNATURES = 0, 4, 6, 7  # their places
MOST = 100  # names looked at: a hostile list can be as long as the file


def attach(content: bytes, name: str, data: bytes) -> bytes:
    """Return the file with an additional named buffer.

    Args:
        content: A ``.tflite`` file that LiteRT accepts.
        name: The buffer's name, which the file must not have yet.
        data: Its content.

    Raises:
        KerasCnnError: The file has such a buffer, or keeps weights behind its flatbuffer.
    """
    if attached(content, name) is not None:
        raise KerasCnnError(f"The file already has {name}: convert it again.")
    model = schema.Model.GetRootAs(content)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    if any(buffer.Offset() for buffer in buffers):
        raise KerasCnnError(f"{name} cannot be added to a file of weights behind its flatbuffer (over 2 GB).")

    builder = flatbuffers.Builder()
    buffer, entry = _write_buffer(builder, data), _write_entry(builder, name, len(buffers))
    entries = [model.Metadata(number) for number in range(model.MetadataLength())]
    lists = {
        BUFFERS: write_list(builder, [*(_behind(old) for old in buffers), buffer]),
        METADATA: write_list(builder, [*(_behind(old) for old in entries), entry]),
    }
    return _before(content, builder, lists)


def with_signature(content: bytes, key: str, inputs: dict[str, int], outputs: dict[str, int]) -> bytes:
    """Return the file with a signature, by which LiteRT's signature runner calls its first subgraph.

    Args:
        content: A ``.tflite`` file without one.
        key: The signature's name.
        inputs: Numbers of tensors by the names of the arguments.
        outputs: Likewise of the results.
    """
    builder = flatbuffers.Builder()
    sides = [
        write_list(builder, [_write_argument(builder, name, number) for name, number in tensors.items()])
        for tensors in (inputs, outputs)
    ]
    text = builder.CreateString(key)
    schema.SignatureDefStart(builder)
    schema.SignatureDefAddInputs(builder, sides[0])
    schema.SignatureDefAddOutputs(builder, sides[1])
    schema.SignatureDefAddSignatureKey(builder, text)
    signature = int(schema.SignatureDefEnd(builder))
    return _before(content, builder, {SIGNATURES: write_list(builder, [signature])})


def _before(content: bytes, builder: flatbuffers.Builder, lists: dict[int, int]) -> bytes:
    """Put a new root table with some new vectors before a file; the other bytes do not change.

    The Python classes of the schema cannot be used to write the model again: they drop fields that are newer
    than they are, and the alignment of the weights.
    """
    model = schema.Model.GetRootAs(content)
    builder.Prep(ALIGNMENT, 0)  # what follows keeps its own
    builder.StartObject(FIELDS)
    builder.PrependUint32Slot(VERSION, model.Version(), 0)
    for place in range(1, FIELDS):
        builder.PrependUOffsetTRelativeSlot(place, lists.get(place) or _field_behind(model, place), 0)
    builder.Finish(builder.EndObject(), IDENTIFIER)
    return bytes(builder.Output()) + content


def attached(content: bytes, name: str) -> bytes | None:
    """Return the data of a named buffer, ``None`` if there is none.

    Raises:
        Exception: The file is damaged: whatever reading behind its end raises.
    """
    model = schema.Model.GetRootAs(content)
    for number in range(min(model.MetadataLength(), MOST)):
        entry = model.Metadata(number)
        if entry.Name() == name.encode():
            buffer = model.Buffers(entry.Buffer())
            return b"" if buffer.DataIsNone() else bytes(buffer.DataAsNumpy())
    return None


def _write_buffer(builder: flatbuffers.Builder, data: bytes) -> int:
    builder.StartVector(1, len(data), ALIGNMENT)
    for byte in reversed(data):
        builder.PrependByte(byte)
    vector = builder.EndVector()
    schema.BufferStart(builder)
    schema.BufferAddData(builder, vector)
    return int(schema.BufferEnd(builder))


def _write_entry(builder: flatbuffers.Builder, name: str, number: int) -> int:
    text = builder.CreateString(name)
    schema.MetadataStart(builder)
    schema.MetadataAddName(builder, text)
    schema.MetadataAddBuffer(builder, number)
    return int(schema.MetadataEnd(builder))


def _write_argument(builder: flatbuffers.Builder, name: str, number: int) -> int:
    text = builder.CreateString(name)
    schema.TensorMapStart(builder)
    schema.TensorMapAddName(builder, text)
    schema.TensorMapAddTensorIndex(builder, number)
    return int(schema.TensorMapEnd(builder))


def _behind(table: schema.Buffer | schema.Metadata) -> int:
    """Return an old table's offset for the builder, which counts backwards from its end."""
    return -int(table._tab.Pos)


def _field_behind(model: schema.Model, place: int) -> int:
    """Return the offset that a field of the old root refers to, 0 for an empty field."""
    offset = model._tab.Offset(4 + 2 * place)
    return -int(model._tab.Indirect(model._tab.Pos + offset)) if offset else 0

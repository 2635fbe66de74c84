"""The graph of any ``.tflite`` file: tensors, operators and subgraphs."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.file_format.flatbuffer import DamagedError, FlatBuffer, text
from kerascnn.tflite.file_format.options import read_options, schema_name

IDENTIFIER = b"TFL3"
VERSION = 3  # of the schema; LiteRT refuses any other
MOST_SIDES = 64  # of a tensor; LiteRT's operators take up to 8

#: Bits of one value; types that are not here have no fixed size.
BITS = {
    **dict.fromkeys(("INT2",), 2),
    **dict.fromkeys(("INT4", "UINT4"), 4),
    **dict.fromkeys(("INT8", "UINT8", "BOOL", "FLOAT8_E4M3FN", "FLOAT8_E5M2"), 8),
    **dict.fromkeys(("INT16", "UINT16", "FLOAT16", "BFLOAT16"), 16),
    **dict.fromkeys(("INT32", "UINT32", "FLOAT32"), 32),
    **dict.fromkeys(("INT64", "UINT64", "FLOAT64", "COMPLEX64"), 64),
    **dict.fromkeys(("COMPLEX128",), 128),
}


@dataclass(frozen=True)
class Quantization:
    """Quantization parameters: real value = scale × (stored − zero point).

    Attributes:
        scales: One for the whole tensor, or one a channel; never none.
        zero_points: As many.
        dimension: Along which the channels lie.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    dimension: int

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return len(self.scales) > 1


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        index: Its number in the subgraph.
        type: ``INT8``, ``FLOAT32``, … as the schema calls it; ``UNKNOWN (code 99)`` for other codes.
        shape: With 1 where a side is dynamic.
        signature: The shape with −1 where a side is dynamic; ``None``: the file says nothing of it.
        quantization: ``None``: its numbers are what they are.
        constant: Whether the file holds its values.
        bytes: Size of its values in the file; 0 for computed tensors.
        start: Byte of the file where its values begin; 0: they are not in this file.
        sparse: Whether its values are packed, without most of the zeros.
        blockwise: Whether it is quantized in blocks, which ``quantization`` cannot say.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    signature: tuple[int, ...] | None
    quantization: Quantization | None
    constant: bool
    bytes: int
    start: int = 0
    sparse: bool = False
    blockwise: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether a dimension is only known at run time."""
        return -1 in (self.signature or self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator of a subgraph.

    Attributes:
        index: Its number in the subgraph; operators run in this order.
        name: ``CONV_2D``, … as the schema calls it; a custom one's own code; ``UNKNOWN (code 999)``.
        inputs: Numbers of tensors; −1: an optional one that is not there.
        outputs: Likewise.
        activation: Fused activation: ``NONE``, ``RELU``, …
        options: By their names in the schema; of a custom operator only ``custom_options_bytes``.
    """

    index: int
    name: str
    custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    activation: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Subgraph:
    """One subgraph; ``inputs`` and ``outputs`` are indices of tensors."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class ModelGraph:
    """The graph of a whole file.

    Attributes:
        bytes: Its size.
        subgraphs: The first one is the model; others are its loops and branches, or further entries.
        metadata: Names only.
        signatures: Likewise.
    """

    path: Path
    bytes: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    metadata: tuple[str, ...]
    signatures: tuple[str, ...]


def read_graph(path: Path) -> ModelGraph:
    """Read a ``.tflite`` file; data after the network, such as a ZIP archive, is ignored.

    Raises:
        KerasCnnError: There is no such file, or it is not a sound one.
    """
    if not path.is_file():
        raise KerasCnnError(f"{path} {'is not a .tflite file' if path.exists() else 'does not exist'}.")
    try:
        with path.open("rb") as file:
            content = FlatBuffer.of(file, IDENTIFIER)
        return _graph(content, path)
    except OSError as error:
        raise KerasCnnError(f"{path} cannot be read: {error.strerror or error}.") from error
    except DamagedError as error:
        raise KerasCnnError(f"{path} is not a valid .tflite file: {error}.") from error
    except (struct.error, TypeError, ValueError, IndexError, OverflowError) as error:
        # what the generated classes and NumPy say of an offset that leads nowhere
        raise KerasCnnError(f"{path} is not a valid .tflite file: it is truncated or damaged.") from error


def constant_data(graph: ModelGraph, tensor: Tensor) -> bytes:
    """Return the stored values of a constant tensor: row-major, little-endian.

    Raises:
        KerasCnnError: The file changed since it was read, or the values are in another file.
    """
    with graph.path.open("rb") as file:
        file.seek(tensor.start)
        data = file.read(tensor.bytes)
    if len(data) < tensor.bytes:
        raise KerasCnnError(f"{graph.path} was truncated while it was read.")
    if not data and 0 not in tensor.shape:
        raise KerasCnnError(f"{graph.path}: the values of tensor {tensor.index} are not in this file.")
    return data


#: Where the bytes of a buffer lie in the file: (start, bytes); ``None``: it has none.
_Place = tuple[int, int] | None


@dataclass(frozen=True)
class _Code:
    name: str
    custom: bool
    version: int


def _graph(content: FlatBuffer, path: Path) -> ModelGraph:
    model = schema.Model.GetRootAs(content)
    if model.Version() != VERSION:
        raise DamagedError(f"its schema has version {model.Version()}, not {VERSION}")
    places = _places(content, model)
    codes = [_code(code) for code in content.tables(model, "OperatorCodes")]
    subgraphs = content.tables(model, "Subgraphs")
    if not subgraphs:
        raise DamagedError("it has no subgraph")
    metadata = content.tables(model, "Metadata")
    _inside((entry.Buffer() for entry in metadata), len(places), "buffer")
    return ModelGraph(
        path=path,
        bytes=len(content),
        description=text(model.Description()),
        subgraphs=tuple(_subgraph(content, subgraph, codes, places) for subgraph in subgraphs),
        metadata=tuple(text(entry.Name()) for entry in metadata),
        signatures=tuple(text(each.SignatureKey()) for each in content.tables(model, "SignatureDefs")),
    )


def _places(content: FlatBuffer, model: Any) -> list[_Place]:
    first = _address(np.frombuffer(content, np.uint8))
    places: list[_Place] = []
    for number, buffer in enumerate(content.tables(model, "Buffers")):
        if not buffer.DataIsNone():
            data = buffer.DataAsNumpy()  # a view, of which NumPy proved that it lies in the file
            places.append((_address(data) - first, data.nbytes))
        elif buffer.Offset() > 1:  # behind the flatbuffer, which has at most 2 GiB; 1 is a placeholder
            if buffer.Offset() + buffer.Size() > len(content):
                raise DamagedError(f"the data of buffer {number} is beyond its end")
            places.append((buffer.Offset(), buffer.Size()))
        else:
            places.append(None)
    return places


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _code(code: Any) -> _Code:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # the older field holds up to 127
    if number == schema.BuiltinOperator.CUSTOM:
        return _Code(text(code.CustomCode()) or "CUSTOM", True, code.Version())
    return _Code(schema_name(schema.BuiltinOperator, number), False, code.Version())


def _subgraph(
    content: FlatBuffer, subgraph: Any, codes: Sequence[_Code], places: Sequence[_Place]
) -> Subgraph:
    tensors = tuple(
        _tensor(content, index, tensor, places)
        for index, tensor in enumerate(content.tables(subgraph, "Tensors"))
    )
    operators = tuple(
        _operator(content, index, operator, codes, len(tensors))
        for index, operator in enumerate(content.tables(subgraph, "Operators"))
    )
    inputs, outputs = (content.numbers(subgraph, field) for field in ("Inputs", "Outputs"))
    if max(len(inputs), len(outputs)) > len(tensors):
        raise DamagedError("it has more inputs or outputs than tensors")
    _inside((*inputs, *outputs), len(tensors), "tensor")
    return Subgraph(text(subgraph.Name()), tensors, operators, inputs, outputs)


def _tensor(content: FlatBuffer, index: int, tensor: Any, places: Sequence[_Place]) -> Tensor:
    shape, signature = (content.numbers(tensor, field) for field in ("Shape", "ShapeSignature"))
    if len(shape) > MOST_SIDES or min((*shape, *signature), default=0) < -1:
        raise DamagedError(f"tensor {index} has an impossible shape")
    _inside([tensor.Buffer()], len(places), "buffer")
    place = places[tensor.Buffer()] if tensor.Buffer() else None  # buffer 0 is empty by definition
    if place and not place[1] and 0 not in shape:  # an empty list where there should be values is none
        place = None
    start, size = place or (0, 0)
    found = Tensor(
        index=index,
        name=text(tensor.Name()),
        type=schema_name(schema.TensorType, tensor.Type()),
        shape=shape,
        signature=signature or None,
        quantization=_quantization(content, index, tensor, len(shape)),
        constant=place is not None or tensor.ExternalBuffer() > 0,
        bytes=size,
        start=start,
        sparse=tensor.Sparsity() is not None,
        blockwise=_blockwise(tensor),
    )
    if place is not None and not found.sparse and found.type in BITS:
        needed = -(-math.prod(shape) * BITS[found.type] // 8)
        if size != needed:
            raise DamagedError(f"tensor {index} needs {needed:,} bytes and has {size:,}")
    return found


def _quantization(content: FlatBuffer, index: int, tensor: Any, sides: int) -> Quantization | None:
    found = tensor.Quantization()
    if found is None:
        return None
    scales, zero_points = (content.numbers(found, field) for field in ("Scale", "ZeroPoint"))
    if not any(scales):  # none, or the 0 that old converters wrote for a tensor that is not quantized
        return None
    if not all(map(math.isfinite, scales)):
        raise DamagedError(f"tensor {index} has a scale that is not a finite number")
    if len(zero_points) <= 1:
        zero_points = (zero_points or (0,)) * len(scales)
    if len(zero_points) != len(scales):
        raise DamagedError(f"tensor {index} has {len(scales)} scales and {len(zero_points)} zero points")
    # Old converters noted the dimension of the weights at the biases, too, which have one.
    dimension = 0 if sides == 1 else found.QuantizedDimension()
    if len(scales) > 1 and not 0 <= dimension < sides:
        raise DamagedError(f"tensor {index} is quantized along dimension {dimension} of {sides}")
    return Quantization(scales, zero_points, dimension)


def _blockwise(tensor: Any) -> bool:
    found = tensor.Quantization()
    return found is not None and found.DetailsType() != schema.QuantizationDetails.NONE


def _operator(
    content: FlatBuffer, index: int, operator: Any, codes: Sequence[_Code], tensors: int
) -> Operator:
    _inside([operator.OpcodeIndex()], len(codes), "operator code")
    code = codes[operator.OpcodeIndex()]
    inputs, outputs = (content.numbers(operator, field) for field in ("Inputs", "Outputs"))
    _inside((*inputs, *outputs), tensors, "tensor", lowest=-1)
    options = read_options(content, operator)
    return Operator(
        index=index,
        name=code.name,
        custom=code.custom,
        version=code.version,
        inputs=inputs,
        outputs=outputs,
        activation=options.get("fused_activation_function", "NONE"),
        options=options,
    )


def _inside(numbers: Iterable[int], count: int, what: str, *, lowest: int = 0) -> None:
    for number in numbers:
        if not lowest <= number < count:
            raise DamagedError(f"it names {what} {number}, but has {count}")

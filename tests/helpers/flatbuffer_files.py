"""Small ``.tflite`` files, packed from their parts by the schema's Python classes."""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def tensor(
    name="t", kind=schema.TensorType.FLOAT32, shape=(1, 4), buffer=0, scales=(), zero_points=(), **more
):
    scaling = schema.QuantizationParametersT(scale=list(scales), zeroPoint=list(zero_points))
    return schema.TensorT(
        name=name,
        type=kind,
        shape=list(shape),
        buffer=buffer,
        quantization=scaling if scales else None,
        **more,
    )


def operator(code, inputs, outputs):
    return schema.OperatorT(opcodeIndex=code, inputs=list(inputs), outputs=list(outputs))


def packed(path, tensors, operators, codes, *, inputs=(0,), outputs=(1,), buffers=(), **more):
    """Write a file of one subgraph; ``buffers`` are numbered from 1."""
    graph = schema.SubGraphT(
        tensors=list(tensors), operators=list(operators), inputs=list(inputs), outputs=list(outputs)
    )
    model = schema.ModelT(
        version=3, subgraphs=[graph], operatorCodes=list(codes), buffers=[schema.BufferT(), *buffers], **more
    )
    return written(path, model)


def written(path, model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def code(name, version=1, **more):
    number = getattr(schema.BuiltinOperator, name) if isinstance(name, str) else name
    return schema.OperatorCodeT(
        builtinCode=number, deprecatedBuiltinCode=min(number, 127), version=version, **more
    )


def unpacked(path):
    return schema.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()))


def without_archive(path):
    """Return a file without the archive behind it."""
    content = path.read_bytes()
    start = content.find(b"PK\x03\x04")
    return content if start < 0 else content[:start]

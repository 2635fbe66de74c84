"""Small ``.tflite`` files written operator by operator, for what no converter would write."""

from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {"INT8": "i1", "UINT8": "u1", "INT16": "<i2", "INT32": "<i4", "FLOAT32": "<f4"}


@dataclass(eq=False)  # two tensors of one shape are two tensors
class Tensor:
    """A constant where ``data`` is given: an array, or a number that fills it."""

    shape: tuple[int, ...]
    type: str = "INT8"
    data: object = None
    scale: float | list | None = 0.5  # a list: one a channel
    zero: int = 0
    dimension: int = 0
    signature: tuple[int, ...] | None = None
    name: str = "t"


@dataclass(eq=False)
class Operator:
    """``options``: an object of the schema, made by the function below. A custom one is in lower case."""

    name: str
    inputs: list
    outputs: list
    version: int = 1
    options: object = None


def options(kind, **values):
    """Return options of the schema with some of them set."""
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


def constant(*values):
    """Return a constant of whole numbers, as axes and sizes are."""
    return Tensor((len(values),), "INT32", np.array(values), scale=None)


def tflite(*operators, subgraphs=1):
    """Return the file: what no operator computes and is no constant goes in, the last outputs come out."""
    tensors = list(dict.fromkeys(each for one in operators for each in (*one.inputs, *one.outputs) if each))
    buffers, made = [schema.BufferT()], []
    for tensor in tensors:
        buffer = schema.BufferT()
        if tensor.data is not None:
            values = np.broadcast_to(np.asarray(tensor.data, TYPES[tensor.type]), tensor.shape)
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        buffers.append(buffer)
        made.append(_tensor(tensor, len(buffers) - 1))
    computed = {id(each) for one in operators for each in one.outputs}
    graph = schema.SubGraphT()
    graph.tensors = made
    graph.inputs = [
        place for place, each in enumerate(tensors) if each.data is None and id(each) not in computed
    ]
    graph.outputs = [tensors.index(each) for each in operators[-1].outputs]
    graph.operators = []
    model = schema.ModelT()
    model.version, model.description, model.operatorCodes = 3, "written by a test", []
    for place, one in enumerate(operators):
        model.operatorCodes.append(_code(one))
        graph.operators.append(_operator(one, place, tensors))
    model.subgraphs, model.buffers = [graph] * subgraphs, buffers
    return packed(model)


def packed(model):
    """Return the bytes of a model that was taken apart."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def compiled(left_over=()):
    """Return what the Edge TPU's compiler makes of a network: one operator, then what it did not map."""
    shapes = Tensor((1, 32, 32, 3), name="pixels"), Tensor((1, 1, 1, 10), name="scores")
    chip = Operator("edgetpu-custom-op", [shapes[0]], [shapes[1]])
    chip.payload = np.arange(4_000, dtype=np.uint32).view(np.uint8)  # stands for the program of the chip
    rest, last = [], shapes[1]
    for name in left_over:
        rest.append(Operator(name, [last], [Tensor((1, 1, 1, 10))]))
        last = rest[-1].outputs[0]
    return tflite(chip, *rest)


def _tensor(tensor, buffer):
    made = schema.TensorT()
    made.name, made.shape, made.buffer = tensor.name, list(tensor.shape), buffer
    made.type = getattr(schema.TensorType, tensor.type)
    made.shapeSignature = list(tensor.signature) if tensor.signature else None
    if tensor.scale is not None:
        made.quantization = schema.QuantizationParametersT()
        scales = tensor.scale if isinstance(tensor.scale, list) else [tensor.scale]
        made.quantization.scale, made.quantization.zeroPoint = scales, [tensor.zero] * len(scales)
        made.quantization.quantizedDimension = tensor.dimension
    return made


def _code(one):
    code = schema.OperatorCodeT()
    code.version = one.version
    if one.name.islower():
        code.builtinCode, code.customCode = schema.BuiltinOperator.CUSTOM, one.name
    else:
        code.builtinCode = getattr(schema.BuiltinOperator, one.name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    return code


def _operator(one, code, tensors):
    made = schema.OperatorT()
    made.opcodeIndex = code
    made.inputs = [tensors.index(each) if each else -1 for each in one.inputs]
    made.outputs = [tensors.index(each) for each in one.outputs]
    if one.options is not None:
        made.builtinOptions = one.options
        made.builtinOptionsType = getattr(schema.BuiltinOptions, type(one.options).__name__[:-1])
    if hasattr(one, "payload"):
        made.customOptions = one.payload
    return made

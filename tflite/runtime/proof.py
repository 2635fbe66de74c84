"""Check that LiteRT runs on this machine."""

from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kerascnn.foundation.errors import KerasCnnError


def runs_here() -> str:
    """Run a network of one ReLU; return LiteRT's version and whether it worked.

    Raises:
        KerasCnnError: It answers wrongly.
        Exception: Whatever LiteRT raises where it does not run.
    """
    interpreter = Interpreter(model_content=_relu())
    interpreter.allocate_tensors()
    (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(given["index"], np.array([[-1.0, 2.0]], np.float32))
    interpreter.invoke()
    found = interpreter.get_tensor(returned["index"]).tolist()
    if found != [[0.0, 2.0]]:
        raise KerasCnnError(f"LiteRT gives wrong results on this machine: ReLU of -1 and 2 is {found}.")
    return f"{version('ai-edge-litert')}, runs a network"


def _relu() -> bytes:
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU
    code.version = 1
    operator.inputs, operator.outputs = [0], [1]
    graph.tensors = [schema.TensorT(), schema.TensorT()]
    for tensor, name in zip(graph.tensors, ("x", "y"), strict=True):
        tensor.shape, tensor.type, tensor.name, tensor.buffer = [1, 2], schema.TensorType.FLOAT32, name, 0
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    model.version, model.operatorCodes = 3, [code]
    model.subgraphs, model.buffers = [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())

"""A network that contains each operator a second time, isolated: its inputs are inputs of the file.

Run with the values that a layer of a quantized file really got, the lone operator says what they should have
become: what is missing to that is the layer's own error, without what it inherited.
"""

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils


def with_isolated_operators(content: bytes) -> bytes:
    """Add an isolated twin of each operator that shares its weights and reads further inputs of the file.

    Args:
        content: A ``.tflite`` file of one subgraph.

    Returns:
        The file with twice as many operators: the twin of number i is number n + i.
    """
    model = schema.ModelT.InitFromPackedBuf(content)
    (graph,) = model.subgraphs
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    computed = {*inputs, *(number for operator in graph.operators for number in operator.outputs)}

    def fresh(number: int) -> int:
        tensor = copy.copy(graph.tensors[number])
        tensor.name = f"alone/{len(graph.tensors)}".encode()
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    for operator in list(graph.operators):
        twin: Any = copy.copy(operator)
        twin.inputs = [fresh(number) if number in computed else number for number in operator.inputs]
        twin.outputs = [fresh(number) for number in operator.outputs]
        inputs += [new for new, old in zip(twin.inputs, operator.inputs, strict=True) if new != old]
        outputs += twin.outputs
        graph.operators.append(twin)
    graph.inputs, graph.outputs = inputs, outputs
    model.signatureDefs = []  # they name the one input there was
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))

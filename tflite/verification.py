"""A converted file is opened again and checked before anybody uses it."""

from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from kerascnn.errors import TargetError
from kerascnn.layers import LocalResponseNormalization
from kerascnn.tflite.schemes import Scheme

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


def check_convertible(model: Any, scheme: Scheme, name: Path) -> None:
    """Refuse a model with a layer for which the scheme has no operator.

    Raises:
        TargetError: A layer would stay in float, and everything behind it too.
    """
    floats = [layer.name for layer in model.layers if isinstance(layer, LocalResponseNormalization)]
    if scheme.calibrated and floats:
        raise TargetError(
            f"{name}: layer {floats[0]} is local response normalization, which has no int8 operator: it and "
            "all behind it would run in float. Train with --norm batch, or quantize with --scheme float16."
        )


def verify_full_int8(content: bytes, name: Path) -> None:
    """Check that a file is integer only, static, and takes pixel − 128.

    Args:
        content: The file.
        name: For messages.

    Raises:
        TargetError: An operator is not int8, a shape is dynamic, or the input is not scaled as raw pixels.
    """
    model = schema.ModelT.InitFromPackedBuf(content)
    if len(model.subgraphs) != 1:
        raise TargetError(f"{name}: there must be one subgraph, there are {len(model.subgraphs)}.")
    (graph,) = model.subgraphs
    for operator in graph.operators:
        _check_operator(operator, graph, model, name)
    for number in graph.inputs:
        tensor = graph.tensors[number]
        scale, zero_point = _scaling(tensor)
        if (tensor.type, scale, zero_point) != (schema.TensorType.INT8, 1.0, -128):
            raise TargetError(
                f"{name}: the input must be int8 with scale 1 and zero point −128 (raw pixels − 128), it is "
                f"{_TYPES[tensor.type]} with scale {scale} and zero point {zero_point}."
            )
    for number in graph.outputs:
        if graph.tensors[number].type != schema.TensorType.INT8:
            raise TargetError(f"{name}: the output must be int8, it is {_TYPES[graph.tensors[number].type]}.")


def _check_operator(operator: Any, graph: Any, model: Any, name: Path) -> None:
    for number in [*operator.inputs, *operator.outputs]:
        if number < 0:  # an optional input that is not there
            continue
        tensor = graph.tensors[number]
        where = f"{name}: operator {_operator_name(model, operator)} at {_text(tensor.name)}"
        # biases and shapes are int32 by design, and constants
        constant = model.buffers[tensor.buffer].data is not None
        if tensor.type != schema.TensorType.INT8 and not (
            constant and tensor.type == schema.TensorType.INT32
        ):
            raise TargetError(f"{where} is not int8 but {_TYPES[tensor.type]}.")
        if tensor.shapeSignature is not None and -1 in tensor.shapeSignature:
            shape = [int(side) for side in tensor.shapeSignature]
            raise TargetError(f"{where} has the dynamic shape {shape}.")


def _operator_name(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)])


def _scaling(tensor: Any) -> tuple[float | None, int | None]:
    found = tensor.quantization
    if found is None or found.scale is None or len(found.scale) == 0:
        return None, None
    return float(found.scale[0]), int(found.zeroPoint[0])


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name

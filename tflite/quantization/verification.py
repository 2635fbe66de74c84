"""Check a converted file before anybody uses it."""

from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from kerascnn.foundation.errors import TargetError
from kerascnn.tflite.quantization.schemes import Scheme

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
_BIASES = {"INT8": ("INT32",), "INT16": ("INT32", "INT64")}  # by the activations' type; shapes are INT32 too

#: What raw pixels 0 to 255 are in a tensor of each type.
_PIXELS = {"INT8": (1.0, -128), "UINT8": (1.0, 0)}


def check_convertible(model: Any, scheme: Scheme, name: Path) -> None:
    """Refuse a model with a layer for which the scheme has no operator.

    Raises:
        TargetError: A layer would stay in float, and everything behind it too.
    """
    from kerascnn.models.layers import LocalResponseNormalization

    floats = [layer.name for layer in model.layers if isinstance(layer, LocalResponseNormalization)]
    if scheme.calibrated and floats:
        raise TargetError(
            f"{name}: layer {floats[0]} is local response normalization, which has no int8 operator: it and "
            "all later layers would run in float. Train with --norm batch, or quantize with --scheme float16."
        )


def verify_integer(content: bytes, name: Path, *, activations: str = "INT8", io: str = "int8") -> None:
    """Check that a file is integer only, static, and takes pixels as they are (int8: pixel − 128).

    Args:
        content: The file.
        name: For messages.
        activations: Type of the tensors between operators: ``INT8`` or ``INT16``.
        io: Type of its input and output; another than the activations' has a conversion behind or before.

    Raises:
        TargetError: An operator computes in another type, a shape is dynamic, or the input is not scaled as
            raw pixels.
    """
    model = schema.ModelT.InitFromPackedBuf(content)
    if len(model.subgraphs) != 1:
        raise TargetError(f"{name}: there must be one subgraph, there are {len(model.subgraphs)}.")
    (graph,) = model.subgraphs
    outer = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        _check_operator(operator, graph, model, name, activations, outer)
    for number, what in [*((n, "input") for n in graph.inputs), *((n, "output") for n in graph.outputs)]:
        found = _TYPES[graph.tensors[number].type]
        if found != io.upper():
            raise TargetError(f"{name}: the {what} must be {io}, it is {found}.")
    for number in (number for number in graph.inputs if activations == "INT8"):
        _check_pixels(graph.tensors[number], name)
        for converted in _converted(number, graph, model):
            _check_pixels(graph.tensors[converted], name)


def _check_operator(
    operator: Any, graph: Any, model: Any, name: Path, activations: str, outer: set[int]
) -> None:
    for number in [*operator.inputs, *operator.outputs]:
        if number < 0:  # an optional input that is not there
            continue
        tensor = graph.tensors[number]
        kind = _TYPES[tensor.type]
        where = f"{name}: operator {_operator_name(model, operator)} at {_text(tensor.name)}"
        constant = model.buffers[tensor.buffer].data is not None
        allowed = (activations, "INT8", *_BIASES[activations]) if constant else (activations,)
        crosses = number in outer and _operator_name(model, operator) in ("QUANTIZE", "DEQUANTIZE")
        if kind not in allowed and not crosses:
            raise TargetError(f"{where} is not {activations.lower()} but {kind}.")
        if tensor.shapeSignature is not None and -1 in tensor.shapeSignature:
            shape = [int(side) for side in tensor.shapeSignature]
            raise TargetError(f"{where} has the dynamic shape {shape}.")


def _converted(number: int, graph: Any, model: Any) -> list[int]:
    """Return the tensors that are an input after type conversions only."""
    return [
        int(operator.outputs[0])
        for operator in graph.operators
        if number in operator.inputs and _operator_name(model, operator) == "QUANTIZE"
    ]


def _check_pixels(tensor: Any, name: Path) -> None:
    kind, found = _TYPES[tensor.type], _scaling(tensor)
    if kind in _PIXELS and found != _PIXELS[kind]:
        scale, zero_point = _PIXELS[kind]
        offset = f" − {-zero_point}" if zero_point else ""
        raise TargetError(
            f"{name}: the input must be raw pixels{offset}, {kind.lower()} with scale {scale:g} and zero "
            f"point {zero_point}; it has scale {found[0]} and zero point {found[1]}."
        )


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

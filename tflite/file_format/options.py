"""The options of an operator in a ``.tflite`` file, with the schema's names."""

import re
from functools import cache
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from kerascnn.tflite.file_format.flatbuffer import DamagedError, FlatBuffer, text

#: The options whose numbers have names.
_ENUMS = {
    "fused_activation_function": schema.ActivationFunctionType,
    "padding": schema.Padding,
    "mode": schema.MirrorPadMode,
    "weights_format": schema.FullyConnectedOptionsWeightsFormat,
    "kernel_type": schema.LSTMKernelType,
    "combiner": schema.CombinerType,
    "type": schema.LSHProjectionType,
    "in_data_type": schema.TensorType,
    "out_data_type": schema.TensorType,
    "out_type": schema.TensorType,
    "output_type": schema.TensorType,
    "idx_out_type": schema.TensorType,
    "quantized_bias_type": schema.TensorType,
    "key_dtype": schema.TensorType,
    "value_dtype": schema.TensorType,
    "reduce_function": schema.ReduceWindowFunction,
    "comparison_direction": schema.StablehloComparisonDirection,
    "compare_type": schema.StablehloComparisonType,
    "algorithm": schema.RngAlgorithm,
}


def read_options(content: FlatBuffer, operator: Any) -> dict[str, Any]:
    """Return an operator's options, enum values by name; for a custom operator only their size.

    Args:
        content: The file.
        operator: An ``Operator`` of the schema.
    """
    for field, kinds in (
        ("BuiltinOptions", schema.BuiltinOptions),
        ("BuiltinOptions2", schema.BuiltinOptions2),
    ):
        kind = schema_name(kinds, getattr(operator, f"{field}Type")())
        table = getattr(operator, field)()
        if table is not None and hasattr(schema, kind):
            options = getattr(schema, kind)()
            options.Init(table.Bytes, table.Pos)
            return {name: _option(content, options, name, field) for name, field in _fields(kind).items()}
    size = _custom_bytes(content, operator)
    return {"custom_options_bytes": size} if size else {}


def schema_name(kinds: Any, code: int) -> str:
    """Return the schema's name for an enum value, or ``UNKNOWN (code 99)``."""
    return _names(kinds).get(code, f"UNKNOWN (code {code})")


def _custom_bytes(content: FlatBuffer, operator: Any) -> int:
    if operator.LargeCustomOptionsOffset() > 1:  # behind the flatbuffer; 1 is a placeholder
        size = int(operator.LargeCustomOptionsSize())
        if operator.LargeCustomOptionsOffset() + size > len(content):
            raise DamagedError("the options of an operator are beyond its end")
        return size
    own = operator.CustomOptionsAsNumpy()
    return 0 if isinstance(own, int) else int(own.nbytes)


def _option(content: FlatBuffer, options: Any, name: str, field: str) -> Any:
    if hasattr(options, f"{field}AsNumpy"):
        return content.numbers(options, field)
    value = getattr(options, field)()
    if value is None or isinstance(value, bytes):
        return text(value)
    return schema_name(_ENUMS[name], value) if name in _ENUMS else value


@cache
def _fields(kind: str) -> dict[str, str]:
    """Return the schema's option names of an operator and their accessors.

    The class for unpacked options lists them in a third way: its ``strideW`` is ``stride_w`` and ``StrideW``.
    """
    unpacked = vars(getattr(schema, f"{kind}T")())
    return {re.sub(r"([A-Z])", r"_\1", name).lower(): name[0].upper() + name[1:] for name in unpacked}


@cache
def _names(kinds: Any) -> dict[int, str]:
    return {code: name for name, code in vars(kinds).items() if not name.startswith("_")}

"""Describe the inputs and outputs of a file in words, from its tensors alone."""

import re
from collections.abc import Iterator

from kerascnn.models.description import ModelDescription
from kerascnn.tflite.file_format.graph import Quantization, Subgraph, Tensor

#: What an output is called that comes from one of these, be it behind some that only pass values on.
_RESULTS = {"SOFTMAX": "probability", "LOGISTIC": "sigmoid"}
_PASSING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE")
_STEPS_BACK = 8  # more than any converter puts behind a softmax
_WITHOUT_NUMBERS = {"STRING": "text", "BOOL": "true or false"}


def inputs_in_words(subgraph: Subgraph, description: ModelDescription | None) -> tuple[str, ...]:
    """Return a description of each input of a model.

    Args:
        subgraph: The first one of a file.
        description: The description kerascnn wrote into the file, whose models take raw pixels.
    """
    return tuple(_input(subgraph.tensors[index], description) for index in subgraph.inputs)


def outputs_in_words(subgraph: Subgraph) -> tuple[str, ...]:
    """Return a description of each output of a model."""
    return tuple(_output(subgraph, index) for index in subgraph.outputs)


def makers_back(subgraph: Subgraph, index: int) -> Iterator[str]:
    """Yield the operator that computes a tensor and, through operators that only copy, those before it."""
    makers = {output: operator for operator in subgraph.operators for output in operator.outputs}
    for _ in range(_STEPS_BACK):
        maker = makers.get(index)
        if maker is None:
            return
        yield maker.name
        if maker.name not in _PASSING or not maker.inputs:
            return
        index = maker.inputs[0]


def decimal(value: float) -> str:
    """Return a number with four digits and a typographic minus sign."""
    return f"{value:.4g}".replace("-", "−")


def _input(tensor: Tensor, description: ModelDescription | None) -> str:
    kind, scaling = tensor.type.lower(), _scaling(tensor)
    if scaling is None and "FLOAT" in tensor.type:
        range_ = (
            "raw pixels 0 to 255 as {}" if description else "{}; the file does not say which range it expects"
        )
        return range_.format(kind)
    if scaling is None or scaling.per_channel or not _image(tensor):
        return _meaning(tensor)
    (scale,), (zero,) = scaling.scales, scaling.zero_points
    if (tensor.type, scale, zero) == ("UINT8", 1, 0):
        return "raw pixels 0 to 255 as uint8: bytes go in unchanged"
    if (tensor.type, scale, zero) == ("INT8", 1, -128):
        return "raw pixels 0 to 255 as int8 = pixel − 128"
    if description:
        return f"raw pixels 0 to 255 as {kind} = pixel / {decimal(scale)}{_plus(zero)}, rounded"
    return _meaning(tensor)


def _image(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and tensor.shape[3] in (1, 3)


def _output(subgraph: Subgraph, index: int) -> str:
    result = next((_RESULTS[name] for name in makers_back(subgraph, index) if name in _RESULTS), None)
    tensor = subgraph.tensors[index]
    scaling = _scaling(tensor)
    if result is None:
        return _meaning(tensor)
    if scaling is None or scaling.per_channel:
        return f"{result} as {_meaning(tensor)}"
    return f"{result} = {_real(scaling, 'value')}"


def _meaning(tensor: Tensor) -> str:
    kind, scaling, limits = tensor.type.lower(), _scaling(tensor), _limits(tensor.type)
    if tensor.blockwise:
        return f"{kind}, quantized in blocks"
    if limits is None:
        return _WITHOUT_NUMBERS.get(tensor.type, kind)
    if scaling is None:
        return f"{kind}, whole numbers as they are"
    if scaling.per_channel:
        return f"{kind}, {len(scaling.scales):,} scales along dimension {scaling.dimension}"
    (scale,), (zero,) = scaling.scales, scaling.zero_points
    low, high = (decimal(scale * (limit - zero)) for limit in limits)
    return f"{kind}, real value = {_real(scaling, 'q')}, from {low} to {high}"


def _scaling(tensor: Tensor) -> Quantization | None:
    """Return how integers are scaled; quantization noted at float tensors has no meaning."""
    return tensor.quantization if _limits(tensor.type) else None


def _limits(kind: str) -> tuple[int, int] | None:
    """Return the smallest and largest value of an integer type."""
    found = re.fullmatch(r"(U?)INT(\d+)", kind)
    if not found:
        return None
    bits = int(found[2])
    return (0, 2**bits - 1) if found[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _real(scaling: Quantization, name: str) -> str:
    """Return the formula from the stored to the real value."""
    (scale,), (zero,) = scaling.scales, scaling.zero_points
    moved = f"{name}{_plus(-zero)}"
    if scale == 1:
        return moved
    bracketed = f"({moved})" if zero else moved
    steps = 1 / scale
    return f"{bracketed} / {steps:.0f}" if steps in _STEPS else f"{decimal(scale)} × {bracketed}"


_STEPS = [2.0**bits for bits in range(1, 17)]  # scales that read better as a division: 1/256 is 0.003906


def _plus(value: int) -> str:
    if not value:
        return ""
    return f" {'−' if value < 0 else '+'} {abs(value)}"

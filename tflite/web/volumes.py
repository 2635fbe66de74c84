"""What a page tells of each volume of a network: its size, its parameters, and the formulas of both."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kerascnn.analysis.profiling.explanation import explain
from kerascnn.analysis.profiling.profile import LayerProfile
from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.receptive_field import InputWindow, Sight, meet, through
from kerascnn.tflite.program.program import IntegerProgram, PlacedTensor, Step
from kerascnn.tflite.web.about import ABOUT, NOTHING


@dataclass(frozen=True)
class Kind:
    """What an operator is called.

    Attributes:
        name: On the page and in its scripts.
        layer: Keras' class whose formulas it has; empty: none.
        path: How the part of a tensor's name ends that names the layer; empty: the first part.
    """

    name: str
    layer: str = ""
    path: str = ""


KINDS = {
    "ADD": Kind("add", "Add"),
    "AVERAGE_POOL_2D": Kind("average_pool", "AveragePooling2D"),
    "CONCATENATION": Kind("concatenation", "Concatenate"),
    "CONV_2D": Kind("convolution", "Conv2D", "/convolution"),
    "DEPTHWISE_CONV_2D": Kind("depthwise", "DepthwiseConv2D", "/depthwise"),
    "FULLY_CONNECTED": Kind("dense", "Dense", "/MatMul"),
    "MAX_POOL_2D": Kind("max_pool", "MaxPooling2D"),
    "MEAN": Kind("mean", "GlobalAveragePooling2D"),
    "PAD": Kind("pad"),
    "QUANTIZE": Kind("quantize"),
    "RESHAPE": Kind("flatten", "Flatten"),
    "SOFTMAX": Kind("softmax"),
    "SPACE_TO_DEPTH": Kind("space_to_depth"),
}


@dataclass(frozen=True)
class Volume:
    """A tensor that a page shows as maps.

    Attributes:
        step: Number of the step that computes it; −1: the input.
        inputs: Numbers of the volumes that it is computed from.
        kind: ``input``, or the name of a :class:`Kind`.
        row: It as a row of the layer table.
        formulas: By what they give: ``output side``, ``parameters``, ``sees``, …
    """

    tensor: PlacedTensor
    step: int
    inputs: tuple[int, ...]
    kind: str
    row: LayerProfile
    formulas: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and text."""
        about = ABOUT.get(self.kind, NOTHING)
        return {
            "tensor": self.tensor.index,
            "step": self.step,
            "inputs": list(self.inputs),
            "kind": self.kind,
            "title": self.row.name,
            "size": list(_sides(self.tensor)),
            "parameters": self.row.parameters,
            "multiply_adds": self.row.multiply_adds,
            "formulas": dict(self.formulas),
            "about": about.text,
            "page": about.page,
        }


def volumes(program: IntegerProgram) -> tuple[Volume, ...]:
    """Return the input and what each step computes, in the order of computation."""
    (given,) = program.inputs
    first = LayerProfile("input", "InputLayer", (), _shape(program.tensors[given]))
    rows = [(-1, (), "input", program.tensors[given], first), *_rows(program)]
    told = explain([row for *_, row in rows], {})
    return tuple(
        Volume(tensor, step, inputs, kind, row, one.formulas)
        for (step, inputs, kind, tensor, row), one in zip(rows, told, strict=True)
    )


def _rows(
    program: IntegerProgram,
) -> Iterator[tuple[int, tuple[int, ...], str, PlacedTensor, LayerProfile]]:
    numbers = {program.inputs[0]: 0}
    sights: list[Sight | None] = [Sight()]
    names = {"input"}
    for number, step in enumerate(program.steps):
        kind = KINDS[step.operator]
        inputs = tuple(numbers[each] for each in step.inputs if each in numbers)
        tensor = program.tensors[step.output]
        numbers[step.output] = len(sights)
        row, window = _row(program, step, kind)
        sight = through(meet([sights[each] for each in inputs]), window)
        sights.append(sight)
        row = replace(row, name=_name(tensor, kind, names))
        if sight:
            row = replace(row, receptive_field=sight.field, step=sight.step)
        yield number, inputs, kind.name, tensor, row


def _row(program: IntegerProgram, step: Step, kind: Kind) -> tuple[LayerProfile, InputWindow | None]:
    """Return a step as a row of the layer table, without its name, and its window."""
    call = step.calls[0]
    operands = {name: program.tensors[index] for name, index in call.operands.items()}
    given = operands["input" if "input" in operands else "first"]
    before, after = _shape(given), _shape(program.tensors[step.output])
    row = LayerProfile("", kind.layer, before, after)
    if "weights" in operands:
        shape = operands["weights"].shape
        taps = (*shape[1:3], 1) if kind.name == "depthwise" else shape[1:]
        bias = len(step.inputs) > 2 and step.inputs[2] >= 0
        products = math.prod(taps)
        row = replace(
            row,
            taps=taps,
            bias=bias,
            parameters=arithmetic.dense_parameters(products, after[-1], bias),
            multiply_adds=arithmetic.multiply_adds(products, math.prod(after)),
        )
    if "filter" in call.numbers:
        return _windowed(row, call.numbers)
    if kind.name in ("flatten", "mean"):
        whole = len(before) == 3 and before[0] == before[1]
        links = math.prod(before) if kind.name == "mean" else 0
        row = replace(row, taps=before[:2], connections=links)
        return row, InputWindow(before[0]) if whole else InputWindow() if len(before) == 1 else None
    return row, None if kind.name in ("pad", "space_to_depth") else InputWindow()


def _windowed(row: LayerProfile, numbers: Mapping[str, Any]) -> tuple[LayerProfile, InputWindow | None]:
    """Add side, stride and padding of a window; nothing where it is not square or has gaps."""
    sides, strides, pads = numbers["filter"], numbers["stride"], numbers["pad"]
    if len({*sides}) > 1 or len({*strides}) > 1 or {*numbers.get("dilation", (1, 1))} != {1}:
        return row, None
    side, stride, pad = sides[0], strides[0], pads[0]
    pairs = list(zip(row.input[:2], row.output[:2], strict=True))
    alike = all(
        before + 2 * each >= side and (before + 2 * each - side) // stride + 1 == after
        for each, (before, after) in zip(pads, pairs, strict=True)
    )
    row = replace(
        row, taps=row.taps or (side, side), kernel=side, stride=stride, padding=pad if alike else None
    )
    return row, InputWindow(side, stride, pad)


def _name(tensor: PlacedTensor, kind: Kind, taken: set[str]) -> str:
    """Return the layer's name, found in the tensor's, or else the kind's, with a number where it is taken."""
    parts = tensor.name.split(";")
    path = next((part for part in parts if kind.path and _endless(part).endswith(kind.path)), parts[0])
    scopes = path.split("/")[:-1]
    name = kind.name if kind.name == "softmax" or not scopes else re.sub(r"_\d+$", "", scopes[-1])
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}.{number}"
    taken.add(found)
    return found


def _endless(part: str) -> str:
    """Return a part of a name without the number that the converter adds where there are several."""
    return part.rstrip("0123456789")


def _shape(tensor: PlacedTensor) -> tuple[int, ...]:
    """Return a shape without the batch of one."""
    return tensor.shape[1:]


def _sides(tensor: PlacedTensor) -> tuple[int, int, int]:
    """Return height, width and channels; a row of values has one place."""
    shape = tensor.shape[1:]
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, 1, math.prod(shape))

"""A program as the bytes that the kernels in C run; the layout of a step is read from ``kernels.h``."""

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np

from kerascnn.tflite.program.program import Call, IntegerProgram

ALIGNMENT = 16  # bytes: of every tensor and table
WINDOW_BYTES = 2  # of a value in a window
_FIELD = re.compile(r"(\w+)(?:\[(\d+)\])?")


@dataclass(frozen=True)
class EncodedProgram:
    """What the kernels need.

    Attributes:
        words: All steps, int32 in little-endian order.
        steps: Of each step of the program its first word and how many they are.
        constants: Those of the program with the tables behind them.
        values: Bytes of the memory for values, with the room for windows.
    """

    words: bytes = field(repr=False)
    steps: tuple[tuple[int, int], ...]
    constants: bytes = field(repr=False)
    values: int


def encode(program: IntegerProgram) -> EncodedProgram:
    """Return a program as bytes."""
    constants = bytearray(program.constants)
    window = aligned(program.values)
    room = max((call.window for step in program.steps for call in step.calls), default=0)
    words: list[int] = []
    steps = []
    for step in program.steps:
        start = len(words)
        for call in step.calls:
            words += _words(program, call, constants, window)
        steps.append((start, len(words) - start))
    return EncodedProgram(
        words=np.array(words, "<i4").tobytes(),
        steps=tuple(steps),
        constants=bytes(constants),
        values=window + WINDOW_BYTES * room,
    )


def aligned(size: int) -> int:
    """Return where the next tensor may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@cache
def kernels() -> dict[str, int]:
    """Return the number of each kernel: ``{"ADD": 1, …}``."""
    return {name: int(number) for name, number in re.findall(r"\bKC_(\w+) = (\d+)", header())}


@cache
def layout(kernel: str) -> tuple[tuple[str, int], ...]:
    """Return the names in a kernel's step behind its first two words, and how many numbers each has."""
    struct = {"AVERAGE_POOL": "pool", "MAX_POOL": "pool", "DEPTHWISE": "convolution"}.get(
        kernel, kernel.lower()
    )
    found = re.search(rf"struct kc_{struct} {{(.*?)}};", header(), re.DOTALL)
    assert found, kernel
    body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
    declared = re.findall(r"int32_t ([^;]+);", body)
    return tuple((name, int(count or 1)) for names in declared for name, count in _FIELD.findall(names))


@cache
def header() -> str:
    """Return ``kernels.h``."""
    return files("kerascnn.tflite.program").joinpath("kernels.h").read_text(encoding="utf-8")


def wasm(*, simd: bool = True) -> bytes:
    """Return the kernels as WebAssembly: ``memory``, ``kc_run``, ``__heap_base`` (from where memory is free).

    Args:
        simd: With instructions that nearly every browser has; they are about three times as fast.
    """
    name = "kernels.wasm" if simd else "kernels-plain.wasm"
    return files("kerascnn.tflite.program").joinpath(name).read_bytes()


def _words(program: IntegerProgram, call: Call, constants: bytearray, window: int) -> list[int]:
    fields = layout(call.kernel)
    words = [kernels()[call.kernel], 2 + sum(count for _, count in fields)]
    for name, count in fields:
        values = _values(program, call, name, constants, window)
        assert len(values) == count, name
        words += values
    return words


def _values(
    program: IntegerProgram, call: Call, name: str, constants: bytearray, window: int
) -> tuple[int, ...]:
    if name in call.operands:
        tensor = program.tensors[call.operands[name]]
        return (_constant(tensor.place) if tensor.role == "constant" else tensor.place,)
    if name in call.tables:
        constants.extend(bytes(aligned(len(constants)) - len(constants)))
        place = len(constants)
        constants.extend(np.array(call.tables[name], "<i4").tobytes())
        return (_constant(place),)
    if name == "window":
        return (window,)
    number = call.numbers[name]
    return number if isinstance(number, tuple) else (number,)


def _constant(place: int) -> int:
    return -1 - place

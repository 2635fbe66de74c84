"""An int8 network as a list of steps in whole numbers alone, and where each of its tensors lies."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["input", "computed", "constant"]
Numbers = Mapping[str, int | tuple[int, ...]]


@dataclass(frozen=True)
class PlacedTensor:
    """A tensor of the file, with the place of its values.

    Attributes:
        index: Its number in the file.
        type: ``INT8``, ``UINT8`` or ``INT32``.
        role: A constant lies in the constants, the others in the values.
        scales: Real value = scale × (stored − zero point): one for all, or one a channel.
        zero_point: Of all its values.
        place: Byte of its memory where it begins, a multiple of ``ALIGNMENT``.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    role: Role
    scales: tuple[float, ...]
    zero_point: int
    place: int

    @property
    def bytes(self) -> int:
        """Return the size of its values."""
        return math.prod(self.shape) * (4 if self.type == "INT32" else 1)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and text."""
        return {
            "index": self.index,
            "name": self.name,
            "type": self.type,
            "shape": list(self.shape),
            "role": self.role,
            "scales": list(self.scales),
            "zero_point": self.zero_point,
            "place": self.place,
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Call:
    """One call of a kernel; the names of all its numbers are those in ``kernels.h``.

    Attributes:
        kernel: ``CONVOLUTION``, … as in ``enum kc_kernel``.
        operands: Tensors by what the kernel takes them for.
        numbers: Everything that is the same for all channels.
        tables: Lists with one number a channel, which lie in the constants.
        window: Room that it needs for values of 16 bits.
    """

    kernel: str
    operands: Mapping[str, int]
    numbers: Numbers
    tables: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    window: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and text."""
        numbers = {
            name: list(each) if isinstance(each, tuple) else each for name, each in self.numbers.items()
        }
        return {
            "kernel": self.kernel,
            "operands": dict(self.operands),
            "numbers": numbers,
            "tables": {name: list(each) for name, each in self.tables.items()},
        }


@dataclass(frozen=True)
class Step:
    """One operator of the file.

    Attributes:
        operator: Its name in the file.
        position: Its number in the file; steps run in this order.
        inputs: Numbers of tensors as in the file; −1: an optional one that is not there.
        output: The tensor that it computes.
        calls: One, or one for each input of ``CONCATENATION``.
    """

    operator: str
    position: int
    inputs: tuple[int, ...]
    output: int
    calls: tuple[Call, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and text."""
        return {
            "operator": self.operator,
            "position": self.position,
            "inputs": list(self.inputs),
            "output": self.output,
            "calls": [call.to_dict() for call in self.calls],
        }


@dataclass(frozen=True)
class IntegerProgram:
    """A whole network: its steps in order compute every tensor as LiteRT's reference kernels do.

    No tensor lies over another, so that all of them can be read afterwards.

    Attributes:
        path: The file that it comes from.
        tensors: Those that the steps read or write, by their number in the file.
        inputs: Numbers of the tensors that go in.
        outputs: Numbers of those that come out.
        values: Bytes of what goes in or is computed.
        constants: What the file holds, one tensor behind the other at their places.
    """

    path: Path
    tensors: Mapping[int, PlacedTensor]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    values: int
    constants: bytes = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and text, without the values of constants."""
        return {
            "tensors": [tensor.to_dict() for tensor in self.tensors.values()],
            "steps": [step.to_dict() for step in self.steps],
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "values": self.values,
            "constants": len(self.constants),
        }

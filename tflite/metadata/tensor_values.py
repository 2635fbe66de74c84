"""How an input or output of a ``.tflite`` file stores numbers, as data and in words."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


@dataclass(frozen=True)
class TensorValues:
    """Type and scale: value = scale × (stored − zero_point), or the stored number if the scale is 0."""

    dtype: str
    scale: float
    zero_point: int

    @classmethod
    def of(cls, tensor: Any) -> Self:
        """Read them from a ``schema.Tensor``."""
        found = tensor.Quantization()
        if found is None or not found.ScaleLength():
            return cls(_TYPES[tensor.Type()], 0.0, 0)
        return cls(_TYPES[tensor.Type()], float(found.Scale(0)), int(found.ZeroPoint(0)))

    def stored(self, value: float) -> float:
        """Return the stored number for a value."""
        if not self.scale:
            return float(value)
        limits = np.iinfo(self.dtype)
        return float(np.clip(round(value / self.scale) + self.zero_point, limits.min, limits.max))

    def taken(self, what: str) -> str:
        """Return an input in words: "pixel − 128 as int8"."""
        divided = what if self.scale in (0, 1) else f"{what} / {self.scale:g}"
        return f"{divided}{_plus(self.zero_point)} as {self.dtype}"

    def given(self, what: str) -> str:
        """Return an output in words: "probability = 0.00390625 × (int8 + 128)"."""
        if not self.scale:
            return f"{what} as {self.dtype}"
        shifted = f"({self.dtype}{_plus(-self.zero_point)})" if self.zero_point else self.dtype
        return f"{what} = {self.scale:g} × {shifted}"


def _plus(number: int) -> str:
    return f" {'−' if number < 0 else '+'} {abs(number)}" if number else ""

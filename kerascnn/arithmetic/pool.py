"""``pool``: what pooling makes of a volume, without Keras."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kerascnn.arithmetic import formulas
from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.drawing import drawn_row
from kerascnn.arithmetic.fit import checked_volume, require_fit, require_number
from kerascnn.arithmetic.formulas import volume
from kerascnn.foundation.text.shown import Block, Drawing, Facts, Shown
from kerascnn.foundation.text.wording import counted


@dataclass(frozen=True)
class Pooling(Shown):
    """One pooling, of maxima or of means; it works map by map and learns nothing.

    Attributes:
        input: (height, width, depth) of what comes in.
        output: (height, width, depth) of what goes out; the depth stays.
        kernel: Side of the square window in pixels, ``stride`` its step, ``padding`` the border on each side.
    """

    input: tuple[int, int, int]
    output: tuple[int, int, int]
    kernel: int
    stride: int
    padding: int

    @property
    def parameters(self) -> int:
        """None at all."""
        return 0

    @property
    def multiply_adds(self) -> int:
        """None: it compares or adds."""
        return 0

    @property
    def activation_bytes(self) -> int:
        """Memory of the output of one image as float32."""
        return arithmetic.activation_bytes(math.prod(self.output))

    def blocks(self) -> list[Block]:
        """Return the formulas, the numbers filled in, and the drawing."""
        window = f"windows of {self.kernel}×{self.kernel}"
        title = f"{volume(self.input)}, {window}, stride {self.stride}, padding {self.padding}"
        drawing = partial(drawn_row, self.input[1], self.kernel, self.stride, self.padding, window="window")
        return [title, Facts(self._told()), Drawing(drawing)]

    def _told(self) -> dict[str, str]:
        height, width, depth = self.input
        side = partial(formulas.output_side, kernel=self.kernel, stride=self.stride, padding=self.padding)
        sides = {"output height": side(height), "output width": side(width)}
        values, seen = math.prod(self.output), self.kernel**2
        shared = self.kernel - self.stride
        told = {"output side": side(height)} if height == width else sides
        told |= {
            "output": f"{volume(self.output)} = {values:,} values: the depth {depth} stays, map by map",
            "one value": f"the largest, or the mean, of F·F = {self.kernel}·{self.kernel} = {seen:,} values",
        }
        if shared > 0:
            told["overlap"] = f"F − S = {counted(shared, 'pixel')} of neighbouring windows"
        return told | {
            "parameters": "0: nothing is learned",
            "values left": f"{values:,} of {math.prod(self.input):,}",
            "memory": f"{formulas.activation_bytes(values)} for one image (float32)",
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked for, the output volume and the costs."""
        return {
            "input": list(self.input),
            "kernel": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "output": list(self.output),
            "parameters": self.parameters,
            "activation_bytes": self.activation_bytes,
        }


def pool(shape: str | Sequence[int], *, kernel: int, stride: int | None = None, padding: int = 0) -> Pooling:
    """Work out one pooling.

    Args:
        shape: Height, width and depth of the input, as numbers or as text: ``224x224x64``.
        kernel: Side of the square window in pixels.
        stride: Pixels from one window to the next; ``None``: as many as the window has.
        padding: Border on each side.

    Raises:
        UsageError: A value makes no sense, or the window does not fit a whole number of times.

    >>> pool("224x224x64", kernel=2).output
    (112, 112, 64)
    """
    height, width, depth = checked_volume(shape)
    require_number("kernel", kernel)
    step = kernel if stride is None else stride
    require_number("stride", step)
    require_number("padding", padding, least=0)
    require_fit(height, width, kernel, step, padding, what="window")
    sides = [arithmetic.output_side(side, kernel, step, padding) for side in (height, width)]
    return Pooling((height, width, depth), (sides[0], sides[1], depth), kernel, step, padding)

"""``conv``: output volume and cost of one convolution, without Keras.

A filter that does not fit a whole number of times is refused with the formula and with what would fit; many
frameworks round down in silence and drop the last pixels. AlexNet's first layer (11×11, stride 4) is the case
people meet: the 244×244 of a note give 59.25, the 224×224 of the paper 54.25, only 227×227 exactly 55.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.fit import checked_volume, require_fit, require_number
from kerascnn.foundation.text.shown import Block, Shown


@dataclass(frozen=True)
class Convolution(Shown):
    """A convolution with shared weights and equal padding on all sides.

    Attributes:
        input: (height, width, depth) of what comes in.
        output: (height, width, depth) of what goes out; its depth is the number of filters.
        filters: How many, each as deep as the input.
        kernel: Side of the square filter in pixels, ``stride`` its step, ``padding`` the zeros on each side.
    """

    input: tuple[int, int, int]
    output: tuple[int, int, int]
    filters: int
    kernel: int
    stride: int
    padding: int

    @property
    def products(self) -> int:
        """Number of multiplications for one output value."""
        return arithmetic.filter_products(self.kernel, depth=self.input[2])

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return arithmetic.convolution_parameters(self.kernel, self.input[2], self.filters)

    @property
    def parameters_without_bias(self) -> int:
        """Number of weights alone, as some lecture notes count."""
        return arithmetic.convolution_parameters(self.kernel, self.input[2], self.filters, bias=False)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image; biases are not counted."""
        return arithmetic.multiply_adds(self.products, math.prod(self.output))

    @property
    def parameters_without_sharing(self) -> int:
        """Number of parameters if every output value had its own filter and bias."""
        return arithmetic.unshared_parameters(self.kernel, self.input[2], math.prod(self.output))

    @property
    def activation_bytes(self) -> int:
        """Memory of the output of one image as float32."""
        return arithmetic.activation_bytes(math.prod(self.output))

    def blocks(self) -> list[Block]:
        """Return the formulas with the numbers filled in, and the drawing."""
        from kerascnn.arithmetic.conv_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, the output volume and the costs."""
        return {
            "input": list(self.input),
            "filters": self.filters,
            "kernel": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "output": list(self.output),
            "parameters": self.parameters,
            "parameters_without_bias": self.parameters_without_bias,
            "multiply_adds": self.multiply_adds,
            "parameters_without_sharing": self.parameters_without_sharing,
            "activation_bytes": self.activation_bytes,
        }


def conv(
    shape: str | Sequence[int], *, filters: int, kernel: int, stride: int = 1, padding: int = 0
) -> Convolution:
    """Calculate output volume and costs of one convolution.

    Args:
        shape: Height, width and depth of the input, as numbers or as text: ``227x227x3``.
        filters: Number of filters, which is the depth of the output.
        kernel: Side of the square filter in pixels.
        stride: Pixels from one window to the next.
        padding: Zeros added on each side.

    Raises:
        UsageError: A value makes no sense, or the filter does not fit a whole number of times.

    >>> conv("227x227x3", filters=96, kernel=11, stride=4).output
    (55, 55, 96)
    """
    height, width, depth = checked_volume(shape)
    for name, value in (("filters", filters), ("kernel", kernel), ("stride", stride)):
        require_number(name, value)
    require_number("padding", padding, least=0)
    require_fit(height, width, kernel, stride, padding)
    output = (
        arithmetic.output_side(height, kernel, stride, padding),
        arithmetic.output_side(width, kernel, stride, padding),
        filters,
    )
    return Convolution((height, width, depth), output, filters, kernel, stride, padding)

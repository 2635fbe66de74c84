"""``stack``: convolutions and poolings one behind the other, each on what the one before makes."""

import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerascnn.arithmetic import formulas
from kerascnn.arithmetic.conv import Convolution, conv
from kerascnn.arithmetic.fit import checked_volume
from kerascnn.arithmetic.formulas import volume
from kerascnn.arithmetic.layer import receptive_field
from kerascnn.arithmetic.pool import Pooling, pool
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.foundation.text.tables import Table

HEADER = ("", "layer", "output", "parameters", "multiply-adds", "sees")
_OPTIONS = r"(?:\s+stride\s+(?P<stride>\d{1,7}))?(?:\s+padding\s+(?P<padding>\d{1,7}))?"
_CONVOLUTION = re.compile(r"(?P<kernel>\d{1,7})[xX×](?P<other>\d{1,7})[xX×](?P<filters>\d{1,7})" + _OPTIONS)
_POOLING = re.compile(r"pool\s+(?P<kernel>\d{1,7})" + _OPTIONS)


@dataclass(frozen=True)
class Stack(Shown):
    """Layers one behind the other.

    Attributes:
        input: (height, width, depth) of what comes into the first.
    """

    input: tuple[int, int, int]
    layers: tuple[Convolution | Pooling, ...]

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, depth) of what the last one gives."""
        return self.layers[-1].output

    @property
    def parameters(self) -> int:
        """Weights and biases of all."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of all, for one image."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def fields(self) -> list[tuple[int, int]]:
        """Side of the square of input pixels that one value sees behind each layer, and its step."""
        fields = [(1, 1)]
        for layer in self.layers:
            fields.append(receptive_field(*fields[-1], layer.kernel, layer.stride))
        return fields[1:]

    def blocks(self) -> list[Block]:
        """Return a row for each layer, and how its figures come about."""
        rows = [
            [str(number), *_row(layer), f"{side}×{side}"]
            for number, (layer, (side, _)) in enumerate(zip(self.layers, self.fields, strict=True), start=1)
        ]
        total = ["", "total", volume(self.output), f"{self.parameters:,}", f"{self.multiply_adds:,}", ""]
        told = [(str(number), _formula(layer)) for number, layer in enumerate(self.layers, start=1)]
        table = Table(HEADER, [*rows, total], left=2)
        return [f"{volume(self.input)}, {len(self.layers)} layers", table, Facts(told)]

    def to_dict(self) -> dict[str, Any]:
        """Return the volumes, the layers and the totals."""
        return {
            "input": list(self.input),
            "layers": [
                {"kind": "convolution" if isinstance(layer, Convolution) else "pooling"}
                | layer.to_dict()
                | {"receptive_field": side}
                for layer, (side, _) in zip(self.layers, self.fields, strict=True)
            ],
            "output": list(self.output),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
        }


def stack(shape: str | Sequence[int], layers: Sequence[str]) -> Stack:
    """Work out convolutions and poolings one behind the other.

    Args:
        shape: Height, width and depth of the input, as numbers or as text: ``32x32x3``.
        layers: Each as text: ``5x5x6`` are 6 filters of 5×5, ``pool 2`` windows of 2×2, both with
            ``stride S`` and ``padding P`` behind.

    Raises:
        UsageError: A text is no layer, or a layer does not fit what comes into it.

    >>> stack("32x32x3", ["5x5x6", "pool 2", "5x5x10"]).output
    (10, 10, 10)
    """
    if not layers:
        raise UsageError("A stack needs at least one layer, for instance 5x5x6 or 'pool 2'.")
    volume_now = begun = checked_volume(shape)
    found: list[Convolution | Pooling] = []
    for number, text in enumerate(layers, start=1):
        try:
            found.append(_layer(volume_now, text))
        except UsageError as error:
            raise UsageError(f"Layer {number}, {reprlib.repr(text)}: {error}") from error
        volume_now = found[-1].output
    return Stack(begun, tuple(found))


def _layer(shape: tuple[int, int, int], text: str) -> Convolution | Pooling:
    if found := _POOLING.fullmatch(text.strip()):
        stride = found["stride"]
        return pool(
            shape,
            kernel=int(found["kernel"]),
            stride=int(stride) if stride else None,
            padding=int(found["padding"] or 0),
        )
    found = _CONVOLUTION.fullmatch(text.strip())
    if not found or found["kernel"] != found["other"]:
        raise UsageError("a layer is FxFxK or 'pool F', with 'stride S' and 'padding P' behind.")
    return conv(
        shape,
        filters=int(found["filters"]),
        kernel=int(found["kernel"]),
        stride=int(found["stride"] or 1),
        padding=int(found["padding"] or 0),
    )


def _row(layer: Convolution | Pooling) -> list[str]:
    window = f"{layer.kernel}×{layer.kernel}"
    if isinstance(layer, Convolution):
        words = f"{layer.filters} filters of {window}×{layer.input[2]}"
    else:
        words = f"pool {window}"
    words += f", stride {layer.stride}" if layer.stride > 1 else ""
    words += f", padding {layer.padding}" if layer.padding else ""
    return [words, volume(layer.output), f"{layer.parameters:,}", f"{layer.multiply_adds:,}"]


def _formula(layer: Convolution | Pooling) -> str:
    window = (layer.kernel, layer.stride, layer.padding)
    sides = [formulas.output_side(side, *window) for side in dict.fromkeys(layer.input[:2])]
    if isinstance(layer, Pooling):
        return "; ".join([*sides, "no parameters"])
    taps = (layer.kernel, layer.kernel, layer.input[2])
    return "; ".join([*sides, formulas.parameters(taps, layer.filters)])

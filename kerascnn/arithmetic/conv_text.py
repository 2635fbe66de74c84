"""Explain one convolution step by step in words and with a drawing."""

import math
from functools import partial
from typing import TYPE_CHECKING

from kerascnn.arithmetic import formulas
from kerascnn.arithmetic.drawing import drawn_row
from kerascnn.arithmetic.formulas import volume
from kerascnn.arithmetic.layer import same_padding
from kerascnn.foundation.text.shown import Block, Drawing, Facts
from kerascnn.foundation.text.wording import counted

if TYPE_CHECKING:
    from kerascnn.arithmetic.conv import Convolution


def blocks(layer: "Convolution") -> list[Block]:
    """Return the formulas with the numbers filled in, and the drawing."""
    filters = f"{counted(layer.filters, 'filter')} of {volume(_filter(layer))}"
    title = f"{volume(layer.input)}, {filters}, stride {layer.stride}, padding {layer.padding}"
    drawing = partial(drawn_row, layer.input[1], layer.kernel, layer.stride, layer.padding)
    told = Facts(_sides(layer) | _size_note(layer) | _costs(layer))
    return [title, told, Drawing(drawing)]


def _sides(layer: "Convolution") -> dict[str, str]:
    height, width, _ = layer.input
    formula = partial(formulas.output_side, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)
    if height == width:
        return {"output side": formula(height)}
    return {"output height": formula(height), "output width": formula(width)}


def _size_note(layer: "Convolution") -> dict[str, str]:
    """Return the note on the padding that keeps the size, which needs stride 1 and an odd filter."""
    if layer.stride > 1 or layer.kernel % 2 == 0:
        return {}
    if layer.kernel == 1 and layer.padding == 0:
        depths = f"{layer.input[2]} → {layer.filters}"
        return {"1×1 filter": f"sees one pixel across all channels: only the depth can change, {depths}"}
    kept = same_padding(layer.kernel)
    keeps = "keeps" if layer.padding == kept else "would keep"
    size = volume(layer.input[:2])
    return {"same size": f"padding (F − 1)/2 = ({layer.kernel} − 1)/2 = {kept} {keeps} {size}"}


def _costs(layer: "Convolution") -> dict[str, str]:
    taps, values, places = _filter(layer), math.prod(layer.output), math.prod(layer.output[:2])
    many = f"{places:,} times as many" if places > 1 else "as many: there is one place only"
    return {
        "output": f"{volume(layer.output)} = {values:,} values: one map for each filter",
        "one value": f"{formulas.products(taps)} products, plus one bias",
        "parameters": formulas.parameters(taps, layer.filters),
        "without biases": formulas.parameters(taps, layer.filters, bias=False),
        "multiply-adds": f"{formulas.multiply_adds(layer.products, values)} (1 is 2 FLOPs)",
        "without sharing": f"{formulas.connections(taps, layer.output)} parameters, {many}",
        "memory": f"{formulas.activation_bytes(values)} for one image (float32)",
    }


def _filter(layer: "Convolution") -> tuple[int, int, int]:
    return layer.kernel, layer.kernel, layer.input[2]

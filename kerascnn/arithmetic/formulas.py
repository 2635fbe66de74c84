"""The lecture's formulas as text: the letters, the numbers filled in, the result.

The letters are those of ``layer.py``; R is the side of the square that one value sees, J the
distance between the squares of neighbours, both in pixels of the image.
"""

import math
from collections.abc import Sequence

from kerascnn.arithmetic import layer as arithmetic

CONVOLUTION = ("F·F·D", "K")
DENSE = ("inputs", "outputs")


def times(factors: Sequence[int]) -> str:
    """Return a product as text.

    >>> times((11, 11, 3)), times((9216, 4096))
    ('11·11·3', '9,216·4,096')
    """
    return "·".join(f"{factor:,}" for factor in factors)


def volume(sides: Sequence[int | None]) -> str:
    """Return height×width×depth as text, with a question mark for a flexible side.

    >>> volume((55, 55, 96)), volume((None, None, 3))
    ('55×55×96', '?×?×3')
    """
    return "×".join("?" if side is None else str(side) for side in sides)


def output_side(side: int, kernel: int, stride: int = 1, padding: int = 0) -> str:
    """Return the formula of the output side, with a note if it is rounded down.

    >>> output_side(227, kernel=11, stride=4)
    '(N + 2P − F)/S + 1 = (227 + 2·0 − 11)/4 + 1 = 216/4 + 1 = 55'
    >>> output_side(224, kernel=11, stride=4)
    '(N + 2P − F)/S + 1 = (224 + 2·0 − 11)/4 + 1 = 213/4 + 1 = 54.25, rounded down to 54'
    """
    reach = arithmetic.padded_side(side, padding) - kernel
    formula = arithmetic.output_formula(side, kernel, stride, padding)
    exact = arithmetic.exact_output_side(side, kernel, stride, padding)
    rounded = "" if reach % stride == 0 else f", rounded down to {reach // stride + 1}"
    return f"(N + 2P − F)/S + 1 = {formula} = {reach}/{stride} + 1 = {exact}{rounded}"


def products(taps: Sequence[int]) -> str:
    """Return the formula of the products for one output value.

    >>> products((11, 11, 3))
    'F·F·D = 11·11·3 = 363'
    """
    return f"{CONVOLUTION[0]} = {times(taps)} = {math.prod(taps):,}"


def parameters(
    taps: Sequence[int], filters: int, *, bias: bool = True, letters: tuple[str, str] = CONVOLUTION
) -> str:
    """Return the formula of the parameters of outputs that share their weights.

    >>> parameters((11, 11, 3), filters=96)
    '(F·F·D + 1)·K = (11·11·3 + 1)·96 = 34,944'
    >>> parameters((11, 11, 3), filters=96, bias=False)
    'F·F·D·K = 11·11·3·96 = 34,848'
    """
    found = arithmetic.dense_parameters(math.prod(taps), filters, bias)
    one, many = letters
    return f"{_each(one, bias)}·{many} = {_each(times(taps), bias)}·{filters:,} = {found:,}"


def multiply_adds(products: int, outputs: int) -> str:
    """Return the formula of the multiply-adds.

    >>> multiply_adds(11 * 11 * 3, outputs=55 * 55 * 96)
    '363 · 290,400 = 105,415,200'
    """
    return f"{products:,} · {outputs:,} = {arithmetic.multiply_adds(products, outputs):,}"


def activation_bytes(values: int) -> str:
    """Return the formula of a volume's memory in float32.

    >>> activation_bytes(55 * 55 * 96)
    '290,400 · 4 bytes = 1,161,600 bytes'
    """
    return f"{values:,} · 4 bytes = {arithmetic.activation_bytes(values):,} bytes"


def connections(taps: Sequence[int], output: Sequence[int], *, bias: bool = True) -> str:
    """Return the formula of the connections: the parameters if every output value had its own weights.

    >>> connections((11, 11, 3), output=(55, 55, 96))
    '55·55·96·(11·11·3 + 1) = 105,705,600'
    """
    found = arithmetic.connections(math.prod(taps), math.prod(output), bias)
    return f"{times(output)}·{_each(times(taps), bias)} = {found:,}"


def receptive_field(field: int, step: int, kernel: int) -> str:
    """Return the formula of the receptive field behind a layer.

    >>> receptive_field(5, 1, kernel=2)
    'R + (F − 1)·J = 5 + (2 − 1)·1 = 6 pixels a side'
    """
    seen, _ = arithmetic.receptive_field(field, step, kernel)
    return f"R + (F − 1)·J = {field} + ({kernel} − 1)·{step} = {seen} pixels a side"


def neighbours(step: int, stride: int) -> str:
    """Return the formula of the distance between neighbouring receptive fields.

    >>> neighbours(4, stride=2)
    'J·S = 4·2 = 8 apart'
    """
    return f"J·S = {step}·{stride} = {step * stride} apart"


def _each(inputs: str, bias: bool) -> str:
    return f"({inputs} + 1)" if bias else inputs

"""The formulas of one row of the layer table, numbers filled in: one function for each way of computing.

``kinds`` gives them to its rows. They are texts from a row's numbers, without Keras.
"""

import math
from typing import TYPE_CHECKING

from kerascnn.arithmetic import formulas

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.profile import LayerProfile

Formulas = dict[str, str]


def nothing(row: "LayerProfile") -> Formulas:
    """Return no formula: the layer changes values or their places and computes no sum."""
    return {}


def convolution(row: "LayerProfile") -> Formulas:
    """Write side, weights, computation and receptive field of filters that share their weights."""
    return _side(row) | _shared(row, formulas.CONVOLUTION) | _counts(row) | _sees(row)


def separable_convolution(row: "LayerProfile") -> Formulas:
    """Write the formulas of single-map filters followed by 1×1 filters across the maps."""
    *kernel, multiplier = row.taps
    between, filters = row.input[-1] * multiplier, row.output[-1]
    products = f"{formulas.times((*kernel, between))} + {between:,}·{filters:,}"
    description = f"filters for {between:,} single maps, then 1×1: {products}"
    total = row.parameters + row.parameters_fixed
    weights = _weights(row, f"{description}{f' + {filters:,}' if row.bias else ''} = {total:,}")
    if row.multiply_adds is None:
        return _side(row) | weights | _sees(row)
    places = formulas.times(row.output[:2])
    counts = {"multiply-adds": f"{places}·({products}) = {row.multiply_adds:,}"}
    return _side(row) | weights | counts | _sees(row)


def dense(row: "LayerProfile") -> Formulas:
    """Write weights and computation of fully connected units."""
    return _shared(row, formulas.DENSE) | _counts(row)


def _shared(row: "LayerProfile", letters: tuple[str, str]) -> Formulas:
    """Write the parameters of outputs that share weights, with biases and without."""
    weights = _weights(row, formulas.parameters(row.taps, row.output[-1], bias=row.bias, letters=letters))
    bare = formulas.parameters(row.taps, row.output[-1], bias=False, letters=letters)
    return weights | ({"without biases": bare} if row.bias else {})


def _weights(row: "LayerProfile", formula: str) -> Formulas:
    """Write the parameters, those counted at an earlier use, and whether they are trained."""
    if not row.parameters and not row.parameters_fixed:
        return {"parameters": "those of the first use of this layer, counted there"}
    return {"parameters": formula} | (
        {} if row.parameters else {"trained": "none of them: the layer is frozen"}
    )


def _counts(row: "LayerProfile") -> Formulas:
    if None in row.output:
        return {}
    places = math.prod(row.output[:-1])
    shared = ", the parameters without weight sharing" if places > 1 else ""
    return {
        "multiply-adds": formulas.multiply_adds(math.prod(row.taps), math.prod(row.output)),
        "connections": formulas.connections(row.taps, row.output, bias=row.bias) + shared,
    }


def pooling(row: "LayerProfile") -> Formulas:
    """Write side, connections and receptive field of a pooling window."""
    known = None not in row.output
    links = formulas.connections(row.taps, row.output, bias=False) if known else ""
    return _side(row) | ({"connections": links} if links else {}) | _sees(row)


def flatten(row: "LayerProfile") -> Formulas:
    """Write how many values stand in a row, and the receptive field behind them."""
    values = (
        {} if None in row.input else {"values": f"{formulas.times(row.input)} = {row.output[0]:,} in a row"}
    )
    return values | _sees_all(row)


def global_pooling(row: "LayerProfile") -> Formulas:
    """Write connections and receptive field of one value for each map."""
    if row.connections is None:
        return {}
    which = "largest" if "Max" in row.kind else "mean"
    places = f"{formulas.times(row.input[:2])} = {math.prod(row.input[:2]):,} values"
    links = f"{formulas.times(row.input)} = {row.connections:,}"
    return {"values": f"the {which} of {places} of each map", "connections": links} | _sees_all(row)


def batch_normalization(row: "LayerProfile") -> Formulas:
    """Write the trained numbers and the statistics of a normalization."""
    maps = row.output[-1]
    trained, fixed = (
        f"{count // maps}·{maps:,} = {count:,}" for count in (row.parameters, row.parameters_fixed)
    )
    return _weights(row, f"{trained} trained (scales, shifts) and {fixed} not trained (means, variances)")


def trainable_subsampling(row: "LayerProfile") -> Formulas:
    """Write the formulas of a 2×2 sum with one coefficient and one bias per map."""
    maps = row.output[-1]
    formula = f"2·{maps} = {2 * maps}: one coefficient and one bias for each map"
    counts = {
        "multiply-adds": formulas.multiply_adds(1, math.prod(row.output)),
        "connections": formulas.connections(row.taps, row.output),
    }
    return _side(row) | _weights(row, formula) | counts | _sees(row)


def table_convolution(row: "LayerProfile") -> Formulas:
    """Write the formulas of filters that each see some of the maps."""
    maps, places = row.output[-1], math.prod(row.output[:2])
    products = (row.multiply_adds or 0) // places
    pairs = products // math.prod(row.taps)
    one = f"{formulas.times(row.taps)}·{pairs}"
    why = f"{pairs} of {row.input[-1]}·{maps} pairs of maps are joined"
    counts = {
        "multiply-adds": formulas.multiply_adds(products, places),
        "connections": f"{formulas.times(row.output[:2])}·({one} + {maps}) = {row.connections:,}",
    }
    return _side(row) | _weights(row, f"{one} + {maps} = {products + maps:,}: {why}") | counts | _sees(row)


def distances(row: "LayerProfile") -> Formulas:
    """Write the computation of squared distances to fixed codes."""
    products = formulas.multiply_adds(row.taps[0], row.output[0])
    return {
        "multiply-adds": f"{products}: squared distances to {row.output[0]} fixed codes",
        "connections": formulas.connections(row.taps, row.output, bias=False),
    }


def _side(row: "LayerProfile") -> Formulas:
    """Write the output's side, or height and width if they differ."""
    pairs = [(side, found) for side, found in zip(row.input[:2], row.output[:2], strict=True)]
    if row.kernel is None or None in row.input:
        return {}
    if pairs[0] == pairs[1]:
        return {"output side": _steps(row, *pairs[0])}
    return {"output height": _steps(row, *pairs[0]), "output width": _steps(row, *pairs[1])}


def _steps(row: "LayerProfile", side: int, found: int) -> str:
    assert row.kernel
    assert row.stride
    if row.padding is None:
        return f"N/S = {side}/{row.stride}, rounded up to {found}: “same” adds the zeros that it takes"
    return formulas.output_side(side, row.kernel, row.stride, row.padding)


def _sees(row: "LayerProfile") -> Formulas:
    """Write the receptive field behind a window."""
    if row.kernel is None or row.stride is None or row.step is None:
        return {}
    step = row.step // row.stride
    return _field(row, row.kernel, step, f", neighbours {formulas.neighbours(step, row.stride)}")


def _sees_all(row: "LayerProfile") -> Formulas:
    """Write the receptive field after a layer that sees the whole map."""
    return _field(row, row.input[0], row.step) if row.step else {}


def _field(row: "LayerProfile", kernel: int, step: int, neighbours: str = "") -> Formulas:
    if row.receptive_field is None:
        return {}
    before = row.receptive_field - (kernel - 1) * step
    return {"sees": formulas.receptive_field(before, step, kernel) + neighbours}

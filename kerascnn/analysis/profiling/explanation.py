"""The figures of a layer table as formulas with their numbers filled in: texts from rows, without Keras."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerascnn.arithmetic import formulas

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.profile import LayerProfile

Formulas = dict[str, str]


@dataclass(frozen=True)
class Explanation:
    """What is said of one layer.

    Attributes:
        layer: Its name.
        formulas: By what they give: ``output side``, ``parameters``, …; none where nothing is computed.
        lecture: What the lecture notes count differently here, and why.
    """

    layer: str
    formulas: Mapping[str, str]
    lecture: str | None = None


def explain(rows: Sequence["LayerProfile"], lecture: Mapping[str, str]) -> tuple[Explanation, ...]:
    """Explain every row of a layer table.

    Args:
        rows: Of the table, in its order.
        lecture: What the notes say otherwise, by layer; of the two layers of two towers (conv1a, conv1b), the
            first has it.
    """
    left = dict(lecture)
    return tuple(
        Explanation(
            row.name, _formulas(row), left.pop(row.name, None) or left.pop(_untowered(row.name), None)
        )
        for row in rows
    )


def normalization(rows: Sequence["LayerProfile"]) -> str | None:
    """Return what batch normalization adds to the parameters, ``None`` where there is none."""
    added = [row for row in rows if row.kind == "BatchNormalization"]
    if not added:
        return None
    trained, fixed = (sum(getattr(row, name) for row in added) for name in ("parameters", "parameters_fixed"))
    return (
        f"Batch normalization adds {trained:,} trained numbers (scales, shifts) and {fixed:,} that "
        "gradients do not change (means, variances)."
    )


def _untowered(name: str) -> str:
    return re.sub(r"(?<=\d)[ab]$", "", name)


def _formulas(row: "LayerProfile") -> Formulas:
    if row.multiply_adds is None and not row.taps:
        return {"not known": f"what a layer {row.kind} computes"}
    return _KINDS[row.kind](row) if row.kind in _KINDS else {}


def _convolution(row: "LayerProfile") -> Formulas:
    return _side(row) | _shared(row, formulas.CONVOLUTION) | _counts(row) | _sees(row)


def _separable(row: "LayerProfile") -> Formulas:
    *kernel, multiplier = row.taps
    between, filters = row.input[-1] * multiplier, row.output[-1]
    products = f"{formulas.times((*kernel, between))} + {between:,}·{filters:,}"
    told = f"filters for {between:,} single maps, then 1×1: {products}"
    total = row.parameters + row.parameters_fixed
    weights = _weights(row, f"{told}{f' + {filters:,}' if row.bias else ''} = {total:,}")
    if row.multiply_adds is None:
        return _side(row) | weights | _sees(row)
    places = formulas.times(row.output[:2])
    counts = {"multiply-adds": f"{places}·({products}) = {row.multiply_adds:,}"}
    return _side(row) | weights | counts | _sees(row)


def _dense(row: "LayerProfile") -> Formulas:
    return _shared(row, formulas.DENSE) | _counts(row)


def _shared(row: "LayerProfile", letters: tuple[str, str]) -> Formulas:
    """Return the parameters of outputs that share their weights, and without the biases, as notes count."""
    told = _weights(row, formulas.parameters(row.taps, row.output[-1], bias=row.bias, letters=letters))
    bare = formulas.parameters(row.taps, row.output[-1], bias=False, letters=letters)
    return told | ({"without biases": bare} if row.bias else {})


def _weights(row: "LayerProfile", told: str) -> Formulas:
    """Return the formula of the parameters, or that they stand elsewhere; and whether they are trained."""
    if not row.parameters and not row.parameters_fixed:
        return {"parameters": "those of the first use of this layer, counted there"}
    return {"parameters": told} | ({} if row.parameters else {"trained": "none of them: the layer is frozen"})


def _counts(row: "LayerProfile") -> Formulas:
    if None in row.output:
        return {}
    places = math.prod(row.output[:-1])
    shared = ", the parameters without weight sharing" if places > 1 else ""
    return {
        "multiply-adds": formulas.multiply_adds(math.prod(row.taps), math.prod(row.output)),
        "connections": formulas.connections(row.taps, row.output, bias=row.bias) + shared,
    }


def _pooling(row: "LayerProfile") -> Formulas:
    known = None not in row.output
    links = formulas.connections(row.taps, row.output, bias=False) if known else ""
    return _side(row) | ({"connections": links} if links else {}) | _sees(row)


def _flatten(row: "LayerProfile") -> Formulas:
    values = (
        {} if None in row.input else {"values": f"{formulas.times(row.input)} = {row.output[0]:,} in a row"}
    )
    return values | _sees_all(row)


def _whole_map(row: "LayerProfile") -> Formulas:
    if row.connections is None:
        return {}
    which = "largest" if "Max" in row.kind else "mean"
    places = f"{formulas.times(row.input[:2])} = {math.prod(row.input[:2]):,} values"
    links = f"{formulas.times(row.input)} = {row.connections:,}"
    return {"values": f"the {which} of {places} of each map", "connections": links} | _sees_all(row)


def _normalization(row: "LayerProfile") -> Formulas:
    maps = row.output[-1]
    trained, fixed = (
        f"{count // maps}·{maps:,} = {count:,}" for count in (row.parameters, row.parameters_fixed)
    )
    return _weights(row, f"{trained} trained (scales, shifts) and {fixed} counted (means, variances)")


def _subsampling(row: "LayerProfile") -> Formulas:
    maps = row.output[-1]
    told = f"2·{maps} = {2 * maps}: one coefficient and one bias for each map"
    counts = {
        "multiply-adds": formulas.multiply_adds(1, math.prod(row.output)),
        "connections": formulas.connections(row.taps, row.output),
    }
    return _side(row) | _weights(row, told) | counts | _sees(row)


def _table(row: "LayerProfile") -> Formulas:
    """Explain a convolution whose maps see some of the input's maps."""
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


def _distances(row: "LayerProfile") -> Formulas:
    told = formulas.multiply_adds(row.taps[0], row.output[0])
    return {
        "multiply-adds": f"{told}: squared distances to {row.output[0]} fixed codes",
        "connections": formulas.connections(row.taps, row.output, bias=False),
    }


def _side(row: "LayerProfile") -> Formulas:
    """Return the formula of the output's side, or of height and width where they differ."""
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
    """Return the receptive field behind a window."""
    if row.kernel is None or row.stride is None or row.step is None:
        return {}
    step = row.step // row.stride
    return _field(row, row.kernel, step, f", neighbours {formulas.neighbours(step, row.stride)}")


def _sees_all(row: "LayerProfile") -> Formulas:
    """Return the receptive field behind a layer that takes in the whole map."""
    return _field(row, row.input[0], row.step) if row.step else {}


def _field(row: "LayerProfile", kernel: int, step: int, neighbours: str = "") -> Formulas:
    if row.receptive_field is None:
        return {}
    before = row.receptive_field - (kernel - 1) * step
    return {"sees": formulas.receptive_field(before, step, kernel) + neighbours}


_KINDS: Mapping[str, Callable[["LayerProfile"], Formulas]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "Flatten": _flatten,
    "GlobalAveragePooling2D": _whole_map,
    "GlobalMaxPooling2D": _whole_map,
    "BatchNormalization": _normalization,
    "TrainableSubsampling": _subsampling,
    "TableConvolution": _table,
    "EuclideanRBF": _distances,
}

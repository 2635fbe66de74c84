"""Explanations of a layer table: the formula of each number, filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerascnn.analysis.profiling.kinds import LAYERS
from kerascnn.analysis.profiling.layer_formulas import Formulas

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.profile import LayerProfile


@dataclass(frozen=True)
class Explanation:
    """The formulas of one layer.

    Attributes:
        layer: Its name.
        formulas: By what they give: ``output side``, ``parameters``, …; none where nothing is computed.
        lecture: Differences from the lecture notes, with the reason.
    """

    layer: str
    formulas: Mapping[str, str]
    lecture: str | None = None


def explain(rows: Sequence["LayerProfile"], lecture: Mapping[str, str]) -> tuple[Explanation, ...]:
    """Explain every row of a layer table.

    Args:
        rows: Rows of the table, in order.
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
    """Return the sentence on batch normalization's parameters, ``None`` if there are none."""
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
    return LAYERS[row.kind].formulas(row) if row.kind in LAYERS else {}

"""The layer table of a model as a sheet, for text, Markdown and CSV."""

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kerascnn.arithmetic.formulas import volume
from kerascnn.foundation.text.sheet import Sheet
from kerascnn.foundation.text.tables import Cell, Table

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.explanation import Explanation
    from kerascnn.analysis.profiling.profile import LayerProfile
    from kerascnn.workflows.summary import Summary


class Column(NamedTuple):
    """A column: its name in CSV and in the rows, and its title for people."""

    key: str
    title: str


LAYER = Column("layer", "layer")
KIND = Column("kind", "kind")
OUTPUT = Column("output", "output")
WINDOW = (Column("kernel", "filter"), Column("stride", "stride"), Column("padding", "padding"))
COSTS = (Column("parameters", "parameters"), Column("multiply_adds", "multiply-adds"))
EXPLAINED = (
    Column("connections", "connections"),
    Column("receptive_field", "field"),
    Column("activation_bytes", "activations"),
    Column("int8_weight_bytes", "int8 weights"),
)
LEGEND = (
    "field: side of the square of input pixels that one value sees (zeros of the padding counted); "
    "activations: bytes of the output, 4 a value (float32); int8 weights: bytes in an int8 file, 1 a weight "
    "and 4 a bias; –: not known."
)


def sheet(found: "Summary", form: str = "table") -> Sheet:
    """Return the sheet of layers and remarks for one of the formats."""
    columns = _columns(narrow=form == "table", explained=bool(found.explanations))
    keys = [column.key for column in columns]
    total: list[Cell] = ["total", *(getattr(found.profile, key, "") for key in keys[1:])]
    notes = [found.note, found.normalization, LEGEND if found.explanations else None]
    table = Table(
        header=[column.title for column in columns],
        rows=[[_cell(row, key, form) for key in keys] for row in found.profile.layers],
        left=sum(column in (LAYER, KIND) for column in columns),
        title=_title(found),
        total=total,
        keys=keys,
    )
    return Sheet(table, notes=[note for note in notes if note], details=_details(found))


def _columns(*, narrow: bool, explained: bool) -> tuple[Column, ...]:
    """Return the columns; an explained table in a terminal omits those its formulas repeat."""
    if not explained:
        return (LAYER, KIND, OUTPUT, *WINDOW, *COSTS)
    return (LAYER, *(() if narrow else (KIND,)), OUTPUT, *(() if narrow else WINDOW), *COSTS, *EXPLAINED)


def _title(found: "Summary") -> str:
    return f"{found.architecture}; 1 multiply-add = 2 FLOPs, for one image"


def _cell(row: "LayerProfile", key: str, form: str) -> Cell:
    if key == "layer":
        return row.name
    if key == "output":
        return volume(row.output)
    value: Cell = getattr(row, key)
    if key in ("kernel", "stride", "padding"):
        sign = f"{value}×{value}" if key == "kernel" and form != "csv" else value
        return "" if value is None else sign
    return value


def _details(found: "Summary") -> list[tuple[str, dict[str, str]]]:
    """Return the remarks on each computing layer and on layers that the notes count differently.

    Neighbours of whom the same is to be said, as of the two towers of AlexNet, share a paragraph.
    """
    details: list[tuple[str, dict[str, str]]] = []
    for (kind, lines), group in groupby(zip(found.profile.layers, found.explanations, strict=False), _alike):
        explanations = [explanation for _, explanation in group]
        lecture = "; ".join(one.lecture for one in explanations if one.lecture)
        if lines or lecture:
            names = ", ".join(one.layer for one in explanations)
            details.append((f"{names}: {kind}", lines | ({"lecture": lecture} if lecture else {})))
    return details


def _alike(pair: tuple["LayerProfile", "Explanation"]) -> tuple[str, dict[str, str]]:
    row, explanation = pair
    return f"{row.kind}, {volume(row.input)} → {volume(row.output)}", dict(explanation.formulas)

"""The layers of a model as boxes: what a layer table leaves to the imagination."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kerascnn.figures.boxes import Box, diagram

if TYPE_CHECKING:
    from kerascnn.analysis.profiling.profile import LayerProfile
    from kerascnn.workflows.summary import Summary

SHAPELESS = ("Flatten", "Reshape", "Concatenate")  # they only arrange what is there


def boxes(found: "Summary") -> str:
    """Return an SVG file: the volumes of a model from left to right, towers below each other."""
    return diagram(
        _columns(found.profile.layers), f"{found.architecture.model}: volumes from the image to the classes"
    )


def _columns(rows: Sequence["LayerProfile"]) -> list[list[Box]]:
    first = rows[0]
    columns, towers = [[Box(first.output, first.name)]], [""]
    joined = False
    for row in rows[1:]:
        joined = joined or row.kind == "Concatenate"
        if not _is_shown(row):
            continue
        beside = bool(towers[-1]) and row.name[:-1] == towers[-1][:-1] and row.name != towers[-1]
        if not beside:
            columns[-1] = [replace(box, window=row.kernel) for box in columns[-1]]
            columns.append([])
        columns[-1].append(Box(row.output, row.name, _does(row), joined=joined))
        joined = joined and row.name[-1:] == "a"
        towers.append(row.name if row.name[-1:] in "ab" and not beside else "")
    return columns


def _is_shown(row: "LayerProfile") -> bool:
    if row.kind in SHAPELESS:
        return False
    return row.kernel is not None or row.kind == "Dense" or row.input != row.output


def _does(row: "LayerProfile") -> str:
    if row.kernel is None:
        return "dense" if row.kind == "Dense" else ""
    stride = f", stride {row.stride}" if (row.stride or 1) > 1 else ""
    return f"{row.kernel}×{row.kernel}{stride}"

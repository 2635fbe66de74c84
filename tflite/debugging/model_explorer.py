"""Export per-operator errors as node data for Model Explorer, which colours its graph by them.

Its "custom node data" is a JSON object of graphs by their names; ``results`` has a value for the name of each
tensor that an operator gives. In the tool: "Add per-node data", or drop the file on the open graph.
"""

from collections.abc import Mapping
from typing import Any

from kerascnn.figures.plots import VERMILION
from kerascnn.tflite.file_format.graph import ModelGraph


def node_data(graph: ModelGraph, values: Mapping[str, float | None], *, low_is_bad: bool) -> dict[str, Any]:
    """Return node data for a file of one subgraph.

    Args:
        graph: The file.
        values: By the names of tensors; what is ``None`` gets no colour.
        low_is_bad: Whether the smallest value is coloured most, or the largest.
    """
    results = {tensor: {"value": value} for tensor, value in values.items() if value is not None}
    colours = [VERMILION, "#FFFFFF"] if low_is_bad else ["#FFFFFF", VERMILION]
    gradient = [{"stop": stop, "bgColor": colour} for stop, colour in enumerate(colours)]
    return {_shown_name(graph): {"results": results, "gradient": gradient}}


def _shown_name(graph: ModelGraph) -> str:
    """Return Model Explorer's name for the graph: its own name, else its signature."""
    return graph.subgraphs[0].name or next(iter(graph.signatures), "") or "main"

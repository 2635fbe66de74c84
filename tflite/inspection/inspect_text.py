"""The result of ``inspect`` as text and tables."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from kerascnn.foundation.text.shown import Block, Facts, Prose
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import DASH
from kerascnn.models.architecture import Architecture
from kerascnn.tflite.inspection.tensor_words import decimal

if TYPE_CHECKING:
    from kerascnn.models.description import ModelDescription
    from kerascnn.tflite.file_format.graph import Operator, Quantization, Subgraph, Tensor
    from kerascnn.tflite.inspection.inspect import Inspection

LONGEST = 30  # columns for one name of the file in a table
MOST = 12  # names of a list that are shown
WORDS = ("#", "operator", "from", "types")  # columns set to the left
LEGEND = {
    "from": "the operators whose results it takes; in: what goes into the graph",
    "v": "its version",
    "scale, zero": "of the output: real value = scale × (q − zero)",
    "weights": "the largest constant it computes with",
    "scales": "of the weights, one per channel or one per tensor",
    "bytes": "of all its constants, and of a custom operator's own data",
}


def blocks(found: "Inspection") -> list[Block]:
    """Return every operator, and the inputs and outputs."""
    graph = found.graph
    operators = sum(len(subgraph.operators) for subgraph in graph.subgraphs)
    sizes = f"{graph.bytes:,} bytes, {found.constant_bytes:,} of them constants; {operators:,} operators"
    tables = [_headed(number, subgraph, found) for number, subgraph in enumerate(graph.subgraphs)]
    legend = _legend({column for table in tables if isinstance(table, Table) for column in table.header})
    facts = _facts(found)
    parts = [f"{graph.path}: {sizes}", *tables, legend, *([Facts(facts, long=True)] if facts else [])]
    return [part for part in parts if part]


def _legend(columns: set[str]) -> Prose | None:
    said = [f"{names}: {meaning}" for names, meaning in LEGEND.items() if names.split(", ")[0] in columns]
    return Prose(f"{'; '.join(said)}.") if said else None


def _headed(number: int, subgraph: "Subgraph", found: "Inspection") -> Block:
    """Return the operators of a subgraph, under a heading where there are several."""
    if len(found.graph.subgraphs) == 1:
        return _operators(subgraph, "")
    ends = (subgraph.inputs, subgraph.outputs)
    takes, gives = (_listed(map(_described, _tensors(subgraph, indices))) for indices in ends)
    return _operators(subgraph, f"subgraph {number}, {_told(subgraph.name)}: {takes} → {gives}")


def _operators(subgraph: "Subgraph", title: str) -> Block:
    """Return a row for each operator, without the columns that are empty everywhere."""
    makers = {index: str(operator.index) for operator in subgraph.operators for index in operator.outputs}
    sources = makers | dict.fromkeys(subgraph.inputs, "in")
    rows = [_row(operator, subgraph, sources) for operator in subgraph.operators]
    if not rows:
        return f"{title}\nno operators" if title else "no operators"
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    cells = [[row[column] for column in columns] for row in rows]
    return Table(columns, cells, left=sum(column in WORDS for column in columns), title=title)


def _row(operator: "Operator", subgraph: "Subgraph", sources: dict[int, str]) -> dict[str, str]:
    from kerascnn.tflite.inspection.inspect import held_bytes, weights

    weight = weights(operator, subgraph)
    inputs = [tensor for tensor in _tensors(subgraph, operator.inputs) if not tensor.constant]
    outputs = _tensors(subgraph, operator.outputs)
    scaling = outputs[0].quantization if outputs else None
    size = held_bytes(operator, subgraph)
    return {
        "#": str(operator.index),
        "operator": _operator(operator),
        "from": _listed((sources.get(tensor.index, DASH) for tensor in inputs), 4),
        "types": _types(inputs, weight, outputs),
        "v": str(operator.version),
        "output": (_shape(outputs[0]) if outputs else "") + (f" +{len(outputs) - 1}" if outputs[1:] else ""),
        "scale": _scale(scaling),
        "zero": f"{scaling.zero_points[0]}".replace("-", "−") if scaling and not scaling.per_channel else "",
        "weights": _shape(weight) if weight else "",
        "scales": _scales(weight) if weight else "",
        "bytes": f"{size:,}" if size else "",
    }


def _operator(operator: "Operator") -> str:
    """Return an operator's name with its fused activation, or with the subgraphs that it runs."""
    suffix = "_subgraph_index"
    options = operator.options.items()
    runs = [f"{name.removesuffix(suffix)} {number}" for name, number in options if name.endswith(suffix)]
    fused = [operator.activation] if operator.activation != "NONE" else []
    return ", ".join([_told(operator.name), *(["custom"] if operator.custom else []), *fused, *runs])


def _types(inputs: Sequence["Tensor"], weight: "Tensor | None", outputs: Sequence["Tensor"]) -> str:
    """Return "int8", "int8 → float32", or "float32 × int8" where the weights are of another type."""
    taken, given = (
        _listed(sorted({tensor.type.lower() for tensor in side}), 3) for side in (inputs, outputs)
    )
    held = weight.type.lower() if weight else ""
    if not taken:  # it unpacks a constant
        taken, held = held, ""
    kinds = given if taken in ("", given) else f"{taken} → {given}"
    return f"{kinds} × {held}" if held not in ("", taken) else kinds


def _scale(scaling: "Quantization | None") -> str:
    if scaling is None:
        return ""
    return f"{len(scaling.scales):,} scales" if scaling.per_channel else decimal(scaling.scales[0])


def _scales(weight: "Tensor") -> str:
    if weight.blockwise:
        kind = "in blocks"
    elif weight.quantization is None:
        kind = ""
    else:
        kind = "per channel" if weight.quantization.per_channel else "per tensor"
    return ", ".join([*([kind] if kind else []), *(["sparse"] if weight.sparse else [])])


def _shape(tensor: "Tensor") -> str:
    sides = tensor.signature or tensor.shape
    return _told("×".join("?" if side < 0 else str(side) for side in sides)) or "scalar"


def _described(tensor: "Tensor") -> str:
    return f"{tensor.type.lower()} {_shape(tensor)}"


def _tensors(subgraph: "Subgraph", indices: Sequence[int]) -> list["Tensor"]:
    return [subgraph.tensors[index] for index in indices if index >= 0]


def _facts(found: "Inspection") -> dict[str, str]:
    """Return the inputs, the outputs and the metadata."""
    graph = found.graph
    main = graph.subgraphs[0]
    said = {
        "description": _told(graph.description, 200),
        "metadata": _listed(map(_told, graph.metadata)),
        "signatures": _listed(map(_told, graph.signatures)),
        "kerascnn": _told(found.damage or "", 300)
        or (_kerascnn(found.description) if found.description else ""),
    }
    inputs = _ends("input", _tensors(main, main.inputs), found.inputs)
    outputs = _ends("output", _tensors(main, main.outputs), found.outputs)
    return inputs | outputs | {name: value for name, value in said.items() if value}


def _ends(name: str, tensors: Sequence["Tensor"], meanings: Sequence[str]) -> dict[str, str]:
    lines = [
        f"{_told(tensor.name, 60)}, {_shape(tensor)}: {meaning}"
        for tensor, meaning in zip(tensors, meanings, strict=True)
    ]
    return {name: lines[0]} if len(lines) == 1 else {f"{name} {n}": line for n, line in enumerate(lines)}


def _kerascnn(description: "ModelDescription") -> str:
    canvas = description.preprocessing
    told = {name: _told(value) for name, value in description.architecture.model_dump().items()}
    classes = _listed(map(_told, description.classes))
    return (
        f"{Architecture(**told)}, trained on {_told(str(description.source), 60)}; "
        f"{canvas.width}×{canvas.height} pixels, {'grey' if canvas.channels == 1 else 'colour'}; "
        f"{len(description.classes):,} classes: {classes}"
    )


def _listed(names: Iterable[str], most: int = MOST) -> str:
    """Return the distinct names as a list, shortened."""
    different = list(islice(dict.fromkeys(names), most + 1))
    return ", ".join([*different[:most], *(["…"] if different[most:] else [])])


def _told(name: str, longest: int = LONGEST) -> str:
    """Return a name from a file without control characters and shortened, safe for a terminal."""
    shown = "".join(sign if sign.isprintable() else "�" for sign in name[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"

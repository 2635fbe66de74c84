"""Match the operators of a quantized file with those of the float network.

Both are walked in the order of computation. Two operators match if they are of one kind, give the same shape
and read what has been matched already. Names decide nothing: tools rename tensors as they like.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.file_format.graph import Operator, Subgraph

BETWEEN = ("QUANTIZE", "DEQUANTIZE")  # a tensor in another type: part of no layer

#: From an operator of the file and one of the float network to how alike their weights are, 1 without any.
Likeness = Callable[[Operator, Operator], float]


@dataclass(frozen=True)
class Match:
    """An operator of the quantized file and its float counterpart.

    Attributes:
        operator: The operator of the quantized file.
        number: Index of the operator in the float network.
        reads: The tensors of the quantized file that its values come from, before any change of type.
        likeness: Cosine similarity of the weights.
    """

    operator: Operator
    number: int
    reads: tuple[int, ...]
    likeness: float


def match_operators(
    quantized: Subgraph, trained: Subgraph, likeness: Likeness, *, file: Path, run: Path
) -> tuple[Match, ...]:
    """Find the float operator behind each operator of a quantized file.

    Where several would do, as in the towers of AlexNet, the one with the most similar weights is taken.

    Args:
        quantized: The operators of ``file``.
        trained: Those of the float network of ``run``.
        likeness: Compares weights.
        file: For messages, as ``run``.

    Raises:
        KerasCnnError: They are different networks; the message has the first difference.
    """
    taken, wanted = (_shapes(graph, graph.inputs) for graph in (quantized, trained))
    if taken != wanted:
        raise _different(file, run, f"takes {taken}", wanted)
    origins: dict[int, int] = {}  # of a tensor in another type: the one its values come from
    partners = dict(zip(quantized.inputs, trained.inputs, strict=True))
    left, matches = list(trained.operators), []
    for operator in quantized.operators:
        if operator.name in BETWEEN:
            origins[operator.outputs[0]] = origins.get(operator.inputs[0], operator.inputs[0])
            continue
        reads = computed(quantized, [origins.get(number, number) for number in operator.inputs])
        expected = tuple(partners.get(number) for number in reads)
        gives = _shapes(quantized, operator.outputs)
        fitting = [
            (likeness(operator, each), each)
            for each in left
            if each.name == operator.name
            and computed(trained, each.inputs) == expected
            and _shapes(trained, each.outputs) == gives
        ]
        if not fitting:
            found, wanted = f"{operator.name} to {gives}", _next(trained, left)
            if found == wanted:
                wanted += " of other layers"
            raise _different(file, run, f"has {found} as operator {operator.index}", wanted)
        alike, best = max(fitting, key=lambda pair: pair[0])
        left.remove(best)
        partners |= dict(zip(operator.outputs, best.outputs, strict=True))
        matches.append(Match(operator, best.index, reads, alike))
    if left:
        raise _different(file, run, f"ends after {len(matches)} layers", _next(trained, left))
    return tuple(matches)


def computed(graph: Subgraph, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the tensors that depend on the image; −1 is an omitted input."""
    return tuple(number for number in numbers if number >= 0 and not graph.tensors[number].constant)


def layer_of(tensor: str, layers: Sequence[str]) -> str | None:
    """Return the Keras layer that a float tensor of TensorFlow's converter comes from.

    The name lists all that was fused, as ``net_1/relu1_1/Relu;net_1/norm1_1/add;net_1/conv1_1/convolution``:
    the layer is the first of them in the network.

    Args:
        tensor: Its name.
        layers: Names of all layers in the order of the network.
    """
    scopes = {scope for path in tensor.split(";") for scope in path.split("/")[:-1]}
    scopes |= {re.sub(r"_\d+$", "", scope) for scope in scopes}  # TensorFlow counts the calls of a layer
    return next((layer for layer in layers if layer in scopes), None)


def _different(file: Path, run: Path, found: str, expected: str) -> KerasCnnError:
    return KerasCnnError(
        f"{file} is not the network of {run}: it {found}, the run's has {expected} there. Name the run that "
        "the file was made from."
    )


def _next(graph: Subgraph, left: Sequence[Operator]) -> str:
    return f"{left[0].name} to {_shapes(graph, left[0].outputs)}" if left else "its end"


def _shapes(graph: Subgraph, numbers: Sequence[int]) -> str:
    """Return shapes as text, without the batch of one."""
    shapes = [graph.tensors[number].shape for number in numbers]
    return " and ".join("×".join(map(str, shape[1:] if shape[:1] == (1,) else shape)) for shape in shapes)

"""From a ``.tflite`` file to its integer program; whatever the kernels do not check is proved here."""

from collections.abc import Iterator
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.tflite.file_format.graph import ModelGraph, Tensor, constant_data, read_graph
from kerascnn.tflite.program.encoding import aligned
from kerascnn.tflite.program.operands import LIMITS, Operands
from kerascnn.tflite.program.operators import calls
from kerascnn.tflite.program.program import IntegerProgram, PlacedTensor, Role, Step

MOST_VALUES = 256 * 2**20  # bytes of all tensors that are computed
MOST_CONSTANTS = 2**30  # bytes of all weights


def integer_program(path: Path) -> IntegerProgram:
    """Return the program of a fully int8 ``.tflite`` file.

    Raises:
        KerasCnnError: The file is missing or damaged.
        TargetError: An operator, a type or an option in it is not supported, or it is too large.
    """
    graph = read_graph(path)
    if len(graph.subgraphs) > 1:
        raise TargetError(f"{path} has {len(graph.subgraphs)} subgraphs; only files with one are supported.")
    steps = tuple(_steps(graph))
    for index in graph.subgraphs[0].inputs:
        _require_input(graph, graph.subgraphs[0].tensors[index])
    used = dict.fromkeys(
        [*graph.subgraphs[0].inputs, *(index for step in steps for index in _operands(step))]
    )
    tensors, values, constants = _placed(graph, list(used), {step.output for step in steps})
    _require_outputs(graph, tensors)
    return IntegerProgram(
        path=path,
        tensors=tensors,
        steps=steps,
        inputs=graph.subgraphs[0].inputs,
        outputs=graph.subgraphs[0].outputs,
        values=values,
        constants=constants,
    )


def _steps(graph: ModelGraph) -> Iterator[Step]:
    """Yield the steps, and prove that each reads what is there already and writes what nobody else writes."""
    subgraph = graph.subgraphs[0]
    constant = {tensor.index for tensor in subgraph.tensors if tensor.constant}
    there = constant | set(subgraph.inputs)
    for operator in subgraph.operators:
        of = Operands(graph, operator)
        made = calls(of)
        step = Step(operator.name, operator.index, operator.inputs, operator.outputs[0], made)
        for index in _operands(step):
            if index != step.output and index not in there:
                raise of.damaged(f"reads tensor {index} before it is computed")
        if step.output in there or step.output in operator.inputs:
            raise of.damaged(f"computes tensor {step.output}, which is there already")
        there.add(step.output)
        yield step


def _operands(step: Step) -> Iterator[int]:
    for call in step.calls:
        yield from call.operands.values()


def _placed(
    graph: ModelGraph, used: list[int], computed: set[int]
) -> tuple[dict[int, PlacedTensor], int, bytes]:
    """Return the tensors at their places, and the size of the values and the content of the constants."""
    placed: dict[int, PlacedTensor] = {}
    values, constants = 0, bytearray()
    chosen = [graph.subgraphs[0].tensors[index] for index in used]
    _require_size(graph, sum(tensor.bytes for tensor in chosen if tensor.constant), MOST_CONSTANTS, "weights")
    for tensor in chosen:
        role: Role = "constant" if tensor.constant else "computed" if tensor.index in computed else "input"
        place = aligned(len(constants) if tensor.constant else values)
        placed[tensor.index] = one = _tensor(tensor, role, place)
        if tensor.constant:
            constants += bytes(place - len(constants)) + constant_data(graph, tensor)
        else:
            values = place + one.bytes
            _require_size(graph, values, MOST_VALUES, "values")
    return placed, values, bytes(constants)


def _tensor(tensor: Tensor, role: Role, place: int) -> PlacedTensor:
    scaling = tensor.quantization
    return PlacedTensor(
        index=tensor.index,
        name=tensor.name,
        type=tensor.type,
        shape=tensor.shape,
        role=role,
        scales=scaling.scales if scaling else (),
        zero_point=scaling.zero_points[0] if scaling else 0,
        place=place,
    )


def _require_input(graph: ModelGraph, tensor: Tensor) -> None:
    if tensor.constant:
        raise KerasCnnError(f"{graph.path}: input {tensor.index} is a constant: the file is damaged.")
    if tensor.type not in LIMITS:
        raise TargetError(
            f"{graph.path}: input {tensor.index} is {tensor.type}; supported is {' or '.join(LIMITS)}."
        )
    if any(side < 1 for side in tensor.shape):
        raise TargetError(f"{graph.path}: input {tensor.index} of shape {tensor.shape} is not supported.")


def _require_outputs(graph: ModelGraph, tensors: dict[int, PlacedTensor]) -> None:
    subgraph = graph.subgraphs[0]
    there = {index for index, tensor in tensors.items() if tensor.role != "constant"}
    if missing := [index for index in subgraph.outputs if index not in there]:
        raise KerasCnnError(f"{graph.path}: no operator computes output {missing[0]}: the file is damaged.")


def _require_size(graph: ModelGraph, size: int, most: int, what: str) -> None:
    if size > most:
        needed, supported = size / 2**20, most / 2**20
        raise TargetError(
            f"{graph.path} needs {needed:,.0f} MiB for its {what}; at most {supported:,.0f} are supported."
        )
